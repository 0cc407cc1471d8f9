# SPDX-License-Identifier: LGPL-2.1-or-later
# Attacks on a NixOS machine, one file each, as tests of nixpkgs' own framework:
#
#   nix-build nix/tests -A inline
#   nix-build nix/tests                all of them
#
# Each shows first that the attack works, then that it is refused, and why. The names are those of tests/vm/attacks,
# which also has what needs Secure Boot, a TPM, or a power cut.
{ pkgs ? import <nixpkgs> { } }:

let
  names = [
    "script-in-tmp" "inline" "stdin" "environment" "ld-so" "dlopen" "memfd" "mount-over-the-store"
    "root-switches-it-off"
    "flipped-bit" "added-file" "swapped-file" "set-uid-file" "lying-database" "changed-bootspec"
  ];
in
builtins.listToAttrs (map (name: {
  inherit name;
  value = pkgs.testers.runNixOSTest (import (./. + "/${name}.nix"));
}) names)
