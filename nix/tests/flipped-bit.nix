# SPDX-License-Identifier: LGPL-2.1-or-later
# One bit of the system's closure, changed.
import ./store.nix {
  name = "flipped-bit";
  change = "sha256sum $python >/tmp/before; chmod u+w $python; printf '\\1' | dd of=$python bs=1 seek=9 conv=notrunc; chmod u-w $python";
  shows = "! sha256sum -c /tmp/before; $python --version";
}
