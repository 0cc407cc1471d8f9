# SPDX-License-Identifier: LGPL-2.1-or-later
"""A new generation that does not come up: the machine goes back to the older one by itself, and says so."""


def falls_back(m, t, what, sign, limit=300):
    """/var/lib/WHAT makes units sick; it leads to a file that only generation 2 has. `sign`: what the console must show."""
    m.debugfs(f"symlink /var/lib/{what} /run/current-system/new")
    m.tries("1", "0-1")  # else the specialisation is the next one, and sick as well
    new = sorted(n for n in m.images() if "+" in n)
    t.ok(len(new) == 2, "generation 2 and its specialisation are new", m.images())
    m.on(m.chain(lasting=True))
    t.ok(m.wait(sign, limit) and m.ended(limit), "the new generation does not come up, and the machine starts over", m.text[-3000:])
    m.off()
    t.ok(sum("+0-1" in n for n in m.images()) == 2, "no try is left", m.images())
    if t.ok(m.start(arguments=lambda: m.chain(lasting=True)), "the machine comes up by itself", m.text[-3000:]):
        says(m, t)


def says(m, t):
    """The older generation runs, and the machine knows why."""
    t.ok("system-1" in m.do("readlink /run/current-system")[1], "it is the older generation that runs", m.text[-3000:])
    _, out = m.do("ihard boot list")
    t.ok("bad" in out and "0 left, 1 done" in out, "'ihard boot list' says that the newer one is bad", out)
    _, out = m.do("ihard boot next")
    t.ok("+0-1" not in out, "'ihard boot next' stays with the older one", out)


def attack(c):
    """The same, at the console of a machine that fell back."""
    if c.guarded:
        says(c.m, c.t)
