# SPDX-License-Identifier: LGPL-2.1-or-later
"""What attacks type at a console: the same words at the bare machine, where they must work, and at the guarded
one, where they must not, while what stands beside them works at both."""
import re


class Acts:
    """One machine at one console."""

    def __init__(self, m, t, guarded):
        self.m, self.t, self.guarded = m, t, guarded
        self.do = m.do

    def act(self, command, mark, sentence, fails=True):
        """An attack. It works where `mark` is printed; it is refused where that is not, the command fails (unless it is one
        that goes on without what was refused), and `sentence` is said."""
        code, out = self.m.do(command)
        if not self.guarded:
            return self.t.ok(re.search(mark, out), f"{command}: works on the bare machine", code, out)
        out = self.m.hears(out, sentence, 8)
        heard = re.search(sentence, out)
        if not heard:  # the terminal may have been busy; the log has it
            log = self.m.do("ihard events --lines 5")[1]
            heard = re.search(sentence.replace("ihard: ", "denied .*: "), log)
            out += log
        good = (code not in (0, None) or not fails) and heard and not re.search(mark, out)
        return self.t.ok(good and "command not found" not in out, f"{command}: refused: {sentence}", code, out)

    def works(self, command, mark=""):
        """A neighbour of an attack: works at both machines, and nobody says anything."""
        code, out = self.m.do(command)
        return self.t.ok(code == 0 and re.search(mark, out) and "ihard: " not in out, f"{command}: works", code, out)
