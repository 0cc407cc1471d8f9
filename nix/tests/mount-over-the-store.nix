# SPDX-License-Identifier: LGPL-2.1-or-later
# The store, which is mounted read-only, made writable.
import ./console.nix {
  name = "mount-over-the-store";
  act = "mount -o remount,rw,bind /nix/store && touch /nix/store/mine && echo written";
  mark = "written";
  sentence = "mount";
  neighbour = "id";
}
