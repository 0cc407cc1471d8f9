# SPDX-License-Identifier: LGPL-2.1-or-later
# The argument gate and the code-open gate: what an argv and an environment mean to an interpreter,
# and which files it opens for code, decided in the kernel by profile server. Each act works without the gate, is killed or refused with it, and neighbours
# go on working. The acts are started by this shell, which ran before there was a gate, so that
# nobody knows what it is: its provenance is "unverified".
# packages: python3-minimal perl-base nodejs gawk busybox-static
# files: build:tests/tools/ih-gated=/usr/bin/ih-gated
# limit: 240
. /run/lab/tap.sh

mkdir -p /usr/share/lab
echo 'print("ok")' > /usr/share/lab/ok.py
echo 'echo ok' > /usr/share/lab/ok.sh
echo 'print "ok\n";' > /usr/share/lab/ok.pl
chmod 755 /usr/share/lab/*

# Code that nobody vouches for, by names that tell nothing, and what trusted scripts do with data.
mkdir /run/lab/x /usr/share/lab/modules
cp /usr/share/lab/ok.py /run/lab/x/libc.so.6
cp /usr/share/lab/ok.pl /run/lab/x/Evil.pm
echo 1 >> /run/lab/x/Evil.pm
echo 'console.log("ok")' > /run/lab/x/evil
ln -s libc.so.6 /run/lab/x/link
echo ok > /run/lab/x/data
echo 'import evil' > /usr/share/lab/imports.py
echo 'print("ok")' > /run/lab/x/evil.py
echo 'use lib; eval { require Evil };' > /usr/share/lab/imports.pl
echo 'require("evil")' > /usr/share/lab/imports.js
echo 'console.log(require("fs").readFileSync("/run/lab/x/data", "utf8").trim())' > /usr/share/lab/reads.js
echo 'print(open("/run/lab/x/data").read().strip())' > /usr/share/lab/reads.py
echo 'open(my $f, "<", "/run/lab/x/data"); print <$f>;' > /usr/share/lab/reads.pl
ln -s /usr/share/lab/reads.js /usr/share/lab/reads

# One act a line: name, deny or allow, command for `env`, which hands on its caller's provenance.
cat > /run/lab/acts <<'ACTS'
python-c|deny|python3 -c print("ok")
python-cluster|deny|python3 -EsuBc print("ok")
python-W-value|deny|python3 -W -c -c print("ok")
python-attached|deny|python3 -cprint("ok")
bash-c|deny|bash -c echo${IFS}ok
bash-lc|deny|bash --norc -ec echo${IFS}ok
sh-o-c|deny|sh -o errexit -c echo${IFS}ok
perl-e|deny|perl -e print"ok"
perl-le|deny|perl -Mstrict -le print"ok"
perl-inject|deny|perl -MPOSIX;print"ok" /usr/share/lab/ok.pl
node-e|deny|node --no-warnings -e console.log("ok")
node-eval|deny|node --eval=console.log("ok")
gawk-system|deny|gawk BEGIN{system("echo${IFS}ok")}
busybox-sh|deny|busybox sh -c echo${IFS}ok
env-env|deny|env env A=1 sh -c echo${IFS}ok
timeout|deny|timeout 5 bash -c echo${IFS}ok
nice|deny|nice -n 5 python3 -c print("ok")
BASH_ENV|deny|BASH_ENV=$(echo${IFS}ok) bash /usr/share/lab/ok.sh
script-by-a-library's-name|deny|python3 /run/lab/x/libc.so.6
script-by-link|deny|python3 /run/lab/x/link
script-on-stdin-by-name|deny|python3 /proc/self/fd/9
PYTHONPATH|deny|PYTHONPATH=/run/lab/x python3 /usr/share/lab/imports.py
PERL5LIB|deny|PERL5LIB=/run/lab/x perl /usr/share/lab/imports.pl
perl-Mlib|deny|perl -Mlib=/run/lab/x /usr/share/lab/imports.pl
NODE_PATH|deny|NODE_PATH=/run/lab/x node /usr/share/lab/imports.js
ld.so-python-c|deny|/lib64/ld-linux-x86-64.so.2 /usr/bin/python3 -c print("ok")
ld.so-bash-c|deny|/lib64/ld-linux-x86-64.so.2 --inhibit-cache /usr/bin/bash --norc -c echo${IFS}ok
ld.so-script|deny|/lib64/ld-linux-x86-64.so.2 /usr/bin/python3 /run/lab/x/evil.py
ld.so-descriptor|deny|/lib64/ld-linux-x86-64.so.2 /usr/bin/python3 /proc/self/fd/9
ld.so-PYTHONPATH|deny|PYTHONPATH=/run/lab/x /lib64/ld-linux-x86-64.so.2 /usr/bin/python3 /usr/share/lab/imports.py
ld.so-env|deny|/lib64/ld-linux-x86-64.so.2 /usr/bin/env sh -c echo${IFS}ok
ld.so-argv0|deny|/lib64/ld-linux-x86-64.so.2 --argv0 -bash /usr/bin/bash /usr/share/lab/ok.sh
ld.so-native|allow|/lib64/ld-linux-x86-64.so.2 /usr/bin/echo ok
ld.so-python|allow|/lib64/ld-linux-x86-64.so.2 /usr/bin/python3 /usr/share/lab/ok.py -c x
ld.so-bash|allow|/lib64/ld-linux-x86-64.so.2 --inhibit-cache /usr/bin/bash --norc /usr/share/lab/ok.sh
ld.so-node|allow|/lib64/ld-linux-x86-64.so.2 /usr/bin/node /usr/share/lab/reads.js
NODE_PATH-in-a-tree|allow|NODE_PATH=/usr/share/lab/modules node /usr/share/lab/reads.js
node-by-link|allow|node /usr/share/lab/reads
python-data|allow|PYTHONPATH=/usr/share/lab/modules:/usr/share/lab python3 /usr/share/lab/reads.py
perl-data|allow|PERL5LIB=/usr/share/lab/modules perl /usr/share/lab/reads.pl
LUA-like|allow|A_VARIABLE=x bash /usr/share/lab/ok.sh
python-script|allow|python3 /usr/share/lab/ok.py
python-args|allow|python3 /usr/share/lab/ok.py -c print(1)
python-opts|allow|python3 -I -B -u -W ignore -X dev /usr/share/lab/ok.py
bash-script|allow|bash --norc -eu -o pipefail /usr/share/lab/ok.sh
sh-script|allow|sh /usr/share/lab/ok.sh
perl-script|allow|perl -w /usr/share/lab/ok.pl -e x
env-script|allow|env A=1 python3 /usr/share/lab/ok.py
busybox-script|allow|busybox sh /usr/share/lab/ok.sh
timeout-script|allow|timeout 5 perl /usr/share/lab/ok.pl
ACTS

cat > /run/lab/run.sh <<'RUN'
cd /tmp || exit 1
while IFS='|' read -r name want command; do
	# shellcheck disable=SC2086
	out=$(/usr/bin/env $command < /dev/null 2> /dev/null 9< /run/lab/x/evil.py)
	status=$?
	echo "$name|$status|$out"
done < /run/lab/acts
many=$(seq 3000)
# shellcheck disable=SC2086
echo "many|0|$(python3 /usr/share/lab/ok.py $many < /dev/null 2> /dev/null)"
long=$(printf '%0120000d' 0)
echo "long|0|$(python3 /usr/share/lab/ok.py $long < /dev/null 2> /dev/null)"
# shellcheck disable=SC2086
echo "ld.so-many|0|$(/lib64/ld-linux-x86-64.so.2 /usr/bin/python3 /usr/share/lab/ok.py $many < /dev/null 2> /dev/null)"
echo "ld.so-trusted-inline|0|$(perl /usr/share/lab/loads.pl 2> /dev/null)"
echo "ldd|0|$(ldd /usr/bin/python3 < /dev/null 2> /dev/null | grep -c 'libc\.so')"
echo "trusted-inline|0|$(perl /usr/share/lab/inline.pl 2> /dev/null)"
RUN
echo 'print `sh -c "echo ok"`;' > /usr/share/lab/inline.pl
echo 'print `/lib64/ld-linux-x86-64.so.2 /bin/sh -c "echo ok"`;' > /usr/share/lab/loads.pl

. /run/lab/run.sh > /run/lab/before
/usr/bin/ih-gated /usr -- sleep 1000 2> /run/lab/events &
while ! grep -q attached /run/lab/events; do sleep 0.1; done
. /run/lab/run.sh > /run/lab/during
pkill -x sleep
wait

field() { awk -F'|' -v n="$1" -v f="$2" '$1 == n { print $f }' "$3"; }
while IFS='|' read -r name want _; do
	case $want in
	deny)
		tap_like "$(field "$name" 3 /run/lab/before)" ok "$name works without the gate"
		tap_is "$(field "$name" 3 /run/lab/during)" "" "$name is refused"
		;;
	allow)
		tap_is "$(field "$name" 3 /run/lab/during)" ok "$name is allowed"
		;;
	esac
done < /run/lab/acts
tap_is "$(field many 3 /run/lab/during)" ok "3,000 arguments behind the script"
tap_is "$(field long 3 /run/lab/during)" ok "an argument of 120,000 bytes"
tap_is "$(field ld.so-many 3 /run/lab/during)" ok "3,000 arguments behind the script of what ld.so maps"
tap_is "$(field ld.so-trusted-inline 3 /run/lab/during)" ok "ld.so and inline code handed over by a trusted script"
tap_is "$(field ldd 3 /run/lab/during)" 1 "ldd of an interpreter"
tap_is "$(field trusted-inline 3 /run/lab/during)" ok "inline code handed over by a trusted script"
tap_like "$(cat /run/lab/events)" '^event 3 ' "the argument gate reports"
tap_like "$(cat /run/lab/events)" '^event 4 .*/run/lab/x/evil.py' "the code-open gate reports"
tap_done
