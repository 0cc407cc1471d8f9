# SPDX-License-Identifier: LGPL-2.1-or-later
"""Code on a command line, from a person's shell."""
AT = "console"


def attack(m, t):
    for command in ("python3 -c 'print(6*7)'", "perl -e 'print 6*7'", "sh -c 'echo $((6*7)); id'", "env -i bash -c 'echo $((6*7)); id'",
                    "nice python3 -Ic 'print(6*7)'"):
        code, out = m.do(command)
        t.ok(code not in (0, None) and "42" not in out, f"{command}: refused", code, out)
    code, out = m.do("echo $((6*7))")
    t.ok(code == 0 and "42" in out, "the shell itself works", code, out)
