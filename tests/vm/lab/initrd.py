# SPDX-License-Identifier: LGPL-2.1-or-later
"""Initial RAM disks: a base with busybox and modules, and a small part for each test."""
import glob
import gzip
import lzma
import os
import re
import shutil
import stat
import subprocess
import tempfile

from . import cache

APPLETS = ("sh ls cat mount umount dmesg mkdir grep sed awk head tail tr od sha256sum dd sleep cp mv rm ln chmod chown stat "
           "find sort wc cut env true false ps kill echo test id mknod chroot date sync usleep tar basename dirname readlink "
           "printf tee insmod switch_root poweroff reboot losetup blockdev truncate hexdump touch").split()
MODULES = ("virtio_pci virtio_blk virtio_console virtio_rng efivarfs vfat nls_cp437 nls_ascii nls_utf8 loop overlay "
           "dm_verity dm_flakey dm_mod squashfs erofs").split()


def busybox():
    """A static busybox from its own package: the installed one may be the dynamic variant."""
    def make(path):
        with tempfile.TemporaryDirectory() as d:
            cache.run("apt-get", "download", "busybox-static", cwd=d)
            cache.run("dpkg-deb", "-x", glob.glob(d + "/*.deb")[0], d + "/x")
            found = [p for p in (d + "/x/bin/busybox", d + "/x/usr/bin/busybox") if os.path.exists(p)]
            shutil.copy(found[0], path)
            os.chmod(path, 0o755)
    return cache.once("busybox-static", make)


def pack(folder, out):
    """One gzipped cpio of a folder, everything owned by root."""
    names = subprocess.run(["find", ".", "-print0"], cwd=folder, stdout=subprocess.PIPE, check=True).stdout
    names = b"\0".join(sorted(n for n in names.split(b"\0") if n)) + b"\0"
    data = subprocess.run(["cpio", "--quiet", "-0", "-o", "-H", "newc", "--reproducible", "-R", "0:0"], cwd=folder, input=names,
                          stdout=subprocess.PIPE, check=True).stdout
    with open(out, "wb") as f:
        f.write(gzip.compress(data, 1, mtime=0))


def unpacked(module):
    """The bytes of a module file: busybox's insmod takes no other."""
    with (lzma.open if module.endswith(".xz") else open)(module, "rb") as f:
        return f.read()


def modules(kernel, names):
    """{path in the guest: bytes} of modules; their names sort in the order in which they are to be loaded."""
    return {f"/lab/modules/{n:02}-{os.path.basename(path).removesuffix('.xz')}": unpacked(path)
            for n, path in enumerate(kernel.modules(names))}


def base(kernel):
    init = os.path.join(os.path.dirname(__file__), "init")
    with open(init) as f:
        text = f.read()

    def make(path):
        with tempfile.TemporaryDirectory() as d:
            for sub in ("bin", "dev", "proc", "sys", "lib/lab", "run", "tmp", "newroot"):
                os.makedirs(f"{d}/{sub}")
            shutil.copy(busybox(), d + "/bin/busybox")
            for applet in APPLETS:
                os.symlink("busybox", f"{d}/bin/{applet}")
            shutil.copy(init, d + "/init")
            os.chmod(d + "/init", 0o755)
            with open(d + "/lib/lab/list", "w") as listing:
                for module in kernel.modules(MODULES):
                    name = os.path.basename(module).removesuffix(".xz")
                    data = unpacked(module)
                    with open(f"{d}/lib/lab/{name}", "wb") as f:
                        f.write(data)
                    listing.write(name + "\n")
            pack(d, path)
    return cache.once(f"base-{kernel.version}-{cache.key(text, APPLETS, MODULES)}.cpio.gz", make)


def part(files, out):
    """A cpio with `files` ({"/path/in/guest": "host path" or bytes}), to be put behind the base."""
    with tempfile.TemporaryDirectory() as d:
        for target, source in files.items():
            path = d + target
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if isinstance(source, bytes):
                with open(path, "wb") as f:
                    f.write(source)
                os.chmod(path, 0o755)
            elif os.path.isdir(source):
                shutil.copytree(source, path, symlinks=True, dirs_exist_ok=True)
            else:
                shutil.copy(source, path)
                os.chmod(path, stat.S_IMODE(os.stat(source).st_mode) | 0o444)
        pack(d, out)


def program(path, target, *libraries):
    """{path in the guest: path here} of a program of this machine, with all it links; more libraries
    by name, for what is loaded at run time."""
    files, pending = {target: path}, [path]
    listing = subprocess.run(["/sbin/ldconfig", "-p"], stdout=subprocess.PIPE, text=True, check=True).stdout
    for name in libraries:
        pending.append(re.search(rf"^\t{re.escape(name)} .* => (\S+)$", listing, re.M)[1])
        files["/lib/" + name] = pending[-1]
    for source in pending:
        linked = subprocess.run(["ldd", source], stdout=subprocess.PIPE, text=True, check=True).stdout
        for found in re.findall(r"(?:=> )?(/\S+) \(0x", linked):
            files[found if "/ld-" in found else "/lib/" + os.path.basename(found)] = os.path.realpath(found)
    return files


def join(out, *parts):
    with open(out, "wb") as f:
        for p in parts:
            with open(p, "rb") as g:
                shutil.copyfileobj(g, f)
