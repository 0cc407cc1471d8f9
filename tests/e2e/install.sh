#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ihard boot install onto boot partitions made of directories: what is written, kept, repaired, removed,
# and next to it what must not be.
# usage: install.sh IHARD
set -u
ihard=$1
here=$(dirname "$0")
# shellcheck source=tests/lib/tap.sh
. "$here/../lib/tap.sh"
# shellcheck source=tests/lib/efi-world.sh
. "$here/../lib/efi-world.sh"
# shellcheck source=tests/lib/generations.sh
. "$here/../lib/generations.sh"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
esp=$dir/esp vars=$dir/vars
mkdir -p "$esp/loader" "$vars"
echo "quiet" >"$dir/cmdline"

boot() {
	local verb=$1
	shift
	"$ihard" boot "$verb" --esp "$esp" --efivars "$vars" --history "$dir/history" "$@"
}

install() {
	boot install --profiles "$dir/profiles" --cmdline "$dir/cmdline" "$@"
}

entries() {
	(cd "$esp/loader/entries" && grep -h '^version ' -- ihard-* | sed 's/^version Generation //' | sort -V | tr '\n' ' ' | sed 's/ $//')
}

# the file of a generation's entry
entry() {
	grep -l "^version Generation $1\$" "$esp"/loader/entries/ihard-*
}

tap_run 125 "without a generation" install --unsigned
tap_is "$(find "$esp" -type f | wc -l)" 0 "nothing is written"
for n in 1 2 3; do generation "$dir" $n; done
generation "$dir" 2 gui

tap_run 2 "neither signed nor unsigned" install
tap_run 0 "a dry run" install --unsigned --dry-run --tries 3
tap_like "$tap_out" "nothing was changed" "says so"
tap_is "$(find "$esp" -type f | wc -l)" 0 "and it is so"
printf 'timeout 3\ndefault something-else\neditor no\n' >"$esp/loader/loader.conf"
tap_run 0 "install" install --unsigned --tries 3
tap_is "$(entries)" "1 2~gui 2 3" "every generation and specialisation has an entry"
tap_ok "$(esp_verify "$esp" >&2; echo $?)" "all of them whole"
tap_is "$(find "$esp/EFI/ihard" -type f | wc -l)" 5 "two kernels are shared by three generations"
tap_like "$(cat "$esp/loader/loader.conf")" "^timeout 3$" "the administrator's lines stay"
tap_like "$(cat "$esp/loader/loader.conf")" "^editor no$" "all of them"
tap_is "$(grep -c '^default ' "$esp/loader/loader.conf")" 1 "but the default"
tap_run 0 "what boots next" boot next
tap_is "${tap_out%%:*}" "$(basename "$(entry 3)" | sed 's/+3/+2-1/')" "is the newest"
tap_run 0 "if everything fails" boot next --simulate 12
tap_is "$(printf '%s\n' "$tap_out" | sed -n '4p;7p;10p' | sed 's/^ *[0-9]*  //; s/[+:].*//' | tr '\n' ' ')" \
	"$(for g in 2 2~gui 1; do basename "$(entry $g)" | sed 's/+.*//'; done | tr '\n' ' ')" \
	"a generation, then its specialisation, then the older one"

before=$(find "$esp" -type f -printf '%p %T@ %i\n' | sort)
tap_run 0 "install again" install --unsigned --tries 3
tap_is "$(find "$esp" -type f -printf '%p %T@ %i\n' | sort)" "$before" "touches nothing"

# counters are the loader's and the tracker's
e3=$(entry 3)
mv "$e3" "${e3%+3.conf}+1-2.conf"
e2=$(entry 2)
mv "$e2" "${e2%+3.conf}.conf"
e1=$(entry 1)
mv "$e1" "${e1%+3.conf}+0-3.conf"
tap_run 0 "install after boots" install --unsigned --tries 3
tap_is "$(basename "$(entry 3)" | sed 's/.*+/+/')" "+1-2.conf" "keeps the counter of what was tried"
tap_like "$(basename "$(entry 2)")" '^ihard-[0-9a-f]{64}\.conf$' "keeps what was blessed"
tap_is "$(basename "$(entry 1)" | sed 's/.*+/+/')" "+0-3.conf" "does not try again what was bad"

# damage
kernel=$(find "$esp/EFI/ihard" -name 'kernel-*' | head -1)
printf 'X' | dd of="$kernel" bs=1 seek=1000 conv=notrunc status=none
truncate -s 10 "$(find "$esp/EFI/ihard" -name 'initrd-*' | head -1)"
echo "options init=/bin/sh" >>"$(entry 2)"
rm "$(find "$esp/EFI/ihard" -name 'initrd-*' | tail -1)"
tap_run 0 "install onto damaged files" install --unsigned --tries 3
tap_is "$(printf '%s\n' "$tap_out" | grep -c '^replace ')" 3 "replaces what is damaged"
tap_is "$(printf '%s\n' "$tap_out" | grep -c '^write ')" 1 "writes what is missing"
tap_ok "$(esp_verify "$esp" >&2; echo $?)" "all is whole again"
tap_is "$(basename "$(entry 3)" | sed 's/.*+/+/')" "+1-2.conf" "under the names it had"

# garbage: what is ours and not needed goes, everything else stays
: >"$esp/loader/entries/other.conf"
printf 'title rescue\nlinux /EFI/ihard/%s\n' "$(basename "$(grep -h '^linux' "$(entry 2)")")" >"$esp/loader/entries/rescue.conf"
: >"$esp/EFI/ihard/README"
mkdir -p "$esp/EFI/Linux"
: >"$esp/EFI/Linux/ihard-mine.efi"
: >"$esp/EFI/ihard/kernel-$(printf 'a%.0s' {1..64}).efi.tmp"
generation "$dir" 5
tap_run 0 "install with a limit of two" install --unsigned --limit 2
tap_is "$(entries)" "2~gui 3 5" "the newest two, and what has tries left"
tap_like "$tap_out" "^keep +loader/entries/ihard-.*: it has tries left" "which is said"
tap_ok "$([ -e "$esp/loader/entries/other.conf" ] && [ -e "$esp/EFI/ihard/README" ] && [ -e "$esp/EFI/Linux/ihard-mine.efi" ]; echo $?)" \
	"what is not ours stays"
tap_ok "$([ -e "$esp$(sed -n 's/^linux //p' "$esp/loader/entries/rescue.conf")" ]; echo $?)" "so does a file that an entry of somebody else starts"
tap_is "$(find "$esp" -name '*.tmp')" "" "a leftover of a power cut goes"
tap_ok "$(esp_verify "$esp" >&2; echo $?)" "all is whole"

# the entry that runs
efi_var "$vars" LoaderInfo "systemd-boot 252.39"
g=$(entry 2~gui)
mv "$g" "${g%+3.conf}.conf"
efi_var "$vars" LoaderEntrySelected "$(basename "${g%+3.conf}.conf")"
tap_run 0 "install while an old entry runs" install --unsigned --limit 1
tap_is "$(entries)" "2~gui 3 5" "it stays"
tap_like "$tap_out" ": it is running" "which is said"
efi_unset "$vars" LoaderEntrySelected
echo "init=$dir/store/gen-2/gui/init quiet" >"$dir/cmdline"
tap_run 0 "also when the variables do not say so" install --unsigned --limit 1
tap_is "$(entries)" "2~gui 3 5" "its init= does"
echo "quiet" >"$dir/cmdline"
efi_var "$vars" LoaderEntryDefault "$(basename "$(entry 2~gui)")"
tap_run 0 "when it does not run any more, but was chosen in the menu" install --unsigned --limit 1
tap_is "$(entries)" "2~gui 3 5" "it stays"
tap_like "$tap_out" ": a variable of the loader asks for it" "which is said"
tap_like "$tap_err" "boots next, not the default in loader.conf: the variable LoaderEntryDefault asks for it" "and that it is what boots"
efi_var "$vars" LoaderEntryDefault "$(basename "$(entry 5)")"
tap_run 0 "when the new default was chosen itself" install --unsigned --limit 1
tap_is "$tap_err" "" "there is nothing to say"
tap_is "$(entries)" "3 5" "and the old one goes"
efi_unset "$vars" LoaderEntryDefault
tap_run 0 "without a choice" install --unsigned --limit 1
tap_is "$(entries)" "3 5" "the same stays"

# generations that cannot be read
generation "$dir" 6
echo '{' >"$dir/store/gen-6/boot.json"
tap_run 0 "a generation that cannot be read" install --unsigned --limit 1
tap_like "$tap_err" "generation '.*system-6-link' is left out: .*ends too early" "is named with the reason"
tap_is "$(entries)" "3 5" "and nothing is removed meanwhile"
tap_run 125 "when it is the one that shall be the default" install --unsigned "$dir/store/gen-6"
tap_is "$(entries)" "3 5" "nothing changes"
generation_drop "$dir" 6
rm "$dir/store/initrd-5"
tap_run 125 "an initrd that is gone from the store" install --unsigned
tap_like "$tap_err" "initrd-5" "is named"
tap_is "$(entries)" "3 5" "and nothing changes"
generation "$dir" 5

# going back to an older generation, with a loader that knows "preferred" or does not
for g in 3 5; do
	f=$(entry $g)
	[[ $f != *+* ]] || mv "$f" "${f%+*}.conf"
done
tap_run 0 "make an older one the default" install --unsigned "$dir/store/gen-3"
tap_run 0 "what boots next with systemd-boot 260" boot next --loader-version 260
tap_is "${tap_out%%:*}" "$(basename "$(entry 3)")" "is the older one"
stub=/usr/lib/systemd/boot/efi/systemd-bootx64.efi
if [ -e $stub ]; then
	mkdir -p "$esp/EFI/systemd"
	cp $stub "$esp/EFI/systemd/"
	tap_run 0 "with the real loader there" install --unsigned "$dir/store/gen-3"
	tap_run 0 "what boots next" boot next
	tap_is "${tap_out%%:*}" "$(basename "$(entry 3)")" "is the older one, too"
	f=$(entry 3)
	mv "$f" "${f%.conf}+0-3.conf"
	tap_run 0 "when that is bad" boot next
	tap_is "${tap_out%%:*}" "$(basename "$(entry 5)")" "it is the newest"
else
	tap_skip "loader 252" "systemd-boot-efi is missing"
fi

# signed images
rm -rf "$esp"
mkdir -p "$esp"
uki=/usr/lib/systemd/boot/efi/linuxx64.efi.stub
if [ ! -e $uki ] || ! command -v openssl >/dev/null; then
	tap_skip "unified kernel images" "systemd-boot-efi or openssl is missing"
	tap_done
fi
openssl req -new -x509 -newkey rsa:2048 -nodes -keyout "$dir/db.key" -out "$dir/db.crt" -days 30 -subj /CN=test/ 2>/dev/null
chmod 600 "$dir/db.key"
signed() {
	install --key "$dir/db.key" --certificate "$dir/db.crt" "$@"
}
tap_run 0 "signed images" signed --tries 2
tap_is "$(find "$esp/EFI/Linux" -name 'ihard-*+2.efi' | wc -l)" 5 "one for each generation and specialisation"
tap_ok "$(esp_verify "$esp" >&2; echo $?)" "all whole"
tap_run 0 "what boots next" boot next
tap_like "$tap_out" '^ihard-[0-9a-f]{64}\+1-1.efi' "is one of them"
if command -v sbverify >/dev/null; then
	all=0
	for f in "$esp"/EFI/Linux/*.efi; do
		sbverify --cert "$dir/db.crt" "$f" >/dev/null 2>&1 || all=1
	done
	tap_ok $all "sbverify accepts each"
fi
before=$(find "$esp" -type f -printf '%p %T@ %i\n' | sort)
tap_run 0 "again" signed --tries 2
tap_is "$(find "$esp" -type f -printf '%p %T@ %i\n' | sort)" "$before" "touches nothing: the same content has the same name"
f=$(find "$esp/EFI/Linux" -name 'ihard-*.efi' | head -1)
printf 'X' | dd of="$f" bs=1 seek=150000 conv=notrunc status=none
tap_run 0 "one byte is changed" signed --tries 2
tap_is "$(printf '%s\n' "$tap_out" | grep -c '^replace ')" 1 "that image is replaced"
tap_ok "$(esp_verify "$esp" >&2; echo $?)" "all whole"
chmod 644 "$dir/db.key"
tap_run 125 "a key that others can read" signed
chmod 600 "$dir/db.key"
openssl req -new -x509 -newkey rsa:2048 -nodes -keyout "$dir/new.key" -out "$dir/db.crt" -days 30 -subj /CN=new/ 2>/dev/null
tap_run 125 "a certificate of another key" signed
chmod 600 "$dir/new.key"
cp "$dir/new.key" "$dir/db.key"
for f in "$esp"/EFI/Linux/ihard-*; do mv "$f" "${f%+2.efi}.efi"; done
tap_run 0 "a new key" signed
tap_is "$(find "$esp/EFI/Linux" -name 'ihard-*' | wc -l)" 5 "replaces every image"

# sections that are made here, and secrets
part() {
	objcopy -O binary --only-section="$1" "$2" "$dir/part" 2>/dev/null && cat "$dir/part"
}
rm -rf "$esp"
mkdir -p "$esp"
openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048 -out "$dir/pcr.key" 2>/dev/null
chmod 600 "$dir/pcr.key"
# a kernel that says its version, as the x86 boot protocol has it
{
	head -c 514 /dev/zero
	printf 'HdrS\0\0\0\0\0\0\0\0\200\001'
	head -c 368 /dev/zero
	printf '6.12.99-test (builder@host) #1\0'
	head -c 100000 /dev/zero
} >"$dir/store/bzImage-0"
tap_run 0 "images with signed registers" signed --pcr-key "$dir/pcr.key"
all=0 named=0
for f in "$esp"/EFI/Linux/*.efi; do
	[ "$(part .pcrpkey "$f" | head -1)" = "-----BEGIN PUBLIC KEY-----" ] || all=1
	part .pcrsig "$f" | grep -q '"sha256"' || all=1
	[ "$(part .uname "$f")" = 6.12.99-test ] && named=$((named + 1))
done
tap_ok $all "each has the key and the signatures (boot-tpm.sh holds those against systemd-measure)"
tap_ok "$([ $named -gt 0 ]; echo $?)" "the kernel's version is in those whose kernel says it"
before=$(find "$esp" -type f -printf '%p %T@ %i\n' | sort)
tap_run 0 "again" signed --pcr-key "$dir/pcr.key"
tap_is "$(find "$esp" -type f -printf '%p %T@ %i\n' | sort)" "$before" "touches nothing"

printf '#!/bin/sh\nprintf 070701secret >>"$1"\n' >"$dir/store/secrets"
chmod 755 "$dir/store/secrets"
sed -i 's|"kernelParams"|"initrdSecrets":"'"$dir"'/store/secrets","kernelParams"|' "$dir/store/gen-3/boot.json"
if [ -w /run ]; then
	tap_run 0 "a generation with a program for secrets" signed
	n=0
	for f in "$esp"/EFI/Linux/*.efi; do
		part .initrd "$f" | tail -c 12 | grep -q 070701secret && n=$((n + 1)) && secret=$f
	done
	tap_is $n 1 "they are in its image, and in no other"
	sum=$(sha256sum <"$secret")
	sed -i s/secret/better/ "$dir/store/secrets"
	tap_run 0 "other secrets" signed
	tap_like "$(part .initrd "$secret" | tail -c 12)" 070701better "are put in under the same name"
	tap_ok "$([ "$sum" != "$(sha256sum <"$secret")" ]; echo $?)" "the image is another"
	printf '#!/bin/sh\nexit 9\n' >"$dir/store/secrets"
	tap_run 125 "when the program fails" signed
	tap_like "$tap_err" "ended with status 9; without its secrets no boot entry is made" "it is said"
	tap_like "$(part .initrd "$secret" | tail -c 12)" 070701better "and what is there stays"
else
	tap_skip "secrets are put into an image" "needs root: their copies lie in /run"
fi
sed -i 's|"initrdSecrets":"[^"]*",||; s|"org.nixos.specialisation.v1"|"org.nixos.initrd-secrets.v1":{"a":"/etc/secret"},&|' "$dir/store/gen-3/boot.json"
tap_run 0 "secrets as the second version of bootspecs has them" signed --limit 9
tap_like "$tap_err" "org.nixos.initrd-secrets.v1" "are not put where everybody could read them: that generation is left out"

# what the firmware thinks of the key
keyed() { # NAME SECURE-BOOT LISTS…: variables in a folder of their own
	local to=$dir/keyed-$1
	mkdir -p "$to"
	printf "\\006\\000\\000\\000\\00$2" >"$to/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
	shift 2
	for name in "$@"; do
		{ printf '\047\0\0\0'; cat "$dir/$name.esl"; } >"$to/${name%%-*}-d719b2cb-3d3a-4596-a3bc-dad00e67656f"
	done
}
efi=("python3" "$here/../lib/efi.py")
openssl req -new -x509 -newkey rsa:2048 -nodes -keyout "$dir/foreign.key" -out "$dir/foreign.crt" -days 30 -subj /CN=foreign/ 2>/dev/null
"${efi[@]}" esl "$dir/db.crt" "$dir/db.esl"
"${efi[@]}" esl "$dir/foreign.crt" "$dir/db-foreign.esl"
"${efi[@]}" revoke "$dir/dbx.esl" "signed=$dir/db.crt"
"${efi[@]}" revoke "$dir/dbx-foreign.esl" "signed=$dir/foreign.crt" "certificate=$dir/foreign.crt"
keyed good 1 db dbx-foreign
keyed foreign 1 db-foreign
keyed revoked 1 db dbx
keyed off 0 db-foreign dbx
rm -rf "$esp"
mkdir -p "$esp"
with_keys() {
	local keys=$1
	shift
	"$ihard" boot install --esp "$esp" --efivars "$dir/keyed-$keys" --history "$dir/history" --profiles "$dir/profiles" \
		--cmdline "$dir/cmdline" --limit 1 --dry-run "$@"
}
sign=(--key "$dir/db.key" --certificate "$dir/db.crt")
tap_run 0 "a key that db has" with_keys good "${sign[@]}"
tap_is "$tap_err" "" "nothing to say about it"
tap_run 0 "a key that db does not have" with_keys foreign "${sign[@]}"
tap_like "$tap_err" "no certificate in db vouches for 'what '.*db.key' signs': Secure Boot is on, and only a shim" "is said"
tap_run 125 "a key that dbx revokes" with_keys revoked "${sign[@]}"
tap_like "$tap_err" "firmware refuses 'what '.*db.key' signs': entry 1 of dbx revokes the certificate that signed it" "is refused"
tap_run 0 "the same while Secure Boot is off" with_keys off "${sign[@]}"
tap_is "$tap_err" "" "nothing to say about it"
tap_run 0 "unsigned entries ask nobody" with_keys revoked --unsigned

# device trees, and an extended boot partition
mkdir "$dir/tree"
generation "$dir/tree" 1
printf '\320\015\376\355tree' >"$dir/tree/store/board.dtb"
sed -i 's|org.nixos.bootspec.v1|org.nixos.bootspec.v2|; s|org.nixos.specialisation.v1|org.nixos.specialisation.v2|;
	s|"initrd":"\([^"]*\)"|"initrds":["\1"],"devicetree":"'"$dir"'/tree/store/board.dtb"|' "$dir/tree/store/gen-1/boot.json"
for how in --unsigned "--key $dir/db.key --certificate $dir/db.crt"; do
	rm -rf "$esp" "$dir/xbootldr"
	mkdir -p "$esp" "$dir/xbootldr"
	# shellcheck disable=SC2086
	tap_run 0 "a device tree, on two partitions (${how%% *})" boot install --profiles "$dir/tree/profiles" --cmdline "$dir/cmdline" \
		--xbootldr "$dir/xbootldr" $how
	tap_is "$(cd "$esp" && find . -type f)" "./loader/loader.conf" "only loader.conf is on the ESP"
	tap_ok "$(esp_verify "$dir/xbootldr" >&2; echo $?)" "the rest is on the extended one, whole"
	tap_run 0 "what boots next" boot next --xbootldr "$dir/xbootldr"
	tap_like "$tap_out" "^ihard-[0-9a-f]{64}\.(conf|efi)" "is found there"
	if [ "$how" = --unsigned ]; then
		f=$(sed -n 's/^devicetree //p' "$dir"/xbootldr/loader/entries/ihard-*.conf)
		tap_is "$(cat "$dir/xbootldr$f")" "$(cat "$dir/tree/store/board.dtb")" "the device tree is beside it"
	else
		tap_is "$(part .dtb "$dir"/xbootldr/EFI/Linux/ihard-*.efi)" "$(cat "$dir/tree/store/board.dtb")" "the device tree is in it"
	fi
done
sed -i 's|"devicetree":"[^"]*"|"fdtdir":"/trees"|' "$dir/tree/store/gen-1/boot.json"
tap_run 0 "a folder of device trees" boot install --profiles "$dir/tree/profiles" --cmdline "$dir/cmdline" --unsigned
tap_like "$tap_err" "'Generation 1' has a folder of device trees, '/trees', of which no EFI loader chooses" "does nothing, and that is said"
rm -rf "$dir/tree" "$dir/xbootldr"

# images are not held in memory, however large they are
mkdir "$dir/large"
generation "$dir/large" 1
truncate -s 160M "$dir/large/store/initrd-1"
peak() { # of a command, in MiB
	python3 -c 'import os, resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
sys.exit(status)' "$@"
}
for how in --unsigned "--key $dir/db.key --certificate $dir/db.crt --pcr-key $dir/pcr.key"; do
	mkdir -p "$dir/large/esp"
	# shellcheck disable=SC2086
	tap_run 0 "an initrd of 160 MiB (${how%% *})" peak "$ihard" boot install --esp "$dir/large/esp" --efivars "$vars" \
		--history "$dir/history" --profiles "$dir/large/profiles" --cmdline "$dir/cmdline" $how
	tap_ok $((tap_out >= 64)) "in less than 64 MiB of memory ($tap_out)"
	tap_ok "$(esp_verify "$dir/large/esp" >&2; echo $?)" "whole"
	rm -rf "$dir/large/esp"
done
rm -rf "$dir/large"

# a partition that is too small
small() {
	unshare --mount --propagation private bash -c '
		mount -t tmpfs -o size=3m tmpfs "$1" || exit 77
		shift
		"$@"
		status=$?
		find "$esp" -type f | wc -l
		exit $status' small "$esp" "$@"
}
export esp
if [ "$(id -u)" -eq 0 ] && unshare --mount true 2>/dev/null; then
	tap_run 0 "a partition with 3 MiB: one image fits" small "$ihard" boot install --esp "$esp" --efivars "$vars" \
		--history "$dir/history" --profiles "$dir/profiles" --key "$dir/db.key" --certificate "$dir/db.crt" --limit 1
	head -c 4000000 /dev/urandom >>"$dir/store/bzImage-1"
	tap_run 1 "it does not fit" small "$ihard" boot install --esp "$esp" --efivars "$vars" \
		--history "$dir/history" --profiles "$dir/profiles" --key "$dir/db.key" --certificate "$dir/db.crt" --limit 1
	tap_like "$tap_err" "has [0-9]+ MiB free and needs [0-9]+ MiB more at the worst moment" "says the numbers"
	tap_is "$tap_out" 0 "nothing is written"
else
	tap_skip "a partition that is too small" "needs root and mounts"
fi
tap_done
