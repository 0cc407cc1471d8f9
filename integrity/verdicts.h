/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was found out about store objects, kept so that each is read once. Keyed by base name; says
 * nothing about how a verdict comes about.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/abi/types.h"
#include "integrity/problems.h"
#include "integrity/resolve.h"
#include "integrity/trust.h"

struct ih_verdict {
	char *base; /* "<hash>-<name>" */
	enum ih_trust_class trust;
	struct ih_problems problems;
	const char *signers[IH_EVIDENCE_KEYS_MAX]; /* names out of the provider's key list */
	size_t n_signers, n_distinct;
	bool by_content;	/* verified by its own content address, not by signatures */
	uint64_t device, inode; /* of the object's top; another one is another object */
	int64_t checked_ns; /* when the reading began (CLOCK_REALTIME): what changed later was not
			       read */
};

/* All zero is empty. */
struct ih_verdicts {
	struct ih_verdict **slots;
	size_t n, size;
};

struct ih_verdict *ih_verdicts_find(const struct ih_verdicts *v, const char *base);

/* The verdict of that base, emptied when there is one, made when there is none. NULL: no memory. */
struct ih_verdict *ih_verdicts_renew(struct ih_verdicts *v, const char *base);

/* Before an object is read: which one it is, and when. */
void ih_verdict_begin(struct ih_verdict *v, const struct ih_step *top);

/* What was read is this object, and the file at @end did not change since. */
bool ih_verdict_is_current(const struct ih_verdict *v, const struct ih_step *top,
			   const struct ih_step *end);

void ih_verdicts_done(struct ih_verdicts *v);
