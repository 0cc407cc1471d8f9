# SPDX-License-Identifier: LGPL-2.1-or-later
# Root against the guard, while the lock is on. Nothing opens the gates again, so everything here is
# judged in a machine that refuses what nobody vouches for: no awk, no sed, no code on command lines.
# IH_MINUTES: the long form, in which more than one guard is started, and so many minutes more for it.
# IH_FILES: how many distinct files are tried there (300,000 take 20 minutes or so).
# packages: python3 bpftool kmod
# files: build:cli/ihard-guard=/usr/sbin/ihard-guard build:cli/ihard=/usr/bin/ihard build:cli/ihard-verbs=/usr/bin/ihard-verbs
# files: build:tests/tools/ih-distinct=/usr/bin/ih-distinct tests/vm/guest/guard-root.py=/usr/share/lab/guard-root.py
# limit: 290
. /run/lab/tap.sh

cp /usr/bin/id /root/program
cp /usr/bin/id /root/module.ko
mkdir -p /root/other /etc/ihard
echo '{ "version": 1, "trust": [], "rules": [] }' > /root/policy.json

# at WHAT: when, for whoever wants to know what takes long
at() {
	local up
	read -r up _ < /proc/uptime
	echo "# $up s: $1"
}

# memory WHAT: of the guard, and of the kernel, whose maps and inodes are in it
memory() {
	local what n
	while read -r what n _; do
		[ "$what" != VmRSS: ] || echo "# $1: the guard has $n kB"
	done < /proc/$pid/status
	while read -r what n _; do
		case $what in
		MemAvailable: | Slab: | VmallocUsed:) echo "# $1: $what $n kB" ;;
		esac
	done < /proc/meminfo
}

# status COMMAND…: how it ends
status() {
	"$@" > /dev/null 2>&1
	echo $?
}
program() { status /root/program; }
guard() {
	/usr/sbin/ihard-guard "$@" 2> /run/guard.log &
	pid=$!
	for _ in $(seq 900); do
		grep -q ' by BPF' /run/guard.log && return
		kill -0 $pid 2> /dev/null || return
		sleep 0.3
	done
}

tap_is "$(program)" 0 "the program works without the guard"
tap_like "$(ih-distinct /root/other 2)" "^ran" "so does a file that was just made"
rm -f /root/other/*
tap_is "$(status insmod /root/module.ko)" 1 "a module that is none is no module"
tap_like "$(insmod /root/module.ko 2>&1)" 'Invalid module format' "because of what is in it"
tap_is "$(status dd if=/dev/null of=/dev/vda conv=notrunc)" 0 "the disk can be opened for writing"
tap_is "$(status bpftool prog show)" 0 "root uses bpf(2)"

sleep 1000 &
while read -r result name; do
	tap_run 1 "without the guard root may use: $name" expr "$result" : 'EPERM\|EACCES'
done <<< "$(python3 /usr/share/lab/guard-root.py $!)"
kill -KILL $!

if [ "${IH_MINUTES:-0}" != 0 ]; then
	at "too many files"
	# more files than there is room for: what is not in the table does not run; the gates open with the guard
	guard --profile server --files 500 --no-keep
	tap_is "$(program)" 126 "more files than room: the program is refused"
	kill -TERM $pid
	wait $pid
	tap_is "$(program)" 0 "the program works when a guard that keeps nothing is gone"
	tap_like "$(< /run/guard.log)" 'found no room' "the guard says how many files found no room"
fi

at "the lock"
guard --profile server --lock
tap_like "$(< /run/guard.log)" 'locked until the next boot' "the guard is locked"
tap_is "$(program)" 126 "the program is refused"
for signal in KILL STOP TERM SEGV; do
	tap_is "$(status kill -$signal $pid)" 1 "root may not send $signal to the guard"
done
tap_is "$(status kill -0 $pid)" 0 "the guard lives"
tap_is "$(status bpftool prog show)" 255 "root may not use bpf(2)"
tap_is "$(status rm -rf /sys/fs/bpf/ihard)" 1 "root may not remove the pins"
tap_is "$(status mv /sys/fs/bpf/ihard /sys/fs/bpf/x)" 1 "nor rename them"
tap_is "$(status umount /sys/fs/bpf)" 32 "nor unmount bpffs"
tap_is "$(status umount -l /sys/fs/bpf)" 32 "nor detach it"
tap_like "$(insmod /root/module.ko 2>&1)" 'not permitted' "root may not load a module that nobody vouches for"
tap_is "$(status dd if=/dev/null of=/dev/vda conv=notrunc)" 1 "root may not write the disk"
while read -r result name; do
	tap_like "$result" '^(EPERM|EACCES)$' "root may not use: $name"
done <<< "$(python3 /usr/share/lab/guard-root.py $pid)"
for act in signal bpf kernel device trace; do
	ihard events --json --act $act > /run/events
	tap_like "$(< /run/events)" '"enforced":true|"event":"denied"' "an event says so: $act"
done
mount --bind /root/program /usr/bin/sum 2> /dev/null
tap_is "$(/usr/bin/sum 2> /dev/null < /dev/null | grep uid)" "" "a program does not run by being mounted over a trusted one"
umount /usr/bin/sum 2> /dev/null
cp /usr/bin/id /root/other/id
mkdir -p /usr/share/place
mount --bind /root/other /usr/share/place
tap_is "$(status /usr/share/place/id)" 126 "nor in a folder that is mounted into a tree"
umount /usr/share/place
tap_is "$(PATH=/root/other:$PATH status id)" 126 "a program that comes first in PATH is refused"

tap_is "$(status ihard guard unload)" 1 "root may not unload"
tap_like "$(ihard guard unload 2>&1)" 'locked until the next boot' "and is told why"
cp /root/policy.json /etc/ihard/policy.json
tap_is "$(status ihard-guard --socket none --events none)" 125 "root's own policy in /etc does not count"
tap_is "$(status ihard-guard --policy /root/policy.json --socket none --events none)" 125 "nor start a guard with a policy of root's own"
tap_is "$(status ihard-guard --profile audit --socket none --events none)" 125 "nor with a profile that refuses nothing"
tap_is "$(status ihard-guard --profile server --interpreters /root --socket none --events none)" 125 "nor with grammars of root's own"

at "other times"
date -s '2001-01-01' > /dev/null
tap_is "$(program)" 126 "in another year the program is refused"
tap_is "$(status id)" 0 "and what is trusted goes on"
cp /root/program /usr/bin/lab-old
touch -r /usr/bin/id /usr/bin/lab-old
tap_is "$(status /usr/bin/lab-old)" 0 "a file of a tree is trusted, whatever its times are"
date -s '2030-01-01' > /dev/null
tap_is "$(program)" 126 "in the future, too"

at "a full ring"
# the ring holds some 3,000 events: frozen by its control group (no hook sees that) the guard reads none.
# What lies where the guard is asked waits meanwhile, so what tries was started before.
lost() {
	local line
	ihard guard metrics > /run/metrics
	while read -r line; do [ "${line% *}" = ihard_guard_events_lost_total ] && echo "${line#* }"; done < /run/metrics
}
tap_is "$(lost)" 0 "no event was lost yet"
mkdir -p /sys/fs/cgroup/guard /tmp/flood
echo $pid > /sys/fs/cgroup/guard/cgroup.procs
ih-distinct /tmp/flood 6000 /run/go > /run/flood &
flood=$!
until [ -s /run/flood ]; do sleep 0.1; done
echo 1 > /sys/fs/cgroup/guard/cgroup.freeze
: > /run/go
wait $flood
echo 0 > /sys/fs/cgroup/guard/cgroup.freeze
mapfile -t flooded < /run/flood
tap_is "${flooded[1]}" 6000 "the ring is full, and none of 6000 ran"
tap_is "$(program)" 126 "the program is refused"
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ "$(lost)" != 0 ] && break
	sleep 1
done
tap_is "$(($(lost) > 1000))" 1 "what was lost is counted"
ihard events --event lost > /run/events
tap_like "$(< /run/events)" 'lost' "and said"

at "a bomb"
# a bomb of forks, each of which tries; its control group bounds it, as that of a service does
mkdir /sys/fs/cgroup/bomb
echo +pids > /sys/fs/cgroup/cgroup.subtree_control
echo 300 > /sys/fs/cgroup/bomb/pids.max
bomb() {
	/root/program && echo ran
	bomb | bomb &
}
(
	echo $BASHPID > /sys/fs/cgroup/bomb/cgroup.procs
	bomb
) > /run/bomb 2> /dev/null
sleep 3
read -r n < /sys/fs/cgroup/bomb/pids.current
tap_is $((n > 100)) 1 "forks everywhere"
tap_is "$(program)" 126 "the program is refused"
tap_is "$(status id)" 0 "what is trusted goes on"
echo 1 > /sys/fs/cgroup/bomb/cgroup.kill
tap_is "$(< /run/bomb)" "" "nothing ran in the bomb"
tap_is "$(status kill -0 $pid)" 0 "the guard lives"
at "many files"
# on the disk, where the guard is asked about each, and where nobody asks it
n=${IH_FILES:-2000}
memory "before"
tap_is "$(ih-distinct /root/other $((n / 50)))" $((n / 50)) "none of $((n / 50)) distinct files on the disk ran"
tap_is "$(ih-distinct /tmp "$n")" "$n" "nor of $n in memory"
memory "after $n files"
tap_like "$(ihard guard status)" '^enforces$' "the guard enforces still"
ihard guard status >&2

at "its death"
# what is documented: the kernel kills by control group without asking anybody; the gates stay
echo 1 > /sys/fs/cgroup/guard/cgroup.kill
wait $pid 2> /dev/null
tap_is "$(status kill -0 $pid)" 1 "the kernel kills the guard by its control group"
tap_is "$(program)" 126 "and the gates stay closed"
tap_is "$(status id)" 0 "what is trusted goes on"
tap_is "$(status bpftool prog show)" 255 "root may not use bpf(2), still"
if [ "${IH_MINUTES:-0}" != 0 ]; then
	guard --profile audit
	tap_like "$(< /run/guard.log)" "the profile 'audit' is not taken" "the next guard is as strict as the last"
	guard --profile server
	tap_like "$(< /run/guard.log)" 'in place of the guard before' "one that is adopts the gates"
	tap_is "$(program)" 126 "the program is refused"
fi
at "the end"
tap_done
