#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Secure Boot keys for tests: signature lists, and variables of a virtual firmware set beforehand.

usage: efi.py esl CERT.pem OUT.esl
       efi.py revoke OUT.esl image=FILE|certificate=PEM|signed=PEM|digest=HEX…
       efi.py enroll VARS.fd OUT.fd PK=FILE KEK=FILE db=FILE [dbx=FILE]
       efi.py show VARS.fd

Sources: UEFI 2.10, 32.4.1 (EFI_SIGNATURE_LIST); edk2 MdeModulePkg Include/Guid/VariableFormat.h.
"""
import hashlib
import struct
import subprocess
import sys
import uuid

OWNER = uuid.UUID("6f1b3e0c-52a6-4a0e-9d8b-0c8a4b6a9e11")
X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
SHA256 = uuid.UUID("c1c41626-504c-4092-aca9-41f936934328")
X509_SHA256 = uuid.UUID("3bd2a492-96c0-4079-b420-fcf98ef103ed")
GLOBAL = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")
SECURITY = uuid.UUID("d719b2cb-3d3a-4596-a3bc-dad00e67656f")
STORE = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792")
VOLUME = uuid.UUID("fff12b8d-7696-4c8b-a985-2747075b4f50")
SPACES = {"PK": GLOBAL, "KEK": GLOBAL, "db": SECURITY, "dbx": SECURITY}
ATTRIBUTES = 0x27  # non-volatile, boot, runtime, time-based authenticated
ADDED = 0x3f
HEADER = 60


def der_of(certificate):
    return subprocess.run(["openssl", "x509", "-in", certificate, "-outform", "DER"],
                          check=True, stdout=subprocess.PIPE).stdout


def one_entry(kind, data):
    entry = OWNER.bytes_le + data
    return kind.bytes_le + struct.pack("<III", 28 + len(entry), 0, len(entry)) + entry


def esl(certificate):
    return one_entry(X509, der_of(certificate))


def authenticode(path):
    """SHA-256 of an image without its checksum, its certificate entry and its certificates."""
    with open(path, "rb") as f:
        data = f.read()
    optional = struct.unpack_from("<I", data, 0x3c)[0] + 24
    entry = optional + (112 if struct.unpack_from("<H", data, optional)[0] == 0x20b else 96) + 32
    end = struct.unpack_from("<I", data, entry)[0] or len(data)
    return hashlib.sha256(data[:optional + 64] + data[optional + 68:entry] + data[entry + 8:end] + bytes(-end % 8)).digest()


def signed_part(der):
    """TBSCertificate: the first element in the outer sequence."""
    def header(at):
        n = der[at + 1]
        return (at + 2, n) if n < 0x80 else (at + 2 + (n & 0x7f), int.from_bytes(der[at + 2:at + 2 + (n & 0x7f)], "big"))
    start = header(0)[0]
    content, size = header(start)
    return der[start:content + size]


def revocation(text):
    what, value = text.split("=", 1)
    if what == "image":
        return one_entry(SHA256, authenticode(value))
    if what == "digest":
        return one_entry(SHA256, bytes.fromhex(value))
    if what == "certificate":
        return esl(value)
    assert what == "signed", what
    return one_entry(X509_SHA256, hashlib.sha256(signed_part(der_of(value))).digest() + bytes(16))


def store_bounds(image):
    assert image[16:32] == VOLUME.bytes_le, "no volume of variables"
    header = struct.unpack_from("<H", image, 48)[0]
    assert image[header:header + 16] == STORE.bytes_le, "no store of authenticated variables"
    return header + 28, header + struct.unpack_from("<I", image, header + 16)[0]


def variables(image):
    at, end = store_bounds(image)
    while at < end - HEADER and struct.unpack_from("<H", image, at)[0] == 0x55AA:
        name_size, data_size = struct.unpack_from("<II", image, at + 36)
        name = image[at + HEADER:at + HEADER + name_size].decode("utf-16le").rstrip("\0")
        start = at + HEADER + name_size
        yield at, image[at + 2], name, bytes(image[start:start + data_size])
        at = (start + data_size + 3) & ~3
    yield at, None, None, None


def enroll(image, name, data):
    free = [at for at, state, _, _ in variables(image) if state is None][0]
    wide = (name + "\0").encode("utf-16le")
    time = struct.pack("<HBBBBBBIhBB", 2024, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0)
    record = struct.pack("<HBBIQ16sIII", 0x55AA, ADDED, 0, ATTRIBUTES, 0, time, 0, len(wide), len(data))
    record += SPACES[name].bytes_le + wide + data
    assert free + len(record) < store_bounds(image)[1], "no room for another variable"
    image[free:free + len(record)] = record


def main():
    verb, *args = sys.argv[1:]
    if verb == "esl":
        with open(args[1], "wb") as f:
            f.write(esl(args[0]))
    elif verb == "revoke":
        with open(args[0], "wb") as f:
            f.write(b"".join(revocation(text) for text in args[1:]))
    elif verb == "enroll":
        with open(args[0], "rb") as f:
            image = bytearray(f.read())
        for item in args[2:]:
            name, path = item.split("=", 1)
            with open(path, "rb") as f:
                enroll(image, name, f.read())
        with open(args[1], "wb") as f:
            f.write(image)
    elif verb == "show":
        with open(args[0], "rb") as f:
            for at, state, name, data in variables(f.read()):
                if state is not None:
                    print(f"{at:#x} {state:#x} {name} {len(data)}")
    else:
        sys.exit(__doc__)


main()
