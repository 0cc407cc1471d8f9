#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ihard boot sign, verify and measure against sbsign, sbverify, systemd's stub and systemd-measure.
# usage: boot-sign.sh IHARD
set -u
ihard=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lib/tap.sh
. "$here/../lib/tap.sh"
stub=/usr/lib/systemd/boot/efi/linuxx64.efi.stub
loader=/usr/lib/systemd/boot/efi/systemd-bootx64.efi
[ -e "$stub" ] || tap_skip_all "systemd's stub is not here (package systemd-boot-efi)"
command -v sbverify >/dev/null || tap_skip_all "sbverify is not here (package sbsigntool)"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1

make_key() {
	openssl req -new -x509 -newkey rsa:2048 -nodes -sha256 -days 30 -subj "/CN=test $1/" \
		-keyout "$1.key" -out "$1.crt" 2>/dev/null
	chmod 600 "$1.key"
}
flip() { # FILE OFFSET: one bit
	python3 - "$1" "$2" <<-'PY'
		import sys
		with open(sys.argv[1], "r+b") as f:
		    f.seek(int(sys.argv[2])); b = f.read(1)[0]; f.seek(-1, 1); f.write(bytes([b ^ 4]))
	PY
}
offset_of() { # FILE TEXT
	grep -obUaF -- "$2" "$1" | head -n 1 | cut -d: -f1
}
make_key db
make_key rogue
openssl genrsa -out pcr.key 2048 2>/dev/null
chmod 600 pcr.key

# A generation: kernels need no code to be put in an image
head -c 200000 /dev/zero | tr '\0' 'k' >kernel
printf '070701early' >early
{ printf '\037\213'; head -c 5001 /dev/zero | tr '\0' 'g'; } >main
printf '#!/bin/sh\nprintf 070701secret >>"$1"\n' >secrets
chmod +x secrets
cat >boot.json <<EOT
{"org.nixos.bootspec.v2": {"system": "x86_64-linux", "label": "NixOS X (Linux 6.6)", "kernel": "/kernel",
  "init": "/t/init", "toplevel": "/t", "kernelParams": ["quiet", "a=b c"], "initrds": ["/early", "/main"]},
 "org.nixos.specialisation.v2": {"debug": {"org.nixos.bootspec.v2": {"system": "x86_64-linux",
  "label": "NixOS X (Linux 6.6)", "kernel": "/kernel", "init": "/t/init", "toplevel": "/t",
  "kernelParams": ["debug"], "initrds": ["/main"]}}}}
EOT
cat >secrets.json <<EOT
{"org.nixos.bootspec.v1": {"system": "x86_64-linux", "label": "NixOS X", "kernel": "/kernel", "init": "/t/init",
  "toplevel": "/t", "kernelParams": [], "initrd": "/main", "initrdSecrets": "/secrets"}}
EOT
sign=("$ihard" boot sign --key db.key --certificate db.crt --root "$dir" --run "$dir")

# Images from a bootspec
tap_run 0 "a generation and its specialisation are signed" "${sign[@]}" --generation 7 --output x.efi boot.json
tap_is "$tap_out" "x.efi
x-specialisation-debug.efi" "each has its image"
tap_run 0 "sbverify accepts the image" sbverify --cert db.crt x.efi
tap_run 0 "sbverify accepts the specialisation" sbverify --cert db.crt x-specialisation-debug.efi
tap_run 0 "we accept it" "$ihard" boot verify --certificate db.crt x.efi
tap_like "$tap_out" "^good x.efi: signed by 'CN=test db', trusted by 'db.crt'" "and say who signed"
tap_run 1 "sbverify refuses it for another key" sbverify --cert rogue.crt x.efi
tap_run 1 "so do we" "$ihard" boot verify --certificate rogue.crt x.efi
tap_like "$tap_out" "^bad  x.efi: signature 1 of 'x.efi' by 'CN=test db': none of the 1 trusted" "and say why"
for s in cmdline osrel; do
	objcopy -O binary --only-section=.$s x.efi $s.txt
done
tap_is "$(cat cmdline.txt)" "init=/t/init quiet a=b c" "the command line"
tap_is "$(cat osrel.txt)" 'ID="nixos"
PRETTY_NAME="NixOS X (Linux 6.6) (Generation 7)"
VERSION_ID="Generation 7"' "the name in the menu"
objcopy -O binary --only-section=.initrd x.efi initrd.bin
{ cat early; printf '\0'; cat main; printf '\0'; } >wanted
tap_run 0 "two initrds lie at multiples of four" cmp initrd.bin wanted
cp x.efi first.efi
tap_run 0 "signed again" "${sign[@]}" --generation 7 --output x.efi boot.json
tap_run 0 "the bytes are the same" cmp first.efi x.efi
tap_run 0 "secrets come from their own program" "${sign[@]}" --output s.efi secrets.json
objcopy -O binary --only-section=.initrd s.efi initrd.bin
tap_is "$(tail -c 12 initrd.bin)" "070701secret" "they are in the image"
tap_is "$(cmp main "$here/none" 2>/dev/null; tail -c 3 main)" "ggg" "the generation's own initrd is as it was"
printf '#!/bin/sh\nexit 9\n' >secrets
tap_run 125 "no image when the program fails" "${sign[@]}" --output t.efi secrets.json
tap_like "$tap_err" "ended with status 9; without its secrets no boot entry is made" "with the reason"
tap_run 1 "and no file" test -e t.efi
tap_run 0 "only one specialisation" "${sign[@]}" --generation 7 --specialisation debug --output d.efi boot.json
tap_run 0 "is the same image" cmp d.efi x-specialisation-debug.efi
tap_run 125 "one that there is not" "${sign[@]}" --specialisation none --output d.efi boot.json
chmod 644 db.key
tap_run 125 "a key that others can read" "${sign[@]}" --output d.efi boot.json
tap_like "$tap_err" "chmod 600" "with what to do"
chmod 600 db.key
tap_run 2 "no key" "$ihard" boot sign --output d.efi boot.json

# Device trees: one is put into the image; of a folder nobody chooses
printf '\320\015\376\355tree' >tree
sed 's,"initrds": \["/early"\, "/main"\],"initrds": ["/main"]\, "devicetree": "/tree"\, "fdtdir": "/trees",' boot.json >tree.json
tap_run 0 "a device tree" "${sign[@]}" --specialisation "" --output dt.efi tree.json
tap_is "$tap_err" "" "nothing to say about it"
objcopy -O binary --only-section=.dtb dt.efi dtb.bin
tap_run 0 "it is in the image" cmp dtb.bin tree
tap_run 0 "which is signed" "$ihard" boot verify --certificate db.crt dt.efi
sed -i 's,"devicetree": "/tree"\, ,,' tree.json
tap_run 0 "a folder of device trees" "${sign[@]}" --specialisation "" --output dt.efi tree.json
tap_like "$tap_err" "has a folder of device trees, '/trees', of which no EFI loader chooses" "does nothing, and that is said"
tap_is "$(objdump -h dt.efi 2>/dev/null | grep -c ' .dtb ')" 0 "no tree is in the image"

# Images that are there, and other signers
tap_run 0 "the loader is signed as it is" "${sign[@]}" --image "$loader" --output loader.efi
tap_run 0 "sbverify accepts it" sbverify --cert db.crt loader.efi
tap_run 0 "we accept it" "$ihard" boot verify --certificate db.crt loader.efi
"$ihard" boot sign --unsigned --root "$dir" --output u.efi boot.json >/dev/null
tap_run 1 "unsigned is refused" "$ihard" boot verify --certificate db.crt u.efi
tap_like "$tap_out" "'u.efi' is not signed" "and said"
sbsign --key db.key --cert db.crt --output sb.efi u.efi >/dev/null 2>&1
tap_run 0 "we accept sbsign's" "$ihard" boot verify --certificate db.crt sb.efi
sbsign --key db.key --cert db.crt --output sbl.efi "$loader" >/dev/null 2>&1
tap_run 0 "also of the loader with its symbols" "$ihard" boot verify --certificate db.crt sbl.efi
sbsign --key rogue.key --cert rogue.crt --output r.efi x.efi >/dev/null 2>&1
tap_run 0 "a foreign signature beside ours is no harm" "$ihard" boot verify --certificate db.crt r.efi

# Revoked: in dbx, by the image's digest, by the certificate, by the digest of the certificate
efi=("python3" "$here/../lib/efi.py")
some=$(printf %064d 7)
"${efi[@]}" revoke other.esl digest="$some" certificate=rogue.crt signed=rogue.crt image=u.efi
"${efi[@]}" revoke image.esl digest="$some" image=x.efi
"${efi[@]}" revoke certificate.esl digest="$some" certificate=db.crt
"${efi[@]}" revoke signed.esl digest="$some" signed=db.crt
"${efi[@]}" esl db.crt db.esl
tap_run 0 "what dbx does not name is good" "$ihard" boot verify --certificate db.crt --dbx other.esl x.efi
tap_run 0 "and its measurements are predicted" "$ihard" boot measure predict --image x.efi --db db.esl --dbx other.esl
for by in image certificate signed; do
	what="the certificate that signed it"
	[ $by = image ] && what="this very image, by its digest"
	tap_run 1 "revoked by $by" "$ihard" boot verify --certificate db.crt --dbx $by.esl x.efi
	tap_is "$tap_out" "bad  x.efi: firmware refuses 'x.efi': entry 2 of dbx revokes $what" "and said"
	tap_run 125 "nothing is predicted of it" "$ihard" boot measure predict --image x.efi --db db.esl --dbx $by.esl
	tap_like "$tap_err" "cannot predict: firmware refuses 'x.efi': entry 2 of dbx revokes $what" "with the reason"
done
tap_run 0 "another image than the revoked one is good" "$ihard" boot verify --certificate db.crt --dbx image.esl d.efi
tap_run 1 "a revoked signer beside a good one counts" "$ihard" boot verify --certificate db.crt --dbx other.esl r.efi
mkdir vars
{ printf '\047\0\0\0'; cat db.esl; } >vars/db-d719b2cb-3d3a-4596-a3bc-dad00e67656f
tap_run 0 "the firmware's db without a dbx" "$ihard" boot verify --efivars vars x.efi
{ printf '\047\0\0\0'; cat signed.esl; } >vars/dbx-d719b2cb-3d3a-4596-a3bc-dad00e67656f
tap_run 1 "with its db the firmware's dbx counts" "$ihard" boot verify --efivars vars x.efi
tap_like "$tap_out" "entry 2 of dbx revokes" "and said"
head -c 70 image.esl >cut.esl
tap_run 1 "a malformed dbx forbids" "$ihard" boot verify --certificate db.crt --dbx cut.esl x.efi
tap_like "$tap_out" "the variable dbx" "and said"

# Changes
cp x.efi c.efi
flip c.efi "$(offset_of x.efi 'init=/t/init')"
tap_run 1 "sbverify notices a changed command line" sbverify --cert db.crt c.efi
tap_run 1 "so do we" "$ihard" boot verify --certificate db.crt --reference x.efi c.efi
tap_like "$tap_out" "is not what was signed.*section '.cmdline' differs from its byte 0 on" "and say where"
cp x.efi c.efi
flip c.efi "$(offset_of x.efi gggggggg)"
tap_run 1 "a changed initrd" "$ihard" boot verify --certificate db.crt --reference x.efi c.efi
tap_like "$tap_out" "section '.initrd' differs from its byte 14 on" "where"
cp x.efi c.efi
printf 'x' >>c.efi
tap_run 1 "a byte more" "$ihard" boot verify --certificate db.crt c.efi

# Statements about a bootspec
tap_run 0 "a statement is signed" "${sign[@]}" --generation 7 --closure sha256:abc --statement signed.json boot.json
tap_run 1 "only an extension is added" "$ihard" bootspec diff boot.json signed.json
tap_is "$tap_out" "+ extension org.ihard.signature.v1" "the rest means the same"
tap_run 0 "and is a good bootspec" "$ihard" bootspec check signed.json
tap_run 0 "we accept it" "$ihard" boot verify --bootspec --certificate db.crt signed.json
tap_is "$tap_out" "good signed.json: generation 7, /t, closure sha256:abc, by 'db.crt'" "and say what was signed"
tap_run 1 "for another key" "$ihard" boot verify --bootspec --certificate rogue.crt signed.json
tap_like "$tap_out" "none of the 1 trusted certificates signed" "nobody signed"
tap_run 1 "unsigned" "$ihard" boot verify --bootspec --certificate db.crt boot.json
tap_like "$tap_out" "is not signed" "is said"
for change in 's/a=b c/a=b d/' 's/generation 7/generation 8/' 's,/t/init,/u/init,' 's/"debug"/"xebug"/'; do
	sed "$change" signed.json >changed.json
	tap_run 1 "changed: $change" "$ihard" boot verify --bootspec --certificate db.crt changed.json
done
tap_run 0 "a second signer" "$ihard" boot sign --key rogue.key --certificate rogue.crt --generation 7 --closure sha256:abc \
	--statement both.json signed.json
tap_run 0 "the first still counts" "$ihard" boot verify --bootspec --certificate db.crt both.json
tap_run 0 "so does the second" "$ihard" boot verify --bootspec --certificate rogue.crt both.json

# Measurements
tap_run 0 "registers are signed" "${sign[@]}" --pcr-key pcr.key --output p.efi boot.json
if [ -x /lib/systemd/systemd-measure ]; then
	for s in .osrel .cmdline .initrd .linux .pcrpkey; do
		objcopy -O binary --only-section=$s p.efi "s$s"
	done
	for bank in sha1 sha256 sha384 sha512; do
		theirs=$(/lib/systemd/systemd-measure calculate --bank=$bank --phase=: --linux=s.linux --osrel=s.osrel \
			--cmdline=s.cmdline --initrd=s.initrd --pcrpkey=s.pcrpkey 2>/dev/null | sed -n 's/^11:.*=//p')
		ours=$("$ihard" boot measure predict --image p.efi --db db.esl --bank $bank 2>/dev/null |
			sed -n 's/^11 //p')
		[ -n "$ours" ] || ours=none
		tap_is "$ours" "$theirs" "systemd-measure predicts register 11 as we do ($bank)"
	done
else
	tap_skip "systemd-measure predicts register 11 as we do" "systemd-measure is not here"
fi
# a loader that knows profiles hands no options over
LC_ALL=C sed 's/systemd-boot 252/systemd-boot 262/' "$loader" >newer
"${sign[@]}" --image newer --output newer.efi >/dev/null
predict=("$ihard" boot measure predict --image x.efi --db db.esl --events)
tap_run 0 "with the loader" "${predict[@]}" --loader loader.efi
tap_like "$tap_out" "^ +12 [0-9a-f]{64} kernel options, by the boot loader" "its options are measured"
tap_run 0 "with one of 262" "${predict[@]}" --loader newer.efi
tap_is "$(printf '%s\n' "$tap_out" | grep -c 'by the boot loader')" 0 "there are none"
tap_is "$(printf '%s\n' "$tap_out" | sed -n 's/^12 //p')" "$(printf %064d 0)" "the register stays as it was"
tap_run 0 "with one of 262 and options of its own" "${predict[@]}" --loader newer.efi --options "a b"
tap_like "$tap_out" "^ +12 [0-9a-f]{64} kernel options, by the boot loader" "they are measured"
vectors=$here/../vectors
for case in "$vectors"/*/; do
	name=$(basename "$case")
	[ -e "$case/eventlog.bin" ] || continue
	tap_run 0 "the log of $name is what was measured" "$ihard" boot measure compare --log "$case/eventlog.bin" \
		--registers "$case/case.json"
done
tap_run 1 "another boot's log is not" "$ihard" boot measure compare --log "$vectors/sb-pcrpkey/eventlog.bin" \
	--registers "$vectors/sb-sdboot-uki/case.json"
tap_like "$tap_out" "^bad  register [0-9]+ is" "and the register is named"
tap_run 1 "compared with a good log" "$ihard" boot measure compare --log "$vectors/sb-pcrpkey/eventlog.bin" \
	--registers "$vectors/sb-pcrpkey/case.json" --reference "$vectors/sb-sdboot-uki/eventlog.bin"
tap_like "$tap_out" "^bad  event [0-9]+ of '.*' \(EV_EFI_BOOT_SERVICES_APPLICATION '.EFI.BOOT.*was changed|^bad  event" \
	"the event is named"
tap_run 0 "replay prints registers" "$ihard" boot measure replay --log "$vectors/sb-sdboot-uki/eventlog.bin" --json
tap_like "$tap_out" '"11": "d0c8d6ede84b8a8631d0a0919f232ca00f7a9d9b890f181c516bd114eae3a4ba"' "as the TPM had them"
tap_run 125 "no log" "$ihard" boot measure replay --log "$dir/none"
tap_like "$tap_err" "without a TPM the firmware keeps none" "is a sentence"
tap_done
