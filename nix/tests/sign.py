# SPDX-License-Identifier: LGPL-2.1-or-later
# Begins every test script: the machine is up and its system is signed.
def sign(what):
    machine.succeed("nix --extra-experimental-features nix-command store sign --recursive --key-file /etc/ihard-test.key " + what)


machine.wait_for_unit("multi-user.target")
sign("/run/current-system")
