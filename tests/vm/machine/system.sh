#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The disk of a machine laid out as NixOS lays one out: a store that real Nix made and signed, all programs
# in it, two generations of the system in a profile, one of them with a specialisation. Not NixOS itself:
# the programs are those of installed Debian packages, as one store object.
#
#   system.sh ROOT USERLAND BUILD KERNEL INITRD SITE
#
# ROOT becomes the root of the disk; USERLAND is a folder with usr/ and etc/ of the packages; BUILD is
# ihard's build folder; SITE is a folder with what the machine is for. INITRD is the initrd without keys: what stage
# 2 trusts is put behind it here.
# Leaves beside ROOT: ROOT.key (the public key), and in ROOT/keys the secret one, which belongs to nobody
# on the machine.
set -eu
root=$1 userland=$2 build=$(realpath "$3") kernel=$4 initrd=$5 things=$6
cd "$(dirname "$0")"
# shellcheck source=tests/lib/nix-store.sh
. ../../lib/nix-store.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

nix_store_new "$root" >/dev/null 2>&1
nix_store_key "$root" machine-1 machine
nix_store_public "$root" machine >"$root.key"
base=$(nix_store_path userland)
ihard=$(nix_store_path ihard)
mkdir -p "$root"/{proc,sys,dev,run,tmp,root,home/user,var/lib/ihard,var/log,boot,etc,sysroot,nix/var/nix/profiles}
for link in bin sbin lib lib64; do ln -s "usr/$link" "$root/$link"; done
ln -s "$base/usr" "$root/usr"

# ihard, as an installation has it; /usr/local leads to it
DESTDIR=$work/destdir meson install -C "$build" --no-rebuild --quiet >/dev/null
mv "$work/destdir/usr/local" "$work/ihard"
strip --strip-debug "$work/ihard/bin/"* 2>/dev/null || true
mkdir -p "$work/userland"
cp -a "$userland/usr" "$work/userland/usr"
rm -rf "$work/userland/usr/local"
ln -s "$ihard" "$work/userland/usr/local"
nix_store_put "$root" ihard "$work/ihard" >/dev/null
nix_store_put "$root" userland "$work/userland" "$ihard" >/dev/null

# What the machine is for, and what an attacker may call of it
site=$(nix_store_path site)
nix_store_put "$root" site "$things" >/dev/null

# /etc, which every system has for itself
etc=$work/etc
mkdir -p "$etc/systemd/system/multi-user.target.wants" "$etc/ihard"
mkdir "$etc/pam.d"
for name in login su other; do
	printf '%s required pam_permit.so\n' auth account password session >"$etc/pam.d/$name"
done
for name in passwd group; do awk -F: '$3 < 1000' "$userland/etc/$name" >"$etc/$name"; done
for name in nsswitch.conf login.defs security profile bash.bashrc ld.so.cache alternatives terminfo ssl perl python3.11 php vim \
	java-17-openjdk; do
	[ ! -e "$userland/etc/$name" ] || cp -a "$userland/etc/$name" "$etc/"
done
echo 'user:x:1000:1000::/home/user:/bin/bash' >>"$etc/passwd"
echo 'user:x:1000:' >>"$etc/group"
printf 'root::19000:0:99999:7:::\nuser::19000:0:99999:7:::\n' >"$etc/shadow"
echo machine >"$etc/hostname"
echo '/dev/vdb /boot vfat iocharset=utf8,umask=0077,nofail 0 0' >"$etc/fstab"
sed "s|@key@|$(cat "$root.key")|" policy.json >"$etc/ihard/policy.json"
"$build/cli/ihard" policy compile --policy "$etc/ihard/policy.json" --output "$etc/ihard/policy.bin" >/dev/null
cp assess.json "$etc/ihard/assess.json"
ln -s "$site" "$etc/site"
cp -r units/* "$etc/systemd/system/"
for unit in $(cat enabled); do
	found=$(ls "$etc/systemd/system/$unit" "$work/ihard/lib/systemd/system/$unit" 2>/dev/null | head -1)
	[ -n "$found" ] || continue
	sed -n 's/^\(WantedBy\|RequiredBy\)=//p' "$found" | tr ' ' '\n' | while read -r target; do
		mkdir -p "$etc/systemd/system/$target.wants"
		ln -sf "${found/#$work\/ihard//usr/local}" "$etc/systemd/system/$target.wants/$unit"
		[ -L "$found" ] || [ "${found#"$etc"}" = "$found" ] || ln -sf "../$unit" "$etc/systemd/system/$target.wants/$unit"
	done
done
ln -sf /usr/lib/systemd/system/multi-user.target "$etc/systemd/system/default.target"
nix_store_put "$root" etc "$etc" "$base" "$ihard" "$site" >/dev/null

# The initrd: what stage 2 believes is part of what gets signed.
mkdir -p "$work/key/etc/ihard"
printf 'trusted-public-keys = %s\non-failure = reboot\nreboot-delay = 0\nseal = /var/lib/ihard/seals\n' "$(cat "$root.key")" >"$work/key/etc/ihard/stage2.conf"
mkdir "$work/boot"
cp "$kernel" "$work/boot/bzImage"
{
	cat "$initrd"
	(cd "$work/key" && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet | gzip -9n)
} >"$work/boot/initrd"
boot=$(nix_store_path boot)
nix_store_put "$root" boot "$work/boot" >/dev/null

# generation N TRIES-WORDS: a system, its bootspec, a place in the profile
spec() {
	printf '{"system":"x86_64-linux","label":"machine %s","kernel":"%s/bzImage","initrd":"%s/initrd",' "$1" "$boot" "$boot"
	printf '"kernelParams":["console=ttyS0","quiet","panic=-1","no_timer_check","systemd.show_status=false"%s],"init":"%s/init","toplevel":"%s"}' "$3" "$2" "$2"
}
generation() {
	local n=$1 name=system-$1 top debug
	top=$(nix_store_path "$name")
	debug=$top/specialisation/debug
	mkdir -p "$work/$name/specialisation/debug"
	[ "$n" = 1 ] || echo "what generation 1 does not have" >"$work/$name/new"
	for place in "$work/$name" "$work/$name/specialisation/debug"; do
		sed -e "1s|.*|#!$base/usr/bin/bash|" -e "s|@system@|$top|g" -e "s|@base@|$base|g" -e "s|@etc@|$(nix_store_path etc)|g" init >"$place/init"
		chmod 0755 "$place/init"
		ln -s "$(nix_store_path etc)" "$place/etc"
		ln -s "$base" "$place/sw"
		echo "machine-$n" >"$place/nixos-version"
	done
	printf '{"org.nixos.bootspec.v1":%s,"org.nixos.specialisation.v1":{"debug":{"org.nixos.bootspec.v1":%s}}}\n' \
		"$(spec "$n" "$top" '')" "$(spec "$n debug" "$debug" ',"systemd.log_level=debug"')" >"$work/$name/boot.json"
	nix_store_put "$root" "$name" "$work/$name" "$base" "$ihard" "$(nix_store_path etc)" "$boot" >/dev/null
	# shellcheck disable=SC2046 # a list
	nix_store_sign "$root" machine $(nix_store_closure "$root" "$top") >/dev/null 2>&1
	ln -s "$top" "$root/nix/var/nix/profiles/system-$n-link"
	ln -sfn "system-$n-link" "$root/nix/var/nix/profiles/system"
}
generation 1
generation 2
rm -rf "$root.keys"
mv "$root/keys" "$root.keys"
rm -rf "${root:?}/etc"
mkdir "$root/etc"
