# SPDX-License-Identifier: LGPL-2.1-or-later
"""Code on a command line, from a person's shell."""
AT = "console"


def attack(c):
    for command in ("python3 -c 'print(6*7)'", "perl -e 'print 6*7'", "sh -c 'echo $((6*7)); id'", "env -i bash -c 'echo $((6*7)); id'",
                    "nice python3 -Ic 'print(6*7)'"):
        c.act(command, "42", "code on the command line is not allowed")
    if c.guarded:
        c.t.ok(c.m.wait("ihard: .*code on the command line is not allowed", 30), "the terminal says why as well", c.m.text[-2000:])
    for command in ("python3 --version", "perl --version", "sh --help; true", "nice true"):
        c.works(command)
