/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signed statements about a bootspec: whoever signs says which document, which generation, which
 * system and which closure belong together. Carried beside the document's own objects, in an
 * extension (RFC 125 leaves those to third parties), never inside them, so that every other reader
 * still reads it.
 */
#pragma once

#include <stdint.h>

#include "bootchain/key.h"
#include "bootchain/sign.h"
#include "common/diag.h"
#include "common/text.h"

#define IH_STATEMENT_KEY	    "org.ihard.signature.v1"
#define IH_STATEMENT_SIGNATURES_MAX 16

/* What is said. The digest of the document is computed, not claimed. */
struct ih_statement {
	uint64_t generation; /* 0: none */
	char *toplevel;	     /* of the bootspec */
	char *closure; /* hash over the whole closure, "sha256:…"; NULL: nothing is said of it */
	char *signers[IH_STATEMENT_SIGNATURES_MAX]; /* names of trusted certificates that signed */
	size_t n_signers;
};

void ih_statement_done(struct ih_statement *s);

/**
 * ih_statement_sign() - a bootspec with a signature added
 * @text: the document; its members are kept byte for byte
 * @claim: generation and closure; the toplevel is the document's own
 * @ret: the document with the extension in it
 *
 * Signatures that are there stay when they speak of the same; a statement that says something else
 * is replaced.
 *
 * What is signed is the SHA-256 of a text of five lines, which the extension repeats:
 * "ihard-bootspec-1", "document sha256:…", "generation …", "toplevel …", "closure …".
 * The document's hash is over its members but the extension, sorted by name, each as "name" and its
 * value's bytes with their lengths in front: order and white space between members do not matter.
 *
 * Return: 0, -EBADMSG for what is no bootspec.
 */
int ih_statement_sign(const char *name, struct ih_bytes text, const struct ih_statement *claim,
		      struct ih_key *key, struct ih_text *ret, struct ih_diag *diag);

/**
 * ih_statement_verify() - does somebody trusted stand for this document?
 * @ret: filled on success; ih_statement_done() it. Generation and closure are what was signed:
 *whether the generation is recent enough, and the closure is that, the caller decides
 *
 * Return: 0; -ENODATA without a signature; -EKEYREJECTED when nobody trusted signed; -EBADMSG when
 *the document is not the one that the statement speaks of.
 */
int ih_statement_verify(const char *name, struct ih_bytes text,
			const struct ih_certificates *trusted, struct ih_statement *ret,
			struct ih_diag *diag);
