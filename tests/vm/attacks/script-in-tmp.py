# SPDX-License-Identifier: LGPL-2.1-or-later
"""A script dropped in /tmp, run by name and by its interpreter, by root and by a user."""
AT = "console"


def attack(m, t):
    m.do("printf '#!/usr/bin/python3\\nprint(1)\\n' >/tmp/x.py; chmod 755 /tmp/x.py")
    for who in ("", "su user -s /tmp/x.py", "python3 /tmp/x.py", "/usr/bin/perl /tmp/x.py"):
        code, out = m.do(who or "/tmp/x.py")
        t.ok(code not in (0, None) and "1\n" not in out, f"{who or 'by name'}: refused", code, out)
    code, out = m.do("python3 --version")
    t.ok(code == 0 and "Python" in out, "the interpreter itself works", code, out)
    code, out = m.do("ihard events --lines 5")
    t.ok("/tmp/x.py" in out, "the event names the script", out)
