# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machine's newest system, sealed by `ihard seal` on the machine itself, as a switch of NixOS does it."""


def command(m):
    """Prepares the keys on the disk, while the machine is off; what to type."""
    path = m.object("system-2")
    m.give(m.work + "/root.keys/machine.sec", "/root/machine.sec")
    m.give(m.work + "/root.key", "/root/machine.pub")
    return ("mkdir -p /var/lib/ihard/seals; ihard seal --key /root/machine.sec --trusted-public-keys $(cat /root/machine.pub) "
            f"--generation 2 --output /var/lib/ihard/seals/{path.rsplit('/', 1)[1]}.seal {path}")


def seal(m):
    """Boots, seals, leaves the machine on. What went wrong, or nothing."""
    typed = command(m)
    if not m.start(arguments=lambda: m.direct(lasting=True)):
        return m.text[-3000:]
    code, out = m.do(typed, 400)
    return "" if code == 0 else f"{typed}: {code}\n{out}"


def is_sealed(m):
    """Does this boot's console say that stage 2 went by a seal?"""
    return "the system is what was signed" in m.text and "not by its own seal" not in m.text
