/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PE headers that lie, one field at a time. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>

#include "tests/unit/image.h"

struct patch {
	char name[48];
	unsigned int offset, size;
	uint32_t value;
	int expect;
	char sentence[64];
};

static struct patch patches[] = {
	{ "untouched", 0, 2, 'M' | 'Z' << 8, 0, "" },
	{ "no MZ", 0, 2, 0, -EBADMSG, "does not begin with 'MZ'" },
	{ "header outside", 0x3c, 4, 0xfffffff0, -EBADMSG, "no PE header at offset" },
	{ "header in the DOS header", 0x3c, 4, 0, -EBADMSG, "no PE header" },
	{ "no sections", IMAGE_LFANEW + 6, 2, 0, -EBADMSG, "claims 0 sections" },
	{ "97 sections", IMAGE_LFANEW + 6, 2, 97, -EBADMSG, "claims 97 sections" },
	{ "more sections than room", IMAGE_LFANEW + 6, 2, 40, -EBADMSG, "do not hold its table" },
	{ "optional header cut", IMAGE_LFANEW + 20, 2, 0xffff, -EBADMSG, "cut off" },
	{ "optional header empty", IMAGE_LFANEW + 20, 2, 0, -EBADMSG, "cut off" },
	{ "magic", IMAGE_OPTIONAL, 2, 0x107, -EBADMSG, "magic 0x107" },
	{ "no certificate entry", IMAGE_OPTIONAL + 108, 4, 4, -EBADMSG, "4 data directories" },
	{ "four thousand directories", IMAGE_OPTIONAL + 108, 4, 4096, -EBADMSG, "4096 data dir" },
	{ "headers behind the file", IMAGE_OPTIONAL + 60, 4, 0x10000, -EBADMSG, "SizeOfHeaders" },
	{ "headers too short", IMAGE_OPTIONAL + 60, 4, 0x80, -EBADMSG, "SizeOfHeaders 128" },
	{ "section behind the file", IMAGE_SECTIONS + 20, 4, 0x7fffff00, -EBADMSG, "outside" },
	{ "section size wraps", IMAGE_SECTIONS + 16, 4, 0xfffffe00, -EBADMSG, "outside" },
	{ "section in the headers", IMAGE_SECTIONS + 20, 4, 0, -EBADMSG, "in its headers" },
	{ "sections overlap", IMAGE_SECTIONS + 16, 4, 0x600, -EBADMSG, "overlap" },
	{ "certificates inside", IMAGE_OPTIONAL + 144, 4, 0x400, -EBADMSG, "aligned end" },
	{ "certificates, size only", IMAGE_OPTIONAL + 148, 4, 8, -EBADMSG, "aligned end" },
};

ParameterizedTestParameters(pe, headers_that_lie)
{
	return cr_make_param_array(struct patch, patches, IH_ARRAY_SIZE(patches));
}

ParameterizedTest(struct patch *p, pe, headers_that_lie)
{
	struct ih_image image = image_make("x");
	struct ih_diag diag = { "" };
	struct ih_pe pe;
	int r;

	if (p->size == 2)
		ih_put_le16(image.data + p->offset, (uint16_t)p->value);
	else
		ih_put_le32(image.data + p->offset, p->value);
	r = ih_pe_parse("x.efi", image.data, image.len, &pe, &diag);
	cr_assert_eq(r, p->expect, "%s: %d, %s", p->name, r, diag.text);
	cr_assert(strstr(diag.text, p->sentence), "%s: %s", p->name, diag.text);
	free(image.data);
}

Test(pe, a_gap_is_named)
{
	struct ih_image image = image_make("x");
	struct ih_diag diag = { "" };
	struct ih_pe pe;

	cr_assert_eq(ih_pe_parse("x.efi", image.data, image.len, &pe, &diag), 0);
	cr_assert_eq(ih_pe_covered("x.efi", &pe, &diag), 0);
	ih_put_le32(image.data + IMAGE_SECTIONS + 16, 0x200);
	cr_assert_eq(ih_pe_parse("x.efi", image.data, image.len, &pe, &diag), 0);
	cr_assert_eq(ih_pe_covered("x.efi", &pe, &diag), -EBADMSG);
	cr_assert(strstr(diag.text, "512 bytes at offset 1536"), "%s", diag.text);
	free(image.data);
}

Test(pe, content_is_what_is_in_file_and_memory)
{
	struct ih_image image = image_make("magic");
	struct ih_bytes bytes;
	struct ih_pe pe;

	cr_assert_eq(ih_pe_parse("x.efi", image.data, image.len, &pe, NULL), 0);
	bytes = ih_pe_content(&pe, ih_pe_find(&pe, ".sdmagic"));
	cr_assert_eq(bytes.len, 6);
	cr_assert_arr_eq(bytes.data, "magic", 6);
	cr_assert_null(ih_pe_find(&pe, ".linux"));
	free(image.data);
}
