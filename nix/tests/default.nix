# SPDX-License-Identifier: LGPL-2.1-or-later
# Attacks on a NixOS machine, one file each, as tests of nixpkgs' own framework:
#
#   nix-build nix/tests -A inline
#   nix-build nix/tests                all of them
#
# Each shows first that the attack works, then that it is refused, and why.
{ pkgs ? import <nixpkgs> { } }:

let
  names = [
    "script-in-tmp" "inline" "stdin" "environment" "ld-so" "root-switches-it-off"
    "flipped-bit"
  ];
in
builtins.listToAttrs (map (name: {
  inherit name;
  value = pkgs.testers.runNixOSTest (import (./. + "/${name}.nix"));
}) names)
