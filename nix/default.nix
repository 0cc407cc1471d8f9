# SPDX-License-Identifier: LGPL-2.1-or-later
# nix-build nix/
{ pkgs ? import <nixpkgs> { } }:

pkgs.callPackage ./package.nix { }
