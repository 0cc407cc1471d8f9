# SPDX-License-Identifier: LGPL-2.1-or-later
{
  description = "Runs only code that somebody signed, scripts included";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" ];
      forAll = f: nixpkgs.lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
    in
    {
      packages = forAll (pkgs: rec {
        ihard = pkgs.callPackage ./nix/package.nix { };
        default = ihard;
      });
      # One NixOS VM test for each attack; they need KVM.
      checks = forAll (pkgs: import ./nix/tests { inherit pkgs; });
      overlays.default = import ./nix/overlay.nix;
      nixosModules = {
        default = ./nix/module;
        bootCounting = ./nix/compat/boot-counting.nix;
      };
    };
}
