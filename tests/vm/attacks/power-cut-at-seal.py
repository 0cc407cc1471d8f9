# SPDX-License-Identifier: LGPL-2.1-or-later
"""The power fails while a system is frozen and sealed; the seal that is completed at last is what the next boot goes by."""
from lab import cut

AT = "power"


def attack(m, t):
    m.give(m.work + "/root.keys/machine.sec", "/root/machine.sec")
    path = m.object("system-2")
    seal = f"/var/lib/ihard/seals/{path.rsplit('/', 1)[1]}.seal"
    command = f"mkdir -p /var/lib/ihard/seals; ihard seal --key /root/machine.sec --trusted-public-keys $(cat /root/key) --generation 2 --output {seal} {path}"
    m.give(m.work + "/root.key", "/root/key")

    def runs(name):
        code, out = m.do(f"/usr/bin/id; ls {seal}*")
        t.ok("uid=0" in out and ".tmp" not in out, name + ": programs run", code, out)

    cut.cut(m, t, "seal", command, (1, 4, 10), runs)
    m.off()
    started = m.start(arguments=lambda: m.chain(lasting=True))
    t.ok(started and "sealed" in m.do("ihard status", 120)[1], "the sealed system boots, and status says sealed", m.text[-3000:])
