/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Everything there is to know of one store object: what the database claims, who signed that, what
 * lies on disk. Judges nothing: the verdict is integrity/trust's.
 */
#pragma once

#include "common/provider.h"
#include "integrity/problems.h"
#include "integrity/signature.h"
#include "integrity/store.h"
#include "integrity/trust.h"

enum ih_signature_state {
	IH_SIGNATURE_UNKNOWN = 0, /* by a name that is not in the list of keys */
	IH_SIGNATURE_BAD,	  /* under a trusted name, and does not fit */
	IH_SIGNATURE_GOOD,
};

struct ih_store_signature {
	char *name;
	enum ih_signature_state state;
};

struct ih_store_info {
	struct ih_evidence evidence;
	struct ih_store_object *recorded; /* NULL: the database has no such row */
	char *why_not;			  /* one sentence, when it is NULL */
	char *fingerprint;		  /* or NULL */
	struct ih_store_signature *signatures;
	size_t n_signatures;
	struct ih_digest found; /* when found_size is not 0 */
	uint64_t found_size;
	struct ih_problems problems; /* of what lies on disk */
	char *ca_problem;	     /* the content-address claim does not hold; NULL: it does, or
				      * there is none */
};

/**
 * ih_store_info_find() - look at the object that @path lies in
 * @providers: the first Nix store among them that has the object is asked
 * @ret: ih_store_info_done() in any case
 *
 * Return: 0, -ENOENT when @path lies in no Nix store of the policy, -ENOMEM.
 */
int ih_store_info_find(struct ih_trust *trust, const struct ih_provider *providers, size_t n,
		       const char *path, struct ih_store_info *ret, struct ih_diag *diag);
void ih_store_info_done(struct ih_store_info *info);
