#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares commands by turns, A B A B …, so that a noisy machine is noisy to all of them.

Every program in bench/ uses it; alone:

    bench/pair.py [--runs N] [--warm N] [--each N] [--json] NAME=COMMAND NAME=COMMAND…

The first command is what the others are measured against. Printed are medians, and for each other
command the median, least and greatest of the ratios taken pair by pair in one round; peak memory is
of the largest process, and "<" where it is below what Python itself takes (exec inherits that mark). COMMAND is run by sh with its output thrown away; a command that fails ends it,
unless NAME ends in '?' ("refused?=ihard check …": any exit status will do).
--each runs the command that many times for one measurement, for what takes less than a millisecond.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time


class Command:
    """One command to be measured: argv, or a string for sh."""

    def __init__(self, name, command, any_status=False, env=None, cwd=None, setup=None):
        self.name, self.command, self.any_status = name, command, any_status
        self.env, self.cwd, self.setup = env, cwd, setup

    def run(self, each=1):
        """Seconds, processor seconds and peak KiB of one measurement."""
        if self.setup:
            self.setup()
        argv = self.command if isinstance(self.command, (list, tuple)) else ["sh", "-c", "exec " + self.command]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        peak = 0
        start = time.perf_counter()
        for _ in range(each):
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL, env=self.env, cwd=self.cwd)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            peak = max(peak, usage.ru_maxrss)
            if child.returncode and not self.any_status:
                sys.exit(f"{self.name}: exit status {child.returncode}: {self.command}")
        wall = (time.perf_counter() - start) / each
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / each
        return wall, cpu, peak


def measure(commands, runs=15, warm=2, each=1):
    """Runs the commands by turns. Returns {name: [(wall, cpu, peak), …]}."""
    results = {c.name: [] for c in commands}
    for i in range(warm + runs):
        for c in commands:
            one = c.run(each)
            if i >= warm:
                results[c.name].append(one)
    return results


def ratios(results, name, base):
    """Ratios of wall time, round by round."""
    return [a[0] / b[0] for a, b in zip(results[name], results[base])]


def mebibytes(kib):
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"{kib / 1024:.1f} MiB" if kib > own * 1.02 else f"< {own / 1024:.0f} MiB"


def spread(values):
    """Median, least, greatest."""
    return statistics.median(values), min(values), max(values)


def seconds(s):
    return f"{s * 1e6:.0f} µs" if s < 1e-3 else f"{s * 1e3:.2f} ms" if s < 1 else f"{s:.2f} s"


def report(results, base, title=None):
    """Prints the table; the base first."""
    if title:
        print(title)
    names = [base] + [n for n in results if n != base]
    width = max(len(n) for n in names)
    runs = len(results[base])
    print(f"{'':{width}}  {'wall':>10} {'cpu':>10} {'peak':>9}   ratio to {base} (least to greatest of {runs})")
    for n in names:
        wall = statistics.median(r[0] for r in results[n])
        cpu = statistics.median(r[1] for r in results[n])
        peak = max(r[2] for r in results[n])
        line = f"{n:{width}}  {seconds(wall):>10} {seconds(cpu):>10} {mebibytes(peak):>9}"
        if n != base:
            line += "   %.3f (%.3f to %.3f)" % spread(ratios(results, n, base))
        print(line)


def as_json(results, base):
    """The same for programs."""
    out = {}
    for n, rows in results.items():
        out[n] = {"wall": [r[0] for r in rows], "cpu": [r[1] for r in rows], "peakKiB": max(r[2] for r in rows)}
        if n != base:
            out[n]["ratio"] = dict(zip(("median", "least", "greatest"), spread(ratios(results, n, base))))
    return json.dumps(out, indent=1)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--runs", type=int, default=15)
    ap.add_argument("--warm", type=int, default=2)
    ap.add_argument("--each", type=int, default=1)
    ap.add_argument("--json", action="store_true")
    ap.add_argument("commands", nargs="+", metavar="NAME=COMMAND")
    a = ap.parse_args()
    commands = []
    for word in a.commands:
        name, eq, command = word.partition("=")
        if not eq or not command:
            ap.error(f"'{word}' is not NAME=COMMAND")
        commands.append(Command(name.rstrip("?"), command, any_status=name.endswith("?")))
    if len({c.name for c in commands}) != len(commands) or len(commands) < 2:
        ap.error("at least two commands, each with a name of its own")
    results = measure(commands, a.runs, a.warm, a.each)
    if a.json:
        print(as_json(results, commands[0].name))
    else:
        report(results, commands[0].name)


if __name__ == "__main__":
    main()
