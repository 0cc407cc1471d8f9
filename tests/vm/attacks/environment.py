# SPDX-License-Identifier: LGPL-2.1-or-later
"""Variables that carry code, beside a script that is trusted."""
AT = "console"


def attack(m, t):
    m.do("mkdir -p /tmp/lib; echo 'print(6*7)' >/tmp/lib/sitecustomize.py; echo 'echo $((6*7))' >/tmp/rc; cp /usr/lib/x86_64-linux-gnu/libm.so.6 /tmp/m.so")
    script = "/usr/lib/python3.11/keyword.py"
    code, out = m.do("python3 " + script)
    t.ok(code == 0, "the script itself works", code, out)
    for command in (f"PYTHONPATH=/tmp/lib python3 {script}", "BASH_ENV=/tmp/rc bash /run/current-system/init"):
        code, out = m.do(command)
        t.ok("42" not in out and "ihard: " in out, f"{command}: no code of it runs, and a sentence says so", code, out)
