# SPDX-License-Identifier: LGPL-2.1-or-later
"""A download piped into a shell."""
AT = "console"


def attack(m, t):
    m.do("echo 'echo $((6*7))' >/tmp/download")
    for command in ("cat /tmp/download | sh", "sh </tmp/download", "python3 - </tmp/download", "bash -s </tmp/download"):
        good, code, out = m.refuses(command)
        t.ok(good and "42" not in out, f"{command}: refused, with a sentence", code, out)
    code, out = m.do("cat /tmp/download | cat")
    t.ok(code == 0 and "6*7" in out, "a program that takes no code from there works", code, out)
