# SPDX-License-Identifier: LGPL-2.1-or-later
"""What root may do to a process, to the gates and to the disk of the store: prints "ERRNO NAME" for each. PID"""
import ctypes
import errno
import os
import stat
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
pid = int(sys.argv[1])
PTRACE_ATTACH, PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 16, 17, 0x4206, 0x4207
PROCESS_VM_WRITEV, BPF, PIDFD_OPEN, PIDFD_GETFD = 311, 321, 434, 438
BPF_OBJ_GET, MAP_GET_NEXT_ID, MAP_GET_FD_BY_ID, LINK_GET_FD_BY_ID = 7, 12, 14, 30
PINS = "/sys/fs/bpf/ihard"


class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


def say(name, result):
    print("worked" if result >= 0 else errno.errorcode.get(ctypes.get_errno(), "?"), name)


def bpf(command, attr):
    text = ctypes.create_string_buffer(attr + bytes(120 - len(attr)), 120)
    return libc.syscall(BPF, command, text, 120)


def by_call(name, call):
    try:
        os.close(call())
        print("worked", name)
    except OSError as e:
        print(errno.errorcode[e.errno], name)


def trace(name, request):
    result = libc.ptrace(request, pid, None, None)
    say(name, result)
    if result == 0:
        if request == PTRACE_SEIZE:
            libc.ptrace(PTRACE_INTERRUPT, pid, None, None)
        os.waitpid(pid, 0x40000000)  # __WALL
        libc.ptrace(PTRACE_DETACH, pid, None, None)


trace("PTRACE_ATTACH", PTRACE_ATTACH)
trace("PTRACE_SEIZE", PTRACE_SEIZE)
text = ctypes.create_string_buffer(b"x")
here, there = Vector(ctypes.addressof(text), 1), Vector(0x400000, 1)
say("process_vm_writev", libc.syscall(PROCESS_VM_WRITEV, pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0))
say("pidfd_getfd", libc.syscall(PIDFD_GETFD, libc.syscall(PIDFD_OPEN, pid, 0), 0, 0))
by_call("/proc/PID/mem", lambda: os.open(f"/proc/{pid}/mem", os.O_RDWR))

# the maps and the links, by number and by name
say("the list of maps", bpf(MAP_GET_NEXT_ID, struct.pack("=II", 0, 0)))
say("a map by its number", bpf(MAP_GET_FD_BY_ID, struct.pack("=III", 1, 0, 0)))
say("a link by its number", bpf(LINK_GET_FD_BY_ID, struct.pack("=III", 1, 0, 0)))
name = ctypes.create_string_buffer((PINS + "/map-ih_config").encode())
say("a map by its pin", bpf(BPF_OBJ_GET, struct.pack("=QII", ctypes.addressof(name), 0, 0)))

# the disk, by its name and by a name of root's own
by_call("the disk", lambda: os.open("/dev/vda", os.O_RDWR))
node = "/root/disk"
if not os.path.exists(node):
    os.mknod(node, stat.S_IFBLK | 0o600, os.stat("/dev/vda").st_rdev)
by_call("another name of the disk", lambda: os.open(node, os.O_WRONLY))
