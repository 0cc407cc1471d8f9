/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unified kernel images: the table of stubs, and the layout of an image. */
#include "bootchain/uki.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bootchain/pe_rope.h"
#include "common/cleanup.h"

#define MAGIC_BEGIN "#### LoaderInfo: systemd-stub "
#define MAGIC_END   " ####"

/* IMAGE_SCN_CNT_INITIALIZED_DATA | IMAGE_SCN_MEM_READ */
#define FLAGS_DATA 0x40000040u

enum {
	PAGE = 0x1000,
	COFF_SYMBOLS = 8, /* PointerToSymbolTable, NumberOfSymbols */
	OPT_INITIALIZED = 8,
	OPT_IMAGE_SIZE = 56,
	OPT_HEADERS_SIZE = 60,
	DIRECTORY_DEBUG = 6,
	SIZE_LIMIT = IH_PE_SIZE_MAX,
};

/*
 * Rows are added, never changed: images outlive the stub that a machine has now. 252 and 262 were
 * measured in real boots; what lies between is read from systemd's source (src/fundamental/uki.h,
 * tpm-pcr.h before 256; src/boot/stub.c). .pcrsig is in none: it signs the result.
 */
static const struct ih_stub_rules stubs[] = {
	{ .since = 252,
	  .measured = { ".linux", ".osrel", ".cmdline", ".initrd", ".splash", ".dtb",
			".pcrpkey" } },
	{ .since = 254,
	  .measured = { ".linux", ".osrel", ".cmdline", ".initrd", ".splash", ".dtb", ".uname",
			".pcrpkey" },
	  .addons = true },
	{ .since = 255,
	  .measured = { ".linux", ".osrel", ".cmdline", ".initrd", ".splash", ".dtb", ".uname",
			".sbat", ".pcrpkey" },
	  .addons = true },
	{ .since = 256,
	  .measured = { ".linux", ".osrel", ".cmdline", ".initrd", ".ucode", ".splash", ".dtb",
			".uname", ".sbat", ".pcrpkey" },
	  .addons = true,
	  .confexts = true },
	{ .since = 257,
	  .measured = { ".linux", ".osrel", ".cmdline", ".initrd", ".ucode", ".splash", ".dtb",
			".uname", ".sbat", ".pcrpkey" },
	  .addons = true,
	  .confexts = true,
	  .os_release = true },
	{ .since = 258,
	  .measured = { ".linux", ".osrel", ".cmdline", ".initrd", ".ucode", ".splash", ".dtb",
			".uname", ".sbat", ".pcrpkey" },
	  .addons = true,
	  .confexts = true,
	  .os_release = true,
	  .global = true,
	  .boot_secret = true },
};
enum { STUB_NEWEST = 262 };

const struct ih_stub_rules *ih_stub_rules(unsigned int major)
{
	const struct ih_stub_rules *found = NULL;

	for (size_t i = 0; i < IH_ARRAY_SIZE(stubs); i++)
		if (stubs[i].since <= major)
			found = &stubs[i];
	return found;
}

int ih_stub_identify(const char *name, const struct ih_pe *pe, struct ih_stub *ret,
		     struct ih_diag *diag)
{
	const struct ih_pe_section *s = ih_pe_find(pe, ".sdmagic");
	struct ih_stub stub = { 0 };
	const char *begin, *end;
	struct ih_bytes text;
	size_t len;

	if (!s)
		return ih_fail(diag, -ENODATA,
			       "'%s' was not made with systemd's stub: it has no"
			       " section '.sdmagic'",
			       name);
	text = ih_pe_content(pe, s);
	begin = memmem(text.data, text.len, MAGIC_BEGIN, strlen(MAGIC_BEGIN));
	if (begin)
		begin += strlen(MAGIC_BEGIN);
	end = begin ? memmem(begin, text.len - (size_t)(begin - (const char *)text.data), MAGIC_END,
			     strlen(MAGIC_END))
		    : NULL;
	len = end ? (size_t)(end - begin) : 0;
	if (!len || len >= sizeof(stub.version) || !isdigit((unsigned char)*begin))
		return ih_fail(diag, -ENODATA, "the stub of '%s' does not say its version", name);

	memcpy(stub.version, begin, len);
	for (size_t i = 0; isdigit((unsigned char)stub.version[i]) && i < 6; i++)
		stub.major = stub.major * 10 + (unsigned int)(stub.version[i] - '0');
	stub.rules = ih_stub_rules(stub.major);
	stub.newer = stub.major > STUB_NEWEST;
	if (!stub.rules)
		return ih_fail(diag, -EOPNOTSUPP,
			       "the stub of '%s' is systemd-stub %s; before 252 it does not measure"
			       " its sections",
			       name, stub.version);
	*ret = stub;
	return 0;
}

int ih_uki_check(const char *name, const struct ih_pe *pe, struct ih_diag *diag)
{
	const struct ih_pe_section *linux_section = ih_pe_find(pe, ".linux");

	if (!linux_section || !ih_pe_content(pe, linux_section).len)
		return ih_fail(diag, -EBADMSG, "'%s' has no kernel in it (section '.linux')", name);
	for (unsigned int i = 0; i < pe->n_sections; i++) {
		const struct ih_pe_section *s = &pe->sections[i];

		if (ih_pe_find(pe, s->name) != s)
			return ih_fail(diag, -EBADMSG,
				       "'%s' has two sections '%s'; which of them counts is the"
				       " reader's choice",
				       name, s->name);
	}
	return 0;
}

/* An image under construction. */
struct layout {
	const char *name; /* of the stub */
	const struct ih_pe *stub;
	struct ih_uki_part *parts[IH_UKI_PARTS_MAX];
	size_t n_parts;
	const struct ih_pe_section *kept[IH_PE_SECTIONS_MAX];
	size_t n_kept;
	uint32_t headers_size;
	uint64_t file_size, image_size;
	struct ih_diag *diag;
};

static uint64_t align(uint64_t n, uint32_t to)
{
	return (n + to - 1) / to * to;
}

static int check_part(struct layout *l, const struct ih_uki_part *part)
{
	size_t len = strlen(part->name);

	if (len < 2 || len > IH_PE_NAME_MAX || part->name[0] != '.')
		return ih_fail(l->diag, -EINVAL, "'%s' cannot be the name of a section",
			       part->name);
	if (!part->content.len)
		return ih_fail(l->diag, -EINVAL, "section '%s' would be empty", part->name);
	if (part->content.len > SIZE_LIMIT)
		return ih_fail(l->diag, -EFBIG,
			       "section '%s' has %" PRIu64 " bytes, more than an image may"
			       " have",
			       part->name, part->content.len);
	if (strcmp(part->name, ".sbat") && ih_pe_find(l->stub, part->name))
		return ih_fail(l->diag, -EEXIST, "the stub '%s' has a section '%s' already",
			       l->name, part->name);
	return 0;
}

static int collect(struct layout *l, struct ih_uki_part *parts, size_t n)
{
	struct ih_uki_part *kernel = NULL;
	int r;

	if (n > IH_UKI_PARTS_MAX)
		return ih_fail(l->diag, -EINVAL, "%zu sections; at most %d can be added", n,
			       IH_UKI_PARTS_MAX);
	for (size_t i = 0; i < n; i++) {
		r = check_part(l, &parts[i]);
		if (r < 0)
			return r;
		for (size_t k = 0; k < i; k++)
			if (!strcmp(parts[k].name, parts[i].name))
				return ih_fail(l->diag, -EINVAL, "section '%s' is given twice",
					       parts[i].name);
		if (!strcmp(parts[i].name, ".linux"))
			kernel = &parts[i];
		else
			l->parts[l->n_parts++] = &parts[i];
	}
	if (!kernel)
		return ih_fail(l->diag, -EINVAL, "no kernel is given (section '.linux')");
	l->parts[l->n_parts++] = kernel;
	return 0;
}

static bool is_replaced(const struct layout *l, const struct ih_pe_section *s)
{
	for (size_t i = 0; i < l->n_parts; i++)
		if (!strcmp(l->parts[i]->name, s->name))
			return true;
	return false;
}

/* Which of the stub's sections stay, and how large everything gets. */
static int measure_layout(struct layout *l)
{
	const struct ih_pe *stub = l->stub;
	uint32_t first = UINT32_MAX, table;

	l->image_size = stub->headers_size;
	for (unsigned int i = 0; i < stub->n_sections; i++) {
		const struct ih_pe_section *s = &stub->sections[i];
		uint64_t end = (uint64_t)s->virtual_address + s->virtual_size;

		if (s->virtual_address < first)
			first = s->virtual_address;
		if (end > l->image_size)
			l->image_size = end;
		if (!is_replaced(l, s))
			l->kept[l->n_kept++] = s;
	}
	if (l->n_kept + l->n_parts > IH_PE_SECTIONS_MAX)
		return ih_fail(l->diag, -EINVAL, "%zu sections are too many for an image",
			       l->n_kept + l->n_parts);

	table = stub->sections_offset + (uint32_t)(l->n_kept + l->n_parts) * IH_PE_SECTION_HEADER;
	l->headers_size = table <= stub->headers_size
				  ? stub->headers_size
				  : (uint32_t)align(table, stub->file_alignment);
	if (l->headers_size > first)
		return ih_fail(l->diag, -EBADMSG,
			       "the header of the stub '%s' has no room for %zu more sections: its"
			       " first section lies at 0x%" PRIx32,
			       l->name, l->n_parts, first);
	return 0;
}

/* Offsets in a debug directory point into the file; moving what they point at would break them. */
static int check_debug(const struct layout *l)
{
	const uint8_t *entry = l->stub->data + l->stub->directories + DIRECTORY_DEBUG * 8;

	if (l->stub->n_directories <= DIRECTORY_DEBUG || !ih_le32(entry + 4) ||
	    l->headers_size == l->stub->headers_size)
		return 0;
	return ih_fail(
		l->diag, -EBADMSG,
		"the header of the stub '%s' has no room for %zu more sections, and it cannot"
		" grow because of its debug directory",
		l->name, l->n_parts);
}

static uint32_t section_alignment(const struct layout *l)
{
	return l->stub->section_alignment > PAGE ? l->stub->section_alignment : PAGE;
}

static int size_layout(struct layout *l)
{
	uint32_t file_align = l->stub->file_alignment;
	uint32_t section_align = section_alignment(l);

	l->file_size = l->headers_size;
	for (size_t i = 0; i < l->n_kept; i++)
		l->file_size = align(l->file_size + l->kept[i]->raw_size, file_align);
	for (size_t i = 0; i < l->n_parts; i++) {
		l->file_size = align(l->file_size + l->parts[i]->content.len, file_align);
		l->image_size = align(l->image_size, section_align) + l->parts[i]->content.len;
	}
	l->image_size = align(l->image_size, section_align);
	if (l->file_size > SIZE_LIMIT || l->image_size > SIZE_LIMIT)
		return ih_fail(l->diag, -EFBIG,
			       "the image would have %" PRIu64
			       " bytes, more than an image may have (%u)",
			       l->file_size, SIZE_LIMIT);
	return 0;
}

static void put_section(uint8_t *h, const struct ih_pe_section *s)
{
	memset(h, 0, IH_PE_SECTION_HEADER);
	memcpy(h, s->name, strlen(s->name));
	ih_put_le32(h + 8, s->virtual_size);
	ih_put_le32(h + 12, s->virtual_address);
	ih_put_le32(h + 16, s->raw_size);
	ih_put_le32(h + 20, s->raw_offset);
	ih_put_le32(h + 36, s->flags);
}

static void put_headers(const struct layout *l, uint8_t *out, uint32_t added)
{
	const struct ih_pe *stub = l->stub;
	uint8_t *opt = out + stub->optional;

	memcpy(out, stub->data, stub->sections_offset);
	ih_put_le16(out + stub->coff + 2, (uint16_t)(l->n_kept + l->n_parts));
	memset(out + stub->coff + COFF_SYMBOLS, 0, 8);
	ih_put_le32(opt + OPT_INITIALIZED, ih_le32(opt + OPT_INITIALIZED) + added);
	ih_put_le32(opt + OPT_IMAGE_SIZE, (uint32_t)l->image_size);
	ih_put_le32(opt + OPT_HEADERS_SIZE, l->headers_size);
	memset(out + ih_pe_certificate_entry_offset(stub), 0, 8);
}

/* The stub's own sections and their headers; returns where the next raw data lies. */
static int put_kept(const struct layout *l, uint8_t *headers, struct ih_rope *out)
{
	uint8_t *h = headers + l->stub->sections_offset;
	int r = 0;

	for (size_t i = 0; i < l->n_kept && !r; i++, h += IH_PE_SECTION_HEADER) {
		struct ih_pe_section s = *l->kept[i];

		s.raw_offset = s.raw_size ? (uint32_t)out->len : 0;
		r = ih_rope_add(out, l->stub->data + l->kept[i]->raw_offset, s.raw_size);
		if (!r)
			r = ih_rope_align(out, l->stub->file_alignment);
		if (s.raw_size)
			s.raw_size = (uint32_t)align(s.raw_size, l->stub->file_alignment);
		put_section(h, &s);
	}
	return r;
}

static uint64_t end_of_stub(const struct layout *l)
{
	uint64_t address = l->stub->headers_size;

	for (unsigned int i = 0; i < l->stub->n_sections; i++) {
		const struct ih_pe_section *s = &l->stub->sections[i];

		if ((uint64_t)s->virtual_address + s->virtual_size > address)
			address = (uint64_t)s->virtual_address + s->virtual_size;
	}
	return address;
}

static int put_parts(const struct layout *l, uint8_t *headers, struct ih_rope *out)
{
	uint8_t *h = headers + l->stub->sections_offset + l->n_kept * IH_PE_SECTION_HEADER;
	uint32_t file_align = l->stub->file_alignment;
	uint64_t address = end_of_stub(l);
	int r = 0;

	for (size_t i = 0; i < l->n_parts && !r; i++, h += IH_PE_SECTION_HEADER) {
		struct ih_rope *content = &l->parts[i]->content;
		struct ih_pe_section s = { .virtual_size = (uint32_t)content->len,
					   .raw_size = (uint32_t)align(content->len, file_align),
					   .raw_offset = (uint32_t)out->len,
					   .flags = FLAGS_DATA };

		memcpy(s.name, l->parts[i]->name, strlen(l->parts[i]->name));
		address = align(address, section_alignment(l));
		s.virtual_address = (uint32_t)address;
		address += content->len;
		put_section(h, &s);
		r = ih_rope_move(out, content);
		if (!r)
			r = ih_rope_align(out, file_align);
	}
	return r;
}

static int check_alignment(const struct layout *l)
{
	uint32_t f = l->stub->file_alignment, s = l->stub->section_alignment;

	if (f < 0x20 || f > 0x10000 || f & (f - 1) || !s || s > 0x200000 || s & (s - 1) ||
	    l->stub->headers_size % f)
		return ih_fail(l->diag, -EBADMSG,
			       "the stub '%s' has impossible alignments (file %" PRIu32
			       ", section %" PRIu32 ", headers %" PRIu32 ")",
			       l->name, f, s, l->stub->headers_size);
	return 0;
}

static int write_image(struct layout *l, struct ih_rope *ret)
{
	struct ih_rope out = { 0 };
	uint32_t added = 0;
	uint8_t *headers;
	struct ih_pe done;
	int r;

	headers = calloc(1, l->headers_size);
	if (!headers)
		return -ENOMEM;
	for (size_t i = 0; i < l->n_parts; i++)
		added += (uint32_t)align(l->parts[i]->content.len, l->stub->file_alignment);
	put_headers(l, headers, added);
	r = ih_rope_add_taken(&out, headers, l->headers_size);
	if (r < 0)
		return r;
	r = put_kept(l, headers, &out);
	if (!r)
		r = put_parts(l, headers, &out);
	if (!r)
		r = ih_pe_rope_parse(l->name, &out, &done, l->diag);
	if (r < 0) {
		ih_rope_done(&out);
		return r;
	}
	*ret = out;
	return 0;
}

int ih_uki_build(const char *stub_name, struct ih_bytes stub, struct ih_uki_part *parts, size_t n,
		 struct ih_rope *ret, struct ih_diag *diag)
{
	struct layout l = { .name = stub_name, .diag = diag };
	struct ih_pe pe;
	int r;

	r = ih_pe_parse(stub_name, stub.data, stub.len, &pe, diag);
	if (r < 0)
		return r;
	l.stub = &pe;
	r = check_alignment(&l);
	if (!r)
		r = collect(&l, parts, n);
	if (!r)
		r = measure_layout(&l);
	if (!r)
		r = check_debug(&l);
	if (!r)
		r = size_layout(&l);
	if (!r)
		r = write_image(&l, ret);
	return r;
}
