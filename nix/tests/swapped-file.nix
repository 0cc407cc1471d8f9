# SPDX-License-Identifier: LGPL-2.1-or-later
# Two good files of one object, each in the other's place.
import ./store.nix {
  name = "swapped-file";
  change = "mv $lib/keyword.py $lib/kept; mv $lib/this.py $lib/keyword.py; mv $lib/kept $lib/this.py";
  shows = "grep -q Zen $lib/keyword.py || grep -q Gur $lib/keyword.py";
}
