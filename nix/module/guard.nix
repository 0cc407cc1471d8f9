# SPDX-License-Identifier: LGPL-2.1-or-later
# Enforcement on the whole machine, by ihard-guard(8).
{ config, lib, ... }:

let
  ihard = config.security.ihard;
  cfg = ihard.guard;
  inherit (lib) mkIf mkOption types;

  modules = config.security.lsm or null; # nixpkgs 25.05 and newer say which are on

  arguments =
    lib.optional (cfg.backend != null) "--backend ${cfg.backend}"
    ++ lib.optional cfg.lock "--lock"
    ++ lib.optional ihard.audit "--audit"
    ++ lib.optional cfg.verifyAll "--all"
    ++ [ "--files ${toString cfg.files}" ]
    ++ lib.optional (cfg.metricsFile != null) "--metrics ${lib.escapeShellArg cfg.metricsFile}";
in
{
  options.security.ihard.guard = {
    enable = lib.mkEnableOption "the guard, which has the kernel refuse what the policy does not allow, on the whole machine";

    backend = mkOption {
      type = types.nullOr (types.enum [ "bpf" "fanotify" ]);
      default = null;
      description = ''
        What enforces. Without it the strongest that works; `ihard-guard --probe` says which do, and what each
        cannot stop.
      '';
    };

    lock = mkOption {
      type = types.bool;
      default = false;
      description = "Whether root, too, cannot take the gates away until the next boot.";
    };

    verifyAll = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether every object of the store is verified at start. Otherwise the running system is, and any other
        object when a program of it is wanted for the first time.
      '';
    };

    files = mkOption {
      type = types.ints.positive;
      default = 524288;
      description = "How many files can be vouched for. What finds no room cannot run, and is counted.";
    };

    metricsFile = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "/var/lib/node-exporter/ihard.prom";
      description = "Prometheus text for a collector that reads files, replaced every ten seconds.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = ihard.enable;
        message = ''
          security.ihard.guard.enable without security.ihard.enable: there is no policy to enforce. Set
          security.ihard.enable and security.ihard.trustedPublicKeys.
        '';
      }
      {
        assertion = !cfg.lock || cfg.backend != "fanotify";
        message = ''
          security.ihard.guard.lock with the back end "fanotify": root can always end a listener, so nothing can be
          locked. Take the back end "bpf", or none.
        '';
      }
      {
        assertion = cfg.backend != "bpf" || modules == null || lib.elem "bpf" modules;
        message = ''
          security.ihard.guard.backend is "bpf", and security.lsm does not have "bpf": the kernel would not ask the
          programs. Add "bpf" to security.lsm.
        '';
      }
      {
        assertion = !(cfg.lock && ihard.audit);
        message = ''
          security.ihard.guard.lock with security.ihard.audit: a guard that refuses nothing, and that nobody can
          change until the next boot. Lock when the reports are empty.
        '';
      }
    ];

    systemd.packages = [ ihard.package ];
    systemd.services.ihard-guard = {
      wantedBy = [ "sysinit.target" ];
      # A switch loads the new policy; the gates stay closed all the while.
      reloadIfChanged = true;
      restartTriggers = [ ihard.policy ];
      serviceConfig.ExecStart = [
        "" # not the unit's own
        "${ihard.package}/bin/ihard-guard ${lib.concatStringsSep " " arguments}"
      ];
    };
  };
}
