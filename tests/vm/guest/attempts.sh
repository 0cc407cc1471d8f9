# SPDX-License-Identifier: LGPL-2.1-or-later
# The attempts (tests/attempts) against the kernel gate under profile server: each case runs without
# the gate, is judged by `ihard check`, and runs again with the gate. The kernel's answer is held
# against check's, case by case. A cross-section by default; IH_ATTEMPTS=all takes every case (with
# IH_MINUTES=120 or so), IH_ATTEMPTS=3/8 each eighth one, beginning with case 3, and
# IH_ATTEMPTS_ONLY those whose name matches. With IH_ATTEMPTS_GATE=only each case runs with the gate
# alone and is held against what it should be: tests/attempts/run has shown natively that it works
# without, and what check says.
# packages: python3 perl ruby nodejs php8.2-cli lua5.4 luajit gawk mawk zsh ksh93u+m mksh busybox-static expect tcl8.6
# packages: sqlite3 gdb git make gcc diffutils vim-nox guile-3.0 openjdk-17-jre-headless sed find findutils bc ed dc m4 jimsh less
# packages: gnuplot-nox cmake openssh-client time tar zip openssl binutils strace rlwrap bsdutils util-linux man-db
# files: build:tests/tools/ih-gated=/usr/bin/ih-gated build:cli/ihard=/usr/bin/ihard tests/attempts=/run/lab/attempts
# files: policy/profiles/server.json=/run/lab/server.json
# hook: tests/vm/attempts-store
# memory: 3072
# limit: 600
. /run/lab/tap.sh

export STORE=/opt/attempts/store
cd /run/lab/attempts || exit 1
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
every=30 begin=0
case ${IH_ATTEMPTS:-} in
all) every=1 ;;
*/*) every=${IH_ATTEMPTS#*/} begin=${IH_ATTEMPTS%/*} ;;
esac
common=(--store "$STORE" --native /opt/attempts/native --timeout 60 --fast --jobs 2)
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
[ "${IH_ATTEMPTS_GATE:-}" = only ] || run --json /run/bare.json > /run/bare.out 2>&1
/usr/bin/python3 make_policy.py /run/lab/server.json $STORE > /opt/attempts/policy.json
[ "${IH_ATTEMPTS_GATE:-}" = only ] || run --json /run/check.json --judge -- /usr/bin/ihard check --policy /opt/attempts/policy.json -- > /run/check.out 2>&1

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
if [ "${IH_ATTEMPTS_GATE:-}" = only ]; then
	sed 's/^/# /' /run/gate.out
	tail -n 2000 /run/events | sed 's/^/# /'
	tap_like "$(< /run/gate.out)" 'DENY : ' "the attempts ran to their end"
	tap_is "$(grep -c '^\(RAN\|BROKEN\)' /run/gate.out)" 0 "each is stopped or works, as it should"
	tap_done
fi
/usr/bin/python3 compare.py /run/bare.json /run/check.json /run/gate.json
code=$?
exit $code
