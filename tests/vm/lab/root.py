# SPDX-License-Identifier: LGPL-2.1-or-later
"""An ext4 root made of the files of installed Debian packages: no network, no mount, no root needed
when fakeroot is there. A real ext4, since device and inode numbers lie on overlayfs."""
import os
import re
import shutil
import subprocess

from . import cache

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BASE = ("base-files base-passwd bash dash coreutils libc-bin util-linux mount grep sed findutils tar gzip mawk procps kmod "
        "e2fsprogs attr libcap2-bin libjson-c5 libsodium23 libsqlite3-0 libssl3 libcap-ng0 libseccomp2 libbpf1 libtss2-esys-3.0.2-0 "
        "libtss2-tctildr0 libtss2-tcti-device0 libtss2-mu0 libtss2-rc0").split()
SKIP = re.compile(r"^/usr/share/(doc|man|locale|info|lintian|bug|menu|doc-base|pixmaps|applications|icons)/")
FOLDERS = "usr/bin usr/sbin usr/lib usr/lib64 proc sys dev run tmp root home var/tmp etc nix/store mnt opt".split()


def installed():
    """{package: fields} of what dpkg has installed, and {virtual package: provider}."""
    packages, provides = {}, {}
    with open("/var/lib/dpkg/status", errors="replace") as f:
        for paragraph in f.read().split("\n\n"):
            fields = dict(re.findall(r"^(Package|Depends|Pre-Depends|Provides|Status|Version): (.*)$", paragraph, re.M))
            if fields.get("Status") == "install ok installed":
                packages[fields["Package"]] = fields
                for name in re.split(r",\s*", fields.get("Provides", "")):
                    if name:
                        provides.setdefault(name.split()[0], fields["Package"])
    return packages, provides


def closure(names):
    packages, provides = installed()
    pending, seen = list(names), set()
    while pending:
        name = pending.pop()
        name = name if name in packages else provides.get(name)
        if not name or name in seen:
            continue
        seen.add(name)
        fields = packages[name]
        for clause in re.split(r",\s*", fields.get("Depends", "") + ", " + fields.get("Pre-Depends", "")):
            for alternative in clause.split("|"):
                other = re.split(r"[\s(:]", alternative.strip())[0]
                if other in packages or other in provides:
                    pending.append(other)
                    break
    return sorted(seen), packages


def usrmerge(path):
    return re.sub(r"^/(bin|sbin|lib|lib64)(/|$)", r"/usr/\1\2", path)


def file_list(packages):
    listing = subprocess.run(["dpkg", "-L", *packages], stdout=subprocess.PIPE, text=True, check=True).stdout
    files = {p for p in listing.split("\n") if p.startswith("/") and p != "/." and not SKIP.match(p) and os.path.lexists(p)}
    for extra in ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/ld.so.cache", "/etc/nsswitch.conf", "/etc/hosts", "/etc/alternatives"):
        if os.path.lexists(extra):
            files.add(extra)
    merged = {usrmerge(f) for f in files}
    for name in os.listdir("/etc/alternatives"):
        link = "/etc/alternatives/" + name
        if os.path.realpath(link) in merged:
            files.add(link)
            for folder in ("/usr/bin/", "/usr/sbin/"):
                if os.path.islink(folder + name) and os.readlink(folder + name) == link:
                    files.add(folder + name)
    return sorted({usrmerge(f)[1:] for f in files if usrmerge(f) != "/"})


def populate(folder, packages):
    for sub in FOLDERS:
        os.makedirs(f"{folder}/{sub}", exist_ok=True)
    for link in ("bin", "sbin", "lib", "lib64"):
        if not os.path.lexists(f"{folder}/{link}"):
            os.symlink("usr/" + link, f"{folder}/{link}")
    names = "\n".join(file_list(packages)).encode()
    reader = subprocess.Popen(["tar", "-C", "/", "--no-recursion", "-cf", "-", "-T", "/dev/stdin"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    writer = subprocess.Popen(["tar", "-C", folder, "--keep-directory-symlink", "-xf", "-"], stdin=reader.stdout)
    reader.stdout.close()
    reader.stdin.write(names)
    reader.stdin.close()
    if writer.wait():
        raise RuntimeError("copying the packages' files failed")
    reader.wait()
    with open(folder + "/etc/hostname", "w") as f:
        f.write("lab\n")
    with open(folder + "/etc/machine-id", "w") as f:
        f.write("0" * 31 + "1\n")


def make_ext4(folder, image, megabytes):
    cache.run("/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-O", "verity,^has_journal", "-b", "4096", "-E",
              "root_owner=0:0,lazy_itable_init=1", "-d", folder, image, f"{megabytes}M")


def image(packages=(), hook=None, megabytes=2500):
    """Path of an ext4 image with the closure of BASE + packages.

    hook: a program that is run with the populated folder as its argument before the image is made
    (a Nix store, users, policy); it must be deterministic. Its text is part of the image's key, and so is
    what it takes from the tree as "$tree/NAME".
    """
    names, known = closure(list(BASE) + list(packages))
    text = open(hook, "rb").read() if hook else b""
    for taken in sorted(set(re.findall(rb'"\$tree/([^"]+)"', text))):
        text += open(os.path.join(TREE, taken.decode()), "rb").read()
    name = "root-" + cache.key(*[n + known[n].get("Version", "") for n in names], text.hex(), megabytes, open(__file__).read()) + ".ext4"

    def make(path):
        cache.say(f"making a root of {len(names)} packages")
        folder = path + ".d"
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        try:
            populate(folder, names)
            if hook:
                cache.run(hook, folder)
            make_ext4(folder, path, megabytes)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return cache.once(name, make)
