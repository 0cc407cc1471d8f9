#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ihard status: a machine made of files, its links good, then broken one by one.
# usage: status.sh IHARD SCHEMA
set -u
ihard=$1 schema=$2
here=$(dirname "$0")
# shellcheck source=tests/lib/tap.sh
. "$here/../lib/tap.sh"
# shellcheck source=tests/lib/efi-world.sh
. "$here/../lib/efi-world.sh"
dir=$(mktemp -d)
trap 'kill "$guard" 2>/dev/null; rm -rf "$dir"' EXIT
guard=
global=8be4df61-93ca-11d2-aa0d-00e098032b8c
vars=$dir/vars esp=$dir/esp tpm=$dir/sys/class/tpm/tpm0/pcr-sha256
mkdir -p "$vars" "$esp/loader/entries" "$tpm" "$dir/sys/kernel/security/tpm0" "$dir/proc/sys/kernel" "$dir/proc/sys/vm" "$dir/state"
flag() {
	printf '%b' "\\006\\000\\000\\000\\00$2" >"$vars/$1-$global"
}
flag SecureBoot 1
flag SetupMode 0
: >"$esp/k"
printf 'title 2\nlinux /k\n' >"$esp/loader/entries/gen-2.conf"
efi_var "$vars" LoaderInfo 'systemd-boot 252.39'
efi_var "$vars" LoaderEntrySelected gen-2.conf
echo 'none [integrity] confidentiality' >"$dir/sys/kernel/security/lockdown"
echo 2 >"$dir/proc/sys/kernel/unprivileged_bpf_disabled"
echo 2 >"$dir/proc/sys/vm/memfd_noexec"
cp "$here/../vectors/sb-sdboot-uki/eventlog.bin" "$dir/sys/kernel/security/tpm0/binary_bios_measurements"
"$ihard" boot measure replay --log "$here/../vectors/sb-sdboot-uki/eventlog.bin" |
	awk '/^ *[0-9]+ [0-9a-f]{64}$/ { print $1, toupper($2) }' |
	while read -r n value; do echo "$value" >"$tpm/$n"; done
printf '{ "version": 1, "extends": "server" }\n' >"$dir/policy.json"

# a guard that answers what it is asked, as the real one does
answer() {
	[ -z "$guard" ] || kill "$guard" 2>/dev/null
	rm -f "$dir/socket"
	python3 - "$dir/socket" "$1" <<'END' &
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
while True:
    c, _ = s.accept()
    c.recv(64)
    c.sendall(sys.argv[2].encode())
    c.close()
END
	guard=$!
	while [ ! -S "$dir/socket" ]; do sleep 0.05; done
}
guarded() {
	printf '{"version":1,"enforces":%s,"locked":%s,"backend":"bpf","cannot":"it cannot stop code that a verified program evaluates","files":7,"events":{"denied":3,"audited":0,"lost":%s}}' \
		"$1" "$2" "$3"
}
# shellcheck disable=SC2120 # mostly without options of its own
ask() {
	"$ihard" status --esp "$esp" --efivars "$vars" --state "$dir/state" --socket "$dir/socket" --policy "$dir/policy.json" \
		--sys "$dir/sys" --proc "$dir/proc" "$@"
}

answer "$(guarded true true 0)"
tap_run 0 "a machine with nothing bad" ask
tap_like "$tap_out" '^good +secure boot +on' "Secure Boot is on"
tap_like "$tap_out" "^good +boot entry +'gen-2.conf', not counted" "the entry that booted"
tap_like "$tap_out" '^good +measurements +the log is what was measured' "the log gives the registers"
tap_like "$tap_out" '^weak +closure +nobody verified' "nobody verified the closure"
tap_like "$tap_out" '→ see ihard-stage2' "what mends it"
tap_like "$tap_out" '^good +policy +enforces' "the policy"
tap_like "$tap_out" '^good +guard +enforces by bpf' "the guard"
tap_like "$tap_out" 'it cannot stop code that' "what it cannot stop"
tap_like "$tap_out" '^good +denials +3 refused' "denials"
tap_like "$tap_out" '^good +kernel' "the kernel"
tap_run 1 "with --strict what is weak counts" ask --strict
tap_run 0 "metrics" ask --metrics
tap_like "$tap_out" '^ihard_status\{link="closure"\} 1$' "metrics: a weak link"
tap_like "$tap_out" '^ihard_denials_total 3$' "metrics: denials"
tap_run 0 "JSON" ask --json
printf '%s' "$tap_out" >"$dir/json"
tap_fits "$dir/json" "$schema" "JSON is as the schema says"

flag SecureBoot 0
tap_like "$(ask)" '^weak +secure boot +off' "Secure Boot off is weak"
rm "$vars/SecureBoot-$global"
tap_like "$(ask)" '^unknown +secure boot' "no variable is no verdict"
flag SecureBoot 1
flag SetupMode 1
tap_like "$(ask)" 'setup mode' "setup mode is weak"
flag SetupMode 0

mv "$esp/loader/entries/gen-2.conf" "$esp/loader/entries/gen-2+2-1.conf"
efi_var "$vars" LoaderBootCountPath '\loader\entries\gen-2+2-1.conf'
tap_like "$(ask)" "^weak +boot entry +'gen-2\+2-1.conf' was not found good yet" "an entry that is still counted"
tap_like "$(ask)" '2 tries left, 1 done' "and its tries"
mv "$esp/loader/entries/gen-2+2-1.conf" "$esp/loader/entries/gen-2+0-3.conf"
tap_run 1 "an entry that counts as bad is bad" ask
tap_like "$tap_out" "^bad +boot entry" "and named"
mv "$esp/loader/entries/gen-2+0-3.conf" "$esp/loader/entries/gen-2.conf"
tap_like "$(ask)" "^good +boot entry +'gen-2.conf', blessed" "blessed it is good"

value=$(cat "$tpm/4")
echo "0${value#?}" >"$tpm/4"
[ "$(cat "$tpm/4")" != "$value" ] || echo "1${value#?}" >"$tpm/4"
tap_run 1 "a register that the log does not give is bad" ask
tap_like "$tap_out" '^bad +measurements .*register 4' "and named"
echo "$value" >"$tpm/4"

# what is measured behind the firmware's log: systemd's phases, and the closure by stage 2
extend() {
	python3 -c 'import hashlib, sys
v = bytes.fromhex(open(sys.argv[1]).read())
print(hashlib.sha256(v + hashlib.sha256(open(sys.argv[2], "rb").read()).digest()).hexdigest().upper())' "$tpm/$1" "$2" >"$dir/value"
	mv "$dir/value" "$tpm/$1"
}
printf 'ihard closure sha256:x sigs 1\n' >"$dir/state/measured"
tap_run 1 "stage 2 says that it measured, and did not" ask
tap_like "$tap_out" '^bad +measurements .*register 13' "and named"
extend 13 "$dir/state/measured"
for phase in sysinit ready; do
	printf %s "$phase" >"$dir/phase"
	extend 11 "$dir/phase"
	tap_like "$(ask)" '^good +measurements' "the register of the image after phase $phase"
done
extend 11 "$dir/phase"
tap_run 1 "a phase twice is bad" ask
tap_like "$tap_out" '^bad +measurements .*register 11' "and named"

head -c 500 /dev/urandom >"$dir/state/verified"
chmod 0400 "$dir/state/verified"
tap_run 1 "a verified set that is none is bad" ask
tap_like "$tap_out" '^bad +closure' "and named"
rm -f "$dir/state/verified"

answer "$(guarded false true 0)"
tap_like "$(ask)" '^weak +guard +reports only' "a guard that only reports"
answer "$(guarded true false 0)"
tap_like "$(ask)" '^weak +guard .*root can open the gates' "a guard that root can open"
answer "$(guarded true true 9)"
tap_like "$(ask)" '^weak +denials .*9 events lost' "lost events"
answer "not JSON"
tap_like "$(ask)" '^weak +guard' "a guard that answers nonsense is no guard"
kill "$guard"
rm -f "$dir/socket"
tap_like "$(ask)" '^weak +guard +no guard runs' "no guard"

printf '{ "version": 1, "extends": "server", "enforce": false }\n' >"$dir/policy.json"
tap_like "$(ask)" '^weak +policy +reports only' "a policy that only reports"
printf '{ "version": 1, "nonsense": 1 }\n' >"$dir/policy.json"
tap_run 1 "a policy that is none is bad" ask
echo '[none] integrity confidentiality' >"$dir/sys/kernel/security/lockdown"
tap_like "$(ask)" '^weak +kernel' "a kernel that root can change"
tap_run 2 "an operand" ask extra
tap_run 2 "JSON and metrics at once" ask --json --metrics
tap_done
