# SPDX-License-Identifier: LGPL-2.1-or-later
"""A whole machine: firmware with our keys, a TPM, systemd-boot, images that `ihard boot install` made, an
initrd with ihard-stage2, a disk whose store real Nix made and signed, systemd, the guard. One can type at
its serial console; what a command prints comes back by a port of its own, so that nothing that others say to the
terminal is taken for it."""
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

from . import cache, initrd, kernel, qemu, root

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
HERE = os.path.join(TREE, "tests/vm/machine")
EFI = os.path.join(TREE, "tests/lib/efi.py")
STUBS = "/usr/lib/systemd/boot/efi/"
PACKAGES = "systemd systemd-boot-efi udev login passwd libpam-modules python3-minimal perl-base bash coreutils util-linux e2fsprogs strace procps kmod".split()
PROMPT = "[ihard-lab]$ "


def missing():
    lacking = qemu.missing() + cache.need("swtpm", "mkfs.vfat", "mcopy", "openssl", "nix-store", "meson")
    return lacking + [p for p in (STUBS + "linuxx64.efi.stub", "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd") if not os.path.exists(p)]


def end_when_told():
    """A time limit's signal ends the program as an error does: the machine is switched off, its disk put back."""
    def end(*_):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # timeout(1) tells the process, and then its group
        sys.exit("told to end")
    signal.signal(signal.SIGTERM, end)


def userland(more=()):
    """A folder with the files of the packages; made once."""
    names, known = root.closure(list(root.BASE) + PACKAGES + list(more))
    name = "userland-" + cache.key(*[n + known[n].get("Version", "") for n in names], open(root.__file__).read())

    def make(path):
        cache.say(f"copying {len(names)} packages")
        os.makedirs(path)
        root.populate(path, names)
    return cache.once(name, make)


class Machine:
    """The parts, and the power button."""

    def __init__(self, work, build, line="6.12", counting=3, packages=(), site=None, memory=1536):
        """packages: more of Debian's, for its userland; site: {name: folder}, more for what it is for."""
        self.work, self.build, self.ihard, self.memory = work, build, build + "/cli/ihard", memory
        os.makedirs(work, exist_ok=True)
        self.kernel = kernel.Kernel(line)
        self.vm = self.console = None
        self.text, self.boots, self.counting = "", 0, counting
        self.disk, self.esp = work + "/disk", work + "/esp.img"
        if not os.path.exists(work + "/made"):  # a folder that somebody kept is taken as it is
            shutil.copytree(HERE + "/site", work + "/site")
            for name, folder in (site or {}).items():
                shutil.copytree(folder, work + "/site/" + name)
            self.make_disk(packages)
            self.make_keys()
            self.make_esp()
            write(work + "/made", b"")

    def make_disk(self, packages):
        work = self.work
        stage2 = initrd.program(self.build + "/bootchain/ihard-stage2", "/bin/ihard-stage2", "libtss2-tcti-device.so.0")
        initrd.part({"/init": read(HERE + "/initrd-init"), "/lib/ihard/ihard-stage2.sh": TREE + "/bootchain/ihard-stage2.sh", **stage2},
                    work + "/part.gz")
        initrd.join(work + "/initrd", initrd.base(self.kernel), work + "/part.gz")
        cache.run(HERE + "/system.sh", work + "/root", userland(packages), self.build, self.kernel.image, work + "/initrd", work + "/site")
        # For root to try: a module that nobody signed. What is signed ends before the length of its signature.
        module = initrd.unpacked(self.kernel.modules(["dummy"])[0])
        end = len(module) - len(b"~Module signature appended~\n")
        write(work + "/root/root/unsigned.ko", module[:end - 12 - int.from_bytes(module[end - 4:end], "big")])
        # The same initrd without stage 2, for the same disk where nothing stops anybody.
        bare = [line for line in read(HERE + "/initrd-init").decode().splitlines() if "stage2" not in line or line.startswith("#")]
        initrd.part({"/init": ("\n".join(bare) + "\n").encode()}, work + "/bare.gz")
        initrd.join(work + "/bare", initrd.base(self.kernel), work + "/bare.gz")
        size = int(cache.run("du", "-sm", work + "/root").split()[0])
        # Not root.make_ext4(): whoever pulls the plug has a journal.
        cache.run("/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-O", "verity", "-b", "4096", "-E", "root_owner=0:0,lazy_itable_init=1",
                  "-d", work + "/root", self.disk, f"{2 * size + 600}M")

    def make_keys(self):
        work = self.work
        for name in ("PK", "KEK", "db", "rogue"):
            cache.run("openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "30",
                      "-subj", f"/CN=test {name}/", "-keyout", f"{work}/{name}.key", "-out", f"{work}/{name}.crt")
            os.chmod(f"{work}/{name}.key", 0o600)
            cache.run(sys.executable, EFI, "esl", f"{work}/{name}.crt", f"{work}/{name}.esl")
        cache.run(sys.executable, EFI, "enroll", "/usr/share/OVMF/OVMF_VARS_4M.fd", work + "/vars.fd",
                  *(f"{name}={work}/{name}.esl" for name in ("db", "KEK", "PK")))

    def enter(self, *command):
        """Runs a command where the disk's /nix is /nix, as a boot loader's installer runs on the machine."""
        return cache.run("unshare", "-m", "bash", "-c", 'mkdir -p /nix && mount --bind "$0/nix" /nix && exec "$@"',
                         self.work + "/root", *command)

    def install(self, esp, *more, key="db"):
        return self.enter(self.ihard, "boot", "install", "--esp", esp, "--efivars", esp + "/none", "--history", self.work + "/history",
                          "--key", f"{self.work}/{key}.key", "--certificate", f"{self.work}/{key}.crt", *more)

    def make_esp(self):
        """Generation 1 is good already; generation 2 is new and has tries."""
        esp = self.work + "/esp"
        os.makedirs(esp + "/EFI/BOOT")
        cache.run(self.ihard, "boot", "sign", "--key", self.work + "/db.key", "--certificate", self.work + "/db.crt",
                  "--image", STUBS + "systemd-bootx64.efi", "--output", esp + "/EFI/BOOT/BOOTX64.EFI")
        profiles = self.work + "/root/nix/var/nix/profiles"
        os.unlink(profiles + "/system")
        os.rename(profiles + "/system-2-link", self.work + "/later")
        os.symlink("system-1-link", profiles + "/system")
        self.install(esp)
        os.rename(self.work + "/later", profiles + "/system-2-link")
        os.unlink(profiles + "/system")
        os.symlink("system-2-link", profiles + "/system")
        self.install(esp, "--tries", str(self.counting))
        self.esp_image(esp)

    def esp_image(self, folder):
        if os.path.exists(self.esp):
            os.unlink(self.esp)
        with open(self.esp, "wb") as f:
            f.truncate(400 << 20)
        cache.run("/sbin/mkfs.vfat", "-F", "32", "-n", "ESP", self.esp)
        cache.run("mcopy", "-i", self.esp, "-s", *(f"{folder}/{n}" for n in sorted(os.listdir(folder))), "::",
                  env={**os.environ, "MTOOLS_SKIP_CHECK": "1"})

    # ---- power -------------------------------------------------------------------------------------------------
    def chain(self, secure=True, lasting=False):
        """Firmware, TPM, disk and boot partition. What the machine writes is forgotten with it, unless it is lasting."""
        variables, disk = self.work + ("/vars.fd" if secure else "/insecure.fd"), qemu.drive(self.disk, snapshot=not lasting)
        if not secure:
            shutil.copy("/usr/share/OVMF/OVMF_VARS_4M.fd", variables)
        return disk + qemu.firmware(variables, secure) + qemu.esp(self.esp, snapshot=not lasting) + qemu.start_swtpm(self.work + "/tpm")

    def bare(self):
        """The same disk and the same system, with no firmware that checks, no stage 2 and no guard."""
        words = f"init={self.object('system-2')}/init systemd.show_status=false systemd.mask=ihard-guard.service"
        return (qemu.drive(self.disk) + qemu.drive(self.esp, name="esp")
                + qemu.direct(self.kernel, self.work + "/bare", words))

    def direct(self, lasting=False, words=""):
        """The whole machine but for its firmware; with more words on its command line."""
        words = f"init={self.object('system-2')}/init systemd.show_status=false {words}"
        return (qemu.drive(self.disk, not lasting) + qemu.drive(self.esp, not lasting, name="esp")
                + qemu.direct(self.kernel, self.work + "/root" + self.object("boot") + "/initrd", words))

    def on(self, arguments=None, processors=qemu.FAST):
        """Starts the machine; the console is a socket."""
        self.boots += 1
        self.began, self.record = time.monotonic(), open(f"{self.work}/record-{self.boots}", "w", buffering=1)  # when it said what
        places = {name: f"{self.work}/{name}" for name in ("console", "answers")}
        for path in places.values():
            if os.path.exists(path):
                os.unlink(path)
        chardevs = {name: f"socket,id={name},path={path},server=on,wait=off" for name, path in places.items()}
        command = qemu.PROGRAM + processors + ["-m", str(self.memory), *(arguments or self.chain()),
                                               "-chardev", chardevs["console"], "-serial", "chardev:console",
                                               "-chardev", chardevs["answers"], "-device", "virtserialport,chardev=answers,name=lab.out"]
        with open(self.work + "/qemu.log", "ab") as errors:
            self.vm = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
        self.console, self.answers = connected(places["console"]), connected(places["answers"])
        self.text, self.answer, self.asked, self.newest, self.shell = "", b"", 0, 0, 0

    def start(self, limit=300, arguments=None):
        """Switches on and logs in. A boot that comes to no prompt is tried once more, and that is said."""
        for last in (False, True):
            self.on(arguments() if arguments else None)
            if self.login(limit):
                return True
            if not last:
                cache.say("the machine came to no prompt; it is switched on once more. It ended so:\n# " + self.text[-600:].replace("\n", "\n# "))
                self.off()
        return False

    def off(self):
        """Pulls the plug."""
        if self.vm:
            self.vm.kill()
            self.vm.wait()
            self.console.close()
            self.answers.close()
            self.record.close()
            self.vm = None

    def read(self):
        """Takes what the machine says; False when it says nothing."""
        ready, _, _ = select.select([self.console, self.answers], [], [], 0.2)
        said = {one: received(one) for one in ready}
        if not any(said.values()):
            if ready:
                time.sleep(0.1)  # the machine is off
            return False
        self.answer += said.get(self.answers, b"")
        text = said.get(self.console, b"").decode(errors="replace").replace("\r", "")
        self.text += text
        self.record.write(text.replace("\n", f"\n[{time.monotonic() - self.began:.1f}] "))
        return True

    def wait(self, pattern, limit=150):
        """Waits for a pattern on the console; the match, or None when the time is up or the machine ended."""
        end = time.monotonic() + limit
        while True:
            found = re.search(pattern, self.text)
            if found:
                return found
            if time.monotonic() > end or (self.vm.poll() is not None and not self.read()):
                return re.search(pattern, self.text)
            self.read()

    def ended(self, limit=60):
        """Waits until the machine is off (a reboot is an end: there is no warm reset in this lab)."""
        end = time.monotonic() + limit
        while self.vm.poll() is None and time.monotonic() < end:
            self.read()
        while self.read():
            pass
        return self.vm.poll() is not None

    # ---- what is done to it while it is off -----------------------------------------------------------------
    def keep(self):
        """Remembers disk and boot partition as they are."""
        for name in (self.disk, self.esp):
            cache.run("cp", "--sparse=always", "--reflink=auto", name, name + ".kept")

    def restore(self):
        """As it was when it was kept; nothing where it was not."""
        for name in (self.disk, self.esp):
            if os.path.exists(name + ".kept"):
                os.replace(name + ".kept", name)

    def mtools(self, *command):
        return cache.run(*command, env={**os.environ, "MTOOLS_SKIP_CHECK": "1"})

    def images(self):
        """{name: generation} of the images on the boot partition."""
        out = {}
        for line in self.mtools("mdir", "-b", "-i", self.esp, "::EFI/Linux").split():
            out[os.path.basename(line)] = line
        return out

    def take(self, path, to):
        self.mtools("mcopy", "-n", "-o", "-i", self.esp, "::" + path, to)

    def put(self, source, path):
        self.mtools("mcopy", "-o", "-i", self.esp, source, "::" + path)

    def change_image(self, change):
        """Changes every image that boots by change(bytearray); the signatures stay as they were."""
        for name in self.images():
            self.take("EFI/Linux/" + name, self.work + "/image")
            data = bytearray(read(self.work + "/image"))
            change(data)
            write(self.work + "/image", data)
            self.put(self.work + "/image", "EFI/Linux/" + name)

    def flip_image(self, text, offset=0):
        """Changes one bit, `offset` behind the last place where `text` stands, in every image that boots."""
        def flip(data):
            at = data.rfind(text)
            assert at >= 0, f"{text!r} is in no image"
            data[at + offset] ^= 1
        self.change_image(flip)

    def tries(self, count, special):
        """Gives the new entries so many tries ("1", "0-1"): the generation itself, and its specialisation."""
        for name in self.images():
            if "+" in name:
                self.take("EFI/Linux/" + name, self.work + "/image")
                given = special if b"specialisation/debug" in read(self.work + "/image") else count
                self.mtools("mren", "-i", self.esp, "::EFI/Linux/" + name, re.sub(r"\+[0-9-]+", "+" + given, name))

    def give(self, source, path):
        """Puts a file that only root reads onto the disk."""
        self.debugfs(f"write {source} {path}", f"sif {path} mode 0100600")

    def debugfs(self, *requests):
        for request in requests:
            cache.run("/sbin/debugfs", "-w", "-R", request, self.disk)

    def object(self, name):
        """Where the store object of that name lies on the disk."""
        found = [n for n in os.listdir(self.work + "/root/nix/store") if n.endswith("-" + name)]
        return "/nix/store/" + found[0]

    def refused_by_firmware(self, sentence, limit=300):
        """Switches on; true when the firmware says so and nothing was started."""
        self.on()
        found = self.wait(sentence, limit)
        self.wait("No bootable option|Press any key to enter the Boot Manager|ihard: ", 15)
        return bool(found) and "ihard: " not in self.text and "Linux version" not in self.text

    def refused_by_stage2(self, arguments=None, limit=300):
        """Switches on; true when stage 2 says that this is not what was signed and the machine starts over, which ends it here."""
        self.on(arguments)
        found = self.wait("the system is NOT what was signed", limit)
        return bool(found) and self.ended(120) and "login" not in self.text

    # ---- a person at the console -----------------------------------------------------------------------------
    def login(self, limit=240):
        """Waits for the shell of root. False when none came. The guard may say something behind the prompt."""
        if not self.wait(r"(?m)^(-?bash|root@)[^\n]*[#$] ", limit):
            return False
        self.type(f"PS1='{PROMPT[:-2]}''$ '; stty -echo cols 2000; unset PROMPT_COMMAND")
        return self.do("true", 90)[0] == 0

    def type(self, line):
        try:
            self.console.sendall(line.encode() + b"\n")
        except OSError:
            pass  # the machine is off: whoever waits for an answer finds that out

    def do(self, command, limit=120):
        """Types a command; (status, what it printed): that goes to a file, and from there through the port."""
        return self.ask(f"{{ {command}\n}} >/run/did 2>&1", '"$(</run/did)"', limit)

    def show(self, command, limit=120):
        """Types a command; (status, what the terminal showed until then, whoever wrote it)."""
        start = len(self.text)
        code, _ = self.ask(f"{{ {command}\n}}", '""', limit)
        while self.read():  # what the guard has to say comes from another process
            pass
        return code, self.text[start:].replace(PROMPT, "").removeprefix("> ")

    def ask(self, line, output, limit):
        """Types a line, and waits for its number, its status, and the value of the word `output` behind it. Notes the
        shell's process, and the newest one before the line."""
        self.asked += 1
        self.type(f"IH=$(echo \"$BASHPID\"); {line}; printf '%s\\n%s\\0' \"{self.asked} $? $IH $$\" {output} >/dev/vport*p1")
        end = time.monotonic() + limit
        while time.monotonic() < end:
            for answer in self.answer.split(b"\0")[:-1]:
                numbers, out = answer.decode(errors="replace").split("\n", 1)
                number, code, self.newest, self.shell = map(int, numbers.split())
                if number == self.asked:
                    self.answer = b""
                    return code, out
            self.read()
        return None, self.text[-2000:]


def connected(path, limit=10):
    """A socket that QEMU makes, and listens to a moment later."""
    end = time.monotonic() + limit
    while True:
        one = socket.socket(socket.AF_UNIX)
        try:
            one.connect(path)
            return one
        except (FileNotFoundError, ConnectionRefusedError):
            one.close()
            if time.monotonic() > end:
                raise
        time.sleep(0.02)


def received(one):
    try:
        return one.recv(65536)
    except OSError:
        return b""


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)
