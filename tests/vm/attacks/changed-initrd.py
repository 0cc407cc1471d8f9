# SPDX-License-Identifier: LGPL-2.1-or-later
"""One bit of the initrd in the signed images: the last bytes of it are the keys that stage 2 trusts."""
AT = "power"


def attack(m, t):
    with open(m.work + "/root" + m.object("boot") + "/initrd", "rb") as f:
        tail = f.read()[-48:-16]
    m.flip_image(tail)
    t.ok(m.refused_by_firmware(), "the firmware refuses the image", m.text)
