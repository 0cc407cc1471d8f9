/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PE/COFF: bounds first, then meaning. Nothing here trusts a number from the file twice. */
#include "bootchain/pe.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/cleanup.h"

/* Offsets in the COFF and optional headers ("PE Format"); PE32 and PE32+ agree up to 64. */
enum {
	DOS_LFANEW = 0x3c,
	DOS_SIZE = 0x40,
	COFF_SIZE = 20,
	OPT_SECTION_ALIGNMENT = 32,
	OPT_FILE_ALIGNMENT = 36,
	OPT_IMAGE_SIZE = 56,
	OPT_HEADERS_SIZE = 60,
	OPT_CHECKSUM = 64,
	OPT_SUBSYSTEM = 68,
	MAGIC_PE32 = 0x10b,
	MAGIC_PE32_PLUS = 0x20b,
	DIRECTORY_CERTIFICATES = 4,
	DIRECTORY_SIZE = 8,
};

struct reader {
	const char *name;
	const uint8_t *data;
	size_t size;
	size_t head; /* bytes that are in memory */
	struct ih_diag *diag;
};

static bool inside(size_t offset, size_t len, size_t size)
{
	return offset <= size && len <= size - offset;
}

static int parse_coff(const struct reader *in, struct ih_pe *pe, uint16_t *ret_optional_size)
{
	uint32_t lfanew;

	if (in->size > IH_PE_SIZE_MAX)
		return ih_fail(in->diag, -EFBIG,
			       "'%s' has %zu bytes, more than an image may have (%u)", in->name,
			       in->size, IH_PE_SIZE_MAX);
	if (in->head < DOS_SIZE || in->data[0] != 'M' || in->data[1] != 'Z')
		return ih_fail(in->diag, -EBADMSG,
			       "'%s' is no PE image: it does not begin with 'MZ'", in->name);

	lfanew = ih_le32(in->data + DOS_LFANEW);
	if (lfanew < DOS_SIZE || lfanew % 2 || !inside(lfanew, 4 + COFF_SIZE, in->head) ||
	    memcmp(in->data + lfanew, "PE\0", 4))
		return ih_fail(in->diag, -EBADMSG,
			       "'%s' is no PE image: there is no PE header at offset %" PRIu32,
			       in->name, lfanew);

	pe->coff = lfanew + 4;
	pe->machine = ih_le16(in->data + pe->coff);
	pe->n_sections = ih_le16(in->data + pe->coff + 2);
	pe->optional = pe->coff + COFF_SIZE;
	*ret_optional_size = ih_le16(in->data + pe->coff + 16);
	if (!pe->n_sections || pe->n_sections > IH_PE_SECTIONS_MAX)
		return ih_fail(in->diag, -EBADMSG, "'%s' claims %u sections; 1 to %u are possible",
			       in->name, pe->n_sections, IH_PE_SECTIONS_MAX);
	return 0;
}

static int parse_optional(const struct reader *in, struct ih_pe *pe, uint16_t optional_size)
{
	const uint8_t *opt = in->data + pe->optional;
	uint32_t fixed;
	uint16_t magic;

	if (!inside(pe->optional, optional_size, in->head) || optional_size < 2)
		return ih_fail(in->diag, -EBADMSG, "the optional header of '%s' is cut off",
			       in->name);
	magic = ih_le16(opt);
	if (magic != MAGIC_PE32 && magic != MAGIC_PE32_PLUS)
		return ih_fail(in->diag, -EBADMSG,
			       "the optional header of '%s' has magic 0x%x, neither PE32 nor PE32+",
			       in->name, magic);
	fixed = magic == MAGIC_PE32_PLUS ? 112 : 96;
	if (optional_size < fixed)
		return ih_fail(in->diag, -EBADMSG, "the optional header of '%s' is cut off",
			       in->name);

	pe->section_alignment = ih_le32(opt + OPT_SECTION_ALIGNMENT);
	pe->file_alignment = ih_le32(opt + OPT_FILE_ALIGNMENT);
	pe->image_size = ih_le32(opt + OPT_IMAGE_SIZE);
	pe->headers_size = ih_le32(opt + OPT_HEADERS_SIZE);
	pe->checksum = ih_le32(opt + OPT_CHECKSUM);
	pe->subsystem = ih_le16(opt + OPT_SUBSYSTEM);
	pe->n_directories = ih_le32(opt + fixed - 4);
	pe->directories = pe->optional + fixed;
	pe->sections_offset = pe->optional + optional_size;
	/*
	 * Firmware finds the certificate table through this entry. An image without the entry can
	 * be neither signed nor told from a signed one: edk2 refuses it too.
	 */
	if (pe->n_directories <= DIRECTORY_CERTIFICATES || pe->n_directories > 16 ||
	    pe->n_directories * DIRECTORY_SIZE > optional_size - fixed)
		return ih_fail(
			in->diag, -EBADMSG,
			"'%s' has %" PRIu32
			" data directories in its header, so that no signature can be attached",
			in->name, pe->n_directories);
	return 0;
}

static int parse_sections(const struct reader *in, struct ih_pe *pe)
{
	size_t table = (size_t)pe->n_sections * IH_PE_SECTION_HEADER;

	if (!inside(pe->sections_offset, table, in->head) ||
	    pe->headers_size < pe->sections_offset + table || pe->headers_size > in->head)
		return ih_fail(in->diag, -EBADMSG,
			       "the headers of '%s' (SizeOfHeaders %" PRIu32
			       ") do not hold its table of %u sections",
			       in->name, pe->headers_size, pe->n_sections);

	for (unsigned int i = 0; i < pe->n_sections; i++) {
		const uint8_t *h = in->data + pe->sections_offset + i * IH_PE_SECTION_HEADER;
		struct ih_pe_section *s = &pe->sections[i];

		memcpy(s->name, h, IH_PE_NAME_MAX);
		s->name[IH_PE_NAME_MAX] = '\0';
		s->virtual_size = ih_le32(h + 8);
		s->virtual_address = ih_le32(h + 12);
		s->raw_size = ih_le32(h + 16);
		s->raw_offset = ih_le32(h + 20);
		s->flags = ih_le32(h + 36);
		if (!s->raw_size)
			continue;
		if (s->raw_offset < pe->headers_size ||
		    !inside(s->raw_offset, s->raw_size, in->size))
			return ih_fail(in->diag, -EBADMSG,
				       "section %u ('%s') of '%s' lies at %" PRIu32 "+%" PRIu32
				       ", outside the file or in its headers",
				       i, s->name, in->name, s->raw_offset, s->raw_size);
		if (s->raw_offset + s->raw_size > pe->content_end)
			pe->content_end = s->raw_offset + s->raw_size;
	}
	if (pe->content_end < pe->headers_size)
		pe->content_end = pe->headers_size;
	return 0;
}

/* Indexes of sections with raw data, by file offset. At most 96: insertion sort. */
static unsigned int by_offset(const struct ih_pe *pe, unsigned char order[IH_PE_SECTIONS_MAX])
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < pe->n_sections; i++) {
		unsigned int k = n;

		if (!pe->sections[i].raw_size)
			continue;
		for (; k && pe->sections[order[k - 1]].raw_offset > pe->sections[i].raw_offset; k--)
			order[k] = order[k - 1];
		order[k] = (unsigned char)i;
		n++;
	}
	return n;
}

static int check_overlap(const struct reader *in, const struct ih_pe *pe)
{
	unsigned char order[IH_PE_SECTIONS_MAX];
	unsigned int n = by_offset(pe, order);

	for (unsigned int i = 1; i < n; i++) {
		const struct ih_pe_section *a = &pe->sections[order[i - 1]];
		const struct ih_pe_section *b = &pe->sections[order[i]];

		if (a->raw_offset + a->raw_size > b->raw_offset)
			return ih_fail(in->diag, -EBADMSG,
				       "sections '%s' and '%s' of '%s' overlap in the file",
				       a->name, b->name, in->name);
	}
	return 0;
}

static int parse_certificates(const struct reader *in, struct ih_pe *pe)
{
	const uint8_t *entry = in->data + ih_pe_certificate_entry_offset(pe);
	uint32_t offset = ih_le32(entry), size = ih_le32(entry + 4);

	if (!offset && !size)
		return 0;
	/*
	 * A table in the middle would leave bytes behind it that no digest covers, and which
	 * another reader may take for content.
	 */
	if (offset < pe->content_end || offset % 8 || !inside(offset, size, in->size) ||
	    offset + size != in->size || size < 8)
		return ih_fail(in->diag, -EBADMSG,
			       "the certificate table of '%s' (%" PRIu32 "+%" PRIu32
			       ") is not the aligned end of the file (%zu bytes)",
			       in->name, offset, size, in->size);
	pe->certificates_offset = offset;
	pe->certificates_size = size;
	return 0;
}

int ih_pe_parse_headers(const char *name, struct ih_bytes headers, size_t size, struct ih_pe *ret,
			struct ih_diag *diag)
{
	const struct reader in = { name, headers.data, size, headers.len, diag };
	struct ih_pe pe = { .data = headers.data, .size = size };
	uint16_t optional_size = 0;
	int r;

	r = parse_coff(&in, &pe, &optional_size);
	if (!r)
		r = parse_optional(&in, &pe, optional_size);
	if (!r)
		r = parse_sections(&in, &pe);
	if (!r)
		r = check_overlap(&in, &pe);
	if (!r)
		r = parse_certificates(&in, &pe);
	if (r < 0)
		return r;

	*ret = pe;
	return 0;
}

int ih_pe_parse(const char *name, const void *data, size_t size, struct ih_pe *ret,
		struct ih_diag *diag)
{
	return ih_pe_parse_headers(name, (struct ih_bytes){ data, size }, size, ret, diag);
}

const struct ih_pe_section *ih_pe_find(const struct ih_pe *pe, const char *name)
{
	for (unsigned int i = 0; i < pe->n_sections; i++)
		if (!strcmp(pe->sections[i].name, name))
			return &pe->sections[i];
	return NULL;
}

struct ih_bytes ih_pe_content(const struct ih_pe *pe, const struct ih_pe_section *section)
{
	uint32_t len = section->raw_size;

	if (!len)
		return (struct ih_bytes){ pe->data, 0 };
	if (section->virtual_size < len)
		len = section->virtual_size;
	return (struct ih_bytes){ pe->data + section->raw_offset, len };
}

uint32_t ih_pe_checksum_offset(const struct ih_pe *pe)
{
	return pe->optional + OPT_CHECKSUM;
}

uint32_t ih_pe_certificate_entry_offset(const struct ih_pe *pe)
{
	return pe->directories + DIRECTORY_CERTIFICATES * DIRECTORY_SIZE;
}

int ih_pe_covered(const char *name, const struct ih_pe *pe, struct ih_diag *diag)
{
	unsigned char order[IH_PE_SECTIONS_MAX];
	unsigned int n = by_offset(pe, order);
	uint32_t end = pe->headers_size;
	const char *before = "the headers";

	for (unsigned int i = 0; i < n; i++) {
		const struct ih_pe_section *s = &pe->sections[order[i]];

		if (s->raw_offset != end)
			return ih_fail(diag, -EBADMSG,
				       "%" PRIu32 " bytes at offset %" PRIu32
				       " of '%s', between %s and"
				       " section '%s', are covered by no signature",
				       s->raw_offset - end, end, name, before, s->name);
		end = s->raw_offset + s->raw_size;
		before = s->name;
	}
	return 0;
}

static int hash_image(const struct ih_pe *pe, enum ih_hash_algo algo, bool pad,
		      struct ih_digest *ret)
{
	static const uint8_t zeros[8];
	uint32_t checksum = ih_pe_checksum_offset(pe);
	uint32_t entry = ih_pe_certificate_entry_offset(pe);
	size_t end = pe->certificates_size ? pe->certificates_offset : pe->size;
	unsigned char order[IH_PE_SECTIONS_MAX];
	unsigned int n = by_offset(pe, order);
	_cleanup_(ih_cleanup_hash) struct ih_hash *hash = NULL;
	size_t done = pe->headers_size;
	int r;

	r = ih_hash_new(algo, &hash);
	if (r < 0)
		return r;
	r = ih_hash_add(hash, pe->data, checksum);
	if (!r)
		r = ih_hash_add(hash, pe->data + checksum + 4, entry - checksum - 4);
	if (!r)
		r = ih_hash_add(hash, pe->data + entry + 8, pe->headers_size - entry - 8);
	for (unsigned int i = 0; i < n && !r; i++) {
		const struct ih_pe_section *s = &pe->sections[order[i]];

		r = ih_hash_add(hash, pe->data + s->raw_offset, s->raw_size);
		done += s->raw_size;
	}
	/* As firmware counts: the rest begins where the sum of what was hashed ends. */
	if (!r && end > done)
		r = ih_hash_add(hash, pe->data + done, end - done);
	if (!r && pad)
		r = ih_hash_add(hash, zeros, (8 - end % 8) % 8);
	if (!r)
		r = ih_hash_end(hash, ret);
	return r;
}

int ih_pe_hash(const struct ih_pe *pe, enum ih_hash_algo algo, struct ih_digest *ret)
{
	return hash_image(pe, algo, false, ret);
}

int ih_pe_digest(const struct ih_pe *pe, uint8_t ret[IH_PE_DIGEST])
{
	struct ih_digest digest;
	int r;

	r = hash_image(pe, IH_HASH_SHA256, !pe->certificates_size, &digest);
	if (!r)
		memcpy(ret, digest.bytes, IH_PE_DIGEST);
	return r;
}

/* Sum of sixteen-bit words, not folded: four at a time, since carries are folded in the end anyway.
 */
uint64_t ih_pe_sum_words(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;
	size_t i = 0;

	for (; i + 8 <= len; i += 8) {
		sum += ih_le32(p + i);
		sum += ih_le32(p + i + 4);
	}
	for (; i + 1 < len; i += 2)
		sum += ih_le16(p + i);
	return sum;
}

uint32_t ih_pe_fold(uint64_t sum, uint64_t size)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)sum + (uint32_t)size;
}

uint32_t ih_pe_checksum(const struct ih_pe *pe)
{
	uint32_t skip = ih_pe_checksum_offset(pe);
	uint32_t behind = skip + 4;
	uint64_t sum = 0;

	/* Sixteen-bit one's-complement sum; the checksum's own four bytes count as zero. */
	if (skip % 2 == 0) {
		sum = ih_pe_sum_words(pe->data, skip) +
		      ih_pe_sum_words(pe->data + behind, pe->size - behind);
	} else {
		for (size_t i = 0; i + 1 < pe->size; i += 2)
			sum += i - (size_t)skip < 4 ? 0 : ih_le16(pe->data + i);
	}
	if (pe->size % 2)
		sum += pe->data[pe->size - 1];
	return ih_pe_fold(sum, pe->size);
}
