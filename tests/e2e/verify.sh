#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# `ihard verify` beside `nix store verify -r --sigs-needed 1`: the same verdict wherever Nix is right,
# the right one where it is known to be wrong, and each problem named.
#   verify.sh IHARD SCHEMA
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/lib/tap.sh
. ../lib/tap.sh
# shellcheck source=tests/lib/nix-store.sh
. ../lib/nix-store.sh
ihard=$1
[ "${ihard#/}" != "$ihard" ] || ihard=$OLDPWD/$ihard
schema=$2

missing=$(nix_store_missing) || tap_skip_all "needs$missing"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root, to change owners"
work=$(mktemp -d)
trap 'umount "$work/disk" 2>/dev/null; rm -rf "$work"' EXIT
chmod 0755 "$work"
S=$work/s

make_store() {
	nix_store_new "$S"
	mkdir -p "$work/lib/share" "$work/app/bin" "$work/top"
	printf 'library\n' >"$work/lib/share/data"
	printf '#!/bin/sh\necho hello\n' >"$work/app/bin/run"
	chmod 0755 "$work/app/bin/run"
	ln -s run "$work/app/bin/link"
	printf 'top\n' >"$work/top/system"
	printf '#!/bin/sh\necho ca\n' >"$work/script.sh"
	lib=$(nix_store_path lib)
	app=$(nix_store_path app)
	top=$(nix_store_path top)
	ca=$(nix_store_add "$S" "$work/script.sh" script.sh)
	nix_store_put "$S" lib "$work/lib"
	nix_store_put "$S" app "$work/app" "$lib" "$app"
	nix_store_put "$S" top "$work/top" "$app" "$ca"
	nix_store_key "$S" test-1 one
	nix_store_key "$S" test-2 two
	nix_store_rename_key "$S" alias-1 one alias
	nix_store_sign "$S" one "$lib" "$app" "$top"
} >/dev/null 2>&1

ihard_verify() {
	"$ihard" verify --store "$S" --trusted-public-keys "$(nix_store_public "$S" one)" "$@"
}

# both NIX IHARD REGEX NAME: exit status of Nix and of ihard, and what ihard says
both() {
	local nix=0
	_nix "$S" store verify -r --sigs-needed 1 \
		--trusted-public-keys "$(nix_store_public "$S" one)" "$top" >/dev/null 2>&1 || nix=$?
	tap_is "$nix" "$1" "$4: nix exits with $1"
	tap_run "$2" "$4: ihard exits with $2" ihard_verify "$top"
	tap_like "$tap_out" "$3" "$4: ihard says so"
}

save() {
	rm -rf "$work/saved"
	cp -a "$S" "$work/saved"
}

restore() {
	rm -rf "$S"
	cp -a "$work/saved" "$S"
}

# In one block of direct reads, at its edges, and beyond.
make_sizes() {
	mkdir -p "$work/sizes"
	for n in 0 1 4095 4096 4097 262143 262144 262145 524288; do
		head -c "$n" /dev/urandom >"$work/sizes/$n"
	done
	sizes=$(nix_store_path sizes)
	nix_store_put "$S" sizes "$work/sizes"
	nix_store_sign "$S" one "$sizes"
} >/dev/null 2>&1

# A copy of the store on a disk that has lost all behind the middle of one file.
make_lossy() {
	local block
	truncate -s 64M "$work/image"
	mkdir "$work/disk"
	mkfs.ext4 -q -b 4096 "$work/image" && mount -o loop "$work/image" "$work/disk" || return
	cp -a "$S/." "$work/disk/" && sync -f "$work/disk" && mount -o remount,ro "$work/disk" || return
	block=$(filefrag -v -b4096 "$work/disk$sizes/524288" | awk '$1 == "0:" { print $4 + 0 }')
	[ "$block" -gt 0 ] && truncate -s $(((block + 64) * 4096)) "$work/image"
} >/dev/null 2>&1

# many NAME N: an object of N small files
many() {
	local path i
	mkdir -p "$work/$1"
	for ((i = 0; i < $2; i++)); do
		echo "$i" >"$work/$1/file-$i"
	done
	path=$(nix_store_path "$1")
	nix_store_put "$S" "$1" "$work/$1" >/dev/null 2>&1
	nix_store_sign "$S" one "$path" 2>/dev/null
	printf '%s' "$path"
}

# calls ARG…: system calls that verifying takes
calls() {
	ASAN_OPTIONS=detect_leaks=0 strace -f -c -o "$work/calls" "$ihard" verify --store "$S" --quiet \
		--trusted-public-keys "$(nix_store_public "$S" one)" "$@" || return
	awk '$1 ~ /^[0-9.]+$/ && $NF != "total" { n += $4 } END { print n + 0 }' "$work/calls"
}

# from_disk ARG…: KiB that verifying takes from the disk
from_disk() {
	python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_inblock // 2)' "$ihard" verify --store "$S" \
		--trusted-public-keys "$(nix_store_public "$S" one)" "$@"
}

# on_terminal PATH: what verifying it prints on a terminal
on_terminal() {
	python3 -c '
import pty, sys
pty.spawn(sys.argv[1:])' "$ihard" verify --store "$S" --trusted-public-keys "$(nix_store_public "$S" one)" "$1" </dev/null
}

make_store
save
both 0 0 'verified: 4 objects are what was signed' "a good closure"
tap_run 0 "--json is answered" ihard_verify --json --evidence "$top"
printf '%s' "$tap_out" >"$work/good.json"
tap_like "$tap_out" '"closureDigest": *"sha256:' "--json: a verified closure has a digest"
digest=$(for p in $(nix_store_closure "$S" "$top" | sort); do
	printf '%s %s\n' "$p" "$(_nix_store "$S" -q --hash "$p" 2>/dev/null)"
done | nix-hash --type sha256 --base32 --flat /dev/stdin)
tap_like "$tap_out" "\"sha256:$digest\"" "the digest can be computed from what nix-store prints"
tap_run 0 "--evidence" ihard_verify --evidence "$top"
tap_like "$tap_out" "$app: signed by 'test-1'" "evidence names the signer"
tap_like "$tap_out" "$ca: named after its content" "evidence: content-addressed"
tap_run 2 "content-addressed objects can be made to need signatures" ihard_verify --no-content-addressed "$top"
tap_like "$tap_out" "'$ca' has 0 of 1 signatures" "and the sentence says so"
tap_run 0 "--one-stream says the same" ihard_verify --one-stream "$top"
tap_run 0 "--threads 7 says the same" ihard_verify --threads 7 "$top"
ln -s "$S$top" "$work/result"
tap_run 0 "a result link is followed" ihard_verify "$work/result"
tap_run 0 "a path below an object is its object" ihard_verify "$top/system"
tap_run 0 "--all" ihard_verify --all

make_sizes
tap_run 0 "--direct: files of all sizes" ihard_verify --direct "$sizes"
from_disk "$sizes" >/dev/null
cached=$(from_disk "$sizes")
direct=$(from_disk --direct "$sizes")
[ "$cached" -lt 100 ]
tap_ok $? "by default what is cached is not read again ($cached KiB)"
if [ "$(stat -f -c %T "$S")" = tmpfs ]; then
	tap_skip "--direct asks the disk" "there is none below a tmpfs"
else
	[ "$direct" -ge 1290 ]
	tap_ok $? "--direct asks the disk ($direct KiB)"
fi
if make_lossy; then
	S=$work/disk tap_run 4 "--direct on a disk that cannot be read" ihard_verify --direct "$sizes"
	tap_like "$tap_out" "cannot read '$sizes/524288': Input/output error" "names the file and the error"
else
	tap_skip "--direct on a disk that cannot be read" "no file system can be mounted here"
fi
umount "$work/disk" 2>/dev/null
nix_tamper_byte "$S" "$sizes/262144"
tap_run 1 "--direct finds a flipped bit" ihard_verify --direct "$sizes"
mkdir "$work/large"
truncate -s 2G "$work/large/zeros" # long enough to draw a bar on any machine
large=$(nix_store_path large)
nix_store_put "$S" large "$work/large" >/dev/null 2>&1
nix_store_sign "$S" one "$large" 2>/dev/null
progress=$(on_terminal "$large" | tr '\r' '\n')
tap_like "$progress" '\[#* *\] [0-9.]+ .?B.* of 2.14 GB, [0-9.]+ .B/s, [0-9]+ s left' \
	"on a terminal: what was read, the rate, the time left"
few=$(many few 100)
lot=$(many lot 600)
if n=$(calls "$few") && [ "$n" -gt 0 ]; then
	per=$((($(calls "$lot") - n) * 100 / 500))
	[ "$per" -ge 400 ] && [ "$per" -le 510 ]
	tap_ok $? "a file costs 5 system calls: open, look, attributes, read, close ($per hundredths)"
else
	tap_skip "system calls a file" "cannot be counted here"
fi
if n=$(calls --direct "$few") && [ "$n" -gt 0 ] && lot=$(calls --direct "$lot"); then
	per=$(((lot - n) * 100 / 500))
	[ "$per" -le 525 ] # if the 600 were each waited for, and of the 100 none
	tap_ok $? "with --direct 4, and at most one wait ($per hundredths)"
else
	tap_skip "system calls a file with --direct" "cannot be counted here"
fi
restore

nix_tamper_byte "$S" "$lib/share/data"
both 1 1 "'$lib' was modified: expected hash 'sha256:.*', found 'sha256:" "a flipped bit"
tap_is "${tap_out%%:*}" "not verified" "the verdict comes first"
tap_like "$tap_out" "^  corrupt: 'nix-store --repair-path PATH'" "and what to do last"
tap_like "$tap_out" "share/data' was modified after Nix made it" "the file is suspected by its time"
tap_run 1 "one path only, and not its references" ihard_verify --no-recursive "$lib"
tap_run 0 "its referrer alone is good" ihard_verify --no-recursive "$app"
tap_run 0 "signatures alone are good" ihard_verify --no-contents "$top"
tap_run 1 "--repair-plan" ihard_verify --repair-plan "$top"
tap_is "$tap_out" "$lib" "--repair-plan prints the path and nothing else"
tap_run 1 "--json of a bad closure" ihard_verify --json "$top"
printf '%s' "$tap_out" >"$work/bad.json"
nix_tamper_unsign "$S" "$app"
both 3 3 "'$app' has 0 of 1 signatures" "corrupt and unsigned"
tap_like "$tap_out" "2 of 4 objects are bad: 1 corrupt, 1 not trusted" "the summary counts both"
restore

nix_tamper_setuid "$S" "$app/bin/run"
both 0 1 "'$app/bin/run' has the set-user-id bit" "a set-user-id bit (Nix does not look)"
restore
nix_tamper_mode "$S" "$lib/share/data" 0666
both 0 1 "'$lib/share/data' has mode 0666" "a writable file (Nix does not look)"
restore
nix_tamper_owner "$S" "$lib/share/data" 1000
both 0 1 "'$lib/share/data' belongs to user 1000" "another owner (Nix does not look)"
restore
if nix_tamper_capability "$S" "$app/bin/run" cap_net_raw+ep 2>/dev/null; then
	both 0 1 "'$app/bin/run' has file capabilities" "file capabilities (Nix does not look)"
else
	tap_skip "file capabilities" "cannot be set here"
fi
restore
nix_tamper_ca "$S" "$ca" "$ca"
both 0 3 "'$ca' has 0 of 1 signatures" "a content-address claim that lies (Nix believes it)"
restore
nix_tamper_unsign "$S" "$lib"
nix_tamper_ultimate "$S" "$lib"
both 2 2 "'$lib' has 0 of 1 signatures" "built here, says the database"
restore
two="$(nix_store_public "$S" one) $(nix_store_public "$S" alias)"
nix_store_sign "$S" alias "$lib" "$app" "$top" 2>/dev/null
tap_run 2 "one key under two names is one key" "$ihard" verify --store "$S" --trusted-public-keys "$two" \
	--sigs-needed 2 "$top"
two="$(nix_store_public "$S" one) $(nix_store_public "$S" two)"
nix_store_sign "$S" two "$lib" "$app" "$top" 2>/dev/null
tap_run 0 "two keys are two" "$ihard" verify --store "$S" --trusted-public-keys "$two" --sigs-needed 2 "$top"
restore
nix_store_sql "$S" "DELETE FROM Refs WHERE referrer = (SELECT id FROM ValidPaths WHERE path = '$app') AND reference != referrer"
both 2 2 "'$app' has 0 of 1 signatures by distinct trusted keys; 1 under a trusted name do not fit" \
	"a reference dropped from the database"
restore

mkfifo "$S$lib/share/fifo"
tap_run 1 "a FIFO does not hang it" timeout 20 "$ihard" verify --store "$S" \
	--trusted-public-keys "$(nix_store_public "$S" one)" "$top"
tap_like "$tap_out" "fifo' is no file, directory or symbolic link" "and is named"
restore
rm -rf "${S:?}$lib"
tap_run 4 "a missing object" ihard_verify "$top"
tap_like "$tap_out" "cannot look at '$lib': No such file" "is named"
restore
mv "$S/nix/var/nix/db/db.sqlite" "$work/db"
tap_run 4 "a missing database" ihard_verify "$top"
tap_like "$tap_out" "cannot be looked up: cannot open the database" "is a problem of the objects"
mkdir -p "$work/info"
narinfo() {
	local p base hash
	for p in $(nix_store_closure "$S" "$top"); do
		base=${p#/nix/store/}
		hash=${base%%-*}
		{
			printf 'StorePath: %s\nURL: nar/x.nar\nNarHash: %s\nNarSize: %s\nReferences: %s\n' "$p" \
				"$(_nix_store "$S" -q --hash "$p" 2>/dev/null)" "$(_nix_store "$S" -q --size "$p" 2>/dev/null)" \
				"$(_nix_store "$S" -q --references "$p" 2>/dev/null | sed 's,.*/,,' | tr '\n' ' ' | sed 's/ $//')"
			sqlite3 "$S/nix/var/nix/db/db.sqlite" "SELECT sigs FROM ValidPaths WHERE path = '$p'" |
				tr ' ' '\n' | sed '/./!d; s/^/Sig: /'
			sqlite3 "$S/nix/var/nix/db/db.sqlite" "SELECT ca FROM ValidPaths WHERE path = '$p'" |
				sed '/./!d; s/^/CA: /'
		} >"$work/info/$hash.narinfo"
	done
}
cp "$work/db" "$S/nix/var/nix/db/db.sqlite"
narinfo
rm "$S/nix/var/nix/db/db.sqlite"
tap_run 0 "signed .narinfo files stand in for a missing database" ihard_verify --narinfo "$work/info" "$top"
for f in "$work"/info/*.narinfo; do
	cat "$f"
	echo
done >"$work/manifest"
tap_run 0 "so does one file of them" ihard_verify --narinfo "$work/manifest" "$top"
sed -i 's/^NarSize: /NarSize: 1/' "$work"/info/*-* "$work"/info/*.narinfo 2>/dev/null
tap_run 3 "a .narinfo that lies has no signature" ihard_verify --narinfo "$work/info" --no-content-addressed "$top"
restore

tap_run 125 "no path" ihard_verify
tap_run 125 "no keys" "$ihard" verify --store "$S" --nix-conf /dev/null "$top"
tap_run 125 "not a store path" ihard_verify /etc/passwd
tap_run 125 "an unknown option is not exit status 2, which means untrusted" ihard_verify --frobnicate "$top"
tap_run 4 "a path that is not in the database" ihard_verify "$(nix_store_path nothing)"
tap_like "$tap_out" 'is not in the database' "and says so"
tap_run 4 "a time limit of no time is no pass" ihard_verify --time-limit 0 "$top"
tap_like "$tap_out" 'the time limit came first' "and says so"

for f in good bad; do
	tap_fits "$work/$f.json" "$schema" "--json ($f) fits its schema"
done
tap_done
