# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's cloud kernels, fetched by package name and unpacked, never installed."""
import glob
import os
import re

from . import cache

LINES = ("6.1", "6.12")


def package(line):
    """The newest unsigned cloud kernel package of a line such as "6.12"."""
    names = cache.run("apt-cache", "search", "--names-only", rf"^linux-image-{re.escape(line)}[.0-9+~a-z-]*cloud-amd64-unsigned$").split("\n")
    found = []
    for row in names:
        name = row.split(" ")[0]
        version = re.match(r"linux-image-([0-9.]+)(?:-([0-9]+)|\+)?", name)
        if version and name.startswith(f"linux-image-{line}."):
            numbers = [int(n) for n in re.findall(r"[0-9]+", name.split("cloud")[0])]
            found.append((numbers, name))
    if not found:
        raise RuntimeError(f"no package linux-image-{line}.*-cloud-amd64-unsigned is known here; try 'apt-get update'")
    return max(found)[1]


class Kernel:
    """One unpacked kernel: .image (bzImage), .version, .modules(names) in load order."""

    def __init__(self, line):
        name = package(line)
        self.line = line
        self.folder = cache.once("kernel-" + name, lambda path: self._unpack(name, path))
        self.image = glob.glob(self.folder + "/boot/vmlinuz-*")[0]
        self.version = os.path.basename(self.image)[len("vmlinuz-"):]

    @staticmethod
    def _unpack(name, path):
        cache.say(f"fetching {name}")
        os.makedirs(path + "/deb")
        cache.run("apt-get", "download", name, cwd=path + "/deb")
        cache.run("dpkg-deb", "-x", glob.glob(path + "/deb/*.deb")[0], path)
        for deb in glob.glob(path + "/deb/*"):
            os.unlink(deb)
        version = os.path.basename(glob.glob(path + "/boot/vmlinuz-*")[0])[len("vmlinuz-"):]
        cache.run("/sbin/depmod", "-b", path, version)

    def modules(self, names):
        """Paths of module files, dependencies first; built-in ones drop out."""
        order = []
        for name in names:
            try:
                text = cache.run("/sbin/modprobe", "-d", self.folder, "-S", self.version, "--show-depends", name)
            except RuntimeError:
                continue  # not in this kernel, or built in
            for line in text.splitlines():
                if line.startswith("insmod "):
                    path = line.split()[1]
                    if path not in order:
                        order.append(path)
        return order
