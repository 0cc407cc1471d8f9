# SPDX-License-Identifier: LGPL-2.1-or-later
# Seals on every file system that can freeze, and on one that cannot: partial seals, what Nix added later,
# hard links, empty files, tampering with a disk that lies still, and what a sealed file is to a policy.
# packages: libssl3 libsodium23 libsqlite3-0 libjson-c5 libcap-ng0 libseccomp2 libtss2-esys-3.0.2-0 libtss2-tctildr0 libtss2-rc0 btrfs-progs f2fs-tools e2fsprogs python3-minimal
# files: build:cli/ihard=/usr/bin/ihard build:cli/ihard-verbs=/usr/bin/ihard-verbs build:bootchain/ihard-stage2=/usr/bin/ihard-stage2 build:tests/tools/ih-trust=/usr/bin/ih-trust
# hook: tests/vm/stage2-store.sh
# modules: btrfs f2fs
# limit: 500
# shellcheck disable=SC2034,SC2120,SC2154 # tap.sh sets tap_out and tap_err
. /run/lab/tap.sh
for m in /run/lab/modules/*; do /run/lab/busybox insmod "$m" 2>/dev/null; done
read -r one two </lab-store.systems
key=$(cat /lab-store.key)
S=/mnt
base=${one#/nix/store/}
seal=$S/seals/$base.seal
tool=$(grep -m1 -o '/nix/store/[^ ]*-tool' /lab-store.hashes)
lib=$(grep -m1 -o '/nix/store/[^ ]*-lib ' /lab-store.hashes)
lib=${lib% }
single=$(grep -m1 -o '/nix/store/[^ ]*-single' /lab-store.hashes)
second=$(grep -m1 -o '/nix/store/[^ ]*-second' /lab-store.hashes)
wide=$(grep -m1 -o '/nix/store/[^ ]*-wide' /lab-store.hashes)

seal() { # GENERATION FILE SYSTEM
	ihard seal --store $S --key /lab-store.keys/one.sec --trusted-public-keys "$key" --generation "$1" --output "$2" "$3"
}
check() { # SYSTEM
	ihard seal --store $S --check "$seal" --trusted-public-keys "$key" "$@"
}
stage2() { # SYSTEM LINE…
	local system=$1
	shift
	printf '%s\n' "trusted-public-keys = $key" "pcr = none" "seal = /seals" "$@" >/run/conf
	ihard-stage2 --config /run/conf --sysroot $S --init "$system/init" --state /run/state --dry-run
}
trust() {
	ih-trust --root $S --key "$key" --seal $S/seals "$@"
}
is_class() { # CLASS NAME ARGS…
	local class=$1 name=$2
	shift 2
	tap_out=$(trust "$@")
	tap_like "$tap_out" "^$class " "$fs: $name: $class"
}

fresh() { # FS: an empty one with the store on it
	umount $S 2>/dev/null
	rm -f /img
	truncate -s 128M /img
	case $1 in
	btrfs) mkfs.btrfs -q /img >/dev/null ;;
	f2fs) mkfs.f2fs -q -O extra_attr,verity,inode_checksum /img >/dev/null ;;
	ext4) mke2fs -q -F -t ext4 -b 4096 -O verity /img ;;
	tmpfs) mount -t tmpfs none $S; return ;;
	esac && mount -o loop -t "$1" /img $S
}
fill() {
	cp -a /lab-store/. $S/
	mkdir -p $S/seals
	# as an optimised store has it: one file in two objects
	rm "$S$lib/f1"
	cp -p /lab-store"$lib/f1" "$S/nix/store/.links/x"
	ln "$S/nix/store/.links/x" "$S$lib/f1"
}

on_any() {
	tap_run 0 "$fs: full verification" ihard verify --store $S --trusted-public-keys "$key" "$one" "$two"
	tap_run 0 "$fs: past the page cache" ihard verify --direct --store $S --trusted-public-keys "$key" "$one" "$two"
	tap_run 0 "$fs: a closure is sealed" seal 3 "$seal" "$one"
	tap_like "$tap_out" "; $1 of them are not frozen" "$fs: $1 objects are not frozen"
	tap_run 0 "$fs: it is what was sealed" check "$one"
}

on_frozen() {
	tap_like "$tap_out" " 0 bytes were read" "$fs: and nothing was read, hard links and empty files included"
	tap_run 0 "$fs: stage 2 by the seal" stage2 "$one" "require-seal = yes"
	tap_like "$tap_err" "objects, 0 MB" "$fs: reads nothing"

	# what Nix added later
	tap_run 0 "$fs: another system by this seal" check "$two"
	tap_like "$tap_out" "2 objects are not in the seal" "$fs: what is new is held to its signatures"
	tap_is "$(printf '%s' "$tap_out" | sed -n 's/.*; \([0-9]*\) bytes.*/\1/p' | awk '{ print ($1 > 0 && $1 < 8192) }')" 1 "$fs: and only that is read"
	tap_run 0 "$fs: stage 2 of the other system" stage2 "$two"
	tap_like "$tap_out" "by the newest seal of another system" "$fs: takes the seal of this one"
	tap_run 1 "$fs: unless its own is required" stage2 "$two" "require-seal = yes"
	chmod u+w "$S$second"
	printf O | dd of="$S$second" bs=1 conv=notrunc 2>/dev/null
	chmod 0444 "$S$second"
	tap_run 1 "$fs: a change to what is new" stage2 "$two"
	tap_like "$tap_err" "second' was modified" "$fs: is found"
	printf o | dd of="$S$second" bs=1 conv=notrunc 2>/dev/null
	chmod 4444 "$S$single"
	tap_run 1 "$fs: a mode of what is old" stage2 "$two"
	tap_like "$tap_err" "single' has mode 104444, sealed was 100444" "$fs: is found by the seal"
	chmod 0444 "$S$single"
	tap_run 0 "$fs: undone" stage2 "$two"

	# a policy's view
	is_class sealed "a script" "$S$tool/tool"
	tap_like "$tap_out" "is what 'test-1' sealed, generation 3" "$fs: and why is said"
	is_class sealed "a directory" "$S$lib"
	is_class sealed "an empty file" "$S$wide/empty"
	: >"$S$lib/evil"
	is_class untrusted "a file that was added" "$S$lib/evil"
	tap_like "$tap_out" "evil' was not there when it was sealed" "$fs: and why is said"
	is_class untrusted "the directory that it lies in" "$S$lib"
	is_class sealed "a file beside it" "$S$lib/f2"
	rm "$S$lib/evil"
	mv "$S$lib/f2" "$S$lib/x" && mv "$S$lib/f3" "$S$lib/f2" && mv "$S$lib/x" "$S$lib/f3"
	is_class untrusted "two files exchanged" "$S$lib/f2"
	tap_like "$tap_out" "has another fs-verity digest" "$fs: and why is said"
	mv "$S$lib/f2" "$S$lib/x" && mv "$S$lib/f3" "$S$lib/f2" && mv "$S$lib/x" "$S$lib/f3"
	chmod 0775 "$S$lib/deep"
	is_class untrusted "a file below a directory with another mode" "$S$lib/deep/er/file"
	chmod 0555 "$S$lib/deep"
	is_class sealed "undone" "$S$lib/deep/er/file"
	is_class untrusted "an object that was not sealed" "$S$second"
	is_class untrusted "below the floor" --floor 4 "$S$tool/tool"

	# optimised afterwards: an equal file takes the place of the frozen one
	cp -p "$S$lib/f5" "$S/x" && mv "$S/x" "$S$lib/f5"
	tap_run 0 "$fs: an equal file that is not frozen" check "$one"
	tap_is "$(printf '%s' "$tap_out" | grep -c ' 0 bytes were read')" 0 "$fs: makes its object be read"
	is_class verified "a file that had to be read" "$S$lib/f5"
	is_class sealed "a file beside it" "$S$lib/f6"
	chmod u+w "$S$lib/f5"
	printf L | dd of="$S$lib/f5" bs=1 conv=notrunc 2>/dev/null
	chmod 0444 "$S$lib/f5"
	tap_run 1 "$fs: and if it is not equal" check "$one"
	is_class untrusted "and if it is not equal" "$S$lib/f5"
	printf l | dd of="$S$lib/f5" bs=1 conv=notrunc 2>/dev/null
	tap_run 0 "$fs: sealed anew as generation 4" seal 4 "$seal" "$one"
	tap_run 0 "$fs: it is" check --generation 4 "$one"
	tap_like "$tap_out" " 0 bytes were read" "$fs: and nothing is read any more"
}

# The disk in somebody's hand: one bit of a file's data, which no metadata tells of.
offline() {
	umount $S
	python3 - <<'END'
with open("/img", "r+b") as f:
    at = f.read().find(b"z" * 8192)  # in the one large file
    f.seek(at)
    f.write(b"Z")
END
	mount -o loop -t "$fs" /img $S
	cat "$S$wide/large" >/dev/null 2>&1
	tap_is $? 1 "$fs: a bit that was changed on the disk is refused at the first read"
	cat "$S$lib/f2" >/dev/null
	tap_is $? 0 "$fs: and nothing else is"
}

for fs in ext4 btrfs f2fs; do
	grep -qw $fs /proc/filesystems || { tap_skip "$fs" "this kernel has none"; continue; }
	fresh $fs || { tap_ok 1 "$fs: made and mounted"; continue; }
	fill
	on_any 0
	on_frozen
	offline
done
fs=tmpfs
fresh tmpfs
fill
on_any 6 # a link has nothing to freeze
tap_like "$tap_out" " [1-9][0-9]* bytes were read" "$fs: where nothing can be frozen all is read, and that is said"
is_class verified "a script" "$S$tool/tool"
umount $S

# trees: the newest seal of one counts, so that an older one brings nothing back
fs=tree
mkdir -p /t /tree.d /seals
mount -o loop -t ext4 /img /t 2>/dev/null || { fresh ext4 && umount $S && mount -o loop -t ext4 /img /t; }
mkdir -p /t/tree/bin
printf '#!/bin/sh\necho 1\n' >/t/tree/bin/run
chmod 0755 /t/tree/bin/run
S=/
tree() { # GENERATION: seal the tree as it is
	ihard seal --tree --key /lab-store.keys/one.sec --generation "$1" --output "/seals/$1.seal" /t/tree
}
tap_run 0 "tree: sealed" tree 1
is_class sealed "a script" /t/tree/bin/run
printf '#!/bin/sh\necho 2\n' >/t/tree/bin/new
chmod 0755 /t/tree/bin/new
is_class untrusted "a new file" /t/tree/bin/new
tap_run 0 "tree: sealed again" tree 2
is_class sealed "the new file" /t/tree/bin/new
mv /t/tree/bin/new /t/aside
is_class sealed "what is left" /t/tree/bin/run
is_class untrusted "the directory, as it was in generation 1" /t/tree/bin
cp /seals/1.seal /t/1.seal
rm /seals/2.seal
is_class sealed "by the older seal" /t/tree/bin
is_class untrusted "unless there is a floor" --floor 2 /t/tree/bin
cp /t/tree/bin/run /t/x && mv /t/x /t/tree/bin/run
is_class untrusted "an equal file that is not frozen" /t/tree/bin/run
tap_like "$tap_out" "is not frozen by fs-verity any more" "tree: and why is said"
tap_done
