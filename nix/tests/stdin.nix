# SPDX-License-Identifier: LGPL-2.1-or-later
# A download piped into an interpreter.
import ./console.nix {
  name = "stdin";
  prepare = "echo 'print(6*7)' >/tmp/download";
  act = "python3 - </tmp/download";
  sentence = "code on standard input is not allowed";
  neighbour = "cat </tmp/download";
}
