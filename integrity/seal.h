/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Seals: written, read, searched (common/abi/seal.h has the format). Making one of what lies on a
 * disk, and holding a disk against one, is seal_disk.h's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/abi/seal.h"
#include "common/cleanup.h"
#include "common/diag.h"
#include "common/text.h"
#include "integrity/signature.h"

#define IH_SEAL_SIZE_MAX       (2048UL * 1024 * 1024)
#define IH_SEAL_SIGNATURES_MAX 65536 /* bytes */
#define IH_SEAL_TRIED_MAX      64    /* seals of one directory */

struct ih_seal_builder;

int ih_seal_builder_new(struct ih_seal_builder **ret);
void ih_seal_builder_free(struct ih_seal_builder *b);

/**
 * ih_seal_add_object() - the next object; its entries follow
 * @nar_hash: NULL: none, then nar_size is 0
 * Return: 0, -EINVAL when its name does not come after the last one's, -ENOMEM.
 */
int ih_seal_add_object(struct ih_seal_builder *b, const char *name, const uint8_t *nar_hash,
		       uint64_t nar_size, uint32_t flags);

/* The next entry of the last object; @e's offsets and object are filled in here. */
int ih_seal_add_entry(struct ih_seal_builder *b, const struct ih_seal_entry *e, const char *path,
		      const char *target);

/**
 * ih_seal_finish() - the seal, not signed yet
 * @root: name of the object whose closure it is
 * @closure: 32 bytes or NULL
 */
int ih_seal_finish(struct ih_seal_builder *b, const char *root, uint64_t generation,
		   const uint8_t *closure, struct ih_text *ret);

/* Add a signature to a finished seal. */
int ih_seal_sign(struct ih_text *seal, const struct ih_secret_key *key);

struct ih_seal;

/**
 * ih_seal_parse() - read a seal and hold everything in it against its bounds
 *
 * Says nothing of who signed it: see ih_seal_signers(), which comes first.
 *
 * Return: 0, -EBADMSG, -EPROTO for a version that is not ours.
 */
int ih_seal_parse(const void *data, size_t len, struct ih_seal **ret, struct ih_diag *diag);
int ih_seal_read(int dirfd, const char *path, struct ih_seal **ret, struct ih_diag *diag);
void ih_seal_free(struct ih_seal *s);

/* Who of @keys signed it; see ih_signatures_check(). */
int ih_seal_signers(const struct ih_seal *s, const struct ih_keys *keys, struct ih_signers *ret);

/**
 * ih_seal_check_trust() - signed by enough distinct keys, and not older than the floor
 * Return: 0, -EKEYREJECTED, -ESTALE.
 */
int ih_seal_check_trust(const struct ih_seal *s, const struct ih_keys *keys,
			unsigned int sigs_needed, uint64_t floor, struct ih_diag *diag);

/**
 * ih_seal_read_newest() - the seal of the highest generation among those that can be trusted
 * @path: directory; its files *.seal are looked at, IH_SEAL_TRIED_MAX of them at most
 *
 * Return: 0; -ENOENT when there is none, with why the newest is not.
 */
int ih_seal_read_newest(const char *path, const struct ih_keys *keys, unsigned int sigs_needed,
			uint64_t floor, struct ih_seal **ret, struct ih_diag *diag);

/* "x.seal" */
bool ih_seal_is_name(const char *name);

const struct ih_seal_header *ih_seal_header(const struct ih_seal *s);
const struct ih_seal_object *ih_seal_object(const struct ih_seal *s, size_t i);
const struct ih_seal_entry *ih_seal_entry(const struct ih_seal *s, size_t i);
const char *ih_seal_string(const struct ih_seal *s, uint64_t at);

/* Number of the object, or -1. */
ssize_t ih_seal_find_object(const struct ih_seal *s, const char *name);
/* Number of the entry of that path in an object, or -1. */
ssize_t ih_seal_find_entry(const struct ih_seal *s, size_t object, const char *path);
/* Number of an entry that has this fs-verity digest, or -1. */
ssize_t ih_seal_find_digest(const struct ih_seal *s, const uint8_t digest[32]);

/* The order of paths: end, then '/', then everything else. */
int ih_seal_compare_paths(const char *a, const char *b);

/* Whether the Merkle roots are those of what is in the seal: for whoever got only a part of it. */
bool ih_seal_has_good_roots(const struct ih_seal *s);

IH_DEFINE_CLEANUP(struct ih_seal_builder *, ih_cleanup_seal_builder, ih_seal_builder_free)
IH_DEFINE_CLEANUP(struct ih_seal *, ih_cleanup_seal, ih_seal_free)
