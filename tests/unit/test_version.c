/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables for bootchain/version.c: the order of versions, the patterns of loader.conf. */
#include <criterion/criterion.h>

#include "bootchain/version.h"

struct version_row {
	char older[40], newer[40];
};

/* UAPI.10's own list first, then one row for each rule. */
static const struct version_row version_rows[] = {
	{ "122.1", "123~rc1-1" },
	{ "123~rc1-1", "123" },
	{ "123", "123-a" },
	{ "123-a", "123-a.1" },
	{ "123-a.1", "123-1" },
	{ "123-1", "123-1.1" },
	{ "123-1.1", "123^post1" },
	{ "123^post1", "123.a-1" },
	{ "123.a-1", "123.1-1" },
	{ "123.1-1", "123a-1" },
	{ "123a-1", "124-1" },
	{ "", "1" },
	{ "~", "" },
	{ "1~", "1" },
	{ "a", "1" },
	{ "A", "a" },
	{ "a", "aa" },
	{ "a b", "ab" }, /* two segments */
	{ "9", "10" },
	{ "09", "10" },
	{ "99999999999999999999998", "99999999999999999999999" },
	{ "9999999999", "99999999999999999999999" },
	{ "1.9", "1.10" },
	{ "generation-9", "generation-10" },
	{ "Generation 99 x", "Generation 100 a" },
	{ "x+2-1.efi", "x+3.efi" },
};

static const struct version_row equal_rows[] = {
	{ "", "" },	      { "1", "1" },  { "01", "1" },	{ "123_a", "123a" },
	{ "1\xc3\xa9", "1" }, { "0", "00" }, { "1.0", "1.00" }, { "___", "" },
};

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

Test(version, order)
{
	for (size_t i = 0; i < sizeof(version_rows) / sizeof(version_rows[0]); i++) {
		const struct version_row *r = &version_rows[i];

		cr_expect_eq(sign(ih_version_compare(r->older, r->newer)), -1, "%s < %s", r->older,
			     r->newer);
		cr_expect_eq(sign(ih_version_compare(r->newer, r->older)), 1, "%s > %s", r->newer,
			     r->older);
		cr_expect_eq(ih_version_compare(r->older, r->older), 0, "%s", r->older);
	}
	cr_expect_eq(ih_version_compare(NULL, NULL), 0);
	cr_expect_lt(ih_version_compare(NULL, "1"), 0);
}

Test(version, equal)
{
	for (size_t i = 0; i < sizeof(equal_rows) / sizeof(equal_rows[0]); i++) {
		const struct version_row *r = &equal_rows[i];

		cr_expect_eq(ih_version_compare(r->older, r->newer), 0, "'%s' = '%s'", r->older,
			     r->newer);
	}
}

struct glob_row {
	char pattern[40], text[40];
	bool match;
};

static const struct glob_row glob_rows[] = {
	{ "", "", true },
	{ "", "a", false },
	{ "a.conf", "a.conf", true },
	{ "a.conf", "a.confx", false },
	{ "a.conf", "xa.conf", false },
	{ "*", "", true },
	{ "*", "anything", true },
	{ "ihard-*", "ihard-abc+3.efi", true },
	{ "ihard-*", "nixos-abc.efi", false },
	{ "*.efi", "a.conf.efi", true },
	{ "*.efi", "a.efi.conf", false },
	{ "a*b*c", "abbbc", true },
	{ "a*b*c", "acb", false },
	{ "*ab", "aab", true },
	{ "*aab", "aaab", true },
	{ "**a**", "ba", true },
	{ "?", "a", true },
	{ "?", "", false },
	{ "a?c", "abc", true },
	{ "foo+[1-9].conf", "foo+3.conf", true },
	{ "foo+[1-9].conf", "foo+0.conf", false },
	{ "[abc]", "b", true },
	{ "[abc]", "d", false },
	{ "[]a]", "]", true },
	{ "[]a]", "a", true },
	{ "[a-]", "-", true },
	{ "[-a]", "-", true },
	{ "[a-c-f]", "e", false },
	{ "[a-c-f]", "-", true },
	{ "[a-c-f]", "f", true },
	{ "[!a]", "b", false },
	{ "[!a]", "!", true },
	{ "[a", "a", false },
	{ "[", "[", false },
	{ "[a\\]]", "]", true },
	{ "\\*", "*", true },
	{ "\\*", "a", false },
	{ "a\\", "a", false },
};

Test(version, glob)
{
	for (size_t i = 0; i < sizeof(glob_rows) / sizeof(glob_rows[0]); i++) {
		const struct glob_row *r = &glob_rows[i];

		cr_expect_eq(ih_glob_match(r->pattern, r->text), r->match, "'%s' against '%s'",
			     r->pattern, r->text);
	}
}
