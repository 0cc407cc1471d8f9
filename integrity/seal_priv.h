/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Leaves and roots, for the writer and the reader of seals. */
#pragma once

#include "integrity/seal.h"

/* What an entry means, as bytes: type, mode, owner, size, digest, "path\0target\0". */
int ih_seal_leaf(const struct ih_seal_entry *e, const char *path, const char *target,
		 struct ih_text *ret);

/* What an object means: "name\0", nar_hash, root of its entries. */
int ih_seal_object_leaf(const struct ih_seal_object *o, const char *name, struct ih_text *ret);

/* A Merkle tree that grows leaf by leaf (RFC 6962, 2.1): one subtree root for each bit of n. */
struct ih_merkle {
	uint64_t n;
	uint8_t subtree[64][32];
};

int ih_merkle_add(struct ih_merkle *m, const void *leaf, size_t len);
int ih_merkle_root(const struct ih_merkle *m, uint8_t root[32]);
