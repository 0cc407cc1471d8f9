#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`ihard check` end to end: verdicts, exit codes, options, JSON against its schema.

usage: check.py IHARD SCHEMA
"""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import Tap, skip_all

IHARD, SCHEMA = (os.path.abspath(p) for p in sys.argv[1:3])
t = Tap()


def check(*args, env=None, stdin=subprocess.DEVNULL, cwd="/usr", **more):
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    environment.update(env or {})
    return subprocess.run([IHARD, "check", "--profile", "server", *args], env=environment, stdin=stdin, cwd=cwd,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, **more)


def says(name, run, rc, *words):
    text = run.stdout + run.stderr
    t.ok(run.returncode == rc and all(w in text for w in words), name, f"exit {run.returncode}, wanted {rc}\n{text}")


def trusted_tree(d):
    """A policy that also trusts directory @d; its file."""
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    with open(os.path.join(top, "policy/profiles/server.json"), encoding="utf-8") as f:
        policy = json.load(f)
    os.chmod(d, 0o755)
    policy["trust"][1]["trees"].append(d)
    with open(os.path.join(d, "policy.json"), "w", encoding="utf-8") as f:
        json.dump(policy, f)
    return os.path.join(d, "policy.json")


def java_source():
    """A class in the working directory goes before java.lang's of the same name."""
    name = "a Java source file in a foreign directory"
    if os.geteuid() != 0 or not os.path.exists("/usr/bin/java"):
        return t.skip(name, "needs root, for a trusted tree, and /usr/bin/java")
    with tempfile.TemporaryDirectory(dir="/opt") as d, tempfile.TemporaryDirectory() as here:
        policy = trusted_tree(d)
        source = os.path.join(d, "Main.java")
        with open(source, "w", encoding="utf-8") as f:
            f.write("class Main { public static void main(String[] a) { System.exit(0); } }\n")

        def run(*words):
            return subprocess.run([IHARD, "check", "--policy", policy, "--", "java", *words], stdout=subprocess.PIPE,
                                  env={"PATH": "/usr/bin:/bin"}, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                  text=True, check=False, cwd=here)

        says(name, run(source), 0, "allowed")
        says("… by --source", run("--source", "17", source), 0, "allowed")
        says("a class by its name", run("Main"), 1, "denied", "looked up in")
        for entry, what in (("System.class", "a class that it names"), ("a", "a package by a name of its"),
                            ("META-INF", "services")):
            path = os.path.join(here, entry)
            os.mkdir(path) if "." not in entry else open(path, "w", encoding="utf-8").close()
            says(f"{what} in that directory", run(source), 1, "denied", "searched for classes")
            says("… by --source", run("--source", "17", source), 1, "denied", "searched for classes")
            os.rmdir(path) if "." not in entry else os.unlink(path)
        open(os.path.join(here, "Other.class"), "w", encoding="utf-8").close()
        says("a class that it does not name", run(source), 0, "allowed")


def nix_shell():
    """A script of a trusted tree, whose second line says who interprets it."""
    name = "a script of nix-shell"
    if os.geteuid() != 0 or not os.path.exists("/usr/bin/nix-shell"):
        return t.skip(name, "needs root, for a trusted tree, and /usr/bin/nix-shell")
    with tempfile.TemporaryDirectory(dir="/opt") as d:
        policy = trusted_tree(d)

        def run(interpreter, env=()):
            script = os.path.join(d, "tool")
            with open(script, "w", encoding="utf-8") as f:
                f.write(f"#!/usr/bin/env nix-shell\n#! nix-shell -i {interpreter} -p x\n")
            os.chmod(script, 0o755)
            return subprocess.run([IHARD, "check", "--policy", policy, *env, script],
                                  env={"PATH": "/usr/bin:/bin"}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False, cwd="/usr")

        for result, rc, words in (
                (run("python3"), 0, ("allowed", "launches    nix-shell", "launches    python3")),
                (run("python3", ("--env", "PYTHONPATH=/tmp/x")), 1, ("denied", "PYTHONPATH")),
                (run("no-such-program"), 1, ("denied", "'no-such-program' is nowhere along PATH")),
                (run("'sh;id'"), 1, ("denied", "names no interpreter"))):
            t.ok(result.returncode == rc and all(w in result.stdout for w in words), f"{name}: {words[-1]}",
                 result.stdout)
    return None


def main():
    for p in ("/usr/bin/python3", "/usr/bin/bash", "/usr/bin/perl", "/usr/bin/env"):
        if not os.path.exists(p):
            skip_all(f"{p} is missing")
    with tempfile.TemporaryDirectory() as d:
        script = os.path.join(d, "tool")
        with open(script, "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\n:\n")
        os.chmod(script, 0o755)
        plain = os.path.join(d, "plain")
        with open(plain, "w", encoding="utf-8") as f:
            f.write("data\n")

        says("a program of the machine", check("--", "true"), 0, "allowed")
        says("a script of the machine", check("/usr/bin/ldd"), 0, "allowed", "owned", "bash")
        says("a script from elsewhere", check(script), 1, "denied", script, "not trusted", "what to do")
        says("a relative name", check("tool", cwd=d), 1, "denied", script)
        says("neither executable nor a script", check(plain), 1, "denied", "not executable")
        says("nothing there", check("/nonexistent/x"), 1, "denied", "/nonexistent")
        says("nowhere along PATH", check("--", "no-such-program"), 1, "nowhere along PATH")
        says("inline code", check("--", "python3", "-c", "1"), 1, "denied", "'-c'")
        says("inline code from verified code", check("--provenance", "verified", "--", "perl", "-e", "1"), 0, "allowed")
        for name in ("LD_PRELOAD", "LD_AUDIT"):
            run = check("--", "true", env={name: "/nonexistent/x.so"})
            says(f"{name} of ihard's own is judged", run, 1, f"'{name}' carries code")
            t.ok("ERROR: ld.so" not in run.stderr, f"… and did not reach the judge: {name}", run.stderr)
        says("a library path is judged, and does not reach the judge",
             check("--", "true", env={"LD_LIBRARY_PATH": d, "OPENSSL_CONF": plain}), 1, "LD_LIBRARY_PATH")
        says("--env takes such a variable out", check("--env", "LD_PRELOAD", "--", "true", env={"LD_PRELOAD": "/x.so"}),
             0, "allowed")
        says("a version only", check("--", "python3", "--version"), 0, "allowed")
        says("through launchers", check("--", "env", "-i", "nice", "sh", "-ec", "x"), 1, "denied", "launches", "sh -ec x")
        says("code in a variable", check("--", "bash", "/usr/bin/ldd", env={"BASH_ENV": script}), 1, "BASH_ENV", "ihard run")
        says("the same by option", check("--env", f"BASH_ENV={script}", "/usr/bin/ldd"), 1, "BASH_ENV")
        says("taken out by option", check("--env", "BASH_ENV", "/usr/bin/ldd", env={"BASH_ENV": script}), 0, "allowed")
        says("an empty environment", check("--clear-env", "/usr/bin/ldd", env={"BASH_ENV": script}), 0, "allowed")
        says("a list is filtered", check("--env", f"LD_LIBRARY_PATH=/usr/lib:{d}", "--", "true"), 0, "allowed", "filtered")
        says("a list with nothing left", check("--env", f"LD_LIBRARY_PATH={d}", "--", "true"), 1, "LD_LIBRARY_PATH")
        says("standard input, a pipe", check("--stdin-kind", "pipe", "--", "bash"), 1, "standard input")
        says("standard input, empty", check("--stdin-kind", "null", "--", "bash"), 0, "allowed")
        says("standard input, as ours", check("--", "bash", stdin=subprocess.PIPE), 1, "standard input")
        says("unknown option of the interpreter", check("--", "perl", "--frobnicate", "/usr/bin/ldd"), 1, "could not be told")
        says("explained", check("--explain", "--", "python3", "-c", "1"), 1, "considered", "'scripts'")
        says("quiet", check("--quiet", script), 1)
        t.ok(check("--quiet", script).stdout == "", "quiet prints nothing")
        says("many", check(d), 1, "denied", "0 allowed, 1 denied", "1 files are neither")
        says("each", check("--each", "/usr/bin/ldd", script), 1, "1 allowed, 1 denied")

        nix_shell()
        java_source()
        says("unknown option", check("--nope"), 2, "unknown option '--nope'")
        says("abbreviated option", check("--exp", script), 2, "did you mean '--explain'")
        says("option twice", check("--json", "--json", script), 2, "given twice")
        says("nothing to check", check(), 2, "nothing to check")
        says("bad word", check("--stdin-kind", "x", script), 2, "none of pipe")
        says("help fits a terminal", check("--help"), 0, "usage")
        help_text = check("--help").stdout.splitlines()
        t.ok(len(help_text) <= 24 and max(map(len, help_text)) <= 80, "help is at most 24 lines of 80 columns",
             f"{len(help_text)} lines, {max(map(len, help_text))} columns")

        bad = os.path.join(d, "policy.json")
        with open(bad, "w", encoding="utf-8") as f:
            f.write('{ "version": 1, "nonsense": 1 }')
        run = subprocess.run([IHARD, "check", "--policy", bad, script], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, check=False)
        says("a bad policy", run, 125, "nonsense")
        os.chmod(bad, 0o666)
        run = subprocess.run([IHARD, "check", "--policy", bad, script], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, check=False)
        says("a policy that all can write", run, 125, "can be written by others")

        try:
            import jsonschema
        except ImportError:
            t.skip("JSON fits its schema", "python3-jsonschema is missing")
            t.done()
        with open(SCHEMA, encoding="utf-8") as f:
            schema = json.load(f)
        for args in (["--json", script], ["--json", "--explain", "--", "env", "-i", "python3", "-c", "1"], ["--json", d],
                     ["--json", "--", "no-such-program"], ["--json", "--env", f"LD_LIBRARY_PATH=/usr/lib:{d}", "--", "true"]):
            document = json.loads(check(*args).stdout)
            try:
                jsonschema.validate(document, schema)
                t.ok(True, "JSON fits its schema: " + " ".join(args[1:3]))
            except jsonschema.ValidationError as e:
                t.ok(False, "JSON fits its schema: " + " ".join(args[1:3]), e)
        document["results"][0]["surprise"] = 1
        try:
            jsonschema.validate(document, schema)
            t.ok(False, "the schema refuses what it does not know")
        except jsonschema.ValidationError:
            t.ok(True, "the schema refuses what it does not know")
    t.done()


main()
