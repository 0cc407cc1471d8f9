#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Hook of tests/vm/guest/seal-cost.sh: some hundred real files, made a store and signed by real Nix, in the
# guest's root. Their mean size is what is found in a whole system, about 45 kB.
#   seal-cost-store.sh ROOT
set -eu
cd "$(dirname "$0")"
# shellcheck source=tests/lib/nix-store.sh
. ../lib/nix-store.sh
store=$1/lab-store
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf "$store"
nix_store_new "$store" >/dev/null 2>&1
perl=$(nix_store_path perl)
systemd=$(nix_store_path systemd)
printf 'top\n' >"$work/top"
{
	nix_store_put "$store" perl /usr/lib/x86_64-linux-gnu/perl
	nix_store_put "$store" systemd /usr/lib/systemd
	nix_store_put "$store" top "$work/top" "$perl" "$systemd"
} >/dev/null 2>&1
nix_store_key "$store" one
nix_store_path top >"$store/toplevel"
nix_store_sign "$store" one "$(cat "$store/toplevel")" "$perl" "$systemd" >/dev/null 2>&1
