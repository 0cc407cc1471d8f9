/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Merkle trees of RFC 6962, and what the leaves of a seal are. */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "integrity/hash.h"
#include "integrity/seal_priv.h"

static int hash_two(const uint8_t left[32], const uint8_t right[32], uint8_t out[32])
{
	struct ih_digest d;
	uint8_t node[65];
	int r;

	node[0] = 1; /* a node is no leaf: RFC 6962 */
	memcpy(node + 1, left, 32);
	memcpy(node + 33, right, 32);
	r = ih_hash_once(IH_HASH_SHA256, node, sizeof(node), &d);
	if (r == 0)
		memcpy(out, d.bytes, 32);
	return r;
}

int ih_merkle_add(struct ih_merkle *m, const void *leaf, size_t len)
{
	struct ih_text prefixed = { 0 };
	struct ih_digest d;
	int level = 0, r;

	r = ih_text_add(&prefixed, "\0", 1);
	if (r == 0)
		r = ih_text_add(&prefixed, leaf, len);
	if (r == 0)
		r = ih_hash_once(IH_HASH_SHA256, prefixed.data, prefixed.len, &d);
	ih_text_done(&prefixed);
	for (; r == 0 && m->n >> level & 1; level++)
		r = hash_two(m->subtree[level], d.bytes, d.bytes);
	if (r < 0)
		return r;
	memcpy(m->subtree[level], d.bytes, 32);
	m->n++;
	return 0;
}

int ih_merkle_root(const struct ih_merkle *m, uint8_t root[32])
{
	struct ih_digest d;
	bool begun = false;
	int r = 0;

	if (!m->n) {
		r = ih_hash_once(IH_HASH_SHA256, "", 0, &d);
		if (r == 0)
			memcpy(root, d.bytes, 32);
		return r;
	}
	for (int level = 0; level < 64 && r == 0; level++) {
		if (!(m->n >> level & 1))
			continue;
		if (begun)
			r = hash_two(m->subtree[level], root, root);
		else
			memcpy(root, m->subtree[level], 32);
		begun = true;
	}
	return r;
}

int ih_seal_leaf(const struct ih_seal_entry *e, const char *path, const char *target,
		 struct ih_text *ret)
{
	uint32_t words[4] = { htole32(e->type), htole32(e->mode), htole32(e->uid),
			      htole32(e->gid) };
	uint64_t size = htole64(e->size);

	(void)ih_text_add(ret, words, sizeof(words));
	(void)ih_text_add(ret, &size, sizeof(size));
	(void)ih_text_add(ret, e->digest, sizeof(e->digest));
	(void)ih_text_add(ret, path, strlen(path) + 1);
	(void)ih_text_add(ret, target, strlen(target) + 1);
	return ret->oom ? -ENOMEM : 0;
}

int ih_seal_object_leaf(const struct ih_seal_object *o, const char *name, struct ih_text *ret)
{
	(void)ih_text_add(ret, name, strlen(name) + 1);
	(void)ih_text_add(ret, o->nar_hash, sizeof(o->nar_hash));
	(void)ih_text_add(ret, o->merkle, sizeof(o->merkle));
	return ret->oom ? -ENOMEM : 0;
}
