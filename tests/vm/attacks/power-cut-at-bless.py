# SPDX-License-Identifier: LGPL-2.1-or-later
"""The power fails while the boot entry is blessed."""
import re

from lab import cut

AT = "power"


def attack(m, t):
    def once(name):
        code, out = m.do("ls /boot/EFI/Linux")
        plain = [re.sub(r"\+[0-9-]+", "", n) for n in out.split()]
        t.ok(len(plain) == 4 and len(set(plain)) == 4, name + ": every entry is there once", out)

    cut.cut(m, t, "bless", "ihard boot indeterminate; ihard boot bless", (0.1, 0.4, 0.9), once, lambda: m.start(arguments=lambda: m.chain(lasting=True)))
    t.ok("+" not in m.do("ihard boot list | grep '[*]'")[1], "the entry that runs is good", m.text[-2000:])
