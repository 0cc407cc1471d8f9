# SPDX-License-Identifier: LGPL-2.1-or-later
# The whole closure of the system is held against its signatures in the initrd, before anything of it
# starts. The names of the first options are those of the NixOS change that proposed them (nixpkgs #273593).
{ config, lib, pkgs, ... }:

let
  cfg = config.boot.initrd.verify;
  inherit (lib) mkIf mkMerge mkOption types;
  package = config.security.ihard.package;

  line = name: value: "${name} = ${value}\n";
  conf =
    line "trusted-public-keys" (lib.concatStringsSep " " cfg.trustedPublicKeys)
    + line "sigs-needed" (toString cfg.sigsNeeded)
    + line "on-failure" cfg.onFailure
    + line "time-limit" (toString cfg.timeLimit)
    + line "store" builtins.storeDir
    + lib.optionalString cfg.seal.enable (
      line "seal" cfg.seal.directory
      + line "require-seal" (if cfg.seal.require then "yes" else "no")
    );

  storeFileSystem =
    (config.fileSystems."/nix/store" or config.fileSystems."/nix" or config.fileSystems."/" or { }).fsType or "auto";
  signedImages = (config.boot.loader.ihard.enable && !config.boot.loader.ihard.unsigned)
    || (config.boot.lanzaboote.enable or false);
  counted = config.boot.loader.ihard.bootCounting.enable
    || (config.boot.loader.systemd-boot.bootCounting.enable or false);
in
{
  options.boot.initrd.verify = {
    enable = lib.mkEnableOption "the verification of the system's whole closure in the initrd";

    trustedPublicKeys = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "machine-1:vrGh+fR1n8qCDxRvBHmPVJ0c9y3T5WZFvO3ZkE2Xh7c=" ];
      description = "Public keys, as Nix writes them, whose signatures count. They become part of the initrd.";
    };

    sigsNeeded = mkOption {
      type = types.ints.positive;
      default = 1;
      description = "How many distinct keys must have signed each object. There is no 0: that would be no check.";
    };

    onFailure = mkOption {
      type = types.enum [ "halt" "reboot" "warn" ];
      default = "halt";
      description = ''
        What happens when something is not what was signed: `halt` stays in the initrd, `reboot` starts over, so
        that a counted boot entry loses one of its tries and the machine comes to an older one at last, `warn`
        says so and goes on.
      '';
    };

    timeLimit = mkOption {
      type = types.ints.unsigned;
      default = 0;
      description = "Seconds; what is not done by then is not verified. 0 is no limit.";
    };

    seal = {
      enable = mkOption {
        type = types.bool;
        default = false;
        description = ''
          Freeze each system with fs-verity when it is switched to, and sign what lies where (ihard-seal(1)), so
          that the next boot need not read it. Needs `signing`.
        '';
      };
      require = mkOption {
        type = types.bool;
        default = false;
        description = "Whether a system without a good seal must not boot. Otherwise all of it is read.";
      };
      directory = mkOption {
        type = types.str;
        default = "/var/lib/ihard/seals";
        description = "Where the seals lie.";
      };
    };
  };

  config = mkIf cfg.enable (mkMerge [
    {
      assertions = [
        {
          assertion = cfg.trustedPublicKeys != [ ];
          message = ''
            boot.initrd.verify.enable: nobody is trusted, so nothing could boot. Put the public key that signs this
            system into boot.initrd.verify.trustedPublicKeys; with boot.initrd.verify.signing.enable the first
            `nixos-rebuild boot` makes a key and prints the line to add.
          '';
        }
        {
          assertion = cfg.trustedPublicKeys == [ ]
            || cfg.sigsNeeded <= builtins.length (lib.unique cfg.trustedPublicKeys);
          message = ''
            boot.initrd.verify.sigsNeeded is ${toString cfg.sigsNeeded}, and boot.initrd.verify.trustedPublicKeys has
            only ${toString (builtins.length (lib.unique cfg.trustedPublicKeys))}: no system could ever boot.
          '';
        }
        {
          assertion = !cfg.seal.enable || cfg.signing.enable;
          message = ''
            boot.initrd.verify.seal.enable: a seal is signed when a system is switched to, with the key of
            boot.initrd.verify.signing. Set boot.initrd.verify.signing.enable and .keyFile.
          '';
        }
        {
          assertion = !cfg.seal.require || cfg.seal.enable;
          message = ''
            boot.initrd.verify.seal.require without boot.initrd.verify.seal.enable: nothing makes the seals that
            are required, and no system could boot.
          '';
        }
        {
          assertion = !cfg.seal.require || lib.elem storeFileSystem [ "auto" "ext4" "btrfs" "f2fs" ];
          message = ''
            boot.initrd.verify.seal.require: the store lies on ${storeFileSystem}, which has no fs-verity. ext4 (with
            `tune2fs -O verity`), btrfs and f2fs have it; or let seal.require be false.
          '';
        }
      ];

      warnings =
        lib.optional (!signedImages) ''
          boot.initrd.verify trusts the kernel's command line and the initrd, and nothing on this machine signs them:
          who can write the boot partition can switch the verification off. boot.loader.ihard makes signed images.
        ''
        ++ lib.optional (cfg.onFailure == "reboot" && !counted) ''
          boot.initrd.verify.onFailure is "reboot" without boot counting: a system that fails is started again and
          again. Set boot.loader.ihard.bootCounting.enable.
        ''
        ++ lib.optional (cfg.onFailure == "warn") ''
          boot.initrd.verify.onFailure is "warn": a changed system boots.
        '';
    }

    (mkIf config.boot.initrd.systemd.enable {
      boot.initrd.systemd = {
        packages = [ package.stage2 ];
        storePaths = [ "${package.stage2}/bin/ihard-stage2" ];
        contents."/etc/ihard/stage2.conf".text = conf;
        # [Install] sections mean nothing to NixOS
        services.ihard-stage2.requiredBy = [
          "initrd-nixos-activation.service"
          "initrd-switch-root.service"
          "initrd-switch-root.target"
        ];
      };
    })

    (mkIf (!config.boot.initrd.systemd.enable) {
      boot.initrd.extraUtilsCommands = ''
        copy_bin_and_libs ${package.stage2}/bin/ihard-stage2
        cp ${package.stage2}/share/ihard/ihard-stage2.sh $out/bin/ihard-stage2.sh
      '';
      boot.initrd.postMountCommands = lib.mkAfter ''
        mkdir -p /etc/ihard
        cp ${pkgs.writeText "stage2.conf" conf} /etc/ihard/stage2.conf
        . $extraUtils/bin/ihard-stage2.sh
        ihard_stage2 $targetRoot
      '';
    })
  ]);
}
