# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program in memory that no file system holds, started by a script that is trusted."""
AT = "console"


def attack(c):
    c.act("/etc/site/attack/memfd.pl /usr/bin/id", "uid=0", "code in memory or in a deleted file cannot be trusted")
    c.works("perl /usr/lib/x86_64-linux-gnu/perl-base/strict.pm")
