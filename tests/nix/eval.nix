# SPDX-License-Identifier: LGPL-2.1-or-later
# One configuration, and everything that ihard's module makes of it, as data.
{ configuration, nixpkgsLib ? null }:

let
  lib = if nixpkgsLib == null then import ./lib.nix else import nixpkgsLib;
  pkgs = import ./pkgs.nix { lib = import ./lib.nix; };
  system = lib.evalModules {
    modules = [ ./nixos.nix ../../nix/module (import configuration) ];
    specialArgs = { inherit pkgs; };
  };
  inherit (system) config;

  # Strings of derivations would make the answer depend on hashes.
  plain = value:
    if builtins.isAttrs value then
      (if value ? drvPath then { package = value.name; } else builtins.mapAttrs (_: plain) value)
    else if builtins.isList value then map plain value
    else if builtins.isString value then builtins.unsafeDiscardStringContext value
    else value;
  text = value: plain (value.text or "");
  options = builtins.filter
    (o: lib.any (start: lib.hasPrefix start o.name) [ "security.ihard" "boot.initrd.verify" "boot.loader.ihard" ])
    (lib.optionAttrSetToDocList system.options);
in
{
  failed = map (a: a.message) (builtins.filter (a: !a.assertion) config.assertions);
  inherit (config) warnings;
  policy = if config.security.ihard.enable then text config.security.ihard.policy else null;
  etc = plain config.environment.etc;
  packages = plain config.environment.systemPackages;
  units = plain {
    inherit (config.systemd) packages services targets;
    tmpfiles = config.systemd.tmpfiles.rules;
  };
  initrd = plain {
    inherit (config.boot.initrd) extraUtilsCommands postMountCommands;
    inherit (config.boot.initrd.systemd) packages storePaths contents services;
  };
  loader = {
    inherit (config.boot.loader.external) enable;
    hook = if config.boot.loader.external.enable then text config.boot.loader.external.installHook else null;
    systemd-boot = plain config.boot.loader.systemd-boot.extraInstallCommands;
    grub = plain config.boot.loader.grub.extraInstallCommands;
  };
  signing = if config.boot.initrd.verify.signing.enable then text config.boot.initrd.verify.signing.script else null;
  undocumented = map (o: o.name) (builtins.filter (o: (o.description or null) == null) options);
}
