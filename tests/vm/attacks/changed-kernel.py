# SPDX-License-Identifier: LGPL-2.1-or-later
"""One bit of the kernel in the signed images, in a text of it."""
AT = "image"
REFUSED = r"Error loading \\EFI\\Linux\\.*: Access Denied"


def change(m):
    m.flip_image(b"Undefined video mode number")
