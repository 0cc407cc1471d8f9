#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The root of a machine that boots from a store alone, made and signed by real Nix: two systems, whose
# init is a script of the store, and objects of every kind. Beside it what real Nix says of them.
#   stage2-store.sh ROOT [BUSYBOX]
# As the hook of a guest's test, without BUSYBOX, the store comes to lie in ROOT/lab-store. Leaves ROOT (to
# be made an image of), ROOT.key (the public key), ROOT.systems (two store paths), ROOT.hashes ("system path
# hash" of all objects, sorted) and ROOT.keys (key pairs).
set -eu
cd "$(dirname "$0")"
# shellcheck source=tests/lib/nix-store.sh
. ../lib/nix-store.sh
root=$1
busybox=${2:-/bin/busybox}
[ $# = 2 ] || root=$1/lab-store
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

nix_store_new "$root" >/dev/null 2>&1
mkdir -p "$root"/{proc,sys,dev,run,tmp,sysroot} "$work"/{busybox/bin,lib/deep/er,tool,wide}
cp "$busybox" "$work/busybox/bin/busybox"
chmod 0755 "$work/busybox/bin/busybox"
ln -s busybox "$work/busybox/bin/sh"
for i in $(seq 1 40); do printf 'library %s of the system\n' "$i" >"$work/lib/f$i"; done
printf 'far down\n' >"$work/lib/deep/er/file"
printf 'one file, no directory\n' >"$work/single"
head -c 300000 /dev/zero | tr '\0' 'z' >"$work/wide/large"
: >"$work/wide/empty"

box=$(nix_store_path busybox)
lib=$(nix_store_path lib)
ln -s "$lib/deep" "$work/link"
printf '#!%s/bin/sh\necho a tool\n' "$box" >"$work/tool/tool"
chmod 0755 "$work/tool/tool"
for name in busybox lib single wide; do nix_store_put "$root" $name "$work/$name"; done >/dev/null 2>&1
{
	nix_store_put "$root" link "$work/link" "$lib"
	nix_store_put "$root" tool "$work/tool" "$box"
} >/dev/null 2>&1

# What the system's first process does: say that it runs, show what stage 2 left, end the machine.
for n in 1 2; do
	mkdir "$work/sys$n"
	cat >"$work/sys$n/init" <<INIT
#!$box/bin/sh
B=$box/bin/busybox
say() { echo "LAB: \$*" >/dev/console; }
say "system $n runs"
[ -d /proc/self ] || \$B mount -t proc proc /proc
[ -d /sys/class ] || \$B mount -t sysfs sysfs /sys
[ -e /run/ihard/measured ] && say "measured: \$(\$B cat /run/ihard/measured)"
[ -e /run/ihard/verified ] && say "set: \$(\$B stat -c '%a %s' /run/ihard/verified)"
for p in /sys/class/tpm/tpm0/pcr-*/13; do [ -e \$p ] && say "pcr: \$p \$(\$B cat \$p)"; done
echo "LAB-RC=0" >/dev/console
\$B sync
\$B poweroff -f
INIT
	chmod 0755 "$work/sys$n/init"
	ln -s "$lib" "$work/sys$n/lib"
done
refs="$box $lib $(nix_store_path single) $(nix_store_path wide) $(nix_store_path link) $(nix_store_path tool)"
printf 'only the second system has it\n' >"$work/second"
nix_store_put "$root" second "$work/second" >/dev/null 2>&1
# shellcheck disable=SC2086 # a list
{
	nix_store_put "$root" nixos-system-1 "$work/sys1" $refs
	nix_store_put "$root" nixos-system-2 "$work/sys2" $refs "$(nix_store_path second)"
} >/dev/null 2>&1
nix_store_key "$root" test-1 one
systems="$(nix_store_path nixos-system-1) $(nix_store_path nixos-system-2)"
# shellcheck disable=SC2046,SC2086 # lists
nix_store_sign "$root" one $(nix_store_closure "$root" "${systems#* }") "${systems% *}" >/dev/null 2>&1
nix_store_public "$root" one >"$root.key"
for s in $systems; do
	for p in $(nix_store_closure "$root" "$s" | LC_ALL=C sort); do
		printf '%s %s %s\n' "$s" "$p" "$(_nix_store "$root" -q --hash "$p" 2>/dev/null)"
	done
done >"$root.hashes"
printf '%s\n' "$systems" >"$root.systems"
rm -rf "${root:?}/etc" "$root.keys"
# what systemd asks for before it goes over to a root
mkdir "$root/etc"
printf 'NAME=lab\nID=lab\n' >"$root/etc/os-release"
mv "$root/keys" "$root.keys"
