# SPDX-License-Identifier: LGPL-2.1-or-later
# A library from outside the store, loaded into a shell that runs.
import ./console.nix {
  name = "dlopen";
  prepare = "cp $(ls -d /nix/store/*-glibc-2*/lib/libm.so.6 | head -n 1) /tmp/m.so";
  act = "enable -f /tmp/m.so sleep";
  mark = "sleep_struct";
  sentence = "/tmp/m.so";
  neighbour = "id";
}
