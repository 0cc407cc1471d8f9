/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a trust provider is to trust.c. A provider says for which files it speaks and what they are;
 * trust.c asks all of them and takes the best answer. Another kind is a file trust_<kind>.c and a
 * line in trust_kinds.c.
 */
#pragma once

#include "integrity/problems.h"
#include "integrity/resolve.h"
#include "integrity/signature.h"
#include "integrity/trust.h"

/* A provider's answer. All zero says "not mine". */
struct ih_judgement {
	bool mine;	/* the file lies where this provider speaks */
	bool elsewhere; /* and another program knows more of it: see trust_kinds_small.c */
	enum ih_trust_class trust;
	char *object;
	char *reason; /* when trusted; else the first problem is the reason */
	struct ih_problems problems;
	char *signers[IH_EVIDENCE_KEYS_MAX];
	size_t n_signers;
};

struct ih_trust_ops {
	/* Never fails for what the provider lacks: that comes out when it judges. -ENOMEM only. */
	int (*open)(const struct ih_provider *p, void **ret);
	/* Return: 0 or -ENOMEM. */
	int (*judge)(void *state, const struct ih_walk *w, struct ih_judgement *ret);
	void (*free)(void *state);
};

extern const struct ih_trust_ops ih_trust_nix, ih_trust_paths, ih_trust_seal;

/* By enum ih_provider_kind; NULL vouches for nothing. A program that brings a table of its own
 * (trust_kinds_small.c) is linked without the libraries of the kinds that it leaves out. */
extern const struct ih_trust_ops *const ih_trust_kinds[IH_PROVIDER_MAX_];

/* Device and inode of a directory that was walked to; all zero when it is not there. */
struct ih_place {
	uint64_t device, inode;
};

/* Walk to a directory: where it is now. */
void ih_place_locate(const char *path, struct ih_place *ret);

/* The step that is this directory, counted from 0, or -ENOENT. The outermost counts. */
int ih_place_find(const struct ih_place *p, const struct ih_walk *w);

/* The keys that a provider trusts; those that are none are faults. Return: 0 or -ENOMEM. */
int ih_provider_keys(const struct ih_provider *p, struct ih_keys *keys, struct ih_problems *faults);

/* Names every step behind @from that is another mount than the one before it. */
void ih_walk_find_mounts(const struct ih_walk *w, size_t from, const char *whose,
			 struct ih_problems *problems);
