# SPDX-License-Identifier: LGPL-2.1-or-later
# A store that Nix made, sealed with fs-verity: it is verified without reading a file, and whatever is
# done to it afterwards is noticed.
# packages: libssl3 libsodium23 libsqlite3-0 libjson-c5 libcap-ng0 libseccomp2 libtss2-esys-3.0.2-0 libtss2-tctildr0 libtss2-rc0 attr
# files: build:cli/ihard=/usr/bin/ihard build:cli/ihard-verbs=/usr/bin/ihard-verbs build:bootchain/ihard-stage2=/usr/bin/ihard-stage2
# hook: tests/vm/seal-store.sh
# limit: 290
# shellcheck disable=SC2034,SC2120,SC2154 # tap.sh sets tap_out and tap_err
. /run/lab/tap.sh

S=/lab-store
top=$(cat $S/toplevel)
key=$(cat $S/key.pub)
seal=$S/seals/${top#/nix/store/}.seal
mkdir -p $S/seals

check() {
	ihard seal --store $S --check "$seal" --trusted-public-keys "$key" "$@" "$top"
}

# rchar CMD…: bytes that a command read, its libraries included
rchar() {
	sh -c '"$@" >/dev/null 2>&1; sed -n "s/^rchar: //p" /proc/$$/io' - "$@"
}

tap_run 0 "the store is good" ihard verify --store $S --trusted-public-keys "$key" "$top"
big=$(find $S/nix/store -type f -name run | LC_ALL=C sort | head -n 1)
mode=$(stat -c %a "$big")
before=$(rchar ihard verify --store $S --trusted-public-keys "$key" "$top")
# As on NixOS, where the store is read-only for everybody, root included.
mount --bind $S/nix/store $S/nix/store
mount -o remount,ro,bind $S/nix/store
tap_run 125 "a read-only store, and no right to a view of one's own" setpriv --bounding-set -sys_admin ihard seal --store $S \
	--key $S/key.sec --trusted-public-keys "$key" --generation 7 --output "$seal" "$top"
tap_like "$tap_err" "nix/store' is mounted read-only, and cannot be made writable" "says so"
tap_run 0 "a read-only store is sealed" ihard seal --store $S --key $S/key.sec --trusted-public-keys "$key" --generation 7 \
	--output "$seal" "$top"
tap_like "$tap_out" '; 0 of them are not frozen' "every object is frozen"
tap_run 1 "the store stayed read-only for others" touch $S/nix/store/x
umount $S/nix/store
sh -c "echo x >>'$big'" 2>/dev/null
tap_is $? 2 "a frozen file cannot be written, not by root"
tap_run 0 "it is what was sealed" check
tap_like "$tap_out" ' 0 bytes were read' "and no data was read"
tap_run 0 "full verification still says the same" ihard verify --store $S --trusted-public-keys "$key" "$top"
tap_run 1 "an older seal than the floor is refused" check --generation 8
tap_run 0 "the floor itself is not" check --generation 7
after=$(rchar ihard seal --store $S --check "$seal" --trusted-public-keys "$key" "$top")
data=$(find $S/nix/store -type f -exec cat {} + | wc -c)
tap_is "$((before >= data))" 1 "verifying read all of the data ($before bytes, the files have $data)"
tap_is "$((after < before - data + $(stat -c %s "$seal") + 65536))" 1 "the seal made that unnecessary ($after bytes)"
echo "# bytes read in all: verify $before, seal --check $after (the seal itself: $(stat -c %s "$seal"))"

# tamper NAME REGEX UNDO: what was done is noticed, and nothing is when it is undone
tamper() {
	tap_run 1 "$1" check
	tap_like "$tap_out" "$2" "$1: is named"
	eval "$3"
	tap_run 0 "$1: undone, it is good again" check
}
dir=$(dirname "$big")
link=$(find $S/nix/store -type l | LC_ALL=C sort | head -n 1)
target=$(readlink "$link")
other=$(find $S/nix/store -type f -name run | LC_ALL=C sort | sed -n 2p)
mv "$big" "$big.x"
tamper "a name" "run.x' was not there when it was sealed" 'mv "$big.x" "$big"'
mv "$big" $S/aside
mv "$other" "$big"
mv $S/aside "$other"
tamper "two files exchanged" "has (another fs-verity digest|[0-9]+ bytes, sealed were)" 'mv "$big" $S/aside; mv "$other" "$big"; mv $S/aside "$other"'
chmod 4555 "$big"
tamper "a set-user-id bit" 'has mode 104555, sealed was 100' 'chmod $mode "$big"'
chown 1000 "$big"
tamper "an owner" 'belongs to 1000:0, sealed was 0:0' 'chown 0 "$big"; chmod $mode "$big"'
ln -sfn /etc/passwd "$link"
tamper "a link" "leads to '/etc/passwd', sealed was" 'ln -sfn "$target" "$link"'
touch "$dir/evil"
tamper "a file added" "evil' was not there when it was sealed" 'rm "$dir/evil"'
mkfifo "$dir/fifo"
tamper "a FIFO added" "fifo'" 'rm "$dir/fifo"'
mv "$big" $S/aside
tamper "a file removed" "run' is missing" 'mv $S/aside "$big"'
setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 "$big"
tamper "file capabilities" 'has other file capabilities' 'setfattr -x security.capability "$big"'
mv "$big" $S/aside
cp -p $S/aside "$big"
tap_run 0 "an equal file that is not frozen" check
echo "$tap_out" | grep -q ' 0 bytes were read'
tap_is $? 1 "is read instead"
printf x | dd of="$big" bs=1 conv=notrunc 2>/dev/null
touch -d @1 "$big"
tamper "another file of the same size" "was modified: expected hash" 'mv $S/aside "$big"'

for at in 20 200 900; do
	cp "$seal" $S/saved
	chmod u+w "$seal"
	printf '\377' | dd of="$seal" bs=1 seek=$at conv=notrunc 2>/dev/null
	check >/dev/null 2>&1
	tap_is "$(($? != 0))" 1 "a seal that was changed at byte $at is refused"
	cp $S/saved "$seal"
done

printf 'trusted-public-keys = %s\nseal = /seals\nrequire-seal = yes\ngeneration-floor = 7\n' "$key" >$S/conf
tap_run 0 "stage 2 by the seal" ihard-stage2 --config $S/conf --sysroot $S --init "$top/init" --dry-run
tap_like "$tap_err" 'the system is what was signed' "says so"
tap_like "$tap_err" 'objects, 0 MB' "and read nothing"
chmod 0644 "$big"
tap_run 1 "stage 2 by the seal, one mode changed" ihard-stage2 --config $S/conf --sysroot $S --init "$top/init" --dry-run
tap_like "$tap_err" "run' has mode 100644" "names the file"
chmod $mode "$big"
sed -i 's/floor = 7/floor = 8/' $S/conf
tap_run 1 "stage 2 refuses an older generation" ihard-stage2 --config $S/conf --sysroot $S --init "$top/init" --dry-run
sed -i 's/require-seal = yes/require-seal = no/' $S/conf
tap_run 0 "or reads everything, as configured" ihard-stage2 --config $S/conf --sysroot $S --init "$top/init" --dry-run

mkdir -p /tree/a
cp /bin/true /tree/a/true
ln -s a/true /tree/t
tap_run 0 "a tree without Nix is sealed" ihard seal --tree --key $S/key.sec --generation 1 --output /tree.seal /tree
tap_run 0 "and checked" ihard seal --tree --check /tree.seal --trusted-public-keys "$key" /tree
mv /tree/a/true /tree/a/false
tap_run 1 "a renamed file in it" ihard seal --tree --check /tree.seal --trusted-public-keys "$key" /tree
tap_like "$tap_out" "a/true' is missing" "is named"
tap_done
