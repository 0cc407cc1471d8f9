/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * RSA keys and X.509 certificates: private keys in PEM files, public keys as others want to see
 * them, plain signatures over digests. Images are signed by authenticode.h, on top of this.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "bootchain/key.h"
#include "bootchain/pe.h"
#include "common/diag.h"

#define IH_CERTIFICATE_MAX  (64 * 1024) /* bytes of a certificate or key file */
#define IH_CERTIFICATES_MAX 64		/* in one set */
#define IH_KEY_BITS_MIN	    2048	/* UEFI 2.10, 32.4.1: RSA-2048 is the floor */

/* Certificates that are trusted, each DER. All zero is the empty set, which trusts nobody. */
struct ih_certificates {
	struct {
		uint8_t *data;
		size_t len;
		char *name; /* the file it came from */
	} item[IH_CERTIFICATES_MAX];
	size_t n;
};

/**
 * ih_key_open_pem() - a private key and its certificate from PEM files
 * @key_path: refused when others than its owner and group can read it, or group can write it
 * @certificate_path: NULL for a bare key, as for policies over registers
 *
 * Only RSA of IH_KEY_BITS_MIN or more, since that is what firmware verifies. The two halves must
 * belong together.
 *
 * Return: 0; -EPERM for a key that others can read; -EBADMSG for files that hold something else;
 * -EKEYREJECTED when certificate and key do not belong together.
 */
int ih_key_open_pem(const char *key_path, const char *certificate_path, struct ih_key **ret,
		    struct ih_diag *diag);

/**
 * ih_certificates_load() - add the certificates of a file to a set
 * @path: PEM (one or more), DER, or an EFI signature list as in the variable db
 */
int ih_certificates_load(struct ih_certificates *set, const char *path, struct ih_diag *diag);

/* The same from a file in efivarfs: an EFI signature list behind four bytes of attributes. */
int ih_certificates_load_variable(struct ih_certificates *set, const char *path,
				  struct ih_diag *diag);
void ih_certificates_done(struct ih_certificates *set);

/**
 * ih_public_key_pem() - a public key as PEM
 * @spki: SubjectPublicKeyInfo, as in struct ih_key
 *
 * "PUBLIC KEY", the form of the .pcrpkey section. The caller frees @ret.
 */
int ih_public_key_pem(struct ih_bytes spki, char **ret, size_t *ret_len, struct ih_diag *diag);

/**
 * ih_public_key_fingerprint() - SHA-256 of the public key as systemd's "pkfp" has it
 *
 * Over the DER of RSAPublicKey (RFC 8017, A.1.1), not of SubjectPublicKeyInfo.
 */
int ih_public_key_fingerprint(struct ih_bytes spki, uint8_t ret[IH_KEY_DIGEST],
			      struct ih_diag *diag);

/* The certificate's subject, one line, for people. The caller frees @ret. */
int ih_certificate_subject(struct ih_bytes certificate, char **ret);

/**
 * ih_signature_verify() - check what ih_key_sign() made
 * Return: 0, or -EKEYREJECTED.
 */
int ih_signature_verify(struct ih_bytes certificate, const uint8_t digest[IH_KEY_DIGEST],
			struct ih_bytes signature, struct ih_diag *diag);

/* The same by the public key alone, a SubjectPublicKeyInfo. */
int ih_public_key_verify(struct ih_bytes spki, const uint8_t digest[IH_KEY_DIGEST],
			 struct ih_bytes signature, struct ih_diag *diag);

/* Base 64 on one line (RFC 4648, 4), padded. The caller frees @ret. */
int ih_base64(struct ih_bytes bytes, char **ret);

/* The way back, strict: no white space, padding where it belongs. The caller frees @ret. */
int ih_base64_decode(const char *text, uint8_t **ret, size_t *ret_len);
