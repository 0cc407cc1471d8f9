# SPDX-License-Identifier: LGPL-2.1-or-later
# What may run: the options become the policy of ihard-policy(5), which is linted and compiled while the
# system is built, so that a mistake stops the build and not the machine.
{ config, lib, pkgs, ... }:

let
  cfg = config.security.ihard;
  inherit (lib) mkIf mkOption types;

  json = name: value: pkgs.writeText name (builtins.toJSON value);

  # Names become numbers here: a build knows no users of the machine.
  idOf = kind: what: name: config.users.${kind}.${name}.${what} or null;
  numbers = rule: {
    uids = (rule.uids or [ ]) ++ map (idOf "users" "uid") (rule.users or [ ]);
    gids = (rule.gids or [ ]) ++ map (idOf "groups" "gid") (rule.groups or [ ]);
  };
  byNumber = rule:
    builtins.removeAttrs rule [ "users" "groups" ]
    // lib.filterAttrs (name: ids: ids != [ ]) (numbers rule);
  nameless = kind: what:
    lib.concatMap (rule: lib.filter (name: idOf kind what name == null) (rule.${kind} or [ ])) cfg.rules;

  policy = {
    version = 1;
    description = "This machine's NixOS configuration";
    extends = cfg.profile;
    enforce = !cfg.audit;
    trust = cfg.trust;
    rules = map byNumber cfg.rules;
  };

  interpreters = pkgs.runCommand "ihard-interpreters" { } (
    "mkdir $out\n"
    + lib.concatStrings (lib.mapAttrsToList
      (name: grammar: "cp ${json "${name}.json" grammar} $out/${name}.json\n")
      cfg.interpreters)
  );
  grammars = lib.optionalString (cfg.interpreters != { }) "--interpreters ${interpreters}";

  compiled = pkgs.runCommand "ihard-policy" { } ''
    mkdir $out
    cp ${json "policy.json" policy} $out/policy.json
    ${cfg.package}/bin/ihard policy lint --policy $out/policy.json ${grammars}
    ${cfg.package}/bin/ihard policy compile --policy $out/policy.json ${grammars} --output $out/policy.bin
  '';
in
{
  options.security.ihard = {
    enable = lib.mkEnableOption "ihard, which lets only code run that somebody signed, scripts included";

    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ../package.nix { };
      defaultText = lib.literalExpression "pkgs.callPackage ihard/nix/package.nix { }";
      description = "The package that everything of ihard is taken from.";
    };

    profile = mkOption {
      type = types.enum [ "audit" "server" "developer" "appliance" ];
      default = "server";
      description = ''
        The built-in profile that the policy builds on. `audit` denies nothing and reports what `server`
        would deny; `server` runs what the administrator installed; `developer` also lets people run what
        is their own; `appliance` demands signatures for everything and knows no prompt.
      '';
    };

    audit = mkOption {
      type = types.bool;
      default = cfg.profile == "audit";
      defaultText = lib.literalExpression ''config.security.ihard.profile == "audit"'';
      description = "Whether denials are only reported. Begin with this, see docs/howto/roll-out.md.";
    };

    rules = mkOption {
      type = types.listOf (types.attrsOf types.anything);
      default = [ ];
      example = lib.literalExpression ''
        [ {
          name = "backups";
          interpreters = [ "python3" ];
          modes = [ "script" ];
          program = ">=verified";
          sources = ">=owned";
          users = [ "backup" ];
          verdict = "allow";
          reason = "the backup's own scripts";
        } ]
      '';
      description = ''
        Rules that are asked before the profile's, in this order; ihard-policy(5) describes the fields.
        The names in `users` and `groups` must have numbers in the configuration.
      '';
    };

    trust = mkOption {
      type = types.listOf (types.attrsOf types.anything);
      default = [
        {
          provider = "nix";
          store = builtins.storeDir;
          keys = cfg.trustedPublicKeys;
          signatures_needed = cfg.sigsNeeded;
        }
        # Set-user-ID programs lie outside of the store, in a directory that only root can write.
        {
          provider = "paths";
          trees = [ "/run/wrappers" ];
        }
      ];
      defaultText = lib.literalMD "the Nix store by `trustedPublicKeys`, and `/run/wrappers`";
      description = "Who vouches for files, in place of the profile's list; see TRUST PROVIDERS in ihard-policy(5).";
    };

    interpreters = mkOption {
      type = types.attrsOf (types.attrsOf types.anything);
      default = { };
      description = ''
        Grammars of interpreters that ihard does not know, or knows otherwise, by name; ihard-interpreter(5)
        describes the fields.
      '';
    };

    trustedPublicKeys = mkOption {
      type = types.listOf types.str;
      default = config.boot.initrd.verify.trustedPublicKeys;
      defaultText = lib.literalExpression "config.boot.initrd.verify.trustedPublicKeys";
      example = [ "machine-1:vrGh+fR1n8qCDxRvBHmPVJ0c9y3T5WZFvO3ZkE2Xh7c=" ];
      description = "Public keys whose signatures make a store object verified, as Nix writes them.";
    };

    sigsNeeded = mkOption {
      type = types.ints.positive;
      default = 1;
      description = "How many distinct keys must have signed an object; the same key under two names counts once.";
    };

    policy = mkOption {
      type = types.package;
      readOnly = true;
      internal = true;
      default = compiled;
      description = "The folder with the policy and its compiled form.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.trustedPublicKeys != [ ];
        message = ''
          security.ihard.enable: nobody is trusted, so nothing could run. Put the public keys that sign this
          system into security.ihard.trustedPublicKeys; `nix-store --generate-binary-cache-key` makes a key.
        '';
      }
      {
        assertion = cfg.sigsNeeded <= builtins.length (lib.unique cfg.trustedPublicKeys)
          || cfg.trustedPublicKeys == [ ];
        message = ''
          security.ihard.sigsNeeded is ${toString cfg.sigsNeeded}, and security.ihard.trustedPublicKeys has only
          ${toString (builtins.length (lib.unique cfg.trustedPublicKeys))}: no object could ever have enough signatures.
        '';
      }
      {
        assertion = cfg.profile != "audit" || cfg.audit;
        message = ''
          security.ihard.profile is "audit", which denies nothing, and security.ihard.audit is false, which asks
          for denials. Take the profile "server", or leave security.ihard.audit alone.
        '';
      }
      {
        assertion = nameless "users" "uid" == [ ] && nameless "groups" "gid" == [ ];
        message = ''
          security.ihard.rules names users or groups that have no number in this configuration
          (${toString (nameless "users" "uid" ++ nameless "groups" "gid")}). Set users.users.<name>.uid or
          users.groups.<name>.gid, or write the number into the rule.
        '';
      }
    ];

    environment.etc = {
      "ihard/policy.json".source = "${compiled}/policy.json";
      "ihard/policy.bin".source = "${compiled}/policy.bin";
    };
    environment.systemPackages = [ cfg.package ];
  };
}
