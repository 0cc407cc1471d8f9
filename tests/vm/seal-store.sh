#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Hook of tests/vm/guest/seal.sh: a small store, made by real Nix, in the guest's root.
#   seal-store.sh ROOT
set -eu
here=$(dirname "$0")
rm -rf "$1/lab-store"
"$here/../../bench/mkstore" tiny:60 "$1/lab-store" >/dev/null
chmod 0600 "$1/lab-store/key.sec"
