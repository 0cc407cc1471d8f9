# SPDX-License-Identifier: LGPL-2.1-or-later
# Root against the gate while the lock is on: bpf(2), pins, modules, signals, tracing, raw disk,
# mounts over the store.
# packages: python3-minimal bpftool kmod
# files: build:tests/tools/ih-gated=/usr/bin/ih-gated
# limit: 120
. /run/lab/tap.sh

mkdir -p /usr/share/lab/store
cat > /usr/share/lab/mounts.sh <<'ACTS'
# prints "NAME STATUS" of each mount; those that succeed are taken away again
try() {
	local name=$1
	shift
	"$@" 2> /dev/null
	echo "$name $?"
}
over() { mount -t tmpfs none "$1" && umount "$1"; }
try mount-over over /usr/share/lab/store
try mount-above over /usr/share/lab
try mount-elsewhere over /mnt
try bind-itself mount --rbind /usr/share/lab/store /usr/share/lab/store
umount /usr/share/lab/store 2> /dev/null
try own-namespace unshare -m mount -t tmpfs none /usr/share/lab/store
mount --make-rshared /
try shared-namespace unshare -m --propagation unchanged mount -t tmpfs none /usr/share/lab/store
umount /usr/share/lab/store 2> /dev/null
mount --make-rprivate /
ACTS
cat > /usr/share/lab/acts.sh <<'ACTS'
guard=$PPID
bpftool prog show > /dev/null 2>&1; echo "bpf $?"
kill -0 $guard; echo "signal-0 $?"
kill -STOP $guard 2> /dev/null; echo "stop $?"
kill -KILL $guard 2> /dev/null; echo "kill $?"
touch /sys/fs/bpf/x 2> /dev/null
umount /sys/fs/bpf 2> /dev/null; echo "umount-bpffs $?"
python3 - $guard <<'P'
import sys
try:
    open(f"/proc/{sys.argv[1]}/mem", "r+b"); print("mem 0")
except OSError as e:
    print("mem", e.errno)
P
kill -0 $guard && echo "alive 0"
cp /usr/bin/id /root/copy; /root/copy > /dev/null 2>&1; echo "closed $?"
ACTS
bash /usr/share/lab/mounts.sh > /run/lab/before
echo '. /usr/share/lab/mounts.sh' >> /usr/share/lab/acts.sh
/usr/bin/ih-gated --lock --store /usr/share/lab/store /usr -- bash /usr/share/lab/acts.sh > /run/lab/during 2> /run/lab/events
got() { awk -v n="$1" '$1 == n { print $2 }' /run/lab/during; }
tap_is "$(got signal-0)" 0 "the guard can be looked at"
tap_is "$(got bpf)" 255 "root may not use bpf(2)"
tap_is "$(got stop)" 1 "root may not stop the guard"
tap_is "$(got kill)" 1 "root may not kill the guard"
tap_is "$(got umount-bpffs)" 32 "root may not unmount bpffs"
tap_like "$(got mem)" '^(1|13)$' "root may not write the guard's memory"
tap_is "$(got alive)" 0 "the guard lives"
tap_is "$(got closed)" 126 "and the gate is closed"
while read -r name status; do
	tap_is "$status" 0 "$name works without the gate"
	case $name in
	mount-elsewhere | bind-itself | own-namespace) tap_is "$(got "$name")" 0 "$name works with it" ;;
	*) tap_is "$(got "$name")" 32 "$name is refused" ;;
	esac
done < /run/lab/before
bpftool prog show > /dev/null 2>&1
tap_is $? 0 "bpf(2) works again without the gate"
tap_done
