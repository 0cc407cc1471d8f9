# SPDX-License-Identifier: LGPL-2.1-or-later
"""A new generation whose kernel panics on the way up."""
from lab import sick

AT = "power"


def attack(m, t):
    sick.falls_back(m, t, "crash", "Kernel panic")
