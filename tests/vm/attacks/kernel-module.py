# SPDX-License-Identifier: LGPL-2.1-or-later
"""Root loads a module that nobody signed, and a kernel in the place of the running one. It is the lockdown that
comes with Secure Boot that refuses both; on the bare machine there is none."""
AT = "console"


def attack(c):
    c.do("cp /root/unsigned.ko /tmp/unsigned.ko; dmesg -n 1")
    c.act("insmod /tmp/unsigned.ko && grep dummy /proc/modules", "^dummy ", says="Operation not permitted|Key was rejected")
    c.act("/etc/site/attack/kexec.pl /nix/store/*-boot/bzImage", "another kernel is loaded", says="another kernel: (Operation not permitted|No data available)")
    c.works("grep virtio /proc/modules", "virtio")
