# SPDX-License-Identifier: LGPL-2.1-or-later
# An attack on a machine that runs: it works, the guard starts, it is refused with its sentence, and what stands
# beside it still works.
{ name, act, sentence, neighbour, prepare ? "true", mark ? "42" }:

{
  name = "ihard-${name}";

  nodes.machine = { lib, ... }: {
    imports = [ ./machine.nix ];
    security.ihard.guard = {
      enable = true;
      lock = true;
    };
    # The test starts it, when the attack has worked once and the store is signed.
    systemd.services.ihard-guard.wantedBy = lib.mkForce [ ];
  };

  testScript = ''
    ${builtins.readFile ./sign.py}
    act, mark = ${builtins.toJSON act}, ${builtins.toJSON mark}
    machine.succeed(${builtins.toJSON prepare})
    with subtest("without the guard it works"):
        assert mark in machine.succeed(act + " 2>&1")

    machine.succeed("systemctl start ihard-guard")
    with subtest("with it it is refused, for its reason"):
        status, out = machine.execute(act + " 2>&1")
        assert status != 0 and mark not in out, out
        events = machine.succeed("ihard events")
        assert ${builtins.toJSON sentence} in events, events

    with subtest("what stands beside it works"):
        machine.succeed(${builtins.toJSON neighbour})
  '';
}
