# SPDX-License-Identifier: LGPL-2.1-or-later
"""A script dropped in /tmp, run by name and by its interpreter, by root and by a user."""
AT = "console"


def attack(m, t):
    m.do("printf '#!/usr/bin/python3\\nprint(6*7)\\n' >/tmp/x.py; cp /tmp/x.py /tmp/x.pl; chmod 755 /tmp/x.py")
    for command in ("/tmp/x.py", "su user -s /tmp/x.py", "python3 /tmp/x.py"):
        good, code, out = m.refuses(command)
        t.ok(good and "42" not in out, f"{command}: refused, with a sentence", code, out)
    code, out = m.do("python3 /usr/lib/python3.11/keyword.py")
    t.ok(code == 0, "a script of the store works", code, out)
    code, out = m.do("su user -s /usr/bin/id")
    t.ok(code == 0 and "1000" in out, "su works", code, out)
    code, out = m.do("ihard events --lines 20")
    t.ok(code == 0 and "/tmp/x.py" in out, "the event names the script", out)
