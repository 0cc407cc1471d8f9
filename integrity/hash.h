/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hashes that Nix writes down. The only file that knows OpenSSL's digests; hashing two streams on
 * one core is another file's work (sha256_x2).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"

#define IH_SHA256_SIZE	 32
#define IH_HASH_SIZE_MAX 64

enum ih_hash_algo {
	IH_HASH_NONE = 0,
	IH_HASH_MD5, /* MD5 and SHA-1 only compare what was fetched long ago: they prove nothing */
	IH_HASH_SHA1,
	IH_HASH_SHA256,
	IH_HASH_SHA512,
	IH_HASH_SHA384, /* of TPM banks only: Nix has none, ih_hash_find() does not know it */
	IH_HASH_MAX_,
};

/* A hash in bytes; the first ih_hash_size(algo) count. */
struct ih_digest {
	enum ih_hash_algo algo;
	uint8_t bytes[IH_HASH_SIZE_MAX];
};

struct ih_hash;

/* Bytes of a digest; 0 for IH_HASH_NONE. */
size_t ih_hash_size(enum ih_hash_algo algo);
/* "sha256"; "none" for what is no algorithm. */
const char *ih_hash_name(enum ih_hash_algo algo);
/* The algorithm of that name (@len characters), or IH_HASH_NONE. */
enum ih_hash_algo ih_hash_find(const char *name, size_t len);

/**
 * ih_hash_new() - begin a hash
 * Return: 0, -EOPNOTSUPP when the library does not offer @algo (FIPS and MD5), -ENOMEM.
 */
int ih_hash_new(enum ih_hash_algo algo, struct ih_hash **ret);
int ih_hash_add(struct ih_hash *h, const void *data, size_t len);
/* The digest of all that was added; the object begins anew. */
int ih_hash_end(struct ih_hash *h, struct ih_digest *ret);
void ih_hash_free(struct ih_hash *h);

/* All at once. */
int ih_hash_once(enum ih_hash_algo algo, const void *data, size_t len, struct ih_digest *ret);

/**
 * ih_digest_parse() - read "sha256:<text>", text in base 16 or Nix's base 32
 * @len: characters of @text
 * Return: 0 or -EINVAL.
 */
int ih_digest_parse(const char *text, size_t len, struct ih_digest *ret);
/* Only the part behind the colon. */
int ih_digest_decode(enum ih_hash_algo algo, const char *text, size_t len, struct ih_digest *ret);

#define IH_DIGEST_HEX_SIZE  (2 * IH_HASH_SIZE_MAX + 1)
#define IH_DIGEST_TEXT_SIZE 128

/* "<algo>:<nix32>"; @ret has IH_DIGEST_TEXT_SIZE. */
void ih_digest_print(const struct ih_digest *d, char *ret);
/* Lower case base 16 without a prefix; @ret has IH_DIGEST_HEX_SIZE. */
void ih_digest_hex(const struct ih_digest *d, char *ret);

IH_DEFINE_CLEANUP(struct ih_hash *, ih_cleanup_hash, ih_hash_free)
