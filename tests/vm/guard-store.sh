#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Hook of tests/vm/guest/guard-store.sh: a store made and signed by real Nix, at /nix of the guest, and a
# policy that trusts its key. "bad" is changed after it was signed, nobody signed "unsigned".
#   guard-store.sh ROOT
set -eu
cd "$(dirname "$0")"
# shellcheck source=tests/lib/nix-store.sh
. ../lib/nix-store.sh
root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

nix_store_new "$work/store" >/dev/null 2>&1
nix_store_key "$work/store" lab-1 lab >/dev/null 2>&1
mkdir -p "$work"/{box,good,bad,unsigned,late,gone,tool}/bin
cp /bin/busybox "$work/box/bin/busybox"
ln -s busybox "$work/box/bin/sh"
for name in good bad unsigned late gone; do
	cp /usr/bin/id "$work/$name/bin/run"
	printf '%s' "$name" >"$work/$name/name"
	chmod 0755 "$work/$name/bin/run"
done
printf '#!%s/bin/sh\necho a tool\n' "$(nix_store_path box)" >"$work/tool/bin/run"
chmod 0755 "$work/box/bin/busybox" "$work/tool/bin/run"
for name in box good bad unsigned late gone; do nix_store_put "$work/store" $name "$work/$name" >/dev/null 2>&1; done
nix_store_put "$work/store" tool "$work/tool" "$(nix_store_path box)" >/dev/null 2>&1
for name in box good bad late gone tool; do
	nix_store_sign "$work/store" lab "$(nix_store_path $name)" >/dev/null 2>&1
	nix_store_path $name >"$root/usr/share/$name.path"
done
nix_store_path unsigned >"$root/usr/share/unsigned.path"
bad=$work/store$(nix_store_path bad)
chmod u+w "$bad" "$bad/name"
printf 'worse' >"$bad/name"
chmod 0444 "$bad/name"
chmod 0555 "$bad"

rm -rf "$root/nix"
cp -a "$work/store/nix" "$root/nix"
chown -R 0:0 "$root/nix" 2>/dev/null || true
mkdir -p "$root/etc/ihard"
python3 - "$PWD/../../policy/profiles/server.json" "$(nix_store_public "$work/store" lab)" >"$root/etc/ihard/policy.json" <<'P'
import json
import sys
with open(sys.argv[1]) as f:
    policy = json.load(f)
del policy["trust"][0]["keys_from"]
policy["trust"][0]["keys"] = [sys.argv[2]]
json.dump(policy, sys.stdout, indent=1)
P
