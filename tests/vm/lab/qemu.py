# SPDX-License-Identifier: LGPL-2.1-or-later
"""One QEMU process for each boot: no KVM, no reset loop (both hang now and then), a time limit."""
import os
import re
import subprocess
import tempfile
import time

from . import cache

PROGRAM = "qemu-system-x86_64 -machine q35 -cpu max -nodefaults -display none -no-reboot -device virtio-serial-pci -device virtio-rng-pci".split()
FAST = "-accel tcg,thread=multi -smp 2".split()
# One instruction is one nanosecond of the guest's clock: its time is a count that no load of this machine disturbs.
COUNTED = "-accel tcg,thread=single -smp 1 -icount shift=0,sleep=off".split()
NO_BOOT = re.compile(rb"No bootable option|Press any key to enter the Boot Manager")


class Result:
    """What a boot left: .why (exit, timeout, no-boot), .code (LAB-RC, or None), .out (bytes of the
    result channel), .console (text), .seconds."""

    def __init__(self, why, out, console, seconds):
        self.why, self.out, self.seconds = why, out, seconds
        self.console = console.decode(errors="replace")
        code = re.findall(r"LAB-RC=(\d+)", self.console)
        self.code = int(code[-1]) if code else None

    @property
    def lost(self):
        """The emulator's doing and no verdict: it hung, its kernel died while no process ran, or one processor met the
        breakpoint that the other had just patched out of the kernel's code again (int3, while programs are attached)."""
        panicked = "Kernel panic" in self.console
        return self.why == "timeout" or (panicked and ("Comm: swapper/" in self.console or "Oops: int3" in self.console))


def boot(arguments, limit=90, stop_on=None, memory=1024, shell=False, counted=False):
    """Boots once. stop_on: a compiled pattern of bytes; its first sight on the console ends the VM."""
    with tempfile.TemporaryDirectory(prefix="ihard-vm.") as d:
        command = PROGRAM + (COUNTED if counted else FAST) + ["-m", str(memory)] + list(arguments)
        if shell:
            command += ["-serial", "mon:stdio"]
            return Result("shell" if subprocess.call(command) == 0 else "failed", b"", b"", 0)
        command += ["-chardev", f"file,id=o,path={d}/out", "-device", "virtserialport,chardev=o,name=lab.out",
                    "-chardev", f"file,id=s,path={d}/console", "-serial", "chardev:s"]
        start = time.monotonic()
        with open(d + "/err", "wb") as errors:
            vm = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
            why = watch(vm, d + "/console", start + limit, stop_on)
        console = read(d + "/console") + read(d + "/err")
        return Result(why, read(d + "/out"), console, time.monotonic() - start)


def read(path):
    if not os.path.exists(path):
        return b""
    with open(path, "rb") as f:
        return f.read()


def watch(vm, console, end, stop_on):
    while vm.poll() is None:
        text = read(console)
        if NO_BOOT.search(text):
            why = "no-boot"
        elif stop_on and stop_on.search(text):
            why = "stopped"
        elif time.monotonic() > end:
            why = "timeout"
        else:
            time.sleep(0.1)
            continue
        vm.kill()
        vm.wait()
        return why
    return "exit"


def drive(path, snapshot=True, name="r"):
    """A virtio disk; with snapshot the guest may write and the image stays as it was."""
    return ["-drive", f"if=none,id={name},format=raw,file={path}" + (",snapshot=on" if snapshot else ""),
            "-device", f"virtio-blk-pci,drive={name}"]


def direct(kernel, initrd, cmdline):
    return ["-kernel", kernel.image, "-initrd", initrd, "-append", "console=ttyS0 quiet panic=-1 no_timer_check " + cmdline]


def start_swtpm(state):
    """A software TPM on a socket; it ends with the VM. Returns its QEMU arguments."""
    os.makedirs(state, exist_ok=True)
    socket = f"{state}/socket-{time.monotonic_ns()}"  # the one before removes its own, when it gets to it
    command = ["swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + state, "--ctrl", "type=unixio,path=" + socket, "--terminate"]
    tpm = None
    for _ in range(500):
        if os.path.exists(socket):
            break
        if tpm is None or tpm.poll() is not None:  # the one before still holds the state
            tpm = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.02)
    return ["-chardev", "socket,id=tc,path=" + socket, "-tpmdev", "emulator,id=tpm0,chardev=tc", "-device", "tpm-crb,tpmdev=tpm0"]


def firmware(variables, secure=True):
    """OVMF with its variable store; `variables` is written to."""
    code = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd" if secure else "/usr/share/OVMF/OVMF_CODE_4M.fd"
    arguments = ["-drive", f"if=pflash,format=raw,unit=0,file={code},readonly=on", "-drive", f"if=pflash,format=raw,unit=1,file={variables}"]
    if secure:
        arguments += ["-machine", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on", "-global", "ICH9-LPC.disable_s3=1"]
    return arguments


def esp(path, snapshot=False):
    return (["-drive", f"if=none,id=esp,format=raw,file={path}" + (",snapshot=on" if snapshot else ""),
             "-device", "virtio-blk-pci,drive=esp,bootindex=0"])


def missing():
    return cache.need("qemu-system-x86_64", "cpio", "mke2fs", "depmod", "dpkg-deb")
