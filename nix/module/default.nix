# SPDX-License-Identifier: LGPL-2.1-or-later
# The NixOS module. Each file is one thing that can be switched on by itself:
#
#   policy.nix    security.ihard                   what may run; the compiled policy in /etc/ihard
#   shims.nix     security.ihard.shims             interpreters' names that lead to ihard-exec
#   guard.nix     security.ihard.guard             enforcement on the whole machine
#   verify.nix    boot.initrd.verify               the whole closure is checked before it starts
#   signing.nix   boot.initrd.verify.signing       the system is signed when it is switched to
#   loader.nix    boot.loader.ihard                signed boot images, boot counting
#   assess.nix    boot.loader.ihard.assess         what makes a boot good
{
  imports = [
    ./policy.nix
    ./shims.nix
    ./guard.nix
    ./verify.nix
    ./signing.nix
    ./loader.nix
    ./assess.nix
  ];
}
