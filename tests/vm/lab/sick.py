# SPDX-License-Identifier: LGPL-2.1-or-later
"""A new generation that does not come up: the machine goes back to the older one by itself, and says so."""


def falls_back(m, t, what, sign, limit=300):
    """/var/lib/WHAT makes units sick; it leads to a file that only generation 2 has. `sign`: what the console must show."""
    m.debugfs(f"symlink /var/lib/{what} /run/current-system/new")
    m.tries(2)
    new = sorted(n for n in m.images() if "+" in n)
    t.ok(len(new) == 2, "generation 2 and its specialisation have tries", m.images())
    for n in (1, 2):
        m.on(m.chain(lasting=True))
        t.ok(m.wait(sign, limit) and m.ended(limit), f"boot {n} of the new generation: {what}, and the machine starts over", m.text[-3000:])
        m.off()
    t.ok(any("+0-2" in n for n in m.images()), "no try is left", m.images())
    if not t.ok(m.start(arguments=lambda: m.chain(lasting=True)), "the machine comes up by itself", m.text[-3000:]):
        return
    t.ok("system-1" in m.do("readlink /run/current-system")[1], "and it is the older generation", m.text[-3000:])
    _, out = m.do("ihard boot list")
    t.ok("bad" in out and "0 left, 2 done" in out, "'ihard boot list' says that the newer one is bad", out)
    _, out = m.do("ihard boot next")
    t.ok("+0-2" not in out, "'ihard boot next' stays with the older one", out)
