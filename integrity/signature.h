/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nix's keys and signatures: ed25519 over a store object's fingerprint (Nix: path-info.cc,
 * local-keys.cc). The only file that knows libsodium. Says how many distinct keys signed, never
 * whether that is enough.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "common/diag.h"

#define IH_KEY_SIZE	   32
#define IH_SECRET_KEY_SIZE 64
#define IH_SIGNATURE_SIZE  64
#define IH_KEY_NAME_MAX	   255
#define IH_KEYS_MAX	   256	 /* in one list */
#define IH_KEY_FILE_MAX	   65536 /* bytes of a key file */
#define IH_SIGNATURES_MAX                                                        \
	256 /* looked at of one object; a check costs 50 µs, so there is an end \
	     */
#define IH_SIGNATURE_TEXT_MAX 1024 /* "name:base64" */

struct ih_public_key {
	char *name;
	uint8_t key[IH_KEY_SIZE];
};

/* All zero is empty. */
struct ih_keys {
	struct ih_public_key *list;
	size_t n;
};

/**
 * ih_keys_add() - add a public key
 * @text: "name:base64" of @len characters, 32 bytes in canonical base 64
 *
 * A key that is there already, under the same name, is not added again.
 *
 * Return: 0, -EBADMSG for what is no key (also for a point that ed25519 refuses: zero, small order
 * or not canonical), -E2BIG, -ENOMEM.
 */
int ih_keys_add(struct ih_keys *keys, const char *text, size_t len, struct ih_diag *diag);

/* A copy of a key that was parsed already. */
int ih_keys_add_key(struct ih_keys *keys, const struct ih_public_key *key, struct ih_diag *diag);

/* A list with white space between, as trusted-public-keys has it. All or nothing. */
int ih_keys_add_list(struct ih_keys *keys, const char *text, struct ih_diag *diag);

/* What a key file holds: such a list, at least one key; @name is for messages (see ih_keys_from()).
 */
int ih_keys_add_text(const char *name, const char *text, size_t len, struct ih_keys *keys,
		     struct ih_diag *diag);

void ih_keys_done(struct ih_keys *keys);

/* Distinct keys whose signature is good; at most @max of their names are kept. */
struct ih_signers {
	const char **names; /* the caller's array, filled with names out of the key list */
	size_t max;
	size_t n; /* names filled in */
	size_t distinct;
	size_t bad;	/* signatures under a trusted name that do not fit, or are malformed */
	size_t unknown; /* signatures by names that are not in the list */
};

/**
 * ih_signatures_check() - who of a list of keys signed these bytes
 * @signatures: white space between "name:base64", as the database keeps them; may be NULL
 * @ret: names and max are the caller's, the rest is filled in
 *
 * A signature is held against every key of its name, by crypto_sign_verify_detached(), which is
 * Nix's own rule. Two names for one key count once.
 *
 * Return: 0, -E2BIG for more than IH_SIGNATURES_MAX (what came before is in @ret), -EIO without
 * libsodium.
 */
int ih_signatures_check(const struct ih_keys *keys, const char *signatures, const void *bytes,
			size_t len, struct ih_signers *ret);

struct ih_secret_key;

/**
 * ih_secret_key_read() - read a secret key file, "name:base64" of 64 bytes (seed and public key)
 *
 * Refused when others than its owner can read it (-EPERM), or when the public half does not belong
 * to the seed (-EBADMSG).
 */
int ih_secret_key_read(const char *path, struct ih_secret_key **ret, struct ih_diag *diag);
/* The same from memory; @name is for messages. */
int ih_secret_key_parse(const char *name, const char *text, size_t len, struct ih_secret_key **ret,
			struct ih_diag *diag);
void ih_secret_key_free(struct ih_secret_key *k); /* wipes it */

/* "name:base64" of the public half; IH_SIGNATURE_TEXT_MAX characters at @ret. */
void ih_secret_key_public(const struct ih_secret_key *k, char *ret);

/* Sign; "name:base64" in IH_SIGNATURE_TEXT_MAX characters at @ret. */
int ih_secret_key_sign(const struct ih_secret_key *k, const void *bytes, size_t len, char *ret);

/*
 * Bare ed25519, for what is signed but is no store object (seals).
 * Return: true when @signature of IH_SIGNATURE_SIZE bytes is @key's.
 */
bool ih_signature_is_good(const uint8_t *key, const void *bytes, size_t len,
			  const uint8_t *signature);

IH_DEFINE_CLEANUP(struct ih_secret_key *, ih_cleanup_secret_key, ih_secret_key_free)
