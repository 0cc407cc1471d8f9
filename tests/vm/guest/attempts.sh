# SPDX-License-Identifier: LGPL-2.1-or-later
# The attempts (tests/attempts) against the kernel gate under profile server, row by row: what the
# kernel answers is held against `ihard check` and against what should be. tests/attempts/run bare
# has shown natively that each works without a guard; IH_ATTEMPTS_BARE=yes shows it here, too.
# A cross-section by default (attempts-core.sh is a short one); IH_ATTEMPTS=all takes every case (with IH_MINUTES=120 or so),
# IH_ATTEMPTS=3/8 each eighth one, beginning with case 3, and IH_ATTEMPTS_ONLY those whose name matches.
# packages: python3 perl ruby nodejs php-cli lua5.4 luajit gawk mawk zsh ksh93u+m mksh busybox-static expect tcl8.6
# packages: sqlite3 gdb git make gcc libc6-dev diffutils vim-nox guile-3.0 openjdk-17-jdk-headless sed findutils bc ed dc m4 jimsh less
# packages: gnuplot-nox cmake openssh-client time tar zip openssl binutils strace rlwrap bsdutils util-linux man-db
# packages: perl-doc python3-pip emacs-nox r-base-core sbcl valgrind rsync curl wget regina-rexx ltrace dbus-daemon fakeroot xxd apt patch xz-utils zstd gpg
# files: build:tests/tools/ih-gated=/usr/bin/ih-gated build:cli/ihard=/usr/bin/ihard build:cli/ihard-verbs=/usr/bin/ihard-verbs
# files: tests/attempts=/run/lab/attempts
# files: policy/profiles/server.json=/run/lab/server.json
# hook: tests/vm/attempts-store
# memory: 3072
# limit: 600
. /run/lab/tap.sh

export STORE=/opt/attempts/store
cd /run/lab/attempts || exit 1
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
[ -e /dev/stdin ] || ln -s /proc/self/fd/0 /dev/stdin
every=30 begin=0
case ${IH_ATTEMPTS:-} in
all) every=1 ;;
*/*) every=${IH_ATTEMPTS#*/} begin=${IH_ATTEMPTS%/*} ;;
esac
common=(--suite sample.jsonl --suite own.jsonl --store "$STORE" --native /opt/attempts/native --timeout 60 --fast --jobs 2)
if [ -n "${IH_ATTEMPTS_ONLY:-}" ]; then
	common+=(--only "$IH_ATTEMPTS_ONLY")
else
	common+=(--every "$every" --from "$begin")
fi

# Preparations that a case makes are trusted code's doing.
cat > /usr/bin/as-trusted <<'X'
#!/bin/sh
exec "$@"
X
chmod 755 /usr/bin/as-trusted

run() { /usr/bin/python3 run_attempts.py "${common[@]}" "$@"; }
bare=()
if [ "${IH_ATTEMPTS_BARE:-}" = yes ]; then
	run --json /run/bare.json > /run/bare.out 2>&1
	bare=(--bare /run/bare.json)
fi
/usr/bin/python3 make_policy.py /run/lab/server.json $STORE > /opt/attempts/policy.json
run --json /run/check.json --judge -- /usr/bin/ihard check --policy /opt/attempts/policy.json -- > /run/check.out 2>&1

cat > /run/lab/gate-on.sh <<'X'
cd /
trees=$(/usr/bin/python3 -c 'import json
for p in json.load(open("/opt/attempts/policy.json"))["trust"]:
    print(*p.get("trees", []), *p.get("code_trees", []))')
# shellcheck disable=SC2086
setsid /usr/bin/ih-gated --log /run/events $trees -- sleep 100000 > /run/gated.out 2>&1 < /dev/null &
until grep -q attached /run/gated.out; do sleep 0.2; done
X
# The runner lives from before the gate, so what it starts comes from nobody who is known.
EVASION_SETUP_PREFIX=/usr/bin/as-trusted run --json /run/gate.json --prepare 'bash /run/lab/gate-on.sh' > /run/gate.out 2>&1
pkill -x sleep
while pgrep -x ih-gated > /dev/null; do sleep 0.2; done
/usr/bin/python3 compare.py "${bare[@]}" /run/check.json /run/gate.json
code=$?
if [ $code != 0 ]; then
	tail -n 2000 /run/events | sed 's/^/# /'
	tail -n 5 /run/check.out /run/gate.out | sed 's/^/# /'
fi
exit $code
