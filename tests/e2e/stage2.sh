#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ihard-stage2 as the initrd would run it: a good closure passes, and nothing else does.
#   stage2.sh STAGE2 STAGE2-WITH-KEYS
set -u
stage2=$(realpath "$1")
with_keys=$(realpath "$2")
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/lib/tap.sh
. ../lib/tap.sh
# shellcheck source=tests/lib/nix-store.sh
. ../lib/nix-store.sh

missing=$(nix_store_missing) || tap_skip_all "needs$missing"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root: stage 2 runs as root"
work=$(mktemp -d)
tpm=
cleanup() {
	[ -z "$tpm" ] || kill "$tpm" 2>/dev/null
	mountpoint -q "$work/full" && umount "$work/full"
	rm -rf "$work"
}
trap cleanup EXIT
chmod 0755 "$work"
S=$work/sysroot

make_store() {
	nix_store_new "$S"
	mkdir -p "$work/lib" "$work/sys"
	for i in $(seq 1 40); do printf 'library %s\n' "$i" >"$work/lib/f$i"; done
	printf '#!/bin/sh\n' >"$work/sys/init"
	chmod 0755 "$work/sys/init"
	lib=$(nix_store_path lib)
	sys=$(nix_store_path nixos-system)
	nix_store_put "$S" lib "$work/lib"
	nix_store_put "$S" nixos-system "$work/sys" "$lib"
	nix_store_key "$S" test-1 one
	nix_store_sign "$S" one "$lib" "$sys"
} >/dev/null 2>&1

# config LINE…: the configuration, beside the key
config() {
	printf '%s\n' "trusted-public-keys = $(nix_store_public "$S" one)" "$@" >"$work/conf"
	chmod 0644 "$work/conf"
}

# the command line as the kernel shows it
boot() {
	"$stage2" --config "$work/conf" --cmdline "$work/cmdline" --sysroot "$S" --state "$work/state" --dry-run "$@"
}

restore() {
	rm -rf "$S"
	cp -a "$work/saved" "$S"
}

make_store
cp -a "$S" "$work/saved"
printf 'initrd=\\EFI\\initrd root=fstab quiet "x=a b" init=%s/init -- init=/bin/sh\n' "$sys" >"$work/cmdline"
config

tap_run 0 "a good closure passes" boot
tap_like "$tap_err" "the system is what was signed" "and the console says so"
tap_is "$(stat -c %a "$work/state/verified")" 400 "the verified set is there, for root"
event=$(cat "$work/state/measured")
tap_like "$event" '^ihard closure sha256:[0-9a-z]{52} sigs 1$' "what is measured is written down"
digest=$(for p in $(nix_store_closure "$S" "$sys" | sort); do
	printf '%s %s\n' "$p" "$(_nix_store "$S" -q --hash "$p" 2>/dev/null)"
done | nix-hash --type sha256 --base32 --flat /dev/stdin)
tap_is "$event" "ihard closure sha256:$digest sigs 1" "and a verifier can compute it from what nix-store prints"

mkdir -p "$work/extra/credentials"
echo '{}' >"$work/extra/tpm2-pcr-signature.json"
config 'companions = refuse'
tap_run 0 "what the signed image brought is no companion" boot --extra "$work/extra"
echo secret >"$work/extra/credentials/a.cred"
tap_run 1 "an unsigned credential beside the image" boot --extra "$work/extra"
tap_like "$tap_err" "1 unsigned companion came .* beside the image: 'credentials/a.cred'" "is named"
tap_is "$(cat "$work/state/measured")" "ihard unverified" "and the failure is what is measured"
mkdir "$work/extra/sysext"
echo raw >"$work/extra/sysext/b.raw"
tap_run 1 "an extension as well" boot --extra "$work/extra"
tap_like "$tap_err" "2 unsigned companions" "both are counted"
config
tap_run 0 "they are a remark by default" boot --extra "$work/extra"
tap_like "$tap_out" "2 unsigned companions" "in the report"
tap_run 0 "none at all" boot --extra "$work/none"
ln -s /etc "$work/linked"
config 'companions = refuse'
tap_run 1 "a folder that is a link" boot --extra "$work/linked"
tap_like "$tap_err" "cannot look for companions" "cannot be told, and so is refused"
config 'companions = maybe'
tap_run 1 "a value that is none" boot
tap_like "$tap_err" "'maybe' is no value for 'companions'" "is named"
config

nix_tamper_byte "$S" "$lib/f7"
tap_run 1 "one flipped bit" boot
tap_like "$tap_err" "the system is NOT what was signed" "is said on the console"
tap_like "$tap_err" "'$lib' was modified" "with the object's name"
tap_like "$tap_err" "stopping here" "and the boot stops: halt is the default"
tap_is "$(cat "$work/state/measured")" "ihard unverified" "the failure is what is measured"
config 'on-failure = reboot' 'reboot-delay = 0'
tap_run 1 "on-failure = reboot" boot
tap_like "$tap_err" "a counted boot entry loses a try" "says what it will do"
config 'on-failure = warn'
tap_run 0 "on-failure = warn goes on" boot
tap_like "$tap_err" "NOT what was signed" "but does not call it verified"
tap_is "$(cat "$work/state/measured")" "ihard unverified" "nor measures it so"
config
restore

for i in $(seq 1 40); do chmod 4555 "$S$lib/f$i"; done
tap_run 1 "forty problems" boot
tap_is "$(printf '%s\n' "$tap_err" | wc -l | awk '{ print ($1 <= 24) }')" 1 "fit one screen"
tap_is "$(printf '%s\n' "$tap_out" | grep -c 'set-user-id')" 40 "all of them are in the journal"
restore

mv "$S/nix/var/nix/db" "$work/db"
tap_run 1 "no database is no pass" boot
tap_like "$tap_err" "cannot open the database" "and says why"
restore
config 'time-limit = 1'
tap_run 0 "a time limit that is enough" boot
truncate -s 8G "$S$lib/f1"
tap_run 1 "a time limit of 1 s is no pass" boot
tap_like "$tap_err" "the time limit came first" "and says why"
tap_is "$(cat "$work/state/measured")" "ihard unverified" "nor is it measured as one"
"$stage2" --config "$work/conf" --cmdline "$work/cmdline" --sysroot "$S" --state "$work/state2" >/dev/null 2>&1 &
sleep 0.3
kill -KILL $!
wait $! 2>/dev/null
tap_is $? 137 "killed is no pass"
[ ! -e "$work/state2/verified" ]
tap_ok $? "and leaves no verified set"
config
restore

mkdir "$work/full"
if mount -t tmpfs -o size=64k none "$work/full" 2>/dev/null; then
	head -c 65536 /dev/zero >"$work/full/fill" 2>/dev/null
	tap_run 1 "a full tmpfs is no pass" boot --state "$work/full"
	tap_like "$tap_err" "No space left" "and says why"
	rm "$work/full/fill"
	tap_run 0 "with room it passes" boot --state "$work/full"
else
	tap_skip "a full tmpfs" "cannot mount one here"
fi

printf 'quiet\n' >"$work/cmdline"
tap_run 1 "no init= is no pass" boot
printf 'init=%s/init init=/nix/store/other/init\n' "$sys" >"$work/cmdline"
tap_run 1 "two different init= are refused" boot
tap_like "$tap_err" "has init= twice" "and says so"
printf 'init=/bin/sh\n' >"$work/cmdline"
tap_run 1 "an init= outside the store" boot
tap_like "$tap_err" "'/bin/sh' is not in the store" "is named"
printf 'init=%s/../../../bin/sh\n' "$sys" >"$work/cmdline"
tap_run 1 "an init= that leaves its object" boot
printf 'init=%s/init\n' "$sys" >"$work/cmdline"
tap_run 0 "the same without it" boot
chmod 0666 "$work/conf"
tap_run 1 "a configuration that others can write" boot
config 'sigs-needed = 0'
tap_run 1 "no signature needed is no configuration" boot
tap_like "$tap_err" "line 2: '0' is no value for 'sigs-needed'" "and the line is named"
config 'on-fail = warn'
tap_run 1 "an unknown setting" boot
printf 'sigs-needed = 1\n' >"$work/conf"
tap_run 1 "no keys" boot
rm "$work/conf"
tap_run 1 "no configuration" boot

# keys of the signed command line, where the configuration wants them
key=$(nix_store_public "$S" one)
fresh_cmdline() {
	printf 'quiet init=%s/init %s\n' "$sys" "$*" >"$work/cmdline"
}
printf 'keys-from-command-line = yes\n' >"$work/conf"
fresh_cmdline "ihard.keys=$key"
tap_run 0 "a key of the command line" boot
fresh_cmdline "ihard.keys=$key,$key"
tap_run 0 "the same twice" boot
fresh_cmdline "ihard.keys=$key ihard.sigs-needed=2"
tap_run 1 "more signatures than keys" boot
tap_like "$tap_err" "'the kernel command line' needs 2 signatures and trusts 1 keys" "is said"
fresh_cmdline ""
tap_run 1 "no key in it" boot
tap_like "$tap_err" "'the kernel command line' has no trusted-public-keys" "is no pass"
fresh_cmdline "ihard.keys=$key ihard.keys=x:y"
tap_run 1 "two lists of keys" boot
tap_like "$tap_err" "has ihard.keys= twice" "are refused"
fresh_cmdline "ihard.keys=nonsense"
tap_run 1 "a key that is none" boot
fresh_cmdline "-- ihard.keys=$key"
tap_run 1 "what belongs to init" boot
nix_store_key "$S" other other 2>/dev/null
printf 'trusted-public-keys = %s\n' "$(nix_store_public "$S" other)" >"$work/conf"
fresh_cmdline "ihard.keys=$key"
tap_run 1 "without keys-from-command-line it counts for nothing" boot
restore

# keys compiled in: only where there is no file
tap_run 1 "no configuration, nothing compiled in" "$stage2" --init "$sys/init" --sysroot "$S" --state "$work/state" --dry-run
tap_like "$tap_err" "cannot open '/etc/ihard/stage2.conf'" "is no pass"
boot_with_keys() {
	"$with_keys" --cmdline "$work/cmdline" --sysroot "$S" --state "$work/state" --dry-run "$@"
}
tap_run 1 "a closure that the compiled key did not sign" boot_with_keys
tap_like "$tap_err" "has 0 of 1 signatures by distinct trusted keys" "is refused"
cp fixture/stage2.sec "$S/keys/fixture.sec"
chmod 0600 "$S/keys/fixture.sec"
nix_store_sign "$S" fixture "$lib" "$sys" 2>/dev/null
tap_run 0 "one that it signed" boot_with_keys
tap_run 1 "a file that is named must be there" boot_with_keys --config "$work/nothing"
restore

# what it costs an initrd
tap_is "$(($(stat -c %s "$stage2") < 1500000))" 1 "the program has less than 1.5 MB with its debugging information"
tap_is "$(ldd "$stage2" | awk '{ print $1 }' | grep -cE 'json|bpf|seccomp|cap-ng|systemd')" 0 "links no JSON, BPF, seccomp or systemd"
tap_is "$(objdump -p "$stage2" | awk '$1 == "NEEDED" { print $2 }' | sed 's/[-.].*//' | sort -u | grep -vE '^(libcrypto|libsodium|libsqlite3|libtss2|libc|ld)$')" "" "and nothing beyond libcrypto, libsodium, libsqlite3 and tpm2-tss"

config
if command -v swtpm >/dev/null && command -v tpm2_pcrread >/dev/null; then
	mkdir "$work/tpm"
	swtpm socket --tpm2 --tpmstate "dir=$work/tpm" --server "type=unixio,path=$work/tpm/s" \
		--ctrl "type=unixio,path=$work/tpm/s.ctrl" --flags not-need-init,startup-clear >/dev/null 2>&1 &
	tpm=$!
	for _ in $(seq 50); do [ -S "$work/tpm/s" ] && break || sleep 0.1; done
	tcti=swtpm:path=$work/tpm/s
	tap_run 0 "with a TPM" boot --tcti "$tcti"
	event=$(printf '%s\n' "ihard closure sha256:$digest sigs 1" | sha256sum | cut -d' ' -f1)
	wanted=$( (head -c 32 /dev/zero && printf '%s' "$event" | xxd -r -p) | sha256sum | cut -d' ' -f1)
	register=$(tpm2_pcrread -T "$tcti" sha256:13 2>&1 | sed -n 's/.*13: *0x//p' | tr 'A-F' 'a-f')
	tap_is "$register" "$wanted" "register 13 has what a verifier computes"
	nix_tamper_byte "$S" "$lib/f7"
	tap_run 1 "a failure with a TPM" boot --tcti "$tcti"
	register=$(tpm2_pcrread -T "$tcti" sha256:13 2>&1 | sed -n 's/.*13: *0x//p' | tr 'A-F' 'a-f')
	event=$(printf 'ihard unverified\n' | sha256sum | cut -d' ' -f1)
	wanted=$(printf '%s%s' "$wanted" "$event" | xxd -r -p | sha256sum | cut -d' ' -f1)
	tap_is "$register" "$wanted" "is measured, too"
	restore
	tap_run 1 "a TPM that does not answer is no pass" boot --tcti "swtpm:path=$work/nothing"
else
	tap_skip "the register" "needs swtpm and tpm2-tools"
fi
tap_done
