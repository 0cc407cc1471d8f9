#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `--json` prints is what docs/schema says, for the verbs that no other test holds against it; every
schema is strict, and every schema is asked by some test.

usage: schemas.py SOURCE IHARD"""
import copy
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from tap import Tap, run  # noqa: E402

try:
    import jsonschema
except ImportError:
    print("1..0 # SKIP python3-jsonschema is missing")
    sys.exit(77)

source, ihard = sys.argv[1:3]
t = Tap()
work = tempfile.mkdtemp()
asked = set()


def schema(name):
    asked.add(name)
    with open(f"{source}/docs/schema/{name}.schema.json") as f:
        return json.load(f)


def problem(document, rules):
    try:
        jsonschema.validate(document, rules)
        return None
    except jsonschema.ValidationError as e:
        return e.message


def with_stranger(document):
    """The same with a member that nobody described."""
    changed = copy.deepcopy(document)
    (changed[0] if isinstance(changed, list) else changed)["stranger"] = 1
    return changed


def holds(name, what, *args, rc=0):
    r = run([ihard, *args])
    if not t.ok(r.rc == rc, f"{what}: exit status {rc}", f"{r.rc}: {r.err}"):
        return None
    document, rules = json.loads(r.out), schema(name)
    why = problem(document, rules)
    t.ok(why is None, f"{what}: its JSON fits {name}", why)
    if document:
        t.ok(problem(with_stranger(document), rules), f"{what}: {name} refuses what it does not know")
    return document


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)


def variable(name, text):
    with open(f"{work}/vars/{name}-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f", "wb") as f:
        f.write(b"\6\0\0\0" + text.encode("utf-16le") + b"\0\0")


def partition():
    for file, generation in (("gen-1.conf", 1), ("gen-2+2-1.conf", 2), ("gen-3+0-3.conf", 3), ("gen-+x.conf", 4)):
        put(f"{work}/esp/loader/entries/{file}",
            f"title Generation {generation}\nversion {generation}\nsort-key ihard\nlinux /k\noptions init=/gen-{generation}\n")
    put(f"{work}/esp/k", "")
    put(f"{work}/cmdline", "init=/gen-2 quiet\n")
    os.mkdir(f"{work}/vars")
    variable("LoaderInfo", "systemd-boot 252.39")
    variable("LoaderEntrySelected", "gen-2+3.conf")
    variable("LoaderBootCountPath", "\\loader\\entries\\gen-2+2-1.conf")
    return ["--esp", f"{work}/esp", "--efivars", f"{work}/vars", "--history", f"{work}/history"]


def the_tracker():
    places = partition()
    holds("boot-list", "boot list", "boot", "list", *places, "--json")
    holds("boot-next", "boot next", "boot", "next", *places, "--json")
    holds("boot-next", "five boots that fail", "boot", "next", *places, "--simulate", "5", "--json")
    holds("boot-status", "boot status", "boot", "status", *places, "--json")
    r = run([ihard, "boot", "bless", *places, "--cmdline", f"{work}/cmdline"])
    t.ok(r.rc == 0, "an entry is blessed", r.err)
    history = holds("boot-history", "boot history", "boot", "history", *places, "--json")
    t.ok(history, "there is something in it")
    os.mkdir(f"{work}/none")
    nothing = ["--esp", f"{work}/none", "--efivars", f"{work}/none", "--history", f"{work}/none/history"]
    holds("boot-next", "no entry at all", "boot", "next", *nothing, "--json", rc=1)
    holds("boot-status", "no EFI", "boot", "status", *nothing, "--json")
    holds("boot-history", "no history", "boot", "history", *nothing, "--json")


def images():
    stub = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"
    if not os.path.exists(stub):
        t.skip("boot verify", f"{stub} is missing")
        return
    key, crt, image = f"{work}/k.pem", f"{work}/c.pem", f"{work}/signed.efi"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=it/", "-days", "3650",
                    "-keyout", key, "-out", crt], check=True, stderr=subprocess.DEVNULL)
    r = run([ihard, "boot", "sign", "--image", stub, "--key", key, "--certificate", crt, "--output", image])
    t.ok(r.rc == 0, "an image is signed", r.err)
    both = holds("boot-verify", "one good, one unsigned", "boot", "verify", "--certificate", crt, "--json", image, stub, rc=1)
    t.ok(both and [i["good"] for i in both] == [True, False], "each has its verdict", both)


def the_rest():
    log = f"{source}/tests/vectors/sb-sdboot-uki/eventlog.bin"
    for bank in ("sha256", "sha1"):
        holds("boot-measure", f"boot measure replay, {bank}", "boot", "measure", "replay", "--log", log, "--bank", bank,
              "--json")
    put(f"{work}/bad.json", '{"org.nixos.bootspec.v1": {"label": null}}')
    holds("bootspec-check", "a bad bootspec", "bootspec", "check", "--json", f"{work}/bad.json", rc=1)
    put(f"{work}/broken.json", "{")
    holds("bootspec-check", "no JSON at all", "bootspec", "check", "--json", f"{work}/broken.json", rc=1)
    good = sorted(glob.glob(f"{source}/tests/fuzz/corpus/bootspec/v1"))
    for path in good[:1]:
        holds("bootspec-check", "a document of the corpus", "bootspec", "check", "--json", path,
              rc=run([ihard, "bootspec", "check", path]).rc)
    holds("interpreters", "interpreters", "interpreters", "--json")


def every_schema_is_asked():
    """By name, in the tests' build files or in this test."""
    names = {os.path.basename(p).removesuffix(".schema.json") for p in glob.glob(f"{source}/docs/schema/*.schema.json")}
    named = set(asked)
    for path in glob.glob(f"{source}/tests/**/*", recursive=True):
        if path.endswith((".sh", ".py", "meson.build")):
            with open(path) as f:
                text = f.read()
            named |= set(re.findall(r"([a-z-]+)\.schema\.json", text)) | set(re.findall(r'check_schema\("([a-z-]+)"', text))
    t.ok(names <= named, "each schema is held against what is printed", names - named)


try:
    the_tracker()
    images()
    the_rest()
    every_schema_is_asked()
finally:
    shutil.rmtree(work)
t.done()
