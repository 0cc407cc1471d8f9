# SPDX-License-Identifier: LGPL-2.1-or-later
# One bit of the system's closure, changed while the machine is off: it boots without the verification, and with it
# does not.
{
  name = "ihard-flipped-bit";

  nodes.machine = { pkgs, ... }: {
    imports = [ ./machine.nix ];
    virtualisation = {
      useBootLoader = true;
      useEFIBoot = true;
      mountHostNixStore = false;
    };
    boot.loader.systemd-boot.enable = true;
    boot.initrd.systemd.enable = true;
    specialisation.verified.configuration.boot.initrd.verify = {
      enable = true;
      trustedPublicKeys = [ (import ./key.nix).public ];
    };
  };

  testScript = ''
    ${builtins.readFile ./sign.py}
    verified = "/run/current-system/specialisation/verified"
    file = machine.succeed("readlink -f /run/current-system/sw/bin/python3").strip()
    change = f"mount -o remount,rw /nix/store; chmod u+w {file}; printf '\\1' | dd of={file} bs=1 seek=9 conv=notrunc; chmod u-w {file}; sync"

    with subtest("what was signed boots verified"):
        machine.succeed(f"{verified}/bin/switch-to-configuration boot")
        machine.shutdown()
        machine.start()
        machine.wait_for_unit("multi-user.target")
        machine.succeed("test -s /run/ihard/verified")

    with subtest("what was changed does not"):
        machine.succeed(change)
        machine.shutdown()
        machine.start()
        machine.wait_for_console_text("the system is NOT what was signed")
  '';
}
