/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Authenticode signatures of PE images: PKCS#7 SignedData over an SpcIndirectDataContent that holds
 * the image's SHA-256. Sources: "Windows Authenticode Portable Executable Signature Format" 1.0,
 * UEFI 2.10 section 32.2.4 (WIN_CERT_TYPE_PKCS_SIGNED_DATA), RFC 2315.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "bootchain/key.h"
#include "bootchain/pe.h"
#include "bootchain/rope.h"
#include "bootchain/sign.h"
#include "common/diag.h"

#define IH_AUTHENTICODE_SIGNATURES_MAX 16 /* in one image */
#define IH_AUTHENTICODE_TABLE_MAX      (1U << 20)
#define IH_AUTHENTICODE_CHAIN_MAX      16 /* certificates in one signature */

/* A growing image; the caller frees @data. */
struct ih_image {
	uint8_t *data;
	size_t len;
};

/**
 * ih_authenticode_sign() - add a signature to an image
 * @image: replaced by the signed image; unchanged on failure
 *
 * The signature is deterministic: the time in it is the certificate's notBefore, so that the same
 * image and key give the same file, and its name can come from its content. Existing signatures
 * stay. Gaps that no signature would cover are refused.
 */
int ih_authenticode_sign(const char *name, struct ih_image *image, struct ih_key *key,
			 struct ih_diag *diag);

/* The same for an image that ih_pe_rope_parse() takes. On failure it is of no use any more. */
int ih_authenticode_sign_rope(const char *name, struct ih_rope *image, struct ih_key *key,
			      struct ih_diag *diag);

/* What is known about one signature of an image. */
struct ih_authenticode_signature {
	char *signer;	  /* subject of the certificate that signed; NULL when none fits */
	char *trusted_by; /* name of the trusted certificate it leads to; NULL: none */
	char *problem;	  /* one sentence; NULL when the signature is good */
	/* TBSCertificate (RFC 5280, 4.1) of each certificate in it: what dbx has digests of */
	struct ih_image certificates[IH_AUTHENTICODE_CHAIN_MAX];
	size_t n_certificates;
};

struct ih_authenticode {
	uint8_t digest[IH_PE_DIGEST]; /* of the image as it is */
	struct ih_authenticode_signature signatures[IH_AUTHENTICODE_SIGNATURES_MAX];
	size_t n_signatures;
};

/**
 * ih_authenticode_verify() - is an image signed by somebody trusted, and every byte as it was?
 * @trusted: leaf or issuing certificates, as in the variable db; validity dates do not count, as
 *	they do not for firmware
 * @ret: filled also on failure; ih_authenticode_done() it. May be NULL
 *
 * Stricter than firmware: bytes outside the digest (checksum, padding, gaps, trailing bytes in the
 * certificate table, encodings that are not DER) must be what a signer writes, so that no change of
 * a file goes unnoticed.
 *
 * Return: 0 when one signature is good and nothing else is wrong; -EKEYREJECTED when nobody trusted
 * signed; -EBADMSG when the image is not what was signed, or was changed outside the digest;
 * -ENODATA when there is no signature. The sentence says what, and where.
 */
int ih_authenticode_verify(const char *name, const struct ih_pe *pe,
			   const struct ih_certificates *trusted, struct ih_authenticode *ret,
			   struct ih_diag *diag);
void ih_authenticode_done(struct ih_authenticode *a);
