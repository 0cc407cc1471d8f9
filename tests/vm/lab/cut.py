# SPDX-License-Identifier: LGPL-2.1-or-later
"""The plug pulled while something is written: after any of the moments the machine comes up as a good one."""
import time


def cut(m, t, what, command, moments, after):
    """Types the command, pulls the plug so many seconds later, boots; after(what) looks at it. Then once without."""
    for moment in moments:
        name = f"{what}, cut after {moment} s"
        if not m.vm and not t.ok(m.start(arguments=lambda: m.chain(lasting=True)), "the machine boots", m.text[-3000:]):
            return
        m.type(command)
        time.sleep(moment)
        m.off()
        if not t.ok(m.start(arguments=lambda: m.chain(lasting=True)), name + ": the machine boots", m.text[-3000:]):
            return
        t.ok("the system is what was signed" in m.text, name + ": the system is what was signed", m.text[-3000:])
        after(name)
    code, out = m.do(command, 240)
    t.ok(code == 0, f"{what}: the next run completes it", code, out)
    after(what)
