/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For tests: small PE images laid out as a stub is, and RSA keys with certificates, made in memory.
 * Nothing of it is meant to boot.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "bootchain/authenticode.h"
#include "bootchain/pe.h"
#include "common/cleanup.h"

enum {
	IMAGE_LFANEW = 0x80,
	IMAGE_OPTIONAL = IMAGE_LFANEW + 24,
	IMAGE_SECTIONS = IMAGE_OPTIONAL + 240,
	IMAGE_HEADERS = 0x400,
	IMAGE_ALIGN = 0x200,
};

static inline void image_section(uint8_t *h, const char *name, uint32_t address, uint32_t size,
				 uint32_t offset)
{
	memcpy(h, name, strlen(name));
	ih_put_le32(h + 8, size);
	ih_put_le32(h + 12, address);
	ih_put_le32(h + 16, (size + IMAGE_ALIGN - 1) / IMAGE_ALIGN * IMAGE_ALIGN);
	ih_put_le32(h + 20, offset);
	ih_put_le32(h + 36, 0x40000040);
}

/* .text of 0x400 bytes and .sdmagic with @magic, PE32+, x86-64, EFI application. */
static inline struct ih_image image_make(const char *magic)
{
	struct ih_image image = { .len = IMAGE_HEADERS + 0x400 + 0x200 };
	uint8_t *d = calloc(1, image.len), *opt;

	image.data = d;
	memcpy(d, "MZ", 2);
	ih_put_le32(d + 0x3c, IMAGE_LFANEW);
	memcpy(d + IMAGE_LFANEW, "PE\0", 4);
	ih_put_le16(d + IMAGE_LFANEW + 4, 0x8664);
	ih_put_le16(d + IMAGE_LFANEW + 6, 2);
	ih_put_le16(d + IMAGE_LFANEW + 20, 240);
	opt = d + IMAGE_OPTIONAL;
	ih_put_le16(opt, 0x20b);
	ih_put_le32(opt + 32, 0x1000);
	ih_put_le32(opt + 36, IMAGE_ALIGN);
	ih_put_le32(opt + 56, 0x3000);
	ih_put_le32(opt + 60, IMAGE_HEADERS);
	ih_put_le16(opt + 68, 10);
	ih_put_le32(opt + 108, 16);
	image_section(d + IMAGE_SECTIONS, ".text", 0x1000, 0x400, IMAGE_HEADERS);
	image_section(d + IMAGE_SECTIONS + 40, ".sdmagic", 0x2000, (uint32_t)strlen(magic) + 1,
		      IMAGE_HEADERS + 0x400);
	for (int i = 0; i < 0x400; i++)
		d[IMAGE_HEADERS + i] = (uint8_t)(i * 7 + 1);
	memcpy(d + IMAGE_HEADERS + 0x400, magic, strlen(magic));
	return image;
}

/* A key pair in <dir>/<name>.key and <dir>/<name>.crt, self-signed, as mkkeys makes them. */
static inline void image_make_key(const char *dir, const char *name)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	X509 *x = X509_new();
	X509_NAME *subject = X509_get_subject_name(x);
	char path[4096];
	FILE *f;

	ASN1_INTEGER_set(X509_get_serialNumber(x), 4711);
	X509_set_version(x, 2);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
				   0);
	X509_set_issuer_name(x, subject);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	X509_sign(x, key, EVP_sha256());

	snprintf(path, sizeof(path), "%s/%s.key", dir, name);
	f = fopen(path, "w");
	fchmod(fileno(f), 0600);
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	snprintf(path, sizeof(path), "%s/%s.crt", dir, name);
	f = fopen(path, "w");
	PEM_write_X509(f, x);
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(key);
}
