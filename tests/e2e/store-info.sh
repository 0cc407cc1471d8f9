#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# `ihard store info` on a store that real Nix made and signed: a good object beside one that was changed.
# usage: store-info.sh IHARD SCHEMA
set -u
ihard=$(realpath "$1") schema=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lib/tap.sh
. "$here/../lib/tap.sh"
# shellcheck source=tests/lib/nix-store.sh
. "$here/../lib/nix-store.sh"
missing=$(nix_store_missing) || tap_skip_all "missing:$missing (Debian: nix-bin sqlite3 attr acl libcap2-bin)"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root, to make objects that belong to root"
top=$(mktemp -d)
trap 'chmod -R u+w "$top"; rm -rf "$top"' EXIT
D=$top/store
mkdir -p "$top/tree/bin"
echo '#!/bin/sh' >"$top/tree/bin/run"
chmod 755 "$top/tree/bin/run"
nix_store_new "$D"
nix_store_key "$D" k1
nix_store_put "$D" good "$top/tree" >/dev/null
nix_store_put "$D" bad "$top/tree" "$(nix_store_path good)" >/dev/null
nix_store_put "$D" unsigned "$top/tree" >/dev/null
good=$(nix_store_path good) bad=$(nix_store_path bad) unsigned=$(nix_store_path unsigned)
nix_store_sign "$D" k1 "$good" "$bad" 2>/dev/null
nix_tamper_byte "$D" "$bad/bin/run"
cat >"$top/policy.json" <<P
{ "version": 1, "extends": "server", "rules": [],
  "trust": [ { "provider": "nix", "store": "/nix/store", "root": "$D", "keys": [ "$(nix_store_public "$D" k1)" ] } ] }
P

info() {
	"$ihard" store info --policy "$top/policy.json" "$@"
}

fits() {
	printf '%s' "$tap_out" >"$top/json"
	tap_fits "$top/json" "$schema" "$1"
}

tap_run 0 "a good object" info "$D$good/bin/run"
tap_like "$tap_out" "^  verified" "is verified"
tap_like "$tap_out" "k1.*good" "and its signer is named"
tap_run 1 "an object that was changed" info "$D$bad"
tap_like "$tap_out" "^  not verified" "is not verified"
tap_run 1 "an object that nobody signed" info "$D$unsigned"
tap_like "$tap_out" "^  not verified" "is not verified either"
tap_run 0 "as JSON" info --json "$D$good"
fits "its JSON fits the schema"
tap_run 1 "both bad ones as JSON" info --json "$D$bad" "$D$unsigned"
fits "their JSON fits the schema"
tap_run 125 "a path in no store" info /etc/passwd
tap_like "$tap_err$tap_out" "/etc/passwd" "is named"
tap_done
