/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables for common/text.c: quoting for a shell, numbers, UTF-8. */
#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "common/text.h"

struct quote_row {
	char name[32], in[16], out[32];
	size_t len;
};

static const struct quote_row quote_rows[] = {
	{ "plain", "bin/ok.sh", "bin/ok.sh", 9 },
	{ "empty", "", "''", 0 },
	{ "space", "a b", "'a b'", 3 },
	{ "quote", "it's", "'it'\\''s'", 4 },
	{ "dollar", "$x", "'$x'", 2 },
	{ "utf-8", "k\xc3\xa9", "'k\xc3\xa9'", 3 },
	{ "not utf-8", "k\xe9", "$'k\\xe9'", 2 },
	{ "escape", "\033[31m", "$'\\x1b[31m'", 5 },
	{ "newline", "a\nb", "$'a\\nb'", 3 },
	{ "nul", "a\0b", "$'a\\x00b'", 3 },
	{ "c1 control", "\xc2\x9b", "$'\\xc2\\x9b'", 2 },
};

Test(text, quote)
{
	for (size_t i = 0; i < sizeof(quote_rows) / sizeof(quote_rows[0]); i++) {
		const struct quote_row *row = &quote_rows[i];
		struct ih_text t = { 0 };

		cr_assert_eq(ih_text_quote(&t, row->in, row->len), 0, "%s", row->name);
		cr_expect_str_eq(ih_text_get(&t), row->out, "%s: got %s", row->name,
				 ih_text_get(&t));
		ih_text_done(&t);
	}
}

struct number_row {
	char text[32];
	uint64_t max, value;
	int error;
};

static const struct number_row number_rows[] = {
	{ "0", 10, 0, 0 },
	{ "10", 10, 10, 0 },
	{ "11", 10, 0, -ERANGE },
	{ "18446744073709551615", UINT64_MAX, UINT64_MAX, 0 },
	{ "18446744073709551616", UINT64_MAX, 0, -ERANGE },
	{ "", 10, 0, -EINVAL },
	{ "-1", 10, 0, -EINVAL },
	{ "+1", 10, 0, -EINVAL },
	{ " 1", 10, 0, -EINVAL },
	{ "1x", 10, 0, -EINVAL },
	{ "0x1", 10, 0, -EINVAL },
};

Test(text, parse_u64)
{
	for (size_t i = 0; i < sizeof(number_rows) / sizeof(number_rows[0]); i++) {
		const struct number_row *row = &number_rows[i];
		uint64_t n = 77;
		int r = ih_parse_u64(row->text, row->max, &n);

		cr_expect_eq(r, row->error, "'%s': returned %d", row->text, r);
		cr_expect_eq(n, row->error ? 77 : row->value, "'%s': value", row->text);
	}
}

struct utf8_row {
	char name[32], bytes[8];
	bool good;
};

static const struct utf8_row utf8_rows[] = {
	{ "ascii", "abc", true },
	{ "two bytes", "\xc3\xa9", true },
	{ "three bytes", "\xe2\x82\xac", true },
	{ "four bytes", "\xf0\x9f\x94\x92", true },
	{ "overlong two", "\xc0\xaf", false },
	{ "overlong three", "\xe0\x80\xaf", false },
	{ "overlong four", "\xf0\x80\x80\xaf", false },
	{ "surrogate", "\xed\xa0\x80", false },
	{ "above 10ffff", "\xf4\x90\x80\x80", false },
	{ "lone continuation", "\x80", false },
	{ "cut short", "\xe2\x82", false },
};

Test(text, utf8)
{
	for (size_t i = 0; i < sizeof(utf8_rows) / sizeof(utf8_rows[0]); i++)
		cr_expect_eq(ih_is_utf8(utf8_rows[i].bytes, strlen(utf8_rows[i].bytes)),
			     utf8_rows[i].good, "%s", utf8_rows[i].name);
}
