# SPDX-License-Identifier: LGPL-2.1-or-later
# The system is signed, and on request sealed, when it is switched to: before the boot loader hears of it.
# The secret key lies on the machine, outside of the store, and never passes through a build.
{ config, lib, pkgs, ... }:

let
  verify = config.boot.initrd.verify;
  cfg = verify.signing;
  inherit (lib) mkIf mkOption types;
  package = config.security.ihard.package;
  key = lib.escapeShellArg cfg.keyFile;
in
{
  options.boot.initrd.verify.signing = {
    enable = lib.mkEnableOption "signing the system with a key on this machine when it is switched to";

    keyFile = mkOption {
      type = types.str;
      default = "/var/lib/ihard/signing.key";
      description = ''
        The secret key, as `nix-store --generate-binary-cache-key` writes it. Where there is none, one is made at
        the first switch, and the line to add to the configuration is printed.
      '';
    };

    keyName = mkOption {
      type = types.str;
      default = "${config.networking.hostName}-1";
      defaultText = lib.literalExpression ''"''${config.networking.hostName}-1"'';
      description = "The name of a key that is made.";
    };

    script = mkOption {
      type = types.package;
      readOnly = true;
      internal = true;
      description = "Signs, and seals, the system that is its argument.";
      default = pkgs.writeShellScript "ihard-sign-system" ''
        set -eu
        export PATH=${lib.makeBinPath [ pkgs.coreutils config.nix.package package ]}
        system=$1
        if [ ! -e ${key} ]; then
          umask 077
          mkdir -p "$(dirname ${key})"
          nix-store --generate-binary-cache-key ${lib.escapeShellArg cfg.keyName} ${key} ${key}.pub
          echo "ihard: made the signing key "${key}"; add this line to the configuration, and switch again:" >&2
          echo "  boot.initrd.verify.trustedPublicKeys = [ \"$(cat ${key}.pub)\" ];" >&2
        fi
        nix --extra-experimental-features nix-command store sign --recursive --key-file ${key} "$system"
        ${lib.optionalString verify.seal.enable ''
          # The newest generation's number, which a reader with a floor looks at.
          generation=$(readlink /nix/var/nix/profiles/system | cut -d- -f2)
          mkdir -p ${lib.escapeShellArg verify.seal.directory}
          ihard seal --key ${key} --generation "$generation" \
            --trusted-public-keys ${lib.escapeShellArg (lib.concatStringsSep " " verify.trustedPublicKeys)} \
            --sigs-needed ${toString verify.sigsNeeded} \
            --output ${lib.escapeShellArg verify.seal.directory}/"$(basename "$system")".seal "$system"
        ''}
      '';
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = lib.hasPrefix "/" cfg.keyFile && !lib.hasPrefix builtins.storeDir cfg.keyFile;
        message = ''
          boot.initrd.verify.signing.keyFile is ${cfg.keyFile}. It must be an absolute path outside of
          ${builtins.storeDir}, which everybody can read. Write it in quotes: Nix copies a bare path into the store.
        '';
      }
    ];

    # boot.loader.ihard calls the script itself.
    boot.loader.systemd-boot.extraInstallCommands = mkIf config.boot.loader.systemd-boot.enable (lib.mkBefore ''
      ${cfg.script} "$(readlink -f /nix/var/nix/profiles/system)"
    '');
    boot.loader.grub.extraInstallCommands = mkIf config.boot.loader.grub.enable (lib.mkBefore ''
      ${cfg.script} "$(readlink -f /nix/var/nix/profiles/system)"
    '');
  };
}
