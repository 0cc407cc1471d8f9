# SPDX-License-Identifier: LGPL-2.1-or-later
"""One bit of the boot loader."""
AT = "power"


def attack(m, t):
    m.take("EFI/BOOT/BOOTX64.EFI", m.work + "/loader")
    with open(m.work + "/loader", "r+b") as f:
        data = f.read()
        f.seek(data.find(b"L\0o\0a\0d\0e\0r\0I\0n\0f\0o"))
        f.write(b"X")
    m.put(m.work + "/loader", "EFI/BOOT/BOOTX64.EFI")
    t.ok(m.refused_by_firmware(), "the firmware refuses the loader", m.text)
