# SPDX-License-Identifier: LGPL-2.1-or-later
"""A new generation whose health check fails: after its tries the machine is back at the older one."""
AT = "power"


def attack(m, t):
    new = sorted(n for n in m.images() if "+3" in n)
    m.debugfs("write /dev/null /var/lib/sick")
    for tries in range(3):
        m.on()
        t.ok(m.wait("login:", 240) and m.ended(240), f"boot {tries + 1} fails its check and starts over", m.text)
        m.off()
    t.ok(all("+0-3" in n or "+3" in n for n in m.images() if any(n.startswith(o[:40]) for o in new)), "no try is left", m.images())
    m.debugfs("rm /var/lib/sick")
    m.on()
    t.ok(m.login() and "system-1" in m.do("readlink /run/current-system")[1], "the older generation runs", m.text)
    t.ok("bad" in m.do("ihard boot list")[1], "and says that the newer one is bad", m.do("ihard boot list"))
