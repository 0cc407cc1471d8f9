#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ihard boot measure against a TPM implementation: real logs replayed into swtpm, policies over
# register 11 as systemd-measure signs them.
# usage: boot-tpm.sh IHARD
set -u
ihard=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lib/tap.sh
. "$here/../lib/tap.sh"
stub=/usr/lib/systemd/boot/efi/linuxx64.efi.stub
command -v swtpm >/dev/null || tap_skip_all "swtpm is not here"
command -v tpm2_pcrextend >/dev/null || tap_skip_all "tpm2-tools is not here"
dir=$(mktemp -d)
tpm=
stop() {
	[ -z "$tpm" ] || kill "$tpm" 2>/dev/null
	wait 2>/dev/null
}
trap 'stop; rm -rf "$dir"' EXIT
cd "$dir" || exit 1
start() { # NAME: a fresh TPM at $dir/NAME/socket
	stop
	mkdir "$1"
	swtpm socket --tpm2 --tpmstate "dir=$1" --server "type=unixio,path=$1/socket" \
		--ctrl "type=unixio,path=$1/socket.ctrl" --flags not-need-init,startup-clear >/dev/null 2>&1 &
	tpm=$!
	for _ in $(seq 200); do
		[ -S "$1/socket" ] && break
		sleep 0.02
	done
	tcti=swtpm:path=$dir/$1/socket
}

# A real log, extended into a TPM as the firmware did it
case=$here/../vectors/sb-sdboot-uki
start one
"$ihard" boot measure replay --events --log "$case/eventlog.bin" >events
tap_run 1 "an empty TPM is not what the log says" "$ihard" boot measure compare --log "$case/eventlog.bin" --tpm "$tcti"
while read -r _ pcr digest type _; do
	[ "$type" = EV_NO_ACTION ] || printf '%s:sha256=%s ' "$pcr" "$digest"
done < <(grep '^ *[0-9]* *[0-9]* [0-9a-f]\{64\} ' events) >extends
# shellcheck disable=SC2046
tap_run 0 "extended by tpm2_pcrextend" tpm2_pcrextend -T "$tcti" $(cat extends)
tap_run 0 "then it is" "$ihard" boot measure compare --log "$case/eventlog.bin" --tpm "$tcti"
tap_run 0 "another extend" tpm2_pcrextend -T "$tcti" "4:sha256=$(printf x | sha256sum | cut -d' ' -f1)"
tap_run 1 "and it is not any more" "$ihard" boot measure compare --log "$case/eventlog.bin" --tpm "$tcti"
tap_like "$tap_out" "^bad  register 4 is" "the register is named"
tap_run 125 "no TPM there" "$ihard" boot measure compare --log "$case/eventlog.bin" --tpm "swtpm:path=$dir/none"
tap_like "$tap_err" "at 'swtpm:path=.*none'" "is a sentence"

# Policies
measure=/lib/systemd/systemd-measure
if [ -x $measure ] && [ -e $stub ]; then
	openssl genrsa -out pcr.key 2048 2>/dev/null
	chmod 600 pcr.key
	openssl rsa -in pcr.key -pubout -out pcr.pub 2>/dev/null
	head -c 100000 /dev/zero | tr '\0' 'k' >kernel
	printf '070701' >initrd
	cat >boot.json <<-'EOT'
		{"org.nixos.bootspec.v1": {"system": "x86_64-linux", "label": "NixOS", "kernel": "/kernel", "init": "/i",
		 "toplevel": "/t", "kernelParams": ["quiet"], "initrd": "/initrd"}}
	EOT
	"$ihard" boot sign --unsigned --root "$dir" --pcr-key pcr.key --output x.efi boot.json >/dev/null
	for s in .osrel .cmdline .initrd .linux .pcrpkey .pcrsig; do
		objcopy -O binary --only-section=$s x.efi "s$s"
	done
	tap_run 0 "the public key is in the image" cmp pcr.pub s.pcrpkey
	mkdir sd
	port=$((20000 + RANDOM % 20000))
	swtpm socket --tpm2 --tpmstate dir=sd --server "type=tcp,port=$port" --ctrl "type=tcp,port=$((port + 1))" \
		--flags not-need-init,startup-clear >/dev/null 2>&1 &
	sd=$!
	sleep 0.5
	$measure sign --bank=sha1 --bank=sha256 --bank=sha384 --bank=sha512 --linux=s.linux --osrel=s.osrel \
		--cmdline=s.cmdline --initrd=s.initrd --pcrpkey=s.pcrpkey --private-key=pcr.key --public-key=pcr.pub \
		--tpm2-device="swtpm:host=127.0.0.1,port=$port" >theirs.json 2>measure.err
	kill $sd 2>/dev/null
	if [ -s theirs.json ]; then
		tap_run 0 "the policies are those of systemd-measure" python3 - <<-'PY'
			import json
			ours, theirs = json.load(open("s.pcrsig")), json.load(open("theirs.json"))
			strip = lambda d: {b: [{k: v for k, v in e.items() if k != "sig"} for e in d[b]] for b in d}
			assert strip(ours) == strip(theirs), "policies differ"
			assert ours["sha256"] == theirs["sha256"], "signatures differ"
		PY
	else
		tap_skip "the policies are those of systemd-measure" "systemd-measure found no TPM: $(tail -n 1 measure.err)"
	fi
	# Of the other banks too: what reads them hashes the policy with SHA-256 in any case
	tap_run 0 "every signature is over the SHA-256 of its policy" python3 - <<-'PY'
		import base64, json, subprocess
		for bank, entries in json.load(open("s.pcrsig")).items():
		    assert len(entries) == 4, bank
		    for e in entries:
		        open("pol", "wb").write(bytes.fromhex(e["pol"]))
		        open("sig", "wb").write(base64.b64decode(e["sig"]))
		        subprocess.run(["openssl", "dgst", "-sha256", "-verify", "pcr.pub", "-signature", "sig", "pol"],
		                       check=True, stdout=subprocess.DEVNULL)
	PY
else
	tap_skip "policies" "systemd-measure or the stub is not here"
fi
tap_done
