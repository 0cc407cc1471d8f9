/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sentences of policy/grammar_compile.c: each slip in a grammar file is named and placed. */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "policy/grammar_compile.h"

static const struct row {
	char text[160];
	char sentence[64]; /* part of it; "": compiles */
} rows[] = {
	{ "{ 'name': 'x', 'programs': ['x'], 'nothing': ['none'] }", "" },
	{ "{ 'programs': ['x'] }", "has no 'name'" },
	{ "{ 'name': 'x', 'frob': 1 }", "frob" },
	{ "{ 'name': 'x', 'programs': 'x' }", "must be a list" },
	{ "{ 'name': 'x', 'programs': [''] }", "must not be empty" },
	{ "{ 'name': 'x', 'styles': ['loud'] }", "there is no style 'loud'" },
	{ "{ 'name': 'x', 'include': ['y'] }", "there is no grammar 'y'" },
	{ "{ 'name': 'x', 'include': ['x'] }", "at most" },
	{ "{ 'name': 'x', 'options': [] }", "must be an object" },
	{ "{ 'name': 'x', 'options': { '-a': 'frob' } }", "there is no word 'frob' here" },
	{ "{ 'name': 'x', 'options': { '-a': 1 } }", "must be a role or an object" },
	{ "{ 'name': 'x', 'options': { '-a -a': 'info' } }", "'-a' is there twice" },
	{ "{ 'name': 'x', 'options': { '-a': { 'rule': 'info' } } }", "no member 'rule' here" },
	{ "{ 'name': 'x', 'options': { '-a': { 'value': 'info' } } }", "no word 'info' here" },
	{ "{ 'name': 'x', 'options': { '-a': 'keyed' } }", "needs the member 'keys'" },
	{ "{ 'name': 'x', 'options': { '-a': { 'keys': 'y' } } }", "no grammar or table 'y'" },
	{ "{ 'name': 'x', 'options': { '-a': { 'set': 'y' } } }", "must be a list of flags" },
	{ "{ 'name': 'x', 'options': { '-a': { 'role': 'path', 'separator': 'abc' } } }",
	  "must be one or two characters" },
	{ "{ 'name': 'x', 'operands': ['subcommand'] }", "needs 'select'" },
	{ "{ 'name': 'x', 'operands': {} }", "must be a list of at most" },
	{ "{ 'name': 'x', 'parts': [] }", "must be an object" },
	{ "{ 'name': '_common' }", "cannot declare '_common'" },
	{ "{ 'name': 'x'", "x.json" },
};

static int compile(const char *quoted, struct ih_diag *diag)
{
	static const char common[] = "{ \"name\": \"_common\" }";
	char text[sizeof(rows[0].text)];
	struct ih_grammar_source sources[2] = {
		{ "_common.json", common, sizeof(common) - 1 },
		{ "x.json", text, strlen(quoted) },
	};
	struct ih_text bytes = { 0 };
	int r;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(quoted[i] == '\'' ? '"' : quoted[i]);
	r = ih_grammar_compile(sources, 2, &bytes, diag);
	ih_text_done(&bytes);
	return r;
}

Test(grammar_compile, sentences)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ih_diag diag = { 0 };
		int r = compile(rows[i].text, &diag);

		if (!rows[i].sentence[0]) {
			cr_expect_eq(r, 0, "row %zu: %s", i, diag.text);
			continue;
		}
		cr_expect_eq(r, -EBADMSG, "row %zu: %d", i, r);
		cr_expect(strstr(diag.text, rows[i].sentence), "row %zu: '%s', not '%s'", i,
			  diag.text, rows[i].sentence);
		cr_expect(strstr(diag.text, "x.json"), "row %zu names no file: %s", i, diag.text);
	}
}

Test(grammar_compile, needs_common)
{
	struct ih_grammar_source one = { "x.json", "{ \"name\": \"x\" }", 15 };
	struct ih_text bytes = { 0 };
	struct ih_diag diag = { 0 };

	cr_expect_eq(ih_grammar_compile(&one, 1, &bytes, &diag), -EBADMSG);
	cr_expect(strstr(diag.text, "there is no '_common.json'"), "%s", diag.text);
	ih_text_done(&bytes);
}
