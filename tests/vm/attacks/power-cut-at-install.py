# SPDX-License-Identifier: LGPL-2.1-or-later
"""The power fails while boot images are installed. The firmware has no part in that, and is left out."""
from lab import cut

AT = "power"
INSTALL = "ihard boot install --history /var/lib/ihard/boot-history.jsonl --key /root/db.key --certificate /root/db.crt"


def attack(m, t):
    m.give(m.work + "/db.key", "/root/db.key")
    m.give(m.work + "/db.crt", "/root/db.crt")

    def whole(name):
        code, out = m.do("for f in /boot/EFI/Linux/*.efi; do ihard boot verify --certificate /root/db.crt $f || echo broken; done", 240)
        t.ok(code == 0 and "broken" not in out, name + ": every image is whole and signed", code, out)

    # What has no tries and does not run may be missing: the installer brings it back.
    cut.cut(m, t, "install", f"rm -f $(ls /boot/EFI/Linux/*.efi | grep -v '+'); sync; {INSTALL}", (0.5, 3, 8), whole, lambda: m.start(arguments=lambda: m.direct(lasting=True)))
    code, out = m.do(INSTALL + " --dry-run", 120)
    t.ok(code == 0, "and there is nothing left to do", code, out)
