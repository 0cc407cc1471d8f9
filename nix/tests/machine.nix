# SPDX-License-Identifier: LGPL-2.1-or-later
# The machine that is attacked. Its store is signed by the test; what signs must not lie on a real machine.
{ pkgs, ... }:

let
  key = import ./key.nix;
in
{
  imports = [ ../module ];
  security.ihard = {
    enable = true;
    package = pkgs.callPackage ../package.nix { };
    trustedPublicKeys = [ key.public ];
  };
  environment.etc."ihard-test.key".text = key.secret;
  environment.etc."ihard-test/memfd.pl".source = ../../tests/vm/machine/site/attack/memfd.pl;
  environment.systemPackages = [ pkgs.python3 pkgs.perl ];
  virtualisation = {
    memorySize = 2048;
    writableStore = true;
  };
}
