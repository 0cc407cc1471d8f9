# SPDX-License-Identifier: LGPL-2.1-or-later
# As much of nixpkgs' packages as ihard's package and module read: derivations that are instantiated and
# never built.
{ lib }:

let
  stub = name: extra:
    derivation {
      inherit name;
      system = "x86_64-linux";
      builder = "/bin/sh";
    } // extra;
  mkDerivation = set:
    derivation (
      builtins.removeAttrs set [ "meta" "pname" ]
      // {
        name = "${set.pname}-${set.version}";
        system = "x86_64-linux";
        builder = "/bin/sh";
      }
    ) // { inherit (set) meta; };
  library = name: stub name { overrideAttrs = f: stub "${name}-changed" (f { }); override = _: stub name { }; };
  pkgs = {
    inherit lib;
    stdenv = {
      inherit mkDerivation;
      hostPlatform.system = "x86_64-linux";
    };
    glibc.static = library "glibc-static";
    llvmPackages.clang-unwrapped = library "clang";
    writeText = builtins.toFile;
    writeShellScript = name: text: derivation {
      inherit name text;
      system = "x86_64-linux";
      builder = "/bin/sh";
    };
    runCommand = name: env: text: derivation {
      inherit name text;
      system = "x86_64-linux";
      builder = "/bin/sh";
    };
    testers.runNixOSTest = test: test;
    callPackage = file: given:
      let
        f = import file;
        wanted = builtins.functionArgs f;
      in
      f (builtins.intersectAttrs wanted pkgs // given);
  } // lib.genAttrs [
    "bpftools" "coreutils" "diffutils" "json_c" "libbpf" "libcap_ng" "libseccomp" "libsodium" "meson" "ninja" "nix"
    "openssl" "perl" "pkg-config" "python3" "sqlite" "systemd" "tpm2-tss"
  ] library;
in
pkgs
