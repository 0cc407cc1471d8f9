# SPDX-License-Identifier: LGPL-2.1-or-later
"""What attacks type at a console: the same words at the bare machine, where they must work, and at the guarded
one, where they must not, while what stands beside them works at both. Judged are the status of the command, what it
printed itself, and the guard's log of what the processes that it started were refused; never what stands on the
terminal, where others write as well."""
import json
import re
import time

EVENTS = "ihard events --json --event denied --since $(printf '%(%FT%T)T' $((EPOCHSECONDS - 300)))"


class Acts:
    """One machine at one console."""

    def __init__(self, m, t, guarded):
        self.m, self.t, self.guarded = m, t, guarded
        self.typed = []  # (the newest process before it, a command, whether all of it must work)

    def do(self, command, limit=120, works=False):
        code, out = self.m.do(command, limit)
        self.typed.append((self.m.newest, command, works))
        return code, out

    def log(self):
        """What the guard refused in the last minutes."""
        return [json.loads(line) for line in self.m.do(EVENTS)[1].splitlines() if line.startswith("{")]

    def denied(self, sentence, limit=30):
        """What was refused to the last command's processes, or to the shell itself; waits for the sentence."""
        since, shell, end = self.typed[-1][0], self.m.shell, time.monotonic() + limit
        while True:
            found = [event["sentence"] for event in self.log() if event["pid"] > since or event["pid"] == shell]
            if any(re.search(sentence, one) for one in found) or time.monotonic() > end:
                return found

    def act(self, command, mark, denied="", says="", fails=True):
        """An attack. It works where `mark` is printed; it is refused where that is not, the command fails (unless it is one
        that goes on without what was refused), `says` is printed, and the guard logs that it `denied` it."""
        code, out = self.do(command)
        if not self.guarded:
            return self.t.ok(re.search(mark, out, re.M), f"{command}: works on the bare machine", code, out)
        log = self.denied(denied) if denied else []
        good = (code not in (0, None) or not fails) and re.search(says, out) and not re.search(mark, out, re.M)
        good = good and (not denied or any(re.search(denied, one) for one in log))
        return self.t.ok(good and "command not found" not in out, f"{command}: refused: {says or denied}", code, out, *log)

    def works(self, command, mark=""):
        """A neighbour of an attack: works at both machines."""
        code, out = self.do(command, works=True)
        return self.t.ok(code == 0 and re.search(mark, out, re.M), f"{command}: works", code, out)

    def unharmed(self):
        """Of what works nothing was refused, either: looked up once for all that was typed."""
        harmed = []
        for event in self.log():
            before = [one for one in self.typed if one[0] < event["pid"]]
            if before and before[-1][2]:
                harmed.append(f"{before[-1][1]}: {event['sentence']}")
        self.typed = []
        return self.t.ok(not harmed, "of what works nothing was refused", *harmed)
