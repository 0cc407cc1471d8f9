# SPDX-License-Identifier: LGPL-2.1-or-later
# The package. Hermetic: no network, no type information of a running kernel; the BPF programs carry
# their own small description of the kernel and are relocated when they are loaded.
#
# Two outputs: `out` is what people and services use, `stage2` the one program of the initrd with its unit,
# so that an initrd does not get the rest.
{
  lib,
  stdenv,
  meson,
  ninja,
  pkg-config,
  python3,
  llvmPackages,
  bpftools,
  glibc,
  json_c,
  openssl,
  libsodium,
  sqlite,
  libcap_ng,
  libseccomp,
  libbpf,
  tpm2-tss,
}:

let
  # ihard-exec and the front of ihard are static: a loader cannot be told to put anything into them.
  withArchive = package: package.overrideAttrs (old: { dontDisableStatic = true; });
in
stdenv.mkDerivation {
  pname = "ihard";
  version = lib.fileContents ../VERSION;

  src = lib.cleanSourceWith {
    src = ../.;
    filter = path: type: !(type == "directory" && lib.hasPrefix "build" (baseNameOf path));
  };

  outputs = [ "out" "stage2" ];

  nativeBuildInputs = [
    meson
    ninja
    pkg-config
    python3
    bpftools
    llvmPackages.clang-unwrapped
    libseccomp # makes the system call filter while ihard is built
  ];
  buildInputs = [
    glibc.static
    (withArchive json_c)
    (openssl.override { static = true; })
    (withArchive libsodium)
    (withArchive sqlite)
    (withArchive libcap_ng)
    libbpf
    tpm2-tss
  ];

  # The tests boot machines and want Debian's packages; nix/tests has those for NixOS.
  mesonFlags = [ "-Dtests=false" ];
  mesonBuildType = "debugoptimized";

  # clang for the target bpf knows none of the flags that the compiler wrapper adds.
  hardeningDisable = [ "zerocallusedregs" ];

  postInstall = ''
    moveToOutput bin/ihard-stage2 "$stage2"
    moveToOutput share/ihard/ihard-stage2.sh "$stage2"
    moveToOutput lib/systemd/system/ihard-stage2.service "$stage2"
    substituteInPlace "$stage2/lib/systemd/system/ihard-stage2.service" --replace "$out/bin" "$stage2/bin"
  '';

  meta = {
    description = "Runs only code that somebody signed, scripts included";
    license = with lib.licenses; [
      lgpl21Plus
      gpl2Only # the BPF programs: GPL-2.0-only OR BSD-2-Clause
      bsd2
    ];
    platforms = [ "x86_64-linux" "aarch64-linux" ];
    mainProgram = "ihard";
  };
}
