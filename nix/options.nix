# SPDX-License-Identifier: LGPL-2.1-or-later
# docs/nixos-options.md, from the options themselves:
#
#   nix-instantiate --eval --json nix/options.nix --arg lib 'import <nixpkgs/lib>' --arg pkgs 'import <nixpkgs> { }' \
#     --arg nixos '<nixpkgs/nixos/modules/module-list.nix>' | jq -r . >docs/nixos-options.md
#
# tests/nix/module.py does that with its stand-ins and holds the page against it.
{ lib, pkgs, nixos }:

let
  options = (lib.evalModules { modules = [ nixos ./module ]; specialArgs = { inherit pkgs; }; }).options;
  ours = builtins.filter
    (o: lib.any (start: lib.hasPrefix start o.name) [ "security.ihard" "boot.initrd.verify" "boot.loader.ihard" ])
    (lib.optionAttrSetToDocList options);
  shown = value: if value ? _type then value.text else builtins.toJSON value;
  entry = o: ''
    ### `${o.name}`

    ${lib.concatStringsSep "" (lib.filter builtins.isString (builtins.split "\n+$" o.description))}

    *Type:* ${o.type}${lib.optionalString (o ? default) ". *Default:* `${shown o.default}`"}${
      lib.optionalString (o ? example) ". *Example:* `${shown o.example}`"}
  '';
in
''
  # NixOS options

  This page is made from the modules in `nix/module`.

''
+ lib.concatStringsSep "\n" (map entry ours)
