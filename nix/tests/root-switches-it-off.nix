# SPDX-License-Identifier: LGPL-2.1-or-later
# Root takes the gates away, and then does what they refuse.
import ./console.nix {
  name = "root-switches-it-off";
  act = "(rm -rf /sys/fs/bpf/ihard; umount -l /sys/fs/bpf; ihard guard unload; python3 -c 'print(6*7)')";
  sentence = "code on the command line is not allowed";
  neighbour = "systemctl is-active ihard-guard";
}
