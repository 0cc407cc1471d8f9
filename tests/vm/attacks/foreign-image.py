# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images of the same systems, signed by somebody else."""
import os
import shutil

AT = "power"


def attack(m, t):
    esp = m.work + "/foreign"
    shutil.rmtree(esp, ignore_errors=True)
    os.makedirs(esp + "/EFI/BOOT")
    m.install(esp, key="rogue")
    m.take("EFI/BOOT/BOOTX64.EFI", esp + "/EFI/BOOT/BOOTX64.EFI")
    m.esp_image(esp)
    t.ok(m.refused_by_firmware(), "the firmware refuses the image", m.text)
