# SPDX-License-Identifier: LGPL-2.1-or-later
final: prev: { ihard = final.callPackage ./package.nix { }; }
