# SPDX-License-Identifier: LGPL-2.1-or-later
"""The power fails while a system is frozen and sealed. The seal that is completed at last is what the next boot goes by;
two good files of a sealed system, each in the other's place, are found by it. The firmware is left out."""
from lab import cut, sealed

AT = "power"


def attack(m, t):
    command = sealed.command(m)

    def runs(name):
        code, out = m.do("/usr/bin/id")
        t.ok(code == 0 and "uid=0" in out, name + ": programs run", code, out)

    def start():
        return m.start(arguments=lambda: m.direct(lasting=True))

    if not cut.cut(m, t, "seal", command, (1, 4, 10), runs, start):
        return
    m.do("sync")
    m.off()
    if t.ok(start() and sealed.is_sealed(m),
            "the sealed system boots, and stage 2 goes by the seal", m.text[-3000:]):
        _, out = m.do("ihard status", 120)
        t.ok("sealed before it started" in out, "and status says so", out)
        t.say(" ".join(line for line in m.text.splitlines() if " objects, " in line))
    m.off()
    at = m.object("site") + "/bin"
    m.debugfs(f"ln {at}/greet {at}/kept", f"unlink {at}/greet", f"ln {at}/part {at}/greet", f"unlink {at}/part",
              f"ln {at}/kept {at}/part", f"unlink {at}/kept")
    m.on(m.direct())
    t.ok(m.wait("the system is NOT what was signed", 150) and m.ended(60) and "/bin/greet" in m.text,
         "two frozen files, each in the other's place: stage 2 names them", m.text[-3000:])
