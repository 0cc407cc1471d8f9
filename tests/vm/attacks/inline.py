# SPDX-License-Identifier: LGPL-2.1-or-later
"""Code on a command line, from a person's shell."""
AT = "console"


def attack(m, t):
    for command in ("python3 -c 'print(6*7)'", "perl -e 'print 6*7'", "sh -c 'echo $((6*7)); id'", "env -i bash -c 'echo $((6*7)); id'",
                    "nice python3 -Ic 'print(6*7)'"):
        good, code, out = m.refuses(command)
        t.ok(good and "42" not in out, f"{command}: refused, with a sentence", code, out)
    for command in ("python3 --version", "perl --version", "sh --help; true", "nice true"):
        code, out = m.do(command)
        t.ok(code == 0, f"{command}: works", code, out)
