# SPDX-License-Identifier: LGPL-2.1-or-later
"""One letter of the boot loader."""
AT = "image"
REFUSED = "failed to load Boot.*Access Denied"


def change(m):
    m.take("EFI/BOOT/BOOTX64.EFI", m.work + "/loader")
    with open(m.work + "/loader", "r+b") as f:
        data = f.read()
        f.seek(data.find("Boot in %u s.".encode("utf-16-le")))
        f.write(b"R")
    m.put(m.work + "/loader", "EFI/BOOT/BOOTX64.EFI")
