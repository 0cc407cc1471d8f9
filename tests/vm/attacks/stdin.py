# SPDX-License-Identifier: LGPL-2.1-or-later
"""A download piped into a shell."""
AT = "console"


def attack(c):
    c.do("echo 'echo $((6*7))' >/tmp/download; echo 'print(6*7)' >/tmp/download.py")
    for command in ("cat /tmp/download | sh", "sh </tmp/download", "python3 - </tmp/download.py", "bash -s </tmp/download"):
        c.act(command, "42", "code on standard input is not allowed")
    c.works("cat /tmp/download | cat", r"6\*7")
