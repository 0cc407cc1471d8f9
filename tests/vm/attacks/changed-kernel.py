# SPDX-License-Identifier: LGPL-2.1-or-later
"""One bit of the kernel in the signed images."""
AT = "power"


def attack(m, t):
    m.flip_image(b"HdrS")
    t.ok(m.refused_by_firmware(), "the firmware refuses the image", m.text)
