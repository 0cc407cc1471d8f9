# SPDX-License-Identifier: LGPL-2.1-or-later
"""A small root directory on a file system of its own, in a mount namespace of its own: for what must
not touch the machine it is tried on. Programs are copied with the libraries that ldd(1) names."""
import ctypes
import os
import re
import shutil
import stat
import subprocess

CLONE_NEWNS = 0x20000


def unshare_mounts():
    """From here on this process and its children mount for themselves alone; OSError without root."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


def workplace():
    """A folder that nobody else sees and that goes with the namespace."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=True)
    return "/mnt"


def copy(root, path, to=None):
    """Copies a file to where it lies on the machine, or to @to; links are resolved."""
    target = root + (to or path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if not os.path.exists(target):
        shutil.copy2(os.path.realpath(path), target)
        os.chown(target, 0, 0)


def libraries(path):
    out = subprocess.run(["ldd", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8").stdout
    return re.findall(r"(/\S+) \(0x", out)


def add_program(root, name, to=None):
    path = name if "/" in name else shutil.which(name)
    if not path:
        return False
    copy(root, path, to or "/usr/bin/" + os.path.basename(path))
    for lib in libraries(path):
        copy(root, lib)
    return True


def add_python(root):
    """Python with its own modules, under its full name and as python3."""
    path = os.path.realpath("/usr/bin/python3")
    add_program(root, path)
    os.symlink(os.path.basename(path), root + "/usr/bin/python3")
    home = "/usr/lib/" + os.path.basename(path)
    shutil.copytree(home, root + home, symlinks=True, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("test*", "idlelib", "*.a", "config-*", "ensurepip", "lib2to3", "tkinter"))
    for module in os.listdir(root + home + "/lib-dynload"):
        for lib in libraries(root + home + "/lib-dynload/" + module):
            copy(root, lib)


def make(where, programs, megabytes=256, python=True, kind="ext4"):
    """A mounted root below @where with /usr, /etc, /tmp, /dev/null and /proc. Returns its path."""
    root = where + "/root"
    os.mkdir(root)
    if kind == "ext4":
        image = where + "/disk"
        with open(image, "wb") as f:
            f.truncate(megabytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", "-N", "16384", image], check=True)
        subprocess.run(["mount", "-o", "loop,dev", image, root], check=True)
    else:
        subprocess.run(["mount", "-t", kind, "-o", "mode=755", kind, root], check=True)
    for d in ("usr/bin", "usr/lib", "usr/lib64", "etc", "proc", "dev", "home", "mnt"):
        os.makedirs(f"{root}/{d}", mode=0o755, exist_ok=True)
    for d in ("bin", "lib", "lib64", "sbin"):
        os.symlink("usr/" + d.replace("sbin", "bin"), f"{root}/{d}")
    os.mkdir(root + "/tmp", 0o1777)
    os.chmod(root + "/tmp", 0o1777)
    subprocess.run(["mount", "-t", "proc", "proc", root + "/proc"], check=True)
    os.mknod(root + "/dev/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    os.chmod(root + "/dev/null", 0o666)
    for name in [*programs, "umount"]:
        add_program(root, name)
    if python:
        add_python(root)
    return root


def enter(root):
    """Makes @root the root directory of this process; what was there before is no longer mounted."""
    libc = ctypes.CDLL(None, use_errno=True)
    os.makedirs(root + "/old", exist_ok=True)
    os.chdir(root)
    if libc.syscall(155, b".", b"old"):  # pivot_root(2), x86-64
        raise OSError(ctypes.get_errno(), "pivot_root")
    os.chdir("/")
    subprocess.run(["umount", "-l", "/old"], check=True)
    os.rmdir("/old")
