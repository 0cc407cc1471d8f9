#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Folders are layers: who may include whom, and which library's header in which file.

This is the table of docs/architecture.md. An include of a folder that the table does not grant, or a
library's header outside the file it belongs to, is a finding. It does not look at what is called.
"""
import fnmatch
import re

import tree

LAYERS = {
    "common/abi": ["common/abi"],
    "common": ["common"],
    "integrity": ["common", "integrity"],
    "policy": ["common", "policy"],
    "bpf": ["common", "policy", "integrity", "bpf"],
    "bootchain": ["common", "integrity", "bootchain"],
    "wrapper": ["common", "integrity", "policy", "wrapper"],
    "cli": ["common", "integrity", "policy", "bpf", "bootchain", "wrapper", "cli"],
    "tests": ["*"],
    "bench": ["*"],
}
# Kernel side and the words of both worlds are stricter than their folder.
STRICT = {
    "bpf/*.bpf.c": ["bpf/kernel.h", "bpf/maps.h", "bpf/judge.h", "bpf/tables.h", "bpf/arguments.h", "bpf/descriptors.h", "bpf/unit.h", "common/abi/*"],
}
LIBRARIES = {
    r"json-c/|json\.h$": ["common/json.c"],
    r"openssl/": ["integrity/hash.c", "bootchain/authenticode.c", "bootchain/sign.c"],
    r"intel-ipsec-mb\.h": ["integrity/hash.c"],
    r"sodium": ["integrity/signature.c"],
    r"sqlite3\.h": ["integrity/store_db.c"],
    r"tss2/": ["bootchain/tpm.c"],
    r"cap-ng\.h": ["wrapper/caps.c"],
    r"seccomp\.h": ["wrapper/filter.c"],
    r"bpf/(libbpf|bpf|btf)\.h|\.skel\.h": ["bpf/*.c", "tests/*", "bench/*"],
    r"criterion/": ["tests/unit/*"],
}
GENERATED = re.compile(r"^(config\.h|.*\.skel\.h|.*\.inc)$")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def layer_of(name):
    best = [p for p in LAYERS if name.startswith(p + "/")]
    return max(best, key=len) if best else None


def granted(name, target):
    for pattern, allowed in STRICT.items():
        if fnmatch.fnmatch(name, pattern):
            return any(fnmatch.fnmatch(target, a) for a in allowed)
    allowed = LAYERS[layer_of(name)]
    if layer_of(name) == "common" and target.startswith("common/abi/"):
        return True
    return "*" in allowed or any(target.startswith(a + "/") for a in allowed)


def check_file(name):
    layer = layer_of(name)
    if layer is None:
        return [f"{name}:1: lies in no layer of docs/architecture.md"]
    found = []
    for n, line in enumerate(tree.text(name).splitlines(), 1):
        m = INCLUDE.match(line)
        if not m:
            continue
        quote, target = m.groups()
        if quote == '"':
            if GENERATED.match(target):
                continue
            if "/" not in target:
                found.append(f"{name}:{n}: includes '{target}' without its folder: write \"folder/file.h\"")
            elif not granted(name, target):
                found.append(f"{name}:{n}: {layer}/ may not include '{target}'")
            continue
        for pattern, homes in LIBRARIES.items():
            if name.startswith(("tests/", "bench/")) and "criterion" not in pattern:
                continue
            if re.match(pattern, target) and not any(fnmatch.fnmatch(name, h) for h in homes):
                if fnmatch.fnmatch(name, "bpf/*.bpf.c") or name in ("bpf/kernel.h", "bpf/maps.h"):
                    continue
                found.append(f"{name}:{n}: '{target}' may only be included by {', '.join(homes)}")
    return found


def self_test():
    """The table refuses what it should: a lint that finds nothing anywhere is no lint."""
    assert not granted("policy/eval.c", "integrity/trust.h")
    assert not granted("integrity/trust.c", "policy/eval.h")
    assert not granted("common/fd.c", "policy/eval.h")
    assert not granted("common/abi/decide.h", "common/text.h")
    assert not granted("wrapper/caps.c", "cli/output.h")
    assert not granted("bpf/exec.bpf.c", "common/text.h")
    assert granted("cli/cmd_check.c", "wrapper/gather.h")
    assert granted("bpf/exec.bpf.c", "common/abi/decide.h")
    assert granted("common/text.c", "common/abi/types.h")


def main():
    self_test()
    found = []
    for name in tree.files(".c", ".h"):
        if not name.startswith("tests/attempts/fixture/"):
            found += check_file(name)
    tree.finish(found, "layers")


main()
