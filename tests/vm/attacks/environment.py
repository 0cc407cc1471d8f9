# SPDX-License-Identifier: LGPL-2.1-or-later
"""Variables that carry code."""
AT = "console"


def attack(m, t):
    m.do("mkdir -p /tmp/lib; echo 'print(6*7)' >/tmp/lib/sitecustomize.py; echo 'echo 42' >/tmp/rc")
    for command in ("PYTHONPATH=/tmp/lib python3 --help", "PERL5OPT=-M6 perl --version; PERL5DB='print 42' perl -d /nix/nothing",
                    "BASH_ENV=/tmp/rc bash /run/current-system/init --nothing", "LD_PRELOAD=/tmp/rc.so true-nothing"):
        code, out = m.do(command)
        t.ok("42" not in out, f"{command}: no code of it runs", code, out)
