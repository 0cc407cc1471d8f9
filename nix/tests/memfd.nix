# SPDX-License-Identifier: LGPL-2.1-or-later
# A program in memory that no file system holds, started by a script that is trusted.
import ./console.nix {
  name = "memfd";
  act = "perl /etc/ihard-test/memfd.pl $(readlink -f /run/current-system/sw/bin/id)";
  mark = "uid=0";
  sentence = "code in memory or in a deleted file cannot be trusted";
  neighbour = "perl --version";
}
