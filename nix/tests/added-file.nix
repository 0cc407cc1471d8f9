# SPDX-License-Identifier: LGPL-2.1-or-later
# A program that nobody signed, in a directory of a signed object.
import ./store.nix {
  name = "added-file";
  change = "printf '#!/bin/sh\\necho mine\\n' >\${python%/*}/mine; chmod 0555 \${python%/*}/mine";
  shows = "\${python%/*}/mine | grep mine";
}
