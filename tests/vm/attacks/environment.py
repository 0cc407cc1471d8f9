# SPDX-License-Identifier: LGPL-2.1-or-later
"""Variables that carry code, beside a script that is trusted."""
AT = "console"


def attack(c):
    c.do("mkdir -p /tmp/lib; echo 'print(6*7)' >/tmp/lib/sitecustomize.py; echo 'echo $((6*7))' >/tmp/rc")
    script = "/usr/lib/python3.11/keyword.py"
    for command in (f"PYTHONPATH=/tmp/lib python3 {script}", "BASH_ENV=/tmp/rc bash /etc/site/bin/greet"):
        c.act(command, "42", "environment|not trusted enough", fails=False)  # the script goes on without it
    c.works("python3 " + script)
    c.works("bash /etc/site/bin/greet", "good (morning|night)")  # the other one where swapped-file was here before
