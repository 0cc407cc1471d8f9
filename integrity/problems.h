/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is wrong with an object: every problem, one sentence each, and of which kinds they are.
 * Bounded: beyond IH_PROBLEMS_MAX sentences only the count goes on.
 */
#pragma once

#include <stddef.h>

#include "common/diag.h"

#define IH_PROBLEMS_MAX 64

enum ih_problem_kind {
	IH_PROBLEM_CONTENT = 1 << 0,   /* what lies there is not what was signed */
	IH_PROBLEM_METADATA = 1 << 1,  /* mode, owner, set-id, capabilities, ACL, mounts */
	IH_PROBLEM_SIGNATURE = 1 << 2, /* too few distinct trusted keys signed it */
	IH_PROBLEM_DATABASE = 1 << 3,  /* missing, unreadable or lying row */
	IH_PROBLEM_IO = 1 << 4,	       /* could not be read */
};

struct ih_problems {
	char **list;
	size_t n;	    /* sentences in list[] */
	size_t total;	    /* problems found; n at least unless memory ran out */
	unsigned int kinds; /* of all of them, IH_PROBLEM_* */
};

/* Add a sentence (cleaned as ih_fail() does). Out of memory loses the text, never the count. */
void ih_problem(struct ih_problems *p, enum ih_problem_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Put copies of all of @from behind those of @to. */
void ih_problems_append(struct ih_problems *to, const struct ih_problems *from);

void ih_problems_done(struct ih_problems *p);
