# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What tools/test and tools/demo share: installing packages and configuring a build folder.

say() { printf '%s\n' "$*"; }
die() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

# packages KIND…: names in tools/packages that carry one of the kinds
packages() {
	awk -v kinds=" $* " '{ sub(/#.*/, "") } NF >= 2 && index(kinds, " " $2 " ") { print $1 }' tools/packages
}

missing_packages() {
	local p
	for p in $(packages "$@"); do
		case $(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null) in
		installed) ;;
		*) say "$p" ;;
		esac
	done
}

# install_packages KIND…: says first what it is about to install; needs root only when something is missing
install_packages() {
	local missing
	command -v dpkg-query >/dev/null || die "this is not Debian: install the counterparts of tools/packages by hand, then use meson directly"
	mapfile -t missing < <(missing_packages "$@")
	if [ ${#missing[@]} -eq 0 ]; then
		say "packages: all there, nothing is installed"
		return
	fi
	say "packages to install: ${missing[*]}"
	[ "$(id -u)" -eq 0 ] || die "only root can install them; run as root: apt-get install --no-install-recommends ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -q -o DPkg::Lock::Timeout=300 update >/dev/null || say "apt-get update failed; trying with the lists that are there"
	apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}" >/tmp/ihard-apt.$$ 2>&1 || {
		tail -n 20 /tmp/ihard-apt.$$ >&2
		rm -f /tmp/ihard-apt.$$
		die "apt-get could not install them"
	}
	rm -f /tmp/ihard-apt.$$
}

# build [--only TARGET] FOLDER [meson options]: configure once, then compile what changed
build() {
	local folder log target=all
	if [ "$1" = --only ]; then
		target=$2
		shift 2
	fi
	folder=$1
	shift
	log=$folder/tools-build.log
	if [ ! -f "$folder/build.ninja" ]; then
		say "configuring $folder"
		mkdir -p "$folder"
		meson setup "$folder" "$@" >"$log" 2>&1 || {
			tail -n 20 "$log" >&2
			die "meson setup failed"
		}
	fi
	say "building $folder"
	ninja -C "$folder" "$target" >"$log" 2>&1 || {
		grep -A8 -E 'FAILED|error' "$log" | head -n 40 >&2
		die "the build failed; everything it said is in $log"
	}
	if grep -q 'warning:' "$log"; then
		grep -A4 'warning:' "$log" | head -n 40
	fi
}
