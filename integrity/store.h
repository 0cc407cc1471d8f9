/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Store paths and what is known of a store object (Nix manual, "Store path", "Complete store path
 * calculation"). Pure: opens nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "common/diag.h"
#include "common/text.h"
#include "integrity/hash.h"

#define IH_STORE_HASH_CHARS 32 /* nix32 of 20 bytes */
#define IH_STORE_HASH_SIZE  20
#define IH_STORE_NAME_MAX   211
#define IH_STORE_BASE_MAX   (IH_STORE_HASH_CHARS + 1 + IH_STORE_NAME_MAX)
#define IH_STORE_REFS_MAX   100000 /* references of one object */

/* What the database claims of an object. Nothing in it is true before it was verified. */
struct ih_store_object {
	char *path;		   /* "/nix/store/<hash>-<name>" */
	const char *base;	   /* in path: "<hash>-<name>" */
	struct ih_digest nar_hash; /* SHA-256 */
	uint64_t nar_size;	   /* 0: not known, cannot be verified */
	char *signatures;	   /* "name:base64 …" or NULL */
	char *ca;		   /* content-address claim, or NULL */
	char **refs; /* whole paths, in byte order, each once, itself included if it is there */
	size_t n_refs;
	bool ultimate; /* built here, says the database; counts for nothing */
	int64_t id;    /* of the row */
};

void ih_store_object_free(struct ih_store_object *o);

/**
 * ih_store_base_is_valid() - "<32 nix32 digits>-<name>"
 *
 * Name: 1 to IH_STORE_NAME_MAX of letters, digits and +-._?=, and not ".", "..", nor these followed
 * by '-' (Nix: path.cc, checkName()).
 */
bool ih_store_base_is_valid(const char *base, size_t len);

/**
 * ih_store_path_parse() - a whole, canonical path of an object
 * @dir: the logical store directory, "/nix/store"
 * @ret_base: points into @path
 *
 * Exactly @dir, one slash, and a valid base: nothing that would have to be resolved first.
 *
 * Return: 0 or -EINVAL with a sentence.
 */
int ih_store_path_parse(const char *dir, const char *path, const char **ret_base,
			struct ih_diag *diag);

/**
 * ih_store_dir_check() - a store directory that paths can be computed for
 *
 * Absolute, no empty, "." or ".." component, no slash at its end, no colon (which would make
 * fingerprints ambiguous).
 */
int ih_store_dir_check(const char *dir, struct ih_diag *diag);

/**
 * ih_store_path_make() - the base name that Nix gives to content
 * @type: "source", "text:<ref>:…", "output:out", …
 * @inner: SHA-256 of the content or of its description
 * @ret: IH_STORE_BASE_MAX + 1 characters
 *
 * SHA-256 of "<type>:sha256:<hex>:<dir>:<name>", folded to 20 bytes.
 *
 * Return: 0, -EINVAL for a bad name, or what hashing failed with.
 */
int ih_store_path_make(const char *dir, const char *type, const struct ih_digest *inner,
		       const char *name, char *ret);

/**
 * ih_store_fingerprint() - the bytes that signatures are made over
 *
 * "1;<path>;sha256:<nix32>;<size>;<ref>,<ref>…". References must be in byte order and unique, as
 * ih_store_object has them.
 *
 * Return: 0, -EINVAL when hash or size are not known, -ENOMEM.
 */
int ih_store_fingerprint(const struct ih_store_object *o, struct ih_text *ret);

IH_DEFINE_CLEANUP(struct ih_store_object *, ih_cleanup_store_object, ih_store_object_free)
