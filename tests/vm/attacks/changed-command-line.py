# SPDX-License-Identifier: LGPL-2.1-or-later
"""One letter of the command line in the signed images."""
AT = "image"
REFUSED = r"Error loading \\EFI\\Linux\\.*: Access Denied"


def change(m):
    m.flip_image(b"ystemd.show_status", -1)  # the text stays: done twice it is undone
