# SPDX-License-Identifier: LGPL-2.1-or-later
# A bootspec that gives the next image another first program.
import ./store.nix {
  name = "changed-bootspec";
  change = "cd -P /run/current-system; sed 's,/init\",/bin/sh\",' boot.json >/tmp/boot.json; cat /tmp/boot.json >boot.json";
  shows = "grep /bin/sh /run/current-system/boot.json";
}
