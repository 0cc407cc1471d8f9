# SPDX-License-Identifier: LGPL-2.1-or-later
# The options for boot counting under NixOS' own names, for nixpkgs that have none (before 26.05).
{ lib, ... }:

{
  options.boot.loader.systemd-boot.bootCounting = {
    enable = lib.mkEnableOption "counting of boots";
    tries = lib.mkOption {
      type = lib.types.ints.positive;
      default = 3;
      description = "How many boots a new entry has.";
    };
  };
}
