/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard status`: the chain of a machine, a line a link. Each link is looked at by one function,
 * which says what it found, what that rests on, and what mends it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cli/boot.h"
#include "common/text.h"

/* The worst is the smallest. */
enum ih_status_verdict {
	IH_STATUS_BAD = 0, /* not what it must be */
	IH_STATUS_WEAK,	   /* works, and something can get past it */
	IH_STATUS_UNKNOWN, /* this machine has no such thing, or it could not be asked */
	IH_STATUS_GOOD,
	IH_STATUS_VERDICTS,
};

#define IH_STATUS_LINKS_MAX 16

struct ih_status_link {
	const char *name; /* "secure boot" */
	enum ih_status_verdict verdict;
	struct ih_text text;	 /* one sentence */
	struct ih_text evidence; /* what it rests on; may be empty */
	struct ih_text mend;	 /* the one command, or where to read; empty when it is good */
};

struct ih_status {
	struct ih_status_link links[IH_STATUS_LINKS_MAX];
	size_t n;
	/* where to look */
	struct ih_boot_places places;
	const char *sys, *proc; /* /sys, /proc */
	const char *state;	/* /run/ihard */
	const char *socket;	/* the guard's */
	const char *policy;	/* a policy file, NULL: the machine's */
	/* what the guard said of denials, for the metrics */
	unsigned long long denied, audited, lost;
};

/* A new link; never NULL. Its texts are added with ih_text_addf(). */
struct ih_status_link *ih_status_add(struct ih_status *s, const char *name,
				     enum ih_status_verdict verdict, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void ih_status_done(struct ih_status *s);
const char *ih_status_word(enum ih_status_verdict verdict);

/* The links, in the order of a boot. */
void ih_status_secure_boot(struct ih_status *s);
void ih_status_boot_entry(struct ih_status *s);
void ih_status_measurements(struct ih_status *s);
void ih_status_closure(struct ih_status *s);
void ih_status_policy(struct ih_status *s);
void ih_status_guard(struct ih_status *s);
void ih_status_kernel(struct ih_status *s);
