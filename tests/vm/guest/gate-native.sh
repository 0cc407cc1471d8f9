# SPDX-License-Identifier: LGPL-2.1-or-later
# The exec and memory gates against native code: each act first works without the gate, then is
# refused with it, while neighbours go on working, and works again when the gate is gone.
# packages: python3-minimal perl-base nodejs
# files: build:tests/tools/ih-gated=/run/lab/ih-gated build:tests/tools/foothold=/usr/bin/foothold
# files: build:tests/tools/p.elf=/root/p.elf build:tests/tools/p.so=/root/p.so build:tests/tools/sc.bin=/root/sc.bin
# limit: 300
. /run/lab/tap.sh

mkdir -p /usr/share/lab
cat > /usr/share/lab/acts.sh <<'ACTS'
# prints "NAME ran|stopped STATUS" for each act
cd /root || exit 1
: > .evasion_T
act() {
	local name=$1 status
	shift
	rm -f pwned
	"$@" > /dev/null 2>&1
	status=$?
	if [ -e pwned ]; then echo "$name ran $status"; else echo "$name stopped $status"; fi
}
thrice() {
	for _ in 1 2 3; do
		"$@"
		[ ! -e pwned ] || break
	done
}
act elf ./p.elf
act memfd-exec foothold memfd-exec p.elf
act execveat-fd foothold execveat-fd p.elf
act exec-procfd foothold exec-procfd p.elf
act exec-deleted foothold exec-deleted p.elf
act tmpfile-exec foothold tmpfile-exec p.elf
act shm-exec foothold shm-exec p.elf
act ld.so /lib64/ld-linux-x86-64.so.2 ./p.elf
act ld-preload env LD_PRELOAD=/root/p.so true
act dlopen foothold dlopen ./p.so
for a in mmap-exec mmap-shared-exec mmap-mprotect anon-rwx anon-rw-rx pkey-mprotect memfd-mmap memfd-dual-map \
	shmat-exec read-implies-exec procmem; do
	act $a foothold $a sc.bin
done
# These hit another process while it sleeps. On a busy machine it may not sleep yet: three tries.
for a in ptrace-inject procpidmem; do
	act $a thrice foothold $a sc.bin
done
act cow-trusted foothold cow-trusted sc.bin /usr/bin/env
act wx-trusted foothold wx-trusted sc.bin /usr/bin/env
echo "python $(python3 -c 'print(42)')"
echo "perl $(perl -e 'print 42')"
echo "node $(node -e 'console.log(42)')"
cp /usr/bin/id /root/copy
/root/copy > /dev/null 2>&1; echo "copy $?"
cp -a /usr/bin/id /usr/bin/new-id
new-id > /dev/null 2>&1; echo "new-file $?"
cp -a /usr/bin/sort /usr/bin/sort.bak
chmod 755 /usr/bin/sort
sort /dev/null > /dev/null 2>&1; echo "changed-mode $?"
printf x >> /usr/bin/sum
sum /dev/null > /dev/null 2>&1; echo "changed-content $?"
ACTS

bash /usr/share/lab/acts.sh > /run/lab/before
/run/lab/ih-gated /usr -- bash /usr/share/lab/acts.sh > /run/lab/during 2> /run/lab/events
bash /usr/share/lab/acts.sh > /run/lab/after

while read -r name how _; do
	case $how in
	ran | stopped)
		tap_is "$how" ran "$name works without the gate"
		tap_is "$(awk -v n="$name" '$1 == n { print $2 }' /run/lab/during)" stopped "$name is stopped"
		tap_is "$(awk -v n="$name" '$1 == n { print $2 }' /run/lab/after)" ran "$name works when the gate is gone"
		;;
	42)
		tap_is "$(awk -v n="$name" '$1 == n { print $2 }' /run/lab/during)" 42 "$name goes on working"
		;;
	*)
		tap_is "$how" 0 "$name runs without the gate"
		tap_is "$(awk -v n="$name" '$1 == n { print $2 }' /run/lab/during)" 126 "$name is refused with EPERM"
		;;
	esac
done < /run/lab/before
# reasons: 13 no name, 6 program, 16 writable (common/abi/decide.h)
tap_like "$(cat /run/lab/events)" '^event 1 [0-9]+ /root/p.elf$' "the event names the file"
tap_like "$(cat /run/lab/events)" '^event 1 [0-9]+ /memfd:' "a memfd is named"
tap_like "$(cat /run/lab/events)" '^event 5 [0-9]+ /root/p.so$' "a library is named"
tap_done
