# SPDX-License-Identifier: LGPL-2.1-or-later
"""A new generation whose own service does not run: its health check fails, and the machine is back at the older one."""
from lab import sick

AT = "power"


def attack(m, t):
    sick.falls_back(m, t, "sick", "login:|ihard: .*own service")
    _, out = m.do("ihard boot history")
    t.ok("own service" in out, "the history names the check that failed", out)
