/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables for bpf/fanotify_files.c and for the part of fanotify_asker.c that asks no process. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "bpf/fanotify_priv.h"

#define MANY 5000

static struct ih_fan_file file_of(uint64_t inode, uint8_t trust)
{
	struct ih_fan_file f = {
		.file.key = { .inode = inode, .device = 7 },
		.file.seed = { .ctime_s = 10, .ctime_ns = 20, .size = 30, .trust = trust }
	};

	return f;
}

Test(files, come_back_and_go)
{
	struct ih_fan_files files;
	struct ih_fan_file found;
	struct ih_file_key key = { .device = 7 };

	cr_assert_eq(ih_fan_files_init(&files, MANY), 0);
	for (uint64_t i = 1; i <= MANY; i++) {
		struct ih_fan_file f = file_of(i, (uint8_t)(i % 3));

		cr_assert_eq(ih_fan_files_put(&files, &f), 0);
	}
	found = file_of(MANY + 1, 1);
	cr_assert_eq(ih_fan_files_put(&files, &found), -E2BIG, "the table is full");
	for (uint64_t i = 1; i <= MANY; i += 2) {
		key.inode = i;
		ih_fan_files_remove(&files, &key);
	}
	for (uint64_t i = 1; i <= MANY; i++) {
		key.inode = i;
		if (i % 2) {
			cr_assert_eq(ih_fan_files_find(&files, &key, &found), -ENOENT);
			continue;
		}
		cr_assert_eq(ih_fan_files_find(&files, &key, &found), 0, "removing loses others");
		cr_assert_eq(found.file.seed.trust, i % 3);
	}
	ih_fan_files_done(&files);
}

struct stat_row {
	char what[32];
	uint64_t inode;
	int64_t ctime_s;
	long ctime_ns;
	off_t size;
	int expected;
};

static const struct stat_row stats[] = {
	{ "the very file", 5, 10, 20, 30, 0 },
	{ "changed within the second", 5, 10, 21, 30, -ESTALE },
	{ "changed later", 5, 11, 20, 30, -ESTALE },
	{ "changed in the past", 5, 9, 20, 30, -ESTALE },
	{ "another size", 5, 10, 20, 31, -ESTALE },
	{ "another file", 6, 10, 20, 30, -ENOENT },
};

Test(files, only_the_very_file)
{
	struct ih_fan_file f = file_of(5, IH_TRUST_VERIFIED), found;
	struct ih_fan_files files;

	cr_assert_eq(ih_fan_files_init(&files, 8), 0);
	cr_assert_eq(ih_fan_files_put(&files, &f), 0);
	for (size_t i = 0; i < sizeof(stats) / sizeof(stats[0]); i++) {
		struct stat st = { .st_ino = stats[i].inode,
				   .st_dev = 7,
				   .st_size = stats[i].size,
				   .st_ctim = { stats[i].ctime_s, stats[i].ctime_ns } };

		cr_assert_eq(ih_fan_files_get(&files, &st, &found), stats[i].expected, "%s",
			     stats[i].what);
	}
	ih_fan_files_done(&files);
}

Test(files, what_was_found_out_is_forgotten)
{
	struct ih_fan_file told = file_of(1, 3), found = file_of(2, 3), out;
	struct ih_fan_files files;

	found.is_found = true;
	cr_assert_eq(ih_fan_files_init(&files, 8), 0);
	ih_fan_files_forget_found(&files); /* of nothing */
	cr_assert_eq(ih_fan_files_put(&files, &told), 0);
	cr_assert_eq(ih_fan_files_put(&files, &found), 0);
	ih_fan_files_forget_found(&files);
	cr_assert_eq(ih_fan_files_find(&files, &told.file.key, &out), 0);
	cr_assert_eq(ih_fan_files_find(&files, &found.file.key, &out), -ENOENT);
	ih_fan_files_done(&files);
}

struct code_row {
	char exe[24], file[24];
	bool expected;
};

static const struct code_row names[] = {
	{ "/usr/bin/python3.11", "/home/x.py", true },
	{ "/usr/bin/python3.11", "/home/x.pyc", true },
	{ "/usr/bin/python3.11", "/home/x.rb", false },
	{ "/usr/bin/python3.11", "/home/x.p", false },
	{ "/usr/bin/python3.11", "/home.py/x", false },
	{ "/usr/bin/python3.11", "/home/x", false },
	{ "/usr/bin/perl", "/home/X.pm", true },
	{ "/usr/bin/bash", "/home/x.sh", true },
	{ "/usr/bin/bash", "/home/x.txt", false },
	{ "/usr/bin/gcc", "/home/x.py", false },
	{ "/usr/bin/cat", "/home/x.sh", false },
};

Test(asker, names_of_code)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_assert_eq(ih_fan_reads_as_code(names[i].exe, names[i].file), names[i].expected,
			     "%s on %s", names[i].exe, names[i].file);
}

struct line_row {
	char exe[24], line[40];
	bool expected;
};

static const struct line_row lines[] = {
	{ "/usr/bin/bash", "#!/bin/bash\n", true },
	{ "/usr/bin/bash", "#! /bin/sh -e\n", true },
	{ "/usr/bin/dash", "#!/bin/bash\n", true },
	{ "/usr/bin/bash", "#!/usr/bin/env bash\n", true },
	{ "/usr/bin/python3.11", "#!/usr/bin/env -S python3 -u\n", true },
	{ "/usr/bin/python3.11", "#!/bin/sh\n", false },
	{ "/usr/bin/bash", "#!/usr/bin/python3\n", false },
	{ "/usr/bin/bash", "#!\n", false },
	{ "/usr/bin/bash", "#!/usr/bin/env\n", false },
	{ "/usr/bin/cat", "#!/bin/sh\n", false },
};

Test(asker, lines_that_name_the_opener)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		FILE *f = tmpfile();

		cr_assert_not_null(f);
		cr_assert(fputs(lines[i].line, f) >= 0 && fflush(f) == 0);
		cr_assert_eq(ih_fan_is_addressed(lines[i].exe, fileno(f)), lines[i].expected,
			     "%s on %s", lines[i].exe, lines[i].line);
		(void)fclose(f);
	}
}

Test(asker, loaders)
{
	cr_assert(ih_fan_is_loader_name("/lib64/ld-linux-x86-64.so.2"));
	cr_assert(ih_fan_is_loader_name("/lib/ld-musl-x86_64.so.1"));
	cr_assert(ih_fan_is_loader_name("ld.so"));
	cr_assert(!ih_fan_is_loader_name("/usr/bin/ld"));
	cr_assert(!ih_fan_is_loader_name("/ld-linux/true"));
}

/* Ourselves: in a read of /proc, through the C library, not the loader. */
Test(asker, a_call)
{
	struct ih_fan_call call;

	if (ih_fan_call_now(getpid(), &call) == 0)
		cr_assert(!ih_fan_is_exec(&call));
	cr_assert_eq(ih_fan_tgid_of(getpid()), getpid());
	cr_assert_eq(ih_fan_tgid_of(-1), -ESRCH);
}
