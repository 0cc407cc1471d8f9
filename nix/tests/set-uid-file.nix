# SPDX-License-Identifier: LGPL-2.1-or-later
# A set-user-ID bit on a program of the store: no hash of Nix's covers it.
import ./store.nix {
  name = "set-uid-file";
  change = "chmod 4555 $python";
  shows = "test -u $python";
}
