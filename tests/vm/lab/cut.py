# SPDX-License-Identifier: LGPL-2.1-or-later
"""The plug pulled while something is written: after any of the moments the machine comes up as a good one."""
import os
import time


def cut(m, t, what, command, moments, after, start):
    """Types the command, pulls the plug so many seconds later, boots; after(what) looks at it. Then once to the end.
    One moment, or all with IH_CHAIN=all. `start` boots a machine that remembers what was written."""
    for moment in moments if os.environ.get("IH_CHAIN") == "all" else moments[1:2]:
        name = f"{what}, cut after {moment} s"
        if not m.vm and not t.ok(start(), "the machine boots", m.text[-3000:]):
            return False
        m.type(command + "; echo to the end")
        time.sleep(moment)
        m.off()
        if not t.ok(start(), name + ": the machine boots", m.text[-3000:]):
            return False
        t.ok("the system is what was signed" in m.text, name + ": the system is what was signed", m.text[-3000:])
        after(name)
    code, out = m.do(command, 240)
    t.ok(code == 0, f"{what}: the next run completes it", code, out)
    after(what)
    return True
