# SPDX-License-Identifier: LGPL-2.1-or-later
# An attack on the store of a machine: what was signed boots verified; what was changed then works on the machine as it
# runs, where nobody looks, and does not boot.
{ name, change, shows }:

{
  name = "ihard-${name}";

  nodes.machine = { pkgs, ... }: {
    imports = [ ./machine.nix ];
    virtualisation = {
      useBootLoader = true;
      useEFIBoot = true;
      mountHostNixStore = false;
    };
    boot.loader.systemd-boot.enable = true;
    boot.initrd.systemd.enable = true;
    environment.systemPackages = [ pkgs.sqlite ];
    specialisation.verified.configuration.boot.initrd.verify = {
      enable = true;
      trustedPublicKeys = [ (import ./key.nix).public ];
    };
  };

  testScript = ''
    ${builtins.readFile ./sign.py}
    verified = "/run/current-system/specialisation/verified"
    change, shows = ${builtins.toJSON change}, ${builtins.toJSON shows}
    at = "set -e; python=$(readlink -f /run/current-system/sw/bin/python3); lib=$(echo ''${python%/*/*}/lib/python3.*); "

    with subtest("what was signed boots verified"):
        machine.succeed(f"{verified}/bin/switch-to-configuration boot")
        machine.shutdown()
        machine.start()
        machine.wait_for_unit("multi-user.target")
        machine.succeed("test -s /run/ihard/verified")

    with subtest("what was changed works where nobody looks"):
        machine.succeed("mount -o remount,rw /nix/store")
        machine.succeed(at + change)
        machine.succeed(at + shows)

    with subtest("and does not boot"):
        machine.succeed("sync")
        machine.shutdown()
        machine.start()
        machine.wait_for_console_text("the system is NOT what was signed")
  '';
}
