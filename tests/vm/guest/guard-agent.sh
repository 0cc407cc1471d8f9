# SPDX-License-Identifier: LGPL-2.1-or-later
# The agent: it starts, enforces, says what was refused, reloads, is replaced and killed without a
# gap, and is unloaded. Each act works before, is refused meanwhile, and works again afterwards. What
# is found out under enforcement goes to files and is judged when the gates are open: this shell ran
# before there were gates, so that awk and sed with their programs on the command line are refused.
# packages: python3-minimal perl-base
# files: build:cli/ihard-guard=/usr/sbin/ihard-guard build:cli/ihard=/usr/bin/ihard build:cli/ihard-verbs=/usr/bin/ihard-verbs
# files: policy/profiles/server.json=/etc/ihard/policy.json
# limit: 280
. /run/lab/tap.sh
trap 'rm -rf /sys/fs/bpf/ihard' EXIT # should the test end early: a closed machine cannot tell

echo 'echo ok' > /usr/bin/lab-script
echo 'print(1)' > /usr/bin/lab-python
cp /usr/bin/id /root/program
chmod 755 /usr/bin/lab-script /root/program
mkdir /run/out
policy=$(< /etc/ihard/policy.json)

acts() {
	/root/program > /dev/null 2>&1; echo "program $?"
	/usr/bin/env bash -c 'echo ok' > /dev/null 2>&1; echo "inline $?"
	/usr/bin/id > /dev/null 2>&1; echo "id $?"
	bash /usr/bin/lab-script > /dev/null 2>&1; echo "script $?"
	python3 /usr/bin/lab-python > /dev/null 2>&1; echo "python $?"
}
got() { awk -v n="$2" '$1 == n { print $2 }' "/run/out/$1"; }

# guard LOG: starts one and waits until it enforces
guard() {
	/usr/sbin/ihard-guard --verbose --metrics /run/out/metrics.prom 2> "$1" &
	pid=$!
	for _ in $(seq 600); do
		grep -q ' by BPF' "$1" && return
		kill -0 $pid 2> /dev/null || return
		sleep 0.3
	done
}

# try: once what nobody vouches for; to be called while guards change places
try() {
	/root/program > /dev/null 2>&1 && echo "it ran" >> /run/out/gap
	tries=$((tries + 1))
}
tries=0

acts > /run/out/before
guard /run/out/log1
first=$pid
acts > /run/out/during
ihard guard status --json > /run/out/status; echo "status $?" >> /run/out/verbs
ihard guard status > /run/out/status.txt
ihard guard metrics > /run/out/metrics; echo "metrics $?" >> /run/out/verbs
ihard events --reason program > /run/out/events; echo "events $?" >> /run/out/verbs
ihard events --json --act arguments > /run/out/events.json
ihard guard frobnicate 2> /dev/null; echo "frobnicate $?" >> /run/out/verbs
setpriv --reuid 1000 --regid 1000 --clear-groups ihard guard status 2> /run/out/user; echo "user $?" >> /run/out/verbs
(ihard events --follow --lines 1 > /run/out/follow) &
follow=$!

# a new file in a tree, in place before it is wanted; a library in a program's way
cp /usr/bin/id /usr/bin/lab-new; /usr/bin/lab-new > /dev/null 2>&1; echo "new $?" >> /run/out/verbs
cp /usr/bin/id /usr/bin/lab-tmp; mv /usr/bin/lab-tmp /usr/bin/lab-moved
/usr/bin/lab-moved > /dev/null 2>&1; echo "moved $?" >> /run/out/verbs
chmod 777 /usr/bin/lab-moved; /usr/bin/lab-moved > /dev/null 2>&1; echo "writable $?" >> /run/out/verbs
chmod 755 /usr/bin/lab-moved; /usr/bin/lab-moved > /dev/null 2>&1; echo "mended $?" >> /run/out/verbs
printf x >> /usr/bin/lab-new; /usr/bin/lab-new > /dev/null 2>&1; echo "appended $?" >> /run/out/verbs

# reload: a policy that cannot be read changes nothing, another one is in force at once
echo '{ "version": 1, "rules": 7 }' > /etc/ihard/policy.json
ihard guard reload 2> /run/out/reload.bad; echo "bad-reload $?" >> /run/out/verbs
try
printf '%s\n' "${policy/\"enforce\": true/\"enforce\": false}" > /etc/ihard/policy.json
ihard guard reload; echo "audit-reload $?" >> /run/out/verbs
acts > /run/out/audit
printf '%s\n' "$policy" > /etc/ihard/policy.json
ihard guard reload; echo "reload $?" >> /run/out/verbs
acts > /run/out/reloaded
while [ ! -e /run/out/enough ]; do
	try
	echo $tries > /run/out/tries
done &
trier=$!
for _ in 1 2 3; do ihard guard reload || echo "again 1" >> /run/out/verbs; done
: > /run/out/enough
wait $trier

# another guard takes its place; both are killed; a third adopts what is there
guard /run/out/log2 &
starter=$!
while kill -0 $starter 2> /dev/null; do try; done
wait $starter
try
kill -KILL $first
ihard guard status --json > /run/out/second
read -r second < /run/out/second
second=${second##*\"pid\":}
second=${second%%,*}
try
kill -KILL "$second"
for _ in 1 2 3 4 5 6 7 8 9 10; do try; done
acts > /run/out/dead
cp /usr/bin/id /usr/bin/lab-unseen; /usr/bin/lab-unseen > /dev/null 2>&1; echo "unseen $?" >> /run/out/verbs
guard /run/out/log3
acts > /run/out/adopted
/usr/bin/lab-unseen > /dev/null 2>&1; echo "seen $?" >> /run/out/verbs
kill -KILL $follow 2> /dev/null
ihard guard unload; echo "unload $?" >> /run/out/verbs
wait $pid; echo "end $?" >> /run/out/verbs
acts > /run/out/after
ls /sys/fs/bpf > /run/out/pins

cat /run/out/log1 /run/out/log3 >&2
tap_like "$(cat /run/out/log1)" 'enforces by BPF security module programs' "the guard enforces"
for name in program inline id script python; do
	tap_is "$(got before $name)" 0 "$name works without the guard"
	tap_is "$(got audit $name)" 0 "$name works when the policy only reports"
	tap_is "$(got after $name)" 0 "$name works when the guard is unloaded"
done
for phase in during reloaded dead adopted; do
	tap_is "$(got $phase program)" 126 "$phase: a program that nobody vouches for is refused"
	tap_is "$(got $phase inline)" 137 "$phase: inline code is killed"
	for name in id script python; do
		tap_is "$(got $phase $name)" 0 "$phase: $name goes on working"
	done
done
for verb in status metrics events audit-reload reload unload end; do
	tap_is "$(got verbs $verb)" 0 "$verb: done"
done
tap_is "$(got verbs frobnicate)" 2 "an unknown request is refused"
tap_is "$(got verbs user)" 125 "a user who is not root may not ask"
tap_is "$(got verbs bad-reload)" 1 "a policy that cannot be read is refused"
tap_like "$(cat /run/out/reload.bad)" "policy.json: line 1: " "and the reason named"
tap_is "$(got verbs new)" 0 "a new file in a tree runs, and its caller need not try twice"
tap_is "$(got verbs moved)" 0 "a file that was moved into place runs"
tap_is "$(got verbs writable)" 126 "not when others can write it"
tap_is "$(got verbs mended)" 0 "again when only root can"
tap_is "$(got verbs appended)" 0 "one that root changed is looked at again"
tap_is "$(got verbs unseen)" 126 "what appears when no guard lives is refused"
tap_is "$(got verbs seen)" 0 "and runs with the next guard"
tap_is "$(cat /run/out/gap 2> /dev/null)" "" "no gap in $tries tries while guards changed places, $(cat /run/out/tries) while policies did"
tap_is "$(got verbs again)" "" "the policy can be loaded again and again"
tap_is "$(cat /run/out/pins)" "" "nothing is left in bpffs"
tap_like "$(cat /run/out/log3)" 'in place of the guard before' "the third guard adopted the gates"
tap_like "$(cat /run/out/status)" '"backend":"bpf".*"enforces":true' "status as JSON"
tap_like "$(cat /run/out/status.txt)" '^enforces$' "status for people"
tap_like "$(cat /run/out/metrics)" '^ihard_guard_denials_total\{reason="inline"\} [1-9]' "denials by reason"
tap_like "$(cat /run/out/metrics.prom)" '^ihard_guard_enforcing 1' "the textfile"
tap_like "$(cat /run/out/events)" "denied .*bash.*'/root/program' may not be executed" "events in sentences"
tap_like "$(cat /run/out/events.json)" '"reason":"inline"' "events as JSON"
tap_like "$(cat /run/out/follow)" '/root/program' "events as they happen"
tap_like "$(cat /run/out/log1)" "'/root/program' may not be executed" "--verbose says it, too"
tap_done
