# SPDX-License-Identifier: LGPL-2.1-or-later
# Code on a command line.
import ./console.nix {
  name = "inline";
  act = "python3 -c 'print(6*7)'";
  sentence = "code on the command line is not allowed";
  neighbour = "python3 --version";
}
