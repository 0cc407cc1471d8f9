/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Digest and checksum of images that are not in memory. */
#include "bootchain/pe_rope.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"

int ih_pe_rope_parse(const char *name, const struct ih_rope *rope, struct ih_pe *ret,
		     struct ih_diag *diag)
{
	struct ih_pe pe;
	int r;

	if (!rope->n || !rope->pieces[0].own)
		return ih_fail(diag, -EINVAL, "the headers of '%s' are not in memory", name);
	if (rope->len > IH_PE_SIZE_MAX)
		return ih_fail(diag, -EFBIG,
			       "'%s' has %llu bytes, more than an image may have (%u)", name,
			       (unsigned long long)rope->len, IH_PE_SIZE_MAX);
	r = ih_pe_parse_headers(
		name, (struct ih_bytes){ rope->pieces[0].own, (size_t)rope->pieces[0].len },
		(size_t)rope->len, &pe, diag);
	if (!r)
		r = ih_pe_covered(name, &pe, diag);
	if (!r)
		*ret = pe;
	return r;
}

uint64_t ih_pe_rope_sum(const uint8_t *data, size_t len, uint64_t offset)
{
	uint64_t sum = 0;

	if (offset % 2 && len) {
		sum = (uint64_t)*data++ << 8;
		len--;
	}
	sum += ih_pe_sum_words(data, len);
	return len % 2 ? sum + data[len - 1] : sum;
}

/* One reading: where it is, and what of it is left out of the digest. */
struct summing {
	const struct ih_pe *pe;
	struct ih_hash *hash;
	uint64_t at, sum;
	struct {
		uint64_t from, to;
	} skip[3];
};

/* Bytes up to the next border, and whether the digest has them. */
static size_t next_part(const struct summing *s, size_t len, bool *ret_hashed)
{
	uint64_t n = len;

	*ret_hashed = true;
	for (size_t i = 0; i < IH_ARRAY_SIZE(s->skip); i++) {
		uint64_t border = s->at < s->skip[i].from ? s->skip[i].from : s->skip[i].to;

		if (s->at >= s->skip[i].to)
			continue;
		*ret_hashed &= s->at < s->skip[i].from;
		if (border - s->at < n)
			n = border - s->at;
	}
	return (size_t)n;
}

static int take(void *self, const uint8_t *data, size_t len)
{
	struct summing *s = self;
	uint64_t headers = s->pe->headers_size;
	size_t before = s->at < headers ? (size_t)(headers - s->at) : 0;
	int r = 0;

	if (before < len)
		s->sum += ih_pe_rope_sum(data + before, len - before, s->at + before);
	while (len && !r) {
		bool hashed;
		size_t n = next_part(s, len, &hashed);

		if (hashed)
			r = ih_hash_add(s->hash, data, n);
		data += n;
		len -= n;
		s->at += n;
	}
	return r;
}

int ih_pe_rope_sums(const struct ih_rope *rope, const struct ih_pe *pe, struct ih_pe_sums *ret,
		    struct ih_diag *diag)
{
	static const uint8_t zeros[8];
	uint32_t checksum = ih_pe_checksum_offset(pe), entry = ih_pe_certificate_entry_offset(pe);
	uint64_t end = pe->certificates_size ? pe->certificates_offset : rope->len;
	_cleanup_(ih_cleanup_hash) struct ih_hash *hash = NULL;
	struct summing s = {
		.pe = pe,
		.skip = { { checksum, checksum + 4 }, { entry, entry + 8 }, { end, UINT64_MAX } },
	};
	struct ih_digest digest;
	int r;

	r = ih_hash_new(IH_HASH_SHA256, &hash);
	s.hash = hash;
	if (!r)
		r = ih_rope_read(rope, take, &s, diag);
	if (!r)
		r = ih_hash_add(hash, zeros, (8 - end % 8) % 8);
	if (!r)
		r = ih_hash_end(hash, &digest);
	if (r < 0)
		return r;
	memcpy(ret->digest, digest.bytes, IH_PE_DIGEST);
	ret->sum = s.sum;
	return 0;
}

void ih_pe_rope_finish(struct ih_rope *rope, const struct ih_pe *pe, uint64_t sum)
{
	uint8_t *headers = rope->pieces[0].own;
	uint8_t *field = headers + ih_pe_checksum_offset(pe);

	ih_put_le32(field, 0);
	sum += ih_pe_rope_sum(headers, pe->headers_size, 0);
	ih_put_le32(field, ih_pe_fold(sum, rope->len));
}
