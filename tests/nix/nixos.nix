# SPDX-License-Identifier: LGPL-2.1-or-later
# The options of NixOS that ihard's module reads or sets, without what NixOS does with them.
{ lib, pkgs, ... }:

let
  inherit (lib) mkOption types;
  of = type: default: mkOption { inherit type default; internal = true; };
  flag = of types.bool false;
  sets = of (types.attrsOf types.anything) { };
  list = of (types.listOf types.anything) [ ];
  lines = of types.lines "";
in
{
  options = {
    assertions = list;
    warnings = of (types.listOf types.str) [ ];
    networking.hostName = of types.str "machine";
    environment.etc = sets;
    environment.systemPackages = list;
    users.users = sets;
    users.groups = sets;
    fileSystems = sets;
    nix.package = of types.package pkgs.nix;
    systemd.package = of types.package pkgs.systemd;
    systemd.packages = list;
    systemd.services = sets;
    systemd.targets = sets;
    systemd.tmpfiles.rules = of (types.listOf types.str) [ ];
    specialisation = sets;
    virtualisation = sets;
    boot.kernelParams = of (types.listOf types.str) [ ];
    boot.initrd.systemd.enable = flag;
    boot.initrd.systemd.packages = list;
    boot.initrd.systemd.storePaths = list;
    boot.initrd.systemd.contents = sets;
    boot.initrd.systemd.services = sets;
    boot.initrd.extraUtilsCommands = lines;
    boot.initrd.postMountCommands = lines;
    boot.loader.efi.efiSysMountPoint = of types.str "/boot";
    boot.loader.external.enable = flag;
    boot.loader.external.installHook = of types.package null;
    boot.loader.grub.enable = flag;
    boot.loader.grub.extraInstallCommands = lines;
    boot.loader.systemd-boot.enable = flag;
    boot.loader.systemd-boot.extraInstallCommands = lines;
  };
}
