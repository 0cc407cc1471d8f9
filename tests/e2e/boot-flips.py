#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""One flipped bit in each of many signed images: we notice every one, sbverify every one it covers.

usage: boot-flips.py IHARD     IHARD_FLIPS=N: how many images, default 1000

sbverify does not look at the checksum field and at parts of the certificate table; where the flip lies is
said by the layout of the image, read here once more, independently of what is tested. Speaks TAP.
"""
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

STUB = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"
BOOTSPEC = ('{"org.nixos.bootspec.v1": {"system": "x86_64-linux", "label": "L", "kernel": "/kernel", "init": "/i", '
            '"toplevel": "/t", "kernelParams": ["n=%d"], "initrd": "/initrd"}}')


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def outside(image):
    """Ranges that Authenticode does not cover: checksum, directory entry, certificate table."""
    optional = struct.unpack_from("<I", image, 0x3C)[0] + 24
    entry = optional + 112 + 4 * 8
    table, size = struct.unpack_from("<II", image, entry)
    return [("checksum", optional + 64, 4), ("directory", entry, 8), ("certificates", table, size)]


def main():
    ihard, count = os.path.realpath(sys.argv[1]), int(os.environ.get("IHARD_FLIPS", "1000"))
    if not os.path.exists(STUB) or not shutil.which("sbverify"):
        print("1..0 # SKIP systemd's stub or sbverify is not here (packages systemd-boot-efi, sbsigntool)")
        return 0
    rng = random.Random(20240611)
    with tempfile.TemporaryDirectory() as d:
        os.chdir(d)
        run("openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "30", "-subj", "/CN=flips/",
            "-keyout", "key", "-out", "crt")
        os.chmod("key", 0o600)
        unsigned, unnoticed, unseen, foreign, names = [], [], [], [], []
        where = {}
        for n in range(count):
            with open("kernel", "wb") as f:
                f.write(rng.randbytes(rng.randrange(1, 20000)))
            with open("initrd", "wb") as f:
                f.write(b"070701" + rng.randbytes(rng.randrange(1, 20000)))
            with open("boot.json", "w") as f:
                f.write(BOOTSPEC % n)
            name = f"{n}.efi"
            if run(ihard, "boot", "sign", "--key", "key", "--certificate", "crt", "--root", d, "--output", name,
                   "boot.json").returncode or (n % 10 == 0 and run("sbverify", "--cert", "crt", name).returncode):
                unsigned.append(name)
                continue
            with open(name, "rb") as f:
                image = bytearray(f.read())
            at, bit = rng.randrange(len(image)), rng.randrange(8)
            image[at] ^= 1 << bit
            with open(name, "wb") as f:
                f.write(image)
            image[at] ^= 1 << bit
            region = ([r for r, start, size in outside(image) if start <= at < start + size] or ["content"])[0]
            where[region] = where.get(region, 0) + 1
            names.append(name)
            if run("sbverify", "--cert", "crt", name).returncode == 0:
                (unseen if region == "content" else foreign).append(f"{name}: bit {bit} of byte {at}, {region}")
        # one call for all: each has its line
        for line in run(ihard, "boot", "verify", "--certificate", "crt", *names).stdout.splitlines():
            if not line.startswith("bad  "):
                unnoticed.append(line)
        rows = [(not unsigned, f"{count} images are signed, and sbverify accepts each tenth", unsigned),
                (not unnoticed and len(names) == count, f"we notice a flipped bit in all of {len(names)}", unnoticed),
                (not unseen, f"so does sbverify in all {where.get('content', 0)} where the signature covers it", unseen)]
        print(f"# flips: {where}; sbverify passes over {len(foreign)} of those outside the content")
        for number, (good, text, notes) in enumerate(rows, 1):
            print(f"{'ok' if good else 'not ok'} {number} - {text}")
            for note in notes[:20] if not good else ():
                print(f"# {note}")
        print(f"1..{len(rows)}")
        return 0 if all(good for good, _, _ in rows) else 1


sys.exit(main())
