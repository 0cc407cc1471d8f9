/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hashes over OpenSSL's EVP. SHA-256 goes by sha256_x2 where the processor can: as fast, and
 * without the millisecond that OpenSSL takes to find its first algorithm, which is longer than all
 * else that a short-lived program does here.
 */
#include "integrity/hash.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "integrity/nix32.h"
#include "integrity/sha256_x2.h"

struct ih_hash {
	enum ih_hash_algo algo;
	EVP_MD *md; /* NULL: by the lane */
	EVP_MD_CTX *ctx;
	struct ih_sha256_lane lane;
	uint64_t total;
	size_t fill; /* bytes in carry, less than a block */
	uint8_t carry[IH_SHA256_BLOCK + IH_SHA256_PAD_MAX];
};

static const struct {
	const char *name, *openssl;
	size_t size;
} algos[IH_HASH_MAX_] = {
	[IH_HASH_NONE] = { "none", NULL, 0 },
	[IH_HASH_MD5] = { "md5", "MD5", 16 },
	[IH_HASH_SHA1] = { "sha1", "SHA1", 20 },
	[IH_HASH_SHA256] = { "sha256", "SHA256", IH_SHA256_SIZE },
	[IH_HASH_SHA512] = { "sha512", "SHA512", 64 },
	[IH_HASH_SHA384] = { "sha384", "SHA384", 48 },
};

size_t ih_hash_size(enum ih_hash_algo algo)
{
	return algo < IH_HASH_MAX_ ? algos[algo].size : 0;
}

const char *ih_hash_name(enum ih_hash_algo algo)
{
	return algos[algo < IH_HASH_MAX_ ? algo : IH_HASH_NONE].name;
}

enum ih_hash_algo ih_hash_find(const char *name, size_t len)
{
	for (unsigned int i = IH_HASH_NONE + 1; i <= IH_HASH_SHA512; i++)
		if (strlen(algos[i].name) == len && memcmp(algos[i].name, name, len) == 0)
			return (enum ih_hash_algo)i;
	return IH_HASH_NONE;
}

static void lane_start(struct ih_hash *h)
{
	ih_sha256_lane_start(&h->lane);
	h->total = 0;
	h->fill = 0;
}

static void lane_add(struct ih_hash *h, const uint8_t *data, size_t len)
{
	size_t n = 0;

	h->total += len;
	if (h->fill) {
		n = IH_SHA256_BLOCK - h->fill < len ? IH_SHA256_BLOCK - h->fill : len;
		memcpy(h->carry + h->fill, data, n);
		h->fill += n;
		if (h->fill < IH_SHA256_BLOCK)
			return;
		ih_sha256_x2_one(&h->lane, h->carry, 1);
		h->fill = 0;
	}
	if (len - n >= IH_SHA256_BLOCK) {
		ih_sha256_x2_one(&h->lane, data + n, (len - n) / IH_SHA256_BLOCK);
		n += (len - n) / IH_SHA256_BLOCK * IH_SHA256_BLOCK;
	}
	h->fill = len - n;
	if (h->fill)
		memcpy(h->carry, data + n, h->fill);
}

static void lane_end(struct ih_hash *h, struct ih_digest *ret)
{
	size_t n = ih_sha256_x2_pad(h->carry + h->fill, h->fill, h->total);

	ih_sha256_x2_one(&h->lane, h->carry, (h->fill + n) / IH_SHA256_BLOCK);
	ih_sha256_lane_digest(&h->lane, ret->bytes);
	lane_start(h);
}

static int evp_start(struct ih_hash *h)
{
	/*
	 * Without this the library reads openssl.cnf, or whatever OPENSSL_CONF names, and loads the
	 * modules listed there: whoever sets our environment would run code in us.
	 */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		return -EOPNOTSUPP;
	h->ctx = EVP_MD_CTX_new();
	if (!h->ctx)
		return -ENOMEM;
	h->md = EVP_MD_fetch(NULL, algos[h->algo].openssl, NULL);
	if (!h->md || EVP_DigestInit_ex2(h->ctx, h->md, NULL) != 1)
		return -EOPNOTSUPP;
	return 0;
}

int ih_hash_new(enum ih_hash_algo algo, struct ih_hash **ret)
{
	_cleanup_(ih_cleanup_hash) struct ih_hash *h = NULL;
	int r = 0;

	if (!ih_hash_size(algo))
		return -EOPNOTSUPP;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->algo = algo;
	if (algo == IH_HASH_SHA256 && ih_sha256_x2_can())
		lane_start(h);
	else
		r = evp_start(h);
	if (r < 0)
		return r;

	*ret = TAKE_PTR(h);
	return 0;
}

int ih_hash_add(struct ih_hash *h, const void *data, size_t len)
{
	if (!h->md) {
		lane_add(h, data, len);
		return 0;
	}
	return EVP_DigestUpdate(h->ctx, data, len) == 1 ? 0 : -EIO;
}

int ih_hash_end(struct ih_hash *h, struct ih_digest *ret)
{
	struct ih_digest d = { .algo = h->algo };
	unsigned int n = 0;

	if (!h->md)
		lane_end(h, &d);
	else if (EVP_DigestFinal_ex(h->ctx, d.bytes, &n) != 1 || n != ih_hash_size(h->algo) ||
		 EVP_DigestInit_ex2(h->ctx, h->md, NULL) != 1)
		return -EIO;

	*ret = d;
	return 0;
}

void ih_hash_free(struct ih_hash *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	EVP_MD_free(h->md);
	free(h);
}

int ih_hash_once(enum ih_hash_algo algo, const void *data, size_t len, struct ih_digest *ret)
{
	_cleanup_(ih_cleanup_hash) struct ih_hash *h = NULL;
	int r;

	r = ih_hash_new(algo, &h);
	if (r < 0)
		return r;
	r = ih_hash_add(h, data, len);
	return r < 0 ? r : ih_hash_end(h, ret);
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int decode_hex(const char *text, uint8_t *ret, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

int ih_digest_decode(enum ih_hash_algo algo, const char *text, size_t len, struct ih_digest *ret)
{
	struct ih_digest d = { .algo = algo };
	size_t n = ih_hash_size(algo);
	int r;

	if (!n)
		return -EINVAL;
	r = len == 2 * n ? decode_hex(text, d.bytes, n) : ih_nix32_decode(text, len, d.bytes, n);
	if (r < 0)
		return r;

	*ret = d;
	return 0;
}

int ih_digest_parse(const char *text, size_t len, struct ih_digest *ret)
{
	const char *colon = memchr(text, ':', len);
	size_t n;

	if (!colon)
		return -EINVAL;
	n = (size_t)(colon - text);
	return ih_digest_decode(ih_hash_find(text, n), colon + 1, len - n - 1, ret);
}

void ih_digest_print(const struct ih_digest *d, char *ret)
{
	size_t n = ih_hash_size(d->algo);
	int at;

	at = snprintf(ret, IH_DIGEST_TEXT_SIZE, "%s:", ih_hash_name(d->algo));
	if (n)
		ih_nix32_encode(d->bytes, n, ret + at);
}

void ih_digest_hex(const struct ih_digest *d, char *ret)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = ih_hash_size(d->algo);

	for (size_t i = 0; i < n; i++) {
		ret[2 * i] = hex[d->bytes[i] >> 4];
		ret[2 * i + 1] = hex[d->bytes[i] & 15];
	}
	ret[2 * n] = '\0';
}
