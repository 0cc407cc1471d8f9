#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ihard boot bless, bad, indeterminate, reset-tries on boot partitions made of directories; and the real
# systemd-bless-boot before it and behind it: whoever runs second finds the work done.
# usage: bless.sh IHARD
set -u
ihard=$1
here=$(dirname "$0")
# shellcheck source=tests/lib/tap.sh
. "$here/../lib/tap.sh"
# shellcheck source=tests/lib/efi-world.sh
. "$here/../lib/efi-world.sh"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
esp=$dir/esp vars=$dir/vars xbootldr=$dir/xbootldr
mkdir -p "$esp/loader/entries" "$esp/EFI/Linux" "$xbootldr/loader/entries" "$vars"
: >"$esp/k"
: >"$xbootldr/k"

# entry DIR NAME GENERATION
entry() {
	printf 'title Generation %s\nversion %s\nsort-key ihard\nlinux /k\noptions init=/gen-%s quiet\n' "$3" "$3" "$3" \
		>"$1/loader/entries/$2"
}

# state: the files of gen-2
files() {
	(cd "$1/loader/entries" && echo gen-2*)
}

reset() {
	rm -f "$esp"/loader/entries/* "$xbootldr"/loader/entries/*
	entry "$esp" gen-1.conf 1
	[ -z "${1-}" ] || entry "$esp" "$1" 2
	efi_var "$vars" LoaderInfo "systemd-boot 252.39"
	efi_var "$vars" LoaderEntrySelected "gen-2+3.conf"
	efi_var "$vars" LoaderBootCountPath '\loader\entries\gen-2+2-1.conf'
	echo "init=/gen-2 quiet" >"$dir/cmdline"
}

boot() {
	local verb=$1
	shift
	"$ihard" boot "$verb" --esp "$esp" --efivars "$vars" --history "$dir/history" "$@"
}

mark() {
	local verb=$1
	shift
	boot "$verb" --cmdline "$dir/cmdline" "$@"
}

reset gen-2+2-1.conf
tap_run 0 "status of a counted boot" boot status
tap_like "$tap_out" "^state +indeterminate" "is indeterminate"
tap_run 0 "bless" mark bless
tap_is "$(files "$esp")" "gen-2.conf" "takes the counter off"
tap_run 0 "status after that" boot status
tap_like "$tap_out" "^state +good" "is good"
tap_run 0 "bless again, as a switch or a soft reboot does" mark bless
tap_is "$tap_out" "'gen-2.conf' is so already" "has nothing to do"
tap_run 0 "bad after good" mark bad --reason "the network did not come up"
tap_is "$(files "$esp")" "gen-2+0-1.conf" "leaves no try"
tap_run 0 "status after that" boot status
tap_like "$tap_out" "^state +bad" "is bad"
tap_run 0 "what boots next" boot next
tap_like "$tap_out" "^gen-1.conf" "is the older generation"
tap_run 0 "indeterminate" mark indeterminate
tap_is "$(files "$esp")" "gen-2+2-1.conf" "goes back to what the loader wrote"
tap_run 0 "reset-tries" mark reset-tries --tries 5
tap_is "$(files "$esp")" "gen-2+5.conf" "arms the counter"
tap_run 0 "bless behind reset-tries" mark bless
tap_is "$(files "$esp")" "gen-2+5.conf" "does not disarm it"
tap_run 0 "history" boot history
tap_is "$(printf '%s\n' "$tap_out" | wc -l)" 4 "has one line for each change"
tap_like "$tap_out" "bad +gen-2.conf .*: the network did not come up" "with the reason"

reset gen-2+2-1.conf
entry "$esp" gen-2.conf 2
tap_run 0 "bless where the plain name lies there, too" mark bless
tap_is "$(files "$esp")" "gen-2.conf" "resolves the duplicate"
reset gen-2+2-1.conf
entry "$esp" gen-2.conf 2
tap_run 0 "bad where the plain name lies there, too" mark bad
tap_is "$(files "$esp")" "gen-2+0-1.conf" "leaves none that would boot"

reset
entry "$xbootldr" gen-2+2-1.conf 2
tap_run 125 "an entry that is on neither partition" mark bless
tap_like "$tap_err" "cannot find the file of boot entry 'gen-2\+2-1.conf'" "is said to be missing"
tap_run 0 "on the extended boot partition" mark bless --xbootldr "$xbootldr"
tap_is "$(files "$xbootldr")" "gen-2.conf" "it is found"

reset gen-2+2-1.conf
echo "init=/gen-7 quiet" >"$dir/cmdline"
tap_run 1 "after a kexec into another generation" mark bless
tap_like "$tap_err" "not started from 'gen-2\+2-1.conf' but by kexec" "says so"
tap_is "$(files "$esp")" "gen-2+2-1.conf" "and changes nothing"
tap_run 0 "--force" mark bless --force
tap_is "$(files "$esp")" "gen-2.conf" "does it"

reset gen-2.conf
efi_unset "$vars" LoaderBootCountPath
tap_run 0 "a boot that is not counted" mark bless
tap_is "$tap_out" "the loader did not count this boot: nothing to do" "is no failure"
tap_run 0 "an entry by name" mark reset-tries gen-2.conf
tap_is "$(files "$esp")" "gen-2+3.conf" "is armed"
tap_run 125 "an entry that is not there" mark reset-tries gen-9.conf
tap_run 125 "a machine without EFI" "$ihard" boot bless --esp "$esp" --efivars "$dir/none" --history "$dir/history"
tap_run 2 "no tries" mark reset-tries --tries 0
tap_run 2 "an option twice" mark bless --quiet --quiet

efi_var "$vars" LoaderBootCountPath '\EFI\..\..\gen-2+2-1.conf'
tap_run 125 "a path that leads elsewhere" mark bless
tap_like "$tap_err" "is not the path of a boot entry" "is refused"

# the real one
systemd() {
	SYSTEMD_LOG_LEVEL=err SYSTEMD_ESP_PATH=$esp SYSTEMD_RELAX_ESP_CHECKS=1 efi_world "$vars" \
		"$dir/systemd-boot/lib/systemd/systemd-bless-boot" --path="$esp" "$1"
}

if ! systemd_boot_programs "$dir/systemd-boot"; then
	tap_skip "systemd-bless-boot" "Debian's package systemd-boot cannot be fetched here"
	tap_done
fi
reset gen-2+2-1.conf
out=$(systemd status 2>&1)
if [ "$out" != indeterminate ]; then
	tap_skip "systemd-bless-boot" "it does not run here: $out"
	tap_done
fi
tap_ok 0 "systemd-bless-boot sees the same boot"

# both VERB1 VERB2 EXPECTED: ihard first, then systemd; and the other way round
both() {
	reset gen-2+2-1.conf
	tap_run 0 "ihard $1" mark "$1"
	tap_run 0 "then systemd-bless-boot $2" systemd "$2"
	tap_is "$(files "$esp")" "$3" "leave $3"
	reset gen-2+2-1.conf
	tap_run 0 "systemd-bless-boot $2" systemd "$2"
	tap_run 0 "then ihard $1" mark "$1"
	tap_is "$(files "$esp")" "$4" "leave $4"
}
both bless good gen-2.conf gen-2.conf
both bad bad gen-2+0-1.conf gen-2+0-1.conf
both bless bad gen-2+0-1.conf gen-2.conf
both bad good gen-2.conf gen-2+0-1.conf
both indeterminate good gen-2.conf gen-2+2-1.conf
both indeterminate bad gen-2+0-1.conf gen-2+2-1.conf
for v in bless:good bad:bad indeterminate:indeterminate; do
	reset gen-2+2-1.conf
	mark "${v%:*}" >/dev/null
	tap_is "$(systemd status)" "$(boot status | sed -n 's/^state *//p')" "both name the state after ihard boot ${v%:*}"
done
tap_done
