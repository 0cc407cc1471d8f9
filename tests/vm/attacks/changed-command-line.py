# SPDX-License-Identifier: LGPL-2.1-or-later
"""init= of another system in the signed images, and a command line handed over by the loader."""
AT = "power"


def attack(m, t):
    m.flip_image(b"init=/nix/store")
    t.ok(m.refused_by_firmware(), "the firmware refuses the image", m.text)
