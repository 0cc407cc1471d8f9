/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What happened to boot entries, kept so that an administrator sees when and why one went bad. A
 * file of JSON lines, one record a line: bounded, and readable after a crash at any byte.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/diag.h"

#define IH_HISTORY_FILE	   "/var/lib/ihard/boot-history.jsonl"
#define IH_HISTORY_RECORDS 2000	      /* when there are more, the older half goes */
#define IH_HISTORY_SIZE	   (2U << 20) /* bytes; the same holds */

struct ih_history_record {
	uint64_t time; /* seconds since 1970 */
	char *boot;    /* boot id of the kernel, 32 hexadecimal digits */
	char *event;  /* "good", "bad", "indeterminate", "armed", "assessed", "installed", "removed"
		       */
	char *entry;  /* its id without counter */
	char *reason; /* a sentence; "" when there is none */
	uint64_t left, done; /* the counter at that time */
};

struct ih_history {
	struct ih_history_record *records; /* oldest first */
	size_t n;
	size_t damaged; /* lines that are no records: torn by a crash, or written by somebody else
			 */
};

/**
 * ih_history_add() - append one record and have it on disk
 * @path: made with mode 0600 when it is missing, its folder with 0755
 *
 * One write(2) of a whole line, then fdatasync(2). A line that a crash tore is closed first, so
 * that it costs itself only. Writers exclude each other by flock(2). When the file has outgrown its
 * bounds, the newer half is written to a new file that replaces it.
 */
int ih_history_add(const char *path, const struct ih_history_record *record, struct ih_diag *diag);

/* Return: 0, also when there is no file: then it is empty. */
int ih_history_read(const char *path, struct ih_history *ret, struct ih_diag *diag);
void ih_history_done(struct ih_history *history);

/* The kernel's boot id; "" when it cannot be read. @ret has 33 bytes. */
void ih_boot_id(char ret[33]);
