# SPDX-License-Identifier: LGPL-2.1-or-later
"""A place to try `ihard run` in: a tree that a policy trusts, and a directory that everybody can write."""
import copy
import json
import os

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
NOBODY = 65534


def write(path, text, mode=0o755):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def server_policy(*trees):
    """Profile server, which trusts these trees, too: what JSON says."""
    with open(ROOT + "/policy/profiles/server.json", encoding="utf-8") as f:
        policy = json.load(f)
    [p for p in policy["trust"] if "trees" in p][0]["trees"].extend(trees)
    return policy


class Place:
    """Made below @top, where nobody else can make files: root's tree is trusted only there."""

    def __init__(self, top):
        os.chmod(top, 0o755)
        self.top, self.tree, self.out, self.events = top, top + "/tree", top + "/out", top + "/events"
        for d in (self.tree, self.out):
            os.mkdir(d)
        os.chmod(self.out, 0o777)
        self.server = server_policy(self.tree)
        self.policy = self.make("policy", self.server)

    def make(self, name, policy):
        """A policy file. Return: its path."""
        return write("%s/%s.json" % (self.top, name), json.dumps(policy), 0o644)

    def changed(self, name, **fields):
        """The policy with other fields, as a file of that name."""
        return self.make(name, dict(copy.deepcopy(self.server), **fields))
