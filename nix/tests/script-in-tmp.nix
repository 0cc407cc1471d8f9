# SPDX-License-Identifier: LGPL-2.1-or-later
# A script dropped in /tmp.
import ./console.nix {
  name = "script-in-tmp";
  prepare = "printf '#!/usr/bin/env python3\\nprint(6*7)\\n' >/tmp/x.py; chmod 755 /tmp/x.py";
  act = "/tmp/x.py";
  sentence = "code that would run is not trusted enough";
  neighbour = "python3 --version";
}
