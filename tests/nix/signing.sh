#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a switch does with boot.initrd.verify.signing: the module's own script, run with real Nix in a store of its own.
# The first run makes the key and signs, the second signs with the same; what is no part of the system is left alone.
#   signing.sh SOURCE IHARD
set -u
source=$(realpath "$1") ihard=$(realpath "$2")
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/lib/tap.sh
. ../lib/tap.sh
# shellcheck source=tests/lib/nix-store.sh
. ../lib/nix-store.sh

missing=$(nix_store_missing) || tap_skip_all "needs$missing"
command -v nix-instantiate >/dev/null || tap_skip_all "nix-instantiate is missing (Debian: nix-bin)"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root, to have a store at /nix"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
S=$work/s
nix_store_new "$S" >/dev/null 2>&1
mkdir "$work/part" "$work/system" "$work/other"
echo part >"$work/part/data"
echo system >"$work/system/init"
echo other >"$work/other/data"
part=$(nix_store_path part) system=$(nix_store_path system) other=$(nix_store_path other)
nix_store_put "$S" part "$work/part" >/dev/null 2>&1
nix_store_put "$S" system "$work/system" "$part" >/dev/null 2>&1
nix_store_put "$S" other "$work/other" >/dev/null 2>&1

# The script, with the programs of this machine in the place of nixpkgs'.
cat >"$work/configuration.nix" <<X
{ ... }: {
  networking.hostName = "machine";
  boot.initrd.verify.signing = { enable = true; keyFile = "$work/secret/signing.key"; };
}
X
NIX_REMOTE='' nix-instantiate --store "$work/eval" --read-write-mode --eval --strict --json "$source/tests/nix/eval.nix" \
	--arg configuration "$work/configuration.nix" >"$work/made.json" 2>"$work/errors"
tap_ok $? "the configuration evaluates" || cat "$work/errors"
python3 -c 'import json, sys; print(json.load(sys.stdin)["signing"])' <"$work/made.json" |
	sed "s|^export PATH=.*|export PATH=$PATH|" >"$work/script"

switch() {
	NIX_REMOTE='' NIX_CONF_DIR=$S/etc NIX_USER_CONF_FILES='' nix_store_enter "$S" bash "$work/script" "$system"
}
verify() {
	nix_store_enter "$S" "$ihard" verify --trusted-public-keys "$1" --sigs-needed 1 "$2"
}

tap_run 0 "the first switch makes a key and signs" switch
tap_like "$tap_err" 'boot.initrd.verify.trustedPublicKeys = \[ "machine-1:[A-Za-z0-9+/]{43}="' "and says which line to add"
key=$(cat "$work/secret/signing.key.pub")
tap_is "$(stat -c %a "$work/secret/signing.key") $(stat -c %a "$work/secret")" "600 700" "nobody else can read the key"
tap_is "$(grep -rlF "$(cut -d: -f2 "$work/secret/signing.key")" "$S/nix" "$work/eval" 2>/dev/null)" "" "and it is in no store"
tap_run 0 "the system is what that key signed" verify "$key" "$system"
tap_run 2 "what is no part of it is not" verify "$key" "$other"
tap_run 2 "and no other key signed the system" verify "machine-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=" "$system"

cp "$work/secret/signing.key" "$work/before"
tap_run 0 "the second switch" switch
tap_is "$(printf '%s\n' "$tap_err" | grep "made the signing key")" "" "makes no other key"
tap_is "$(cmp "$work/before" "$work/secret/signing.key" && nix_store_sql "$S" "select group_concat(sigs, ' ') from ValidPaths where sigs like '% %'")" "" \
	"signs with the same key, once"
tap_run 0 "the system is what it was" verify "$key" "$system"
tap_done
