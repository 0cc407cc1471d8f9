# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a process may do to another one, tried on the guard: prints "NAME ERRNO" for each. PID"""
import ctypes
import errno
import sys

libc = ctypes.CDLL(None, use_errno=True)
pid = int(sys.argv[1])
PTRACE_ATTACH, PTRACE_SEIZE = 16, 0x4206
PROCESS_VM_WRITEV, PIDFD_OPEN, PIDFD_GETFD = 311, 434, 438


class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


def say(name, result):
    print(name, "worked" if result >= 0 else errno.errorcode.get(ctypes.get_errno(), "?"))


say("PTRACE_ATTACH", libc.ptrace(PTRACE_ATTACH, pid, None, None))
say("PTRACE_SEIZE", libc.ptrace(PTRACE_SEIZE, pid, None, None))
text = ctypes.create_string_buffer(b"x")
here, there = Vector(ctypes.addressof(text), 1), Vector(0x400000, 1)
say("process_vm_writev", libc.syscall(PROCESS_VM_WRITEV, pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0))
say("pidfd_getfd", libc.syscall(PIDFD_GETFD, libc.syscall(PIDFD_OPEN, pid, 0), 0, 0))
try:
    with open(f"/proc/{pid}/mem", "r+b"):
        print("mem", "worked")
except OSError as e:
    print("mem", errno.errorcode[e.errno])
