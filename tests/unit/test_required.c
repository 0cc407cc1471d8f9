/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables for policy/required.c. */
#include <criterion/criterion.h>

#include <string.h>

#include "common/text.h"
#include "policy/required.h"

static const struct row {
	char text[64];
	char want[64]; /* each in <> */
	enum ih_required_style style;
} rows[] = {
	{ "", "" },
	{ "local m = require 'mymod'", "<mymod>" },
	{ "require(\"a.b\")", "<a/b>" },
	{ "require [[x]] require( 'y' )", "<x><y>" },
	{ "require\n\t'z'", "<z>" },
	{ "pcall(require, 'x')", "" },
	{ "require(name)", "" },
	{ "require 'open", "" },
	{ "require ''", "" },
	{ "require", "" },
	{ "require [", "" },
	{ "requirerequire'q'", "<q>" },
	{ "", "", IH_REQUIRED_JAVA },
	{ "a.b.C x=new D$1();", "<a><b><C><x><new><D$1>", IH_REQUIRED_JAVA },
	{ "\"in text\" // and comments", "<in><text><and><comments>", IH_REQUIRED_JAVA },
	{ "+-*/", "", IH_REQUIRED_JAVA },
	{ "\u00e9t\u00e9", "<\u00e9t\u00e9>", IH_REQUIRED_JAVA },
};

Test(required, rows)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ih_required r = { rows[i].text, rows[i].text + strlen(rows[i].text),
					 rows[i].style };
		struct ih_text got = { 0 };
		char name[IH_REQUIRED_NAME_MAX];

		while (ih_required_next(&r, name))
			(void)ih_text_addf(&got, "<%s>", name);
		cr_expect_str_eq(ih_text_get(&got), rows[i].want, "row %zu: %s", i,
				 ih_text_get(&got));
		ih_text_done(&got);
	}
}

Test(required, long_name)
{
	char text[IH_REQUIRED_NAME_MAX + 32] = "require '", name[IH_REQUIRED_NAME_MAX];
	struct ih_required r = { text, text + sizeof(text), IH_REQUIRED_LUA };

	memset(text + 9, 'x', sizeof(text) - 9);
	text[9 + IH_REQUIRED_NAME_MAX] = '\'';
	cr_expect_not(ih_required_next(&r, name), "one byte too long");
	r.at = text;
	text[9 + IH_REQUIRED_NAME_MAX - 1] = '\'';
	cr_expect(ih_required_next(&r, name));
	cr_expect_eq(strlen(name), IH_REQUIRED_NAME_MAX - 1);
}
