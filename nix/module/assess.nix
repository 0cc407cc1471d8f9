# SPDX-License-Identifier: LGPL-2.1-or-later
# What makes a boot good, beside what systemd units already say by `before = [ "boot-complete.target" ]`.
{ config, lib, ... }:

let
  loader = config.boot.loader.ihard;
  cfg = loader.assess;
  inherit (lib) mkIf mkOption types;

  given = lib.filterAttrs (name: value: value != null);
in
{
  options.boot.loader.ihard.assess = {
    checks = mkOption {
      default = [ ];
      example = [
        { unit = "sshd.service"; timeLimit = 60; }
        { name = "the gateway answers"; command = [ "/run/wrappers/bin/ping" "-c1" "10.0.0.1" ]; }
      ];
      description = ''
        Checks that must pass before boot-complete.target, and with it the blessing of the boot entry: units that
        must be active, commands that must succeed. See ihard-boot-assess(5).
      '';
      type = types.listOf (types.submodule {
        options = {
          name = mkOption {
            type = types.nullOr types.str;
            default = null;
            description = "For messages; else the unit or the program.";
          };
          unit = mkOption {
            type = types.nullOr types.str;
            default = null;
            description = "A unit that must be active, with its suffix.";
          };
          command = mkOption {
            type = types.nullOr (types.listOf types.str);
            default = null;
            description = "A command that must succeed: words, the first an absolute path; no shell.";
          };
          timeLimit = mkOption {
            type = types.ints.positive;
            default = 30;
            description = "Seconds.";
          };
        };
      });
    };

    timeLimit = mkOption {
      type = types.ints.positive;
      default = 3600;
      description = "Seconds, for all checks together.";
    };

    bootTimeLimit = mkOption {
      type = types.nullOr types.ints.positive;
      default = null;
      example = 900;
      description = ''
        Seconds from the start of systemd until the checks have passed. When they are over the machine reboots, so that
        a generation that hangs before the checks begin loses its tries, too. What hangs before systemd runs needs a
        hardware watchdog.
      '';
    };

    onFailure = mkOption {
      type = types.enum [ "fail" "bad" "reboot" ];
      default = "reboot";
      description = ''
        `fail` leaves the machine running without blessing, `bad` also marks the entry bad at once, `reboot` tries
        again while there are tries.
      '';
    };
  };

  config = mkIf (loader.enable && cfg.checks != [ ]) {
    assertions = [
      {
        assertion = loader.bootCounting.enable;
        message = ''
          boot.loader.ihard.assess.checks without boot.loader.ihard.bootCounting.enable: a boot that fails them would
          count as good all the same.
        '';
      }
      {
        assertion = lib.all (check: (check.unit == null) != (check.command == null)) cfg.checks;
        message = ''
          Each of boot.loader.ihard.assess.checks must have either a unit or a command.
        '';
      }
    ];

    environment.etc."ihard/assess.json".text = builtins.toJSON {
      version = 1;
      checks = map given cfg.checks;
      inherit (cfg) timeLimit onFailure;
    };
    systemd.services.ihard-boot-assess = {
      requiredBy = [ "boot-complete.target" ];
      unitConfig = mkIf (cfg.bootTimeLimit != null) {
        JobTimeoutSec = cfg.bootTimeLimit;
        JobTimeoutAction = "reboot-force";
      };
    };
  };
}
