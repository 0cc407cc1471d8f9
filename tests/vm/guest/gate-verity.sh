# SPDX-License-Identifier: LGPL-2.1-or-later
# Files under fs-verity are bound by what the kernel measures of them. On a disk that lies still the
# contents of two files are exchanged so that inode, size, change time and fs-verity itself all stay
# good. Without the gate the one runs as the other; with it neither runs, and their neighbour does.
# packages: python3 e2fsprogs
# files: build:tests/tools/ih-gated=/usr/bin/ih-gated
# limit: 240
. /run/lab/tap.sh

line=$(uname -r | cut -d. -f1,2)
if [ "$line" = 6.1 ]; then
	echo "1..0 # SKIP Linux $line does not tell security programs what a file measures"
	exit 77
fi

cat > /run/lab/exchange.py <<'X'
import re, subprocess, sys
image, names = sys.argv[1], sys.argv[2:]
places = []
for name in names:
    said = subprocess.run(["/usr/sbin/debugfs", "-R", f"imap /tree/{name}", image], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, universal_newlines=True).stdout
    block, offset = re.search(r"located at block (\d+), offset 0x([0-9a-f]+)", said).groups()
    places.append(int(block) * 4096 + int(offset, 16) + 40)  # i_block: where the contents lie
with open(image, "r+b") as f:
    blocks = []
    for place in places:
        f.seek(place)
        blocks.append(f.read(60))
    for place, other in zip(places, reversed(blocks)):
        f.seek(place)
        f.write(other)
X
cat > /run/lab/freeze.py <<'X'
import fcntl, os, struct, sys
for path in sys.argv[1:]:
    fd = os.open(path, os.O_RDONLY)
    fcntl.ioctl(fd, 0x40806685, struct.pack("<IIIIQIIQ", 1, 1, 4096, 0, 0, 0, 0, 0) + bytes(88))  # FS_IOC_ENABLE_VERITY
    os.close(fd)
X

T=/mnt/tree
truncate -s 16M /img
mke2fs -q -F -t ext4 -b 4096 -O verity,^metadata_csum /img
mount -o loop /img /mnt
mkdir $T
for n in one two all; do
	printf '#!/bin/sh\necho %s\n' $n > $T/$n
	echo "print('$n')" > $T/$n.py
	cp /usr/bin/echo $T/$n.elf
	echo $n >> $T/$n.elf # behind all that is loaded
	cp $T/$n.elf $T/$n.map
	chmod 755 $T/$n
done
/usr/bin/python3 /run/lab/freeze.py $T/*
umount /mnt
cp /img /img.exchanged
for kind in "" .py .elf .map; do
	/usr/bin/python3 /run/lab/exchange.py /img.exchanged one$kind two$kind
done

cat > /run/lab/acts.sh <<'X'
for n in one two all; do
	echo "$n script $($T/$n 2> /dev/null)"
	echo "$n python $(/usr/bin/python3 $T/$n.py 2> /dev/null)"
	echo "$n program $($T/$n.elf runs 2> /dev/null)"
	echo "$n mapped $(/lib64/ld-linux-x86-64.so.2 $T/$n.map runs 2> /dev/null)"
done
X
# acts IMAGE NAME: NAME is what they print, NAME.who what the gate can tell of the files by their inodes
acts() {
	mount -o loop "$1" /mnt
	stat -c '%n %d %i %s %Z' $T/* > "/run/$2.who"
	# shellcheck disable=SC1091
	. /run/lab/acts.sh > "/run/$2"
	umount /mnt
}

acts /img.exchanged without
mount -o loop /img /mnt
/usr/bin/ih-gated --log /run/events /usr $T -- sleep 1000 > /run/gated.out 2>&1 &
until grep -q attached /run/gated.out; do sleep 0.1; done
umount /mnt
acts /img good
acts /img.exchanged exchanged
acts /img again
pkill -x sleep
wait

said() { sed -n "s/^$1 $2 //p" "/run/$3"; }
tap_is "$(cat /run/exchanged.who)" "$(cat /run/good.who)" "inodes, sizes and change times are those of the files that were looked at"
tap_is "$(said one script without)" two "without the gate the one script runs as the other"
tap_is "$(said one python without)" two "and so does a file that an interpreter opens"
for kind in script python program mapped; do
	wanted=runs neighbour=runs
	case $kind in script | python) wanted=one neighbour=all ;; esac
	tap_is "$(said one $kind good)" "$wanted" "$kind: it runs as it was looked at"
	tap_is "$(said one $kind exchanged)$(said two $kind exchanged)" "" "$kind: neither runs when their contents were exchanged"
	tap_is "$(said all $kind exchanged)" "$neighbour" "$kind: their neighbour runs"
	tap_is "$(said one $kind again)" "" "$kind: what was taken back stays so until the guard has looked again"
done
tap_like "$(cat /run/events)" '^event 1 6 /mnt/tree/one ' "the exec gate says which"
tap_like "$(cat /run/events)" '^event 5 6 /mnt/tree/one.map ' "the memory gate does, too"
tap_like "$(cat /run/events)" '^event 4 7 /mnt/tree/one.py ' "and so does the code-open gate"
tap_done
