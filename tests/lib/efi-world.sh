# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# An EFI machine made of directories: a place for boot partitions and a place for the loader's variables.
# Source it.
#
#   efi_var DIR NAME TEXT        sets a variable of the loader's (attributes, then UTF-16LE)
#   efi_unset DIR NAME
#   efi_world VARS CMD…          runs CMD where the machine seems booted by EFI with these variables,
#                                outside any container; needs root, exit status 77 when it cannot
#   systemd_boot_programs DIR    unpacks Debian's systemd-boot (never installs it: that would write
#                                to the ESP of this machine); exit status 1 when it cannot be had

efi_guid=4a67b082-0a4c-41cf-b6c7-440b29bb8c4f

efi_var() {
	{
		printf '\006\000\000\000'
		printf '%s' "$3" | iconv -f UTF-8 -t UTF-16LE
		printf '\000\000'
	} >"$1/$2-$efi_guid"
}

efi_unset() {
	rm -f "$1/$2-$efi_guid"
}

efi_world() {
	local vars=$1
	shift
	[ "$(id -u)" -eq 0 ] && [ -d /sys/firmware ] || return 77
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --pid --fork --propagation private bash -c '
		vars=$1 cwd=$PWD
		shift
		root=$(mktemp -d)
		trap "rmdir $root" EXIT
		mount -t tmpfs tmpfs "$root" || exit 77
		for d in /*; do
			if [ -L "$d" ]; then
				cp -P "$d" "$root$d"
			elif [ -d "$d" ] && [ "$d" != /proc ]; then
				mkdir "$root$d"
				mount --rbind "$d" "$root$d"
			fi
		done
		mkdir -p "$root/proc"
		mount -t proc proc "$root/proc" || exit 77
		mount -t tmpfs tmpfs "$root/sys/firmware" || exit 77
		mkdir -p "$root/sys/firmware/efi/efivars"
		mount --bind "$vars" "$root/sys/firmware/efi/efivars"
		cd "$root"
		env -u container chroot "$root" sh -c "cd \"\$1\" && shift && exec \"\$@\"" sh "$cwd" "$@"
		status=$?
		cd /
		umount -R "$root"
		exit $status
	' efi_world "$vars" "$@"
}

systemd_boot_programs() {
	local cache=${XDG_CACHE_HOME:-$HOME/.cache}/ihard-test
	if [ ! -x "$cache/systemd-boot/lib/systemd/systemd-bless-boot" ]; then
		mkdir -p "$cache" || return 1
		(
			set -e
			part=$(mktemp -d "$cache/part.XXXXXX")
			trap 'rm -rf "$part"' EXIT
			cd "$part"
			apt-get download systemd-boot
			dpkg-deb -x systemd-boot_*.deb tree
			rm -rf "$cache/systemd-boot"
			mv tree "$cache/systemd-boot"
		) >/dev/null 2>&1 || return 1
	fi
	ln -sfn "$cache/systemd-boot" "$1"
}
