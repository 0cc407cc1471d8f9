#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# A program copied into memory that no file system holds, and started from there: memfd.pl PROGRAM [ARGUMENT…].
# The script is trusted, so that what is refused is the program. System call numbers of x86-64.
use strict;
my $name = "memory";
my $fd = syscall(319, $name, 0);
die "memfd_create: $!\n" if $fd < 0;
open(my $from, "<:raw", $ARGV[0]) or die "$ARGV[0]: $!\n";
open(my $to, ">&=:raw", $fd) or die "memory: $!\n";
$^F = $fd;
local $/;
syswrite($to, scalar(<$from>)) or die "memory: $!\n";
exec {"/proc/self/fd/$fd"} @ARGV or die "a program in memory: $!\n";
