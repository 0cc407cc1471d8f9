/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A signing key with its certificate, behind an interface: whoever signs hands over a digest and
 * gets a signature, so that the private half may live in a file, in a token or on another machine.
 * Which of them it is, only the function that opened the key knows.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/diag.h"

#define IH_KEY_DIGEST	     32	  /* SHA-256 */
#define IH_KEY_SIGNATURE_MAX 1024 /* bytes: RSA-8192 */

struct ih_key_ops {
	/**
	 * @sign: RSASSA-PKCS1-v1_5 (RFC 8017, 8.2) over a SHA-256 digest
	 * @signature: IH_KEY_SIGNATURE_MAX bytes
	 * Return: 0, or a negative errno with a sentence in @diag.
	 */
	int (*sign)(void *self, const uint8_t digest[IH_KEY_DIGEST], uint8_t *signature,
		    size_t *ret_len, struct ih_diag *diag);
	void (*free)(void *self); /* wipes what is secret */
};

struct ih_key {
	const struct ih_key_ops *ops;
	void *self;
	char *name;	      /* for messages: a file, a token's URI, a server */
	uint8_t *certificate; /* X.509, DER; its public key is the one that @sign signs for. NULL:
			       * a bare key, which cannot sign images */
	size_t certificate_len;
	uint8_t *public_key; /* SubjectPublicKeyInfo, DER */
	size_t public_key_len;
};

/**
 * ih_key_sign() - see struct ih_key_ops
 *
 * What comes back is held against the key's public half: a token that answers wrongly, or a fault
 * while signing, must not become an image that no firmware starts.
 *
 * Return: 0; -EKEYREJECTED for a signature that does not fit; what @sign returned.
 */
int ih_key_sign(struct ih_key *key, const uint8_t digest[IH_KEY_DIGEST], uint8_t *signature,
		size_t *ret_len, struct ih_diag *diag);

void ih_key_free(struct ih_key *key);
void ih_key_freep(struct ih_key **key);
