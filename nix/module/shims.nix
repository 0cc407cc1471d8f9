# SPDX-License-Identifier: LGPL-2.1-or-later
# Interpreters' names that lead to ihard-exec, which judges and then starts the one interpreter that the
# table names. Works without any privilege and without the guard; what calls an interpreter by its store
# path goes past it.
{ config, lib, pkgs, ... }:

let
  cfg = config.security.ihard;
  inherit (lib) mkIf mkOption types;

  table = lib.concatStrings (lib.mapAttrsToList (name: program: "${name} ${program}\n") cfg.shims);

  links = pkgs.runCommand "ihard-shims" { meta.priority = -10; } (
    "mkdir -p $out/bin\n"
    + lib.concatMapStrings (name: "ln -s ${cfg.package}/bin/ihard-exec $out/bin/${name}\n")
      (builtins.attrNames cfg.shims)
  );

  odd = lib.filter (name: builtins.match "[A-Za-z0-9][A-Za-z0-9._+-]*" name == null) (builtins.attrNames cfg.shims);
in
{
  options.security.ihard.shims = mkOption {
    type = types.attrsOf types.str;
    default = { };
    example = lib.literalExpression ''{ python3 = "''${pkgs.python3}/bin/python3"; }'';
    description = ''
      Names in the system's PATH that lead to ihard-exec, and the interpreter that each stands for. The
      table is /etc/ihard/shims; PATH has no say in it.
    '';
  };

  config = mkIf (cfg.enable && cfg.shims != { }) {
    assertions = [
      {
        assertion = odd == [ ];
        message = ''
          security.ihard.shims has names that no program can have (${toString odd}). A name is what stands behind
          the last slash: "python3".
        '';
      }
      {
        assertion = lib.all (lib.hasPrefix "/") (builtins.attrValues cfg.shims);
        message = ''
          security.ihard.shims must name interpreters by absolute paths, such as "''${pkgs.python3}/bin/python3":
          a shim never looks at PATH.
        '';
      }
    ];

    environment.etc."ihard/shims".text = table;
    environment.systemPackages = [ links ];
  };
}
