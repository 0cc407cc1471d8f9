/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Extending registers, without a TPM. */
#include "bootchain/pcr.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"

static const struct {
	enum ih_hash_algo algo;
	uint16_t tpm_alg; /* TCG Algorithm Registry 1.32, table 3 */
} banks[IH_PCR_BANKS] = {
	{ IH_HASH_SHA1, 0x0004 },
	{ IH_HASH_SHA256, 0x000b },
	{ IH_HASH_SHA384, 0x000c },
	{ IH_HASH_SHA512, 0x000d },
};

enum ih_hash_algo ih_pcr_bank(uint16_t tpm_alg)
{
	for (size_t i = 0; i < IH_PCR_BANKS; i++)
		if (banks[i].tpm_alg == tpm_alg)
			return banks[i].algo;
	return IH_HASH_NONE;
}

uint16_t ih_pcr_tpm_alg(enum ih_hash_algo algo)
{
	for (size_t i = 0; i < IH_PCR_BANKS; i++)
		if (banks[i].algo == algo)
			return banks[i].tpm_alg;
	return 0;
}

enum ih_hash_algo ih_pcr_bank_at(size_t i)
{
	return i < IH_PCR_BANKS ? banks[i].algo : IH_HASH_NONE;
}

void ih_pcrs_reset(struct ih_pcrs *p, enum ih_hash_algo algo)
{
	*p = (struct ih_pcrs){ .algo = algo, .known = (1u << IH_PCRS) - 1 };
	/* Those of a dynamic launch that did not happen. */
	for (unsigned int i = 17; i <= 22; i++)
		memset(p->value[i], 0xff, ih_hash_size(algo));
}

int ih_pcr_extend(struct ih_pcrs *p, unsigned int pcr, const struct ih_digest *digest)
{
	size_t size = ih_hash_size(p->algo);
	uint8_t both[2 * IH_HASH_SIZE_MAX];
	struct ih_digest result;
	int r;

	if (pcr >= IH_PCRS)
		return -ERANGE;
	if (digest->algo != p->algo || !size)
		return -EINVAL;
	memcpy(both, p->value[pcr], size);
	memcpy(both + size, digest->bytes, size);
	r = ih_hash_once(p->algo, both, 2 * size, &result);
	if (!r)
		memcpy(p->value[pcr], result.bytes, size);
	return r;
}

int ih_pcr_measure(struct ih_pcrs *p, unsigned int pcr, const void *data, size_t len)
{
	struct ih_digest digest;
	int r;

	r = ih_hash_once(p->algo, data, len, &digest);
	return r < 0 ? r : ih_pcr_extend(p, pcr, &digest);
}

bool ih_pcr_equal(const struct ih_pcrs *a, const struct ih_pcrs *b, unsigned int pcr)
{
	return pcr < IH_PCRS && a->algo == b->algo && (a->known >> pcr & 1) &&
	       (b->known >> pcr & 1) &&
	       !memcmp(a->value[pcr], b->value[pcr], ih_hash_size(a->algo));
}

void ih_pcr_hex(const struct ih_pcrs *p, unsigned int pcr, char *ret)
{
	struct ih_digest digest = { .algo = p->algo };

	memcpy(digest.bytes, p->value[pcr], sizeof(digest.bytes));
	ih_digest_hex(&digest, ret);
}
