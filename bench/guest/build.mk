# SPDX-License-Identifier: LGPL-2.1-or-later
# A C tree, built as a kernel is: a compiler, an assembler and a shell for each file, archives, a link.
objects := $(patsubst %.c,/root/out/%.o,$(filter-out main.c,$(wildcard *.c)))

/root/out/program: main.c /root/out/all.a
	gcc -O1 -o $@ main.c /root/out/all.a
/root/out/all.a: $(objects)
	ar rcs $@ $(objects)
/root/out/%.o: %.c
	gcc -O1 -c -o $@ $<
