/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables for cli/options.c: what is taken, what is refused and with which sentence. */
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include "cli/options.h"
#include "cli/verbs.h"

enum { OPT_JSON, OPT_POLICY, OPT_ENV };

static const struct ih_option table[] = {
	[OPT_JSON] = { "json", NULL, "machine readable", false },
	[OPT_POLICY] = { "policy", "FILE", "the policy", false },
	[OPT_ENV] = { "env", "NAME=VALUE", "a variable", true },
};

struct row {
	char name[32];
	char argv[6][24];
	int steps[4]; /* what ih_options_next() gives, up to a negative one */
	int operand;
	char sentence[96];
};

static const struct row rows[] = {
	{ "nothing", { "check" }, { IH_OPTIONS_END }, 1, "" },
	{ "flag", { "check", "--json", "x" }, { OPT_JSON, IH_OPTIONS_END }, 2, "" },
	{ "value apart", { "check", "--policy", "p", "x" }, { OPT_POLICY, IH_OPTIONS_END }, 3, "" },
	{ "value attached", { "check", "--policy=p", "x" }, { OPT_POLICY, IH_OPTIONS_END }, 2, "" },
	{ "operand ends options", { "check", "x", "--json" }, { IH_OPTIONS_END }, 1, "" },
	{ "dashes end options", { "check", "--", "--json" }, { IH_OPTIONS_END }, 2, "" },
	{ "repeat where allowed",
	  { "check", "--env", "A=1", "--env=B=2" },
	  { OPT_ENV, OPT_ENV, IH_OPTIONS_END },
	  4,
	  "" },
	{ "twice",
	  { "check", "--json", "--json" },
	  { OPT_JSON, IH_OPTIONS_ERROR },
	  0,
	  "ihard check: option '--json' is given twice; it can only be given once\n" },
	{ "unknown",
	  { "check", "--nope" },
	  { IH_OPTIONS_ERROR },
	  0,
	  "ihard check: unknown option '--nope'; 'ihard check --help' lists the options\n" },
	{ "short",
	  { "check", "-x" },
	  { IH_OPTIONS_ERROR },
	  0,
	  "ihard check: unknown option '-x'; 'ihard check --help' lists the options\n" },
	{ "abbreviated",
	  { "check", "--pol", "p" },
	  { IH_OPTIONS_ERROR },
	  0,
	  "ihard check: option '--pol' is not known; did you mean '--policy'?\n" },
	{ "abbreviated, attached",
	  { "check", "--pol=p" },
	  { IH_OPTIONS_ERROR },
	  0,
	  "ihard check: option '--pol=p' is not known; did you mean '--policy'?\n" },
	{ "value missing",
	  { "check", "--policy" },
	  { IH_OPTIONS_ERROR },
	  0,
	  "ihard check: option '--policy' needs a value\n" },
	{ "value not wanted",
	  { "check", "--json=1" },
	  { IH_OPTIONS_ERROR },
	  0,
	  "ihard check: option '--json' takes no value\n" },
};

static void run(const struct row *row)
{
	char copy[6][24];
	char *argv[7] = { 0 };
	int argc = 0;
	struct ih_options o = { .verb = "check", .usage = "x", .table = table, .n = 3 };

	memcpy(copy, row->argv, sizeof(copy));
	while (argc < 6 && copy[argc][0]) {
		argv[argc] = copy[argc];
		argc++;
	}
	ih_options_begin(&o, argc, argv);
	for (int i = 0; i < 4; i++) {
		const char *value;
		int got = ih_options_next(&o, &value);

		cr_assert_eq(got, row->steps[i], "%s: step %d gave %d", row->name, i, got);
		if (got < 0)
			break;
	}
	if (row->operand)
		cr_expect_eq(ih_options_operand(&o), row->operand, "%s: operand at %d", row->name,
			     ih_options_operand(&o));
}

Test(options, rows)
{
	char said[4096] = "", expected[4096] = "";
	FILE *f;
	size_t n;

	cr_redirect_stderr();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		run(&rows[i]);
		strncat(expected, rows[i].sentence, sizeof(expected) - strlen(expected) - 1);
	}
	fflush(stderr);
	f = cr_get_redirected_stderr();
	n = fread(said, 1, sizeof(said) - 1, f);
	said[n] = '\0';
	cr_expect_str_eq(said, expected, "sentences differ:\n%s", said);
}
