#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""verbs.py IHARD SOURCE-ROOT: ihard policy show, lint, test and compile, end to end."""
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile

ROOT = pathlib.Path(sys.argv[2])
sys.path.insert(0, str(ROOT / "tests/lib"))
from tap import Tap, as_user, run  # noqa: E402

IHARD = sys.argv[1]
PROFILES = ["server", "appliance", "audit", "developer"]
t = Tap()
place = tempfile.mkdtemp(prefix="ihard-policy-")


def ihard(*words, **kw):
    return run([IHARD, "policy", *words], **kw)


def write(name, content, mode=0o644):
    path = f"{place}/{name}"
    pathlib.Path(path).write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
    os.chmod(path, mode)
    return path


def schema(name):
    return json.loads((ROOT / f"docs/schema/{name}.schema.json").read_text())


def check_schema(name, value, what):
    try:
        import jsonschema
    except ImportError:
        t.skip(what, "python3-jsonschema is missing")
        return
    errors = [e.message for e in jsonschema.Draft7Validator(schema(name)).iter_errors(value)]
    t.ok(not errors, what, "\n".join(errors))


def profiles():
    for name in PROFILES:
        source = ihard("show", "--profile", name, "--source")
        t.ok(source.rc == 0 and source.out == (ROOT / f"policy/profiles/{name}.json").read_text(),
             f"profile {name} can be copied", source)
        check_schema("policy", json.loads(source.out), f"profile {name} fits the schema")
        lint = ihard("lint", write("copy.json", source.out))
        t.ok(lint.rc == 0, f"the copy of {name} has nothing unwise", lint)
        show = ihard("show", "--profile", name)
        t.ok(show.rc == 0 and "default" in show.out, f"{name} is shown", show)
    none = ihard("show", "--profile", "nonsense")
    t.ok(none.rc == 125 and "there are server, appliance, audit, developer" in none.err,
         "an unknown profile is refused with those that there are", none)


def lint():
    unwise = write("unwise.json", {"version": 1, "extends": "server", "rules": [
        {"name": "all", "modes": ["script", "inline"], "program": ">=owned", "sources": "any", "verdict": "allow"},
        {"name": "some", "modes": ["script"], "program": ">=owned", "sources": ">=owned", "verdict": "allow",
         "interpreters": ["pyhton"]}]})
    r = ihard("lint", unwise)
    t.ok(r.rc == 1, "an unwise policy: exit 1", r)
    for kind in ["untrusted", "broad", "unknown-name", "shadowed"]:
        t.ok(f"[{kind}]" in r.out, f"finds {kind}", r)
    r = ihard("lint", "--json", unwise)
    check_schema("policy-lint", json.loads(r.out), "findings fit the schema")
    t.ok(r.rc == 1 and all(f.get("line") != 0 for f in json.loads(r.out)["findings"]), "each with its line", r)
    many = write("many.json", {"version": 1, "extends": "server", "rules": [
        {"name": f"r{i}", "verdict": "deny", "modes": ["script", "module"], "interpreters": [f"i{i % 200}", "bash"],
         "uids": [i, f"{i * 7}-{i * 7 + 90}"], "gids": [i % 9], "units": [f"u{i % 50}.service"]} for i in range(990)]})
    r = ihard("lint", "--json", many, timeout=60)
    t.ok(r.rc == 1 and len(json.loads(r.out)["findings"]) >= 990, "990 rules that differ in everything", r.err)
    r = ihard("lint", place + "/nothing.json")
    t.ok(r.rc == 125 and "nothing.json" in r.err, "a file that is not there: exit 125", r)
    r = ihard("lint", "--profile", "server", unwise)
    t.ok(r.rc == 2, "two policies at once: exit 2", r)
    r = ihard("lint", "--output", "x")
    t.ok(r.rc == 2, "an option of another verb: exit 2", r)


def tables():
    table = ROOT / "tests/policy/server.table.json"
    check_schema("policy-table", json.loads(table.read_text()), "the table fits the schema")
    r = ihard("test", "--profile", "server", str(table))
    t.ok(r.rc == 0 and ", 0 failed" in r.out, "profile server keeps what it promises", r)
    r = ihard("test", "--profile", "appliance", str(table))
    t.ok(r.rc == 1 and re.search(r"line \d+: failed: a program: expected allow, got deny \(reason program, "
                                 "rule 'default'\\)", r.out), "profile appliance does not", r)
    r = ihard("test", "--profile", "appliance", "--json", str(table))
    check_schema("policy-test", json.loads(r.out), "results fit the schema")
    bad = write("bad.json", {"version": 1, "cases": [{"name": "x", "expect": {"verdict": "allow"}}]})
    r = ihard("test", "--profile", "server", bad)
    t.ok(r.rc == 125 and "cases[0]: gives neither 'argv' nor 'facts'" in r.err, "a bad table: exit 125", r)
    for change, sentence in [({"verdict": "permit"}, "'permit' is not a verdict"),
                             ({"verdict": "deny", "reason": "because"}, "there is no reason 'because'"),
                             ({}, "the field 'verdict' is missing")]:
        bad = write("bad.json", {"version": 1, "cases": [{"name": "x", "argv": ["a"], "expect": change}]})
        r = ihard("test", "--profile", "server", bad)
        t.ok(r.rc == 125 and sentence in r.err, sentence, r)
    script = write("script.sh", "#!/bin/sh\n", 0o755)
    real = write("real.json", {"version": 1, "cases": [
        {"name": "as it is", "argv": [script], "expect": {"verdict": "deny", "reason": "source"}},
        {"name": "a program", "argv": ["/bin/true"], "expect": {"verdict": "allow"}}]})
    r = ihard("test", "--profile", "server", real)
    t.ok(r.rc == 0, "without 'files' the files are looked at as they are", r)


def compiled():
    out = place + "/policy.bin"
    for name in PROFILES:
        r = ihard("compile", "--profile", name, "--output", out)
        t.ok(r.rc == 0, f"{name} is compiled", r)
        first = pathlib.Path(out).read_bytes()
        r = ihard("compile", "--output", out, out)
        t.ok(r.rc == 0 and pathlib.Path(out).read_bytes() == first, f"{name}: again gives the same bytes", r)
    ihard("compile", "--profile", "server", "--output", out)
    table = str(ROOT / "tests/policy/server.table.json")
    r = ihard("test", "--policy", out, table)
    t.ok(r.rc == 0, "the compiled policy gives the same answers", r)
    os.chmod(out, 0o664)
    r = ihard("test", "--policy", out, table)
    t.ok(r.rc == 125 and "written by others" in r.err, "and is refused when others can write it", r)
    os.chmod(out, 0o644)
    damaged = bytearray(first)
    damaged[len(damaged) // 2] ^= 1
    pathlib.Path(out).write_bytes(damaged)
    r = ihard("test", "--policy", out, table)
    t.ok(r.rc == 125 and "is damaged; compile it again" in r.err, "or when a bit is wrong", r)
    if os.geteuid() == 0:
        os.chmod(place, 0o755)
        foreign = write("foreign.json", '{"version":1,"extends":"server"}')
        os.chown(foreign, 4321, 4321)
        r = ihard("show", "--policy", foreign, preexec_fn=as_user(1234))
        t.ok(r.rc == 125 and "4321" in r.err, "a policy of another user's is refused", r)
        r = ihard("show", "--policy", foreign, preexec_fn=as_user(4321))
        t.ok(r.rc == 0, "one's own is not", r)
    else:
        t.skip("a policy of another user's is refused", "needs root")


def own():
    """Profile developer: what is one's own runs and is reported, what is another's does not run."""
    if os.geteuid() != 0:
        t.skip("one's own code", "needs root")
        return
    os.chmod(place, 0o755)
    cases = [("script", "mine.sh", 1234, 0o755, 0, "audit"), ("script", "theirs.sh", 4321, 0o755, 1, "denied"),
             ("script", "root.sh", 0, 0o755, 1, "denied"), ("script", "shared.sh", 1234, 0o777, 1, "denied"),
             ("program", "mine", 1234, 0o755, 0, "audit"), ("program", "theirs", 4321, 0o755, 1, "denied")]
    for kind, name, owner, mode, rc, word in cases:
        path = write(name, "#!/bin/bash\n", mode)
        if kind == "program":
            shutil.copyfile("/bin/true", path)
        os.chown(path, owner, owner)
        r = run([IHARD, "check", "--profile", "developer", "--", path], preexec_fn=as_user(1234))
        t.ok(r.rc == rc and r.out.startswith(word), f"{kind} of uid {owner}, mode {mode:o}: {word}", r)
        r = run([IHARD, "check", "--profile", "server", "--", path], preexec_fn=as_user(1234))
        t.ok(r.rc == 1, "and profile server denies it", r)
    for variable, rc in [("mine.sh", 0), ("theirs.sh", 1)]:
        r = run([IHARD, "check", "--profile", "developer", "--clear-env", "--env", f"BASH_ENV={place}/{variable}",
                 "--", "/bin/bash", f"{place}/mine.sh"], preexec_fn=as_user(1234))
        t.ok(r.rc == rc, f"BASH_ENV={variable} beside one's own script", r)
    r = run([IHARD, "check", "--profile", "developer", "--", f"{place}/mine.sh"])
    t.ok(r.rc == 1, "root has nothing of his own", r)


def manual():
    """The examples of ihard-policy(5) are true."""
    page = (ROOT / "man/ihard-policy.5").read_text()
    examples = [e.replace("\\-", "-") for e in re.findall(r"\.EX\n(.*?)\.EE", page, re.S)]
    t.ok(len(examples) == 2, "two examples in the manual", examples)
    policy, table = write("example.json", examples[0]), write("answers.json", examples[1])
    check_schema("policy", json.loads(examples[0]), "the example fits the schema")
    r = ihard("lint", policy)
    t.ok(r.rc == 0, "the example has nothing unwise", r)
    r = ihard("test", "--policy", policy, table)
    t.ok(r.rc == 0, "and gives the answers that the manual says", r)


profiles()
lint()
tables()
compiled()
own()
manual()
shutil.rmtree(place)
t.done()
