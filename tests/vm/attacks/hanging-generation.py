# SPDX-License-Identifier: LGPL-2.1-or-later
"""A new generation that hangs before its health check begins: the time for the whole boot ends it."""
from lab import sick

AT = "power"


def attack(m, t):
    sick.falls_back(m, t, "hang", "Hanging|login:|timed out|ihard: the system is what was signed")
