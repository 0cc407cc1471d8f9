# SPDX-License-Identifier: LGPL-2.1-or-later
# Signed boot images for systemd-boot, counted, by `ihard boot install` as NixOS' external boot loader.
{ config, lib, pkgs, ... }:

let
  cfg = config.boot.loader.ihard;
  inherit (lib) mkIf mkOption types;
  package = config.security.ihard.package;
  # The option of NixOS' own module; nixpkgs before 26.05 has none, see compat/boot-counting.nix.
  stock = config.boot.loader.systemd-boot.bootCounting or { };

  arch = {
    x86_64-linux = "x64";
    aarch64-linux = "aa64";
  }.${pkgs.stdenv.hostPlatform.system};
  efi = "${config.systemd.package}/lib/systemd/boot/efi";
  arg = lib.escapeShellArg;
  flag = name: value: lib.optional (value != null) "${name} ${arg value}";

  signing =
    if cfg.unsigned then [ "--unsigned" ]
    else
      flag "--key" cfg.key
      ++ flag "--certificate" cfg.certificate
      ++ flag "--pcr-key" cfg.pcrKey
      ++ [ "--stub ${efi}/linux${arch}.efi.stub" ];

  arguments =
    [ "--esp ${arg cfg.espMountPoint}" ]
    ++ flag "--xbootldr" cfg.xbootldrMountPoint
    ++ [ "--limit ${toString cfg.configurationLimit}" ]
    ++ lib.optional cfg.bootCounting.enable "--tries ${toString cfg.bootCounting.tries}"
    ++ lib.optional cfg.collectFirst "--collect-first"
    ++ signing;

  putLoader = ''
    # The loader itself, under its own name and the one that firmware looks for when it knows none. A file
    # is written beside and renamed: a power cut leaves the old or the new one.
    made=$(mktemp -d)
    trap 'rm -rf "$made"' EXIT
    ${if cfg.unsigned
      then "cp ${efi}/systemd-boot${arch}.efi \"$made/loader\""
      else "ihard boot sign --key ${arg cfg.key} --certificate ${arg cfg.certificate} --image ${efi}/systemd-boot${arch}.efi --output \"$made/loader\""}
    for name in systemd/systemd-boot${arch}.efi BOOT/BOOT${lib.toUpper arch}.EFI; do
      to=${arg cfg.espMountPoint}/EFI/$name
      cmp -s "$made/loader" "$to" && continue
      mkdir -p "''${to%/*}"
      cp "$made/loader" "$to.new"
      sync "$to.new"
      mv "$to.new" "$to"
      sync -f "$to"
    done
  '';

  hook = pkgs.writeShellScript "ihard-install-boot-loader" ''
    set -eu
    export PATH=${lib.makeBinPath [ pkgs.coreutils pkgs.diffutils package ]}
    system=$1
    ${lib.optionalString config.boot.initrd.verify.signing.enable
      "${config.boot.initrd.verify.signing.script} \"$system\""}
    ${lib.optionalString cfg.installLoader putLoader}
    ihard boot install ${lib.concatStringsSep " " arguments} "$system"
  '';

  outside = file: file == null || (lib.hasPrefix "/" file && !lib.hasPrefix builtins.storeDir file);
in
{
  options.boot.loader.ihard = {
    enable = lib.mkEnableOption "signed boot images and boot entries by ihard, for systemd-boot";

    unsigned = mkOption {
      type = types.bool;
      default = false;
      description = "For machines without Secure Boot: entries of type 1, kernels as they are.";
    };

    key = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "/var/lib/sbctl/keys/db/db.key";
      description = "The private key that signs images, PEM, on the machine and outside of the store.";
    };

    certificate = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "/var/lib/sbctl/keys/db/db.pem";
      description = "The key's certificate, PEM, as the firmware's `db` has it.";
    };

    pcrKey = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "A private key for signed policies over PCR 11, which systemd-cryptenroll can bind a disk to.";
    };

    configurationLimit = mkOption {
      type = types.ints.unsigned;
      default = 0;
      description = "Only the newest so many generations get entries; 0 is all of them.";
    };

    espMountPoint = mkOption {
      type = types.str;
      default = config.boot.loader.efi.efiSysMountPoint;
      defaultText = lib.literalExpression "config.boot.loader.efi.efiSysMountPoint";
      description = "Where the EFI system partition is mounted.";
    };

    xbootldrMountPoint = mkOption {
      type = types.nullOr types.str;
      default = config.boot.loader.systemd-boot.xbootldrMountPoint or null;
      defaultText = lib.literalExpression "config.boot.loader.systemd-boot.xbootldrMountPoint";
      description = "Where the extended boot partition is mounted, when there is one: entries go there.";
    };

    collectFirst = mkOption {
      type = types.bool;
      default = false;
      description = "Remove old files before new ones are written, for partitions that cannot hold both.";
    };

    installLoader = mkOption {
      type = types.bool;
      default = true;
      description = "Whether systemd-boot itself is signed and put on the ESP, too.";
    };

    bootCounting = {
      enable = mkOption {
        type = types.bool;
        default = stock.enable or false;
        defaultText = lib.literalExpression "config.boot.loader.systemd-boot.bootCounting.enable";
        description = ''
          Whether the boots of a new entry are counted until one of them is good, that is, reaches
          boot-complete.target; without a good one the machine comes back to the entry before.
        '';
      };
      tries = mkOption {
        type = types.ints.positive;
        default = stock.tries or 3;
        defaultText = lib.literalExpression "config.boot.loader.systemd-boot.bootCounting.tries";
        description = "How many boots a new entry has.";
      };
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = !config.boot.loader.systemd-boot.enable && !config.boot.loader.grub.enable;
        message = ''
          boot.loader.ihard.enable and another boot loader of NixOS are on. Both would write the boot partition: set
          boot.loader.systemd-boot.enable and boot.loader.grub.enable to false (ihard puts systemd-boot there).
        '';
      }
      {
        assertion = cfg.unsigned || (cfg.key != null && cfg.certificate != null);
        message = ''
          boot.loader.ihard needs a key and its certificate to sign images with: set boot.loader.ihard.key and
          .certificate, or boot.loader.ihard.unsigned on a machine without Secure Boot.
        '';
      }
      {
        assertion = !cfg.unsigned || (cfg.key == null && cfg.pcrKey == null);
        message = ''
          boot.loader.ihard.unsigned is set, and so is a key that would never be used. Remove one of them.
        '';
      }
      {
        assertion = outside cfg.key && outside cfg.pcrKey;
        message = ''
          boot.loader.ihard.key and .pcrKey must be absolute paths outside of ${builtins.storeDir}, which everybody can
          read. Write them in quotes: Nix copies a bare path into the store.
        '';
      }
    ];

    boot.loader.external = {
      enable = true;
      installHook = hook;
    };
    environment.systemPackages = [ package ];

    # Older nixpkgs do not bring the target along; where systemd does, this becomes a drop-in.
    systemd.targets.boot-complete = mkIf cfg.bootCounting.enable {
      description = "Boot Completion Check";
      requires = [ "sysinit.target" ];
      after = [ "sysinit.target" ];
    };
    systemd.packages = mkIf cfg.bootCounting.enable [ package ];
    systemd.services.ihard-boot-bless = mkIf cfg.bootCounting.enable {
      wantedBy = [ "multi-user.target" ];
      # A switch of a running system says nothing of its boot.
      restartIfChanged = false;
    };
  };
}
