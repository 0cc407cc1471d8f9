/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the guard vouched for: each file's identity and what it was taken for, by (device, inode).
 * A table in memory and nothing else; telling the kernel is the caller's. Safe for many threads.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/abi/gate.h"
#include "common/cleanup.h"

struct ih_catalog;

struct ih_catalog_entry {
	struct ih_file_key key;
	struct ih_seed seed;
	uint64_t owner; /* ih_catalog_owner() of the store object or tree that it belongs to */
	uint32_t round; /* of ih_catalog_begin(), when it was last seen */
	uint32_t used;
};

/* @max: entries that it will hold at most. */
int ih_catalog_new(size_t max, struct ih_catalog **ret);
void ih_catalog_free(struct ih_catalog *c);

/* A number for a name, so that entries need not hold it. Two names may share one. */
uint64_t ih_catalog_owner(const char *name);

/* Begin a round: what is not put again until ih_catalog_sweep() goes. */
void ih_catalog_begin(struct ih_catalog *c);

/**
 * ih_catalog_put() - a file that is vouched for
 * Return: 1 when the kernel has to be told (new, or not as it was), 0 when it knows, -E2BIG,
 * -ENOMEM.
 */
int ih_catalog_put(struct ih_catalog *c, const struct ih_file_key *key, const struct ih_seed *seed,
		   uint64_t owner);

/* Return: 0, or -ENOENT. */
int ih_catalog_get(struct ih_catalog *c, const struct ih_file_key *key, struct ih_seed *ret);

/* The kernel may have forgotten it: put it again, and it has to be told. */
void ih_catalog_forget(struct ih_catalog *c, const struct ih_file_key *key);

typedef void (*ih_catalog_gone)(void *user, const struct ih_file_key *key);

/* Take out what this round did not see, or what belongs to an owner. Return: how many. */
size_t ih_catalog_sweep(struct ih_catalog *c, ih_catalog_gone gone, void *user);
size_t ih_catalog_drop(struct ih_catalog *c, uint64_t owner, ih_catalog_gone gone, void *user);

size_t ih_catalog_count(struct ih_catalog *c);

IH_DEFINE_CLEANUP(struct ih_catalog *, ih_cleanup_catalog, ih_catalog_free)
