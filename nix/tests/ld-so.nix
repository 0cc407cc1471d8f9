# SPDX-License-Identifier: LGPL-2.1-or-later
# A copy of a program, started by its name: what is trusted is the file, not what it holds.
import ./console.nix {
  name = "ld-so";
  prepare = "cp $(readlink -f /run/current-system/sw/bin/id) /tmp/id";
  act = "/tmp/id";
  mark = "uid=0";
  sentence = "/tmp/id";
  neighbour = "id";
}
