# SPDX-License-Identifier: LGPL-2.1-or-later
# A variable that carries code, beside a program that is trusted.
import ./console.nix {
  name = "environment";
  prepare = "mkdir -p /tmp/lib; echo 'print(6*7)' >/tmp/lib/sitecustomize.py";
  act = "PYTHONPATH=/tmp/lib python3 -m keyword";
  sentence = "the environment carries code that is not trusted";
  neighbour = "python3 --version";
}
