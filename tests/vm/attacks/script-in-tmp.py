# SPDX-License-Identifier: LGPL-2.1-or-later
"""A script dropped in /tmp, run by name and by its interpreter, by root and by a user."""
AT = "console"
UNTRUSTED = "'/tmp/x.py' may not be executed: the program is not trusted enough|/tmp/x.py.*code that would run is not trusted enough"


def attack(c):
    c.do("printf '#!/usr/bin/python3\\nprint(6*7)\\n' >/tmp/x.py; chmod 755 /tmp/x.py")
    for command in ("/tmp/x.py", "su user -s /tmp/x.py", "python3 /tmp/x.py"):
        c.act(command, "42", UNTRUSTED)
    c.works("python3 /usr/lib/python3.11/keyword.py")
    c.works("su user -s /usr/bin/id", "uid=1000")
    if c.guarded:
        code, out = c.do("ihard events --lines 20")
        c.t.ok(code == 0 and "/tmp/x.py" in out, "the event names the script", out)
