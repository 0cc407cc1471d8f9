#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ihard boot assess: checks that pass, fail, hang, and what becomes of the boot entry.
# usage: assess.sh IHARD
set -u
ihard=$1
here=$(dirname "$0")
# shellcheck source=tests/lib/tap.sh
. "$here/../lib/tap.sh"
# shellcheck source=tests/lib/efi-world.sh
. "$here/../lib/efi-world.sh"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
esp=$dir/esp vars=$dir/vars
mkdir -p "$esp/loader/entries" "$vars"
: >"$esp/k"
printf 'title 2\nlinux /k\n' >"$esp/loader/entries/gen-2+2-1.conf"
efi_var "$vars" LoaderBootCountPath '\loader\entries\gen-2+2-1.conf'

# a systemctl that knows two units: one is up, one comes up at its third question
cat >"$dir/systemctl" <<END
#!/bin/sh
[ "\$1" != reboot ] || { echo reboot >>$dir/asked; exit 0; }
echo "\$3" >>$dir/asked
case \$3 in
up.service) exit 0 ;;
late.service) [ "\$(grep -c late $dir/asked)" -ge 3 ] ;;
*) exit 3 ;;
esac
END
chmod +x "$dir/systemctl"

assess() {
	"$ihard" boot assess --esp "$esp" --efivars "$vars" --history "$dir/history" --systemctl "$dir/systemctl" \
		--file "$dir/list" "$@"
}

list() {
	printf '{"version":1,"checks":[%s]%s}' "$1" "${2-}" >"$dir/list"
	chmod 644 "$dir/list"
	: >"$dir/asked"
}

list '{"unit":"up.service"},{"command":["/bin/true"]}'
tap_run 0 "all checks pass" assess
tap_like "$tap_out" "^passed +up.service" "each is named"
tap_is "$(ls "$esp/loader/entries")" "gen-2+2-1.conf" "and blessing is left to those who bless"
list '{"unit":"late.service","timeLimit":20}'
tap_run 0 "a unit that is still starting" assess
list '{"unit":"down.service","timeLimit":1},{"command":["/bin/false"],"name":"the second"},{"command":["/bin/true"]}'
tap_run 1 "a unit that is down" assess
tap_like "$tap_err" "failed: down.service.*, the second" "every failure is named"
tap_like "$tap_out" "^passed +/bin/true" "and the others are run all the same"
tap_is "$(ls "$esp/loader/entries")" "gen-2+2-1.conf" "by default nothing is marked"
list '{"command":["/bin/sleep","60"],"timeLimit":1}'
tap_run 1 "a check that hangs" assess
tap_like "$tap_err" "no end within 1000 ms" "is too late"
list '{"command":["/bin/sleep","60"]},{"command":["/bin/sleep","60"]}' ',"timeLimit":1'
tap_run 1 "a limit for all" assess
list '{"command":["/bin/false"]}' ',"onFailure":"reboot"'
tap_run 1 "reboot" assess
tap_is "$(cat "$dir/asked")" "reboot" "is asked for"
list '{"command":["/bin/false"]}' ',"onFailure":"bad"'
tap_run 1 "bad, only looking" assess --check-only
tap_is "$(ls "$esp/loader/entries")" "gen-2+2-1.conf" "marks nothing"
tap_run 1 "bad" assess
tap_is "$(ls "$esp/loader/entries")" "gen-2+0-1.conf" "marks the entry"
tap_run 0 "history" "$ihard" boot history --history "$dir/history"
tap_like "$tap_out" "failed +gen-2.conf .*: failed: /bin/false" "says why"

chmod 666 "$dir/list"
tap_run 125 "a list that others can write" assess
tap_like "$tap_err" "can be written by others" "is refused"
list '{"command":["relative"]}'
tap_run 125 "a list that is wrong" assess
tap_like "$tap_err" "list: line 1: checks\[0\]\.command: must be an array of words" "is named with its place"
rm "$dir/list"
tap_run 125 "no list" assess
tap_done
