# SPDX-License-Identifier: LGPL-2.1-or-later
"""A download piped into a shell."""
AT = "console"


def attack(m, t):
    m.do("echo 'echo $((6*7))' >/tmp/download")
    for command in ("cat /tmp/download | sh", "sh </tmp/download", "python3 - </tmp/download", "bash -s </tmp/download"):
        code, out = m.do(command)
        t.ok("42" not in out and code not in (0, None), f"{command}: refused", code, out)
