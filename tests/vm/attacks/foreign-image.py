# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images of the same systems, signed by somebody else."""
import os
import shutil

AT = "image"
REFUSED = r"Error loading \\EFI\\Linux\\.*: Access Denied"


def change(m):
    esp = m.work + "/foreign"
    if not os.path.exists(esp):
        os.makedirs(esp + ".new/EFI/BOOT")
        m.install(esp + ".new", key="rogue")
        m.take("EFI/BOOT/BOOTX64.EFI", esp + ".new/EFI/BOOT/BOOTX64.EFI")
        shutil.move(esp + ".new", esp)
    m.esp_image(esp)
