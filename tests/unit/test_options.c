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

#define PARSED (-1)

struct row {
	char name[32];
	char argv[6][24];
	int taken[4]; /* the options, in order; ended by what ih_options_parse() returns */
	int operand;  /* where the operands begin */
	char sentence[96];
};

static const struct row rows[] = {
	{ "nothing", { "check" }, { PARSED }, 1, "" },
	{ "flag", { "check", "--json", "x" }, { OPT_JSON, PARSED }, 2, "" },
	{ "value apart", { "check", "--policy", "p", "x" }, { OPT_POLICY, PARSED }, 3, "" },
	{ "value attached", { "check", "--policy=p", "x" }, { OPT_POLICY, PARSED }, 2, "" },
	{ "operand ends options", { "check", "x", "--json" }, { PARSED }, 1, "" },
	{ "dashes end options", { "check", "--", "--json" }, { PARSED }, 2, "" },
	{ "repeat where allowed",
	  { "check", "--env", "A=1", "--env=B=2" },
	  { OPT_ENV, OPT_ENV, PARSED },
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

struct taken {
	int options[4];
	int n;
};

static int take(const struct ih_options *o, void *to, int option, const char *value)
{
	struct taken *t = to;

	cr_assert_lt(t->n, 4);
	cr_expect_eq(value != NULL, o->table[option].metavar != NULL);
	t->options[t->n++] = option;
	return 0;
}

static void run(const struct row *row)
{
	char copy[6][24];
	char *argv[7] = { 0 };
	int argc = 0, i, r;
	struct ih_options o = { .verb = "check", .usage = "x", .table = table, .n = 3 };
	struct taken t = { 0 };

	memcpy(copy, row->argv, sizeof(copy));
	while (argc < 6 && copy[argc][0]) {
		argv[argc] = copy[argc];
		argc++;
	}
	r = ih_options_parse(&o, argc, argv, take, &t);
	for (i = 0; row->taken[i] >= 0; i++)
		cr_expect_eq(t.options[i], row->taken[i], "%s: option %d", row->name, i);
	cr_expect_eq(t.n, i, "%s: took %d", row->name, t.n);
	cr_expect_eq(r ? r : PARSED, row->taken[i], "%s: gave %d", row->name, r);
	if (r)
		return;
	cr_expect_eq(o.operands - argv, row->operand, "%s", row->name);
	cr_expect_eq(o.n_operands, argc - row->operand, "%s", row->name);
	cr_expect_eq(o.dashes, row->operand > 1 && !strcmp(argv[row->operand - 1], "--"));
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

Test(options, exclude)
{
	char verb[] = "check", json[] = "--json", policy[] = "--policy=p";
	char *both[] = { verb, json, policy, NULL }, *one[] = { verb, json, NULL };
	struct ih_options o = { .verb = "check", .usage = "x", .table = table, .n = 3 };
	struct taken t = { 0 };

	cr_redirect_stderr();
	cr_assert_eq(ih_options_parse(&o, 2, one, take, &t), 0);
	cr_expect_eq(ih_options_exclude(&o, OPT_JSON, OPT_POLICY), 0);
	cr_assert_eq(ih_options_parse(&o, 3, both, take, &t), 0);
	cr_expect_eq(ih_options_exclude(&o, OPT_JSON, OPT_POLICY), IH_OPTIONS_ERROR);
	cr_expect_eq(ih_options_exclude(&o, OPT_JSON, OPT_ENV), 0);
}
