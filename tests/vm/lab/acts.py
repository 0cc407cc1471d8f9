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
        self.do = m.do

    def denied(self, since, sentence=None, limit=30):
        """What was refused to processes newer than `since`; waits for a sentence, which may be about the shell itself, too."""
        shell, end = int(self.do("echo $$")[1]) if sentence else 0, time.monotonic() + limit
        while True:
            log = [json.loads(line) for line in self.do(EVENTS)[1].splitlines() if line.startswith("{")]
            found = [event["sentence"] for event in log if event["pid"] > since or event["pid"] == shell]
            if sentence is None or any(re.search(sentence, one) for one in found) or time.monotonic() > end:
                return found

    def typed(self, command):
        """(the newest process before it, its status, what it printed)."""
        before = int(self.do('echo $(echo "$BASHPID")')[1])
        return (before, *self.do(command))

    def act(self, command, mark, denied="", says="", fails=True):
        """An attack. It works where `mark` is printed; it is refused where that is not, the command fails (unless it is one
        that goes on without what was refused), `says` is printed, and the guard logs that it `denied` it."""
        before, code, out = self.typed(command)
        if not self.guarded:
            return self.t.ok(re.search(mark, out, re.M), f"{command}: works on the bare machine", code, out)
        log = self.denied(before, denied) if denied else []
        good = (code not in (0, None) or not fails) and re.search(says, out) and not re.search(mark, out, re.M)
        good = good and (not denied or any(re.search(denied, one) for one in log))
        return self.t.ok(good and "command not found" not in out, f"{command}: refused: {says or denied}", code, out, *log)

    def works(self, command, mark=""):
        """A neighbour of an attack: works at both machines, and nothing of it is refused."""
        before, code, out = self.typed(command)
        log = self.denied(before) if self.guarded else []
        return self.t.ok(code == 0 and re.search(mark, out, re.M) and not log, f"{command}: works", code, out, *log)
