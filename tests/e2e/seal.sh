#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Seals as a trust provider, where nothing can be frozen: who signed, which generation, what lies there;
# objects are then read and held to the seal's hash. What fs-verity adds is tests/vm/guest/seal.sh's.
#   seal.sh IHARD IH-TRUST
# shellcheck disable=SC2154 # tap.sh sets tap_out and tap_err
set -u
ihard=$(realpath "$1")
trust=$(realpath "$2")
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/lib/tap.sh
. ../lib/tap.sh
# shellcheck source=tests/lib/nix-store.sh
. ../lib/nix-store.sh
missing=$(nix_store_missing) || tap_skip_all "needs$missing"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root: a store's files are root's"
outer=$(mktemp -d)
chmod 0755 "$outer"
work=$outer/w
mkdir "$work"
# a file system that cannot freeze, so that every machine gives the same answers
mount -t tmpfs -o mode=0755 none "$work" 2>/dev/null
trap 'umount -q "$work"; rm -rf "$outer"' EXIT
S=$work/store

nix_store_new "$S" 2>/dev/null >&2
mkdir -p "$work/app/bin" "$work/seals"
printf '#!/bin/sh\necho app\n' >"$work/app/bin/run"
chmod 0755 "$work/app/bin/run"
ln -s run "$work/app/bin/link"
printf 'data\n' >"$work/data"
data=$(nix_store_path data)
app=$(nix_store_path app)
new=$(nix_store_path new)
for k in one two rogue; do nix_store_key "$S" $k; done 2>/dev/null
{
	nix_store_put "$S" data "$work/data"
	nix_store_put "$S" app "$work/app" "$data"
	nix_store_put "$S" new "$work/app"
	nix_store_sign "$S" one "$data" "$app" "$new"
} >/dev/null 2>&1
one=$(nix_store_public "$S" one)
two=$(nix_store_public "$S" two)

# make GENERATION OUTPUT [KEY]
make() {
	"$ihard" seal --store "$S" --key "$S/keys/${3:-one}.sec" --trusted-public-keys "$one" --generation "$1" --output "$2" "$app"
}
judge() {
	"$trust" --root "$S" --key "$one" "$@"
}
# refused NAME REGEX ARGS…
refused() {
	local name=$1 regex=$2
	shift 2
	tap_run 1 "$name" judge "$@"
	tap_like "$tap_out" "^(untrusted|unknown) " "$name: untrusted"
	tap_like "$tap_out" "$regex" "$name: why"
}

tap_run 0 "a closure is sealed" make 5 "$work/seals/5.seal"
tap_like "$tap_out" "2 objects are sealed; 2 of them are not frozen" "and what could not be frozen is said"
tap_run 0 "a file of it" judge --seal "$work/seals" "$S$app/bin/run"
tap_like "$tap_out" "^verified $S$app/bin/run" "is verified, as nothing is frozen"
tap_like "$tap_out" "is what 'one' sealed, generation 5; its object is not all frozen, and was read" "and why is said"
tap_like "$tap_out" "signer: one" "and by whom"
tap_like "$tap_out" "object: $app" "and what it belongs to"
tap_run 0 "by a link" judge --seal "$work/seals" "$S$app/bin/link"
tap_run 0 "by one seal's name" judge --seal "$work/seals/5.seal" "$S$data"
refused "an object that Nix added later" "no seal that is trusted has '$S$new" --seal "$work/seals" "$S$new/bin/run"
refused "what lies in the store and is no object" "no seal that is trusted has" --seal "$work/seals" "$S/nix/store"
tap_run 0 "the floor itself" judge --seal "$work/seals" --floor 5 "$S$app/bin/run"
refused "an older generation than the floor" "is of generation 5; older than 6 is refused" --seal "$work/seals" --floor 6 "$S$app/bin/run"
refused "fewer signatures than are needed" "the seal has 1 of 2 signatures by distinct trusted keys" --seal "$work/seals" --key "$two" --needed 2 "$S$app/bin/run"
tap_run 0 "sealed by a key that is not trusted" make 6 "$work/rogue.seal" rogue
refused "a seal by a foreign key" "0 of 1 signatures by distinct trusted keys" --seal "$work/rogue.seal" "$S$app/bin/run"
refused "no seal" "cannot open '$work/nothing.seal'" --seal "$work/nothing.seal" "$S$app/bin/run"
head -c $(($(stat -c %s "$work/seals/5.seal") / 2)) "$work/seals/5.seal" >"$work/short.seal"
refused "half a seal" "reach beyond its end|is no seal|not in order" --seal "$work/short.seal" "$S$app/bin/run"
python3 - "$work/seals/5.seal" "$work/flipped.seal" <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
at = data.find(b"-app\0")
data[at + 1] ^= 1
open(sys.argv[2], "wb").write(data)
END
refused "a seal with one bit changed" "0 of 1 signatures by distinct trusted keys \(1 do not fit" --seal "$work/flipped.seal" "$S$app/bin/run"
tap_run 0 "beside bad seals" judge --seal "$work/short.seal" --seal "$work/flipped.seal" --seal "$work/seals" "$S$app/bin/run"
tap_like "$tap_out" "^verified " "a good one still speaks"

nix_tamper_byte "$S" "$app/bin/run"
refused "a changed file" "the content of '$S$app' was changed since it was sealed" --seal "$work/seals" "$S$app/bin/run"
tap_run 0 "and another object beside it" judge --seal "$work/seals" "$S$data"
nix_tamper_byte "$S" "$app/bin/run"
tap_run 0 "undone" judge --seal "$work/seals" "$S$app/bin/run"
chmod 4555 "$S$app/bin/run"
refused "a set-user-id bit" "set-user-id" --seal "$work/seals" "$S$app/bin/run"
chmod 0555 "$S$app/bin/run"
if mount --bind "$S$data" "$S$data" 2>/dev/null; then
	refused "something mounted over an object" "another file system is mounted over it" --seal "$work/seals" "$S$data"
	umount "$S$data"
fi

# the same by a policy and `ihard check`
cat >"$work/policy.json" <<END
{"version": 1,
 "trust": [{"provider": "seal", "seals": ["$work/seals"], "keys": ["$one"], "root": "$S", "generation_floor": 5},
           {"provider": "paths", "trees": ["/bin", "/usr", "/lib", "/lib64"]}],
 "rules": [{"name": "sealed-scripts", "verdict": "allow", "modes": ["script"], "program": ">=owned", "sources": ">=verified"}]}
END
tap_run 0 "ihard check: a script of the closure" "$ihard" check --clear-env --policy "$work/policy.json" "$S$app/bin/run"
tap_like "$tap_out" "sealed-scripts" "is allowed by its rule"
tap_run 1 "ihard check: a script that was not sealed" "$ihard" check --clear-env --policy "$work/policy.json" "$S$new/bin/run"
tap_like "$tap_out" "no seal that is trusted has" "is denied, and why is said"
sed 's/"generation_floor": 5/"generation_floor": 6/' "$work/policy.json" >"$work/policy6.json"
tap_run 1 "ihard check: below the floor" "$ihard" check --clear-env --policy "$work/policy6.json" "$S$app/bin/run"
tap_run 0 "the policy, compiled" "$ihard" policy compile --output "$work/policy.bin" "$work/policy6.json"
tap_run 1 "ihard check by the compiled policy: below the floor" "$ihard" check --clear-env --policy "$work/policy.bin" "$S$app/bin/run"
tap_like "$tap_out$tap_err" "older than 6 is refused" "as the floor is compiled, too"
tap_done
