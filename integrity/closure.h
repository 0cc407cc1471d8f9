/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The objects of a closure, each once, compactly: a hundred thousand of them must fit beside
 * everything else in 64 MiB. Holds what is known of each; finding it out is verify.c's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "common/diag.h"
#include "integrity/hash.h"
#include "integrity/problems.h"

#define IH_CLOSURE_MAX 4000000 /* objects; a database that leads further is hostile */

enum ih_object_flag {
	IH_OBJECT_KNOWN = 1 << 0,     /* a row was found: hash and size are set */
	IH_OBJECT_SIGNED = 1 << 1,    /* enough distinct trusted keys signed it */
	IH_OBJECT_CLAIMED = 1 << 2,   /* not signed, but has a content-address claim to look into */
	IH_OBJECT_ADDRESSED = 1 << 3, /* the claim was held against the content and fits */
	IH_OBJECT_HASHED = 1 << 4,    /* the archive has the hash and size of the row */
	IH_OBJECT_NARINFO = 1 << 5,   /* what is known comes from a .narinfo, not the database */
	IH_OBJECT_SEALED = 1 << 6,    /* a seal says what lies there: nothing need be read */
	IH_OBJECT_DONE = 1 << 7,      /* everything that was asked for was looked at */
};

struct ih_closure_object {
	const char *base; /* "<hash>-<name>", as long as the closure */
	uint8_t nar_hash[IH_SHA256_SIZE];
	uint64_t nar_size;
	uint64_t signers; /* bit i: keys.list[i] signed it (of the first 64 keys) */
	uint64_t inode;	  /* of the object itself when it was read; 0 before */
	int64_t ctime_ns;
	uint32_t device; /* major << 20 | minor */
	uint32_t flags;
	struct ih_problems *problems; /* NULL: none */
};

struct ih_closure;

int ih_closure_new(struct ih_closure **ret);
void ih_closure_free(struct ih_closure *c);

/**
 * ih_closure_add() - find an object by its base name, or add it
 * @ret: its number; numbers count up from 0 and stay
 * Return: 1 when it was added, 0 when it was there, -E2BIG, -ENOMEM.
 */
int ih_closure_add(struct ih_closure *c, const char *base, size_t len, uint32_t *ret);

size_t ih_closure_size(const struct ih_closure *c);

/* The object of a number; stays where it is while others are added. */
struct ih_closure_object *ih_closure_object(const struct ih_closure *c, size_t number);

/**
 * ih_closure_largest_first() - numbers of all objects that have all of @with and none of @without
 * @ret: largest first; the caller frees it
 */
int ih_closure_largest_first(const struct ih_closure *c, uint32_t with, uint32_t without,
			     uint32_t **ret, size_t *ret_n);

/* The object's problems, made when there are none yet; NULL without memory. */
struct ih_problems *ih_closure_problems(struct ih_closure_object *o);

IH_DEFINE_CLEANUP(struct ih_closure *, ih_cleanup_closure, ih_closure_free)
