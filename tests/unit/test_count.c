/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables for bootchain/count.c: what names say, and what they become. */
#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "bootchain/count.h"

struct parse_row {
	char name[64];
	int error;
	bool counted;
	unsigned int left, done;
	enum ih_count_oddity oddity;
	enum ih_entry_state state;
};

static const struct parse_row parse_rows[] = {
	{ "foo.conf", 0, false, 0, 0, IH_COUNT_ORDINARY, IH_ENTRY_GOOD },
	{ "foo.efi", 0, false, 0, 0, IH_COUNT_ORDINARY, IH_ENTRY_GOOD },
	{ "foo+3.conf", 0, true, 3, 0, IH_COUNT_ORDINARY, IH_ENTRY_INDETERMINATE },
	{ "foo+2-1.efi", 0, true, 2, 1, IH_COUNT_ORDINARY, IH_ENTRY_INDETERMINATE },
	{ "foo+0-3.efi", 0, true, 0, 3, IH_COUNT_ORDINARY, IH_ENTRY_BAD },
	{ "foo+0.efi", 0, true, 0, 0, IH_COUNT_ORDINARY, IH_ENTRY_BAD },
	{ "foo+09-00.conf", 0, true, 9, 0, IH_COUNT_ORDINARY, IH_ENTRY_INDETERMINATE },
	{ "foo+00-03.conf", 0, true, 0, 3, IH_COUNT_ORDINARY, IH_ENTRY_BAD },
	{ "foo+3.CONF", 0, true, 3, 0, IH_COUNT_ORDINARY, IH_ENTRY_INDETERMINATE },
	{ "FOO+3.EfI", 0, true, 3, 0, IH_COUNT_ORDINARY, IH_ENTRY_INDETERMINATE },
	{ "a+1+2.conf", 0, true, 2, 0, IH_COUNT_ORDINARY, IH_ENTRY_INDETERMINATE },
	{ "a+5-1+2.conf", 0, true, 2, 0, IH_COUNT_ORDINARY, IH_ENTRY_INDETERMINATE },
	{ "+3.conf", 0, true, 3, 0, IH_COUNT_ORDINARY, IH_ENTRY_INDETERMINATE },
	{ "x+2147483647.efi", 0, true, 2147483647, 0, IH_COUNT_ORDINARY, IH_ENTRY_INDETERMINATE },
	{ "x+2147483648.efi", 0, false, 0, 0, IH_COUNT_TOO_LARGE, IH_ENTRY_GOOD },
	{ "x+1-2147483648.efi", 0, false, 0, 0, IH_COUNT_TOO_LARGE, IH_ENTRY_GOOD },
	{ "x+99999999999999999999999999.efi", 0, false, 0, 0, IH_COUNT_TOO_LARGE, IH_ENTRY_GOOD },
	{ "x+0000000000000000000000003.efi", 0, true, 3, 0, IH_COUNT_ORDINARY,
	  IH_ENTRY_INDETERMINATE },
	{ "gcc+libs.conf", 0, false, 0, 0, IH_COUNT_MALFORMED, IH_ENTRY_GOOD },
	{ "foo+.conf", 0, false, 0, 0, IH_COUNT_MALFORMED, IH_ENTRY_GOOD },
	{ "foo+3-.conf", 0, false, 0, 0, IH_COUNT_MALFORMED, IH_ENTRY_GOOD },
	{ "foo+-3.conf", 0, false, 0, 0, IH_COUNT_MALFORMED, IH_ENTRY_GOOD },
	{ "foo+3-1-2.conf", 0, false, 0, 0, IH_COUNT_MALFORMED, IH_ENTRY_GOOD },
	{ "foo+3x.conf", 0, false, 0, 0, IH_COUNT_MALFORMED, IH_ENTRY_GOOD },
	{ "foo+3.conf.conf", 0, false, 0, 0, IH_COUNT_MALFORMED, IH_ENTRY_GOOD },
	{ "foo+ 3.conf", 0, false, 0, 0, IH_COUNT_MALFORMED, IH_ENTRY_GOOD },
	{ "", -EINVAL, false, 0, 0, 0, 0 },
	{ ".conf", -EINVAL, false, 0, 0, 0, 0 },
	{ ".hidden.conf", -EINVAL, false, 0, 0, 0, 0 },
	{ "foo", -EINVAL, false, 0, 0, 0, 0 },
	{ "foo.conf.tmp", -EINVAL, false, 0, 0, 0, 0 },
	{ "foo+3", -EINVAL, false, 0, 0, 0, 0 },
	{ "auto-windows.conf", -EINVAL, false, 0, 0, 0, 0 },
	{ "AUTO-windows.conf", -EINVAL, false, 0, 0, 0, 0 },
	{ "a/b.conf", -EINVAL, false, 0, 0, 0, 0 },
	{ "a\\b.conf", -EINVAL, false, 0, 0, 0, 0 },
	{ "a\nb.conf", -EINVAL, false, 0, 0, 0, 0 },
};

Test(count, parse)
{
	for (size_t i = 0; i < sizeof(parse_rows) / sizeof(parse_rows[0]); i++) {
		const struct parse_row *row = &parse_rows[i];
		struct ih_count c = { 0 };

		cr_assert_eq(ih_count_parse(row->name, &c), row->error, "'%s'", row->name);
		if (row->error)
			continue;
		cr_expect_eq(c.counted, row->counted, "'%s' counted", row->name);
		cr_expect_eq(c.left, row->left, "'%s' left %u", row->name, c.left);
		cr_expect_eq(c.done, row->done, "'%s' done %u", row->name, c.done);
		cr_expect_eq(c.oddity, row->oddity, "'%s' oddity %d", row->name, c.oddity);
		cr_expect_eq(ih_count_state(&c), row->state, "'%s' state", row->name);
	}
}

Test(count, too_long)
{
	char name[IH_ENTRY_NAME_MAX + 2];
	char made[IH_ENTRY_NAME_MAX + 1];
	struct ih_count c;

	memset(name, 'x', sizeof(name));
	memcpy(name + IH_ENTRY_NAME_MAX - 5, ".conf", 6);
	cr_expect_eq(ih_count_parse(name, &c), 0);
	cr_expect_eq(ih_count_rename(name, IH_COUNT_ARM, 3, made), -ENAMETOOLONG);
	cr_expect_eq(ih_count_rename(name, IH_COUNT_GOOD, 0, made), 0);
	memset(name, 'x', sizeof(name));
	memcpy(name + IH_ENTRY_NAME_MAX - 4, ".conf", 6);
	cr_expect_eq(ih_count_parse(name, &c), -EINVAL);
}

Test(count, nobody_filled_in_is_bad)
{
	cr_expect_eq(IH_ENTRY_BAD, 0);
}

struct rename_row {
	char name[40];
	enum ih_count_change change;
	unsigned int tries;
	char want[40];
	int error;
};

static const struct rename_row rename_rows[] = {
	{ "foo+3.efi", IH_COUNT_BUMP, 0, "foo+2-1.efi", 0 },
	{ "foo+2-1.efi", IH_COUNT_BUMP, 0, "foo+1-2.efi", 0 },
	{ "foo+1-2.efi", IH_COUNT_BUMP, 0, "foo+0-3.efi", 0 },
	{ "foo+0-3.efi", IH_COUNT_BUMP, 0, "foo+0-4.efi", 0 },
	{ "foo+4-0.efi", IH_COUNT_BUMP, 0, "foo+3-1.efi", 0 },
	{ "foo+10-00.efi", IH_COUNT_BUMP, 0, "foo+9-1.efi", 0 },
	{ "foo+1-2147483647.efi", IH_COUNT_BUMP, 0, "foo+0-2147483647.efi", 0 },
	{ "foo.efi", IH_COUNT_BUMP, 0, "foo.efi", 0 },
	{ "Foo+3.CONF", IH_COUNT_BUMP, 0, "Foo+2-1.conf", 0 },
	{ "Foo+3.EFI", IH_COUNT_BUMP, 0, "Foo+2-1.efi", 0 },
	{ "Foo.CONF", IH_COUNT_BUMP, 0, "Foo.CONF", 0 },
	{ "g++.efi", IH_COUNT_BUMP, 0, "g++.efi", 0 },
	{ "Foo+2-1.CONF", IH_COUNT_GOOD, 0, "Foo.CONF", 0 },
	{ "foo.conf", IH_COUNT_GOOD, 0, "foo.conf", 0 },
	{ "a+1+2.conf", IH_COUNT_GOOD, 0, "a+1.conf", 0 },
	{ "foo+2-1.conf", IH_COUNT_BAD, 0, "foo+0-1.conf", 0 },
	{ "foo+02-01.conf", IH_COUNT_BAD, 0, "foo+0-1.conf", 0 },
	{ "foo+3.conf", IH_COUNT_BAD, 0, "foo+0.conf", 0 },
	{ "foo.conf", IH_COUNT_BAD, 0, "foo+0.conf", 0 },
	{ "foo.conf", IH_COUNT_ARM, 3, "foo+3.conf", 0 },
	{ "foo+0-3.conf", IH_COUNT_ARM, 2, "foo+2.conf", 0 },
	{ "foo+00-03.conf", IH_COUNT_ARM, 2, "foo+02-00.conf", 0 },
	{ "foo.conf", IH_COUNT_ARM, 0, "", -ERANGE },
	{ "foo.conf", IH_COUNT_ARM, 2147483648U, "", -ERANGE },
	{ "foo.conf", IH_COUNT_NONE, 0, "", -EINVAL },
	{ "foo.txt", IH_COUNT_GOOD, 0, "", -EINVAL },
	{ "+2-1.conf", IH_COUNT_GOOD, 0, "", -EINVAL },
	{ "+2-1.conf", IH_COUNT_BUMP, 0, "+1-2.conf", 0 },
};

Test(count, rename)
{
	for (size_t i = 0; i < sizeof(rename_rows) / sizeof(rename_rows[0]); i++) {
		const struct rename_row *row = &rename_rows[i];
		char got[IH_ENTRY_NAME_MAX + 1] = "";

		cr_expect_eq(ih_count_rename(row->name, row->change, row->tries, got), row->error,
			     "%s", row->name);
		cr_expect_str_eq(got, row->want, "%s became %s", row->name, got);
	}
}

struct same_row {
	char a[24], b[24];
	bool same;
};

static const struct same_row same_rows[] = {
	{ "foo.conf", "foo+3.conf", true },    { "foo+0-3.conf", "foo+2-1.conf", true },
	{ "foo.conf", "FOO+1.CONF", true },    { "foo.conf", "foo.efi", false },
	{ "foo.conf", "fo.conf", false },      { "foo+x.conf", "foo.conf", false },
	{ "foo.conf", "foo.conf.bak", false },
};

Test(count, same_entry)
{
	for (size_t i = 0; i < sizeof(same_rows) / sizeof(same_rows[0]); i++)
		cr_expect_eq(ih_count_same_entry(same_rows[i].a, same_rows[i].b), same_rows[i].same,
			     "%s %s", same_rows[i].a, same_rows[i].b);
}

Test(count, id)
{
	char id[IH_ENTRY_NAME_MAX + 1];

	cr_assert_eq(ih_count_id("Foo+2-1.EFI", id), 0);
	cr_expect_str_eq(id, "foo.efi");
	cr_expect_eq(ih_count_id("foo", id), -EINVAL);
}
