/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard interpreters`: the programs whose command lines can be read, and where that knowledge is
 * from.
 */
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "policy/grammar.h"

enum { OPT_INTERPRETERS, OPT_JSON };

static const struct ih_option option_table[] = {
	[OPT_INTERPRETERS] = { "interpreters", "DIR", "grammars that go before ours", false },
	[OPT_JSON] = { "json", NULL, "print JSON", false },
};

struct interpreters_options {
	const char *directory;
	bool json;
	int argc;
	char **argv;
};

static int take_option(const struct ih_options *o, void *to, int opt, const char *value)
{
	struct interpreters_options *c = to;

	(void)o;
	if (opt == OPT_JSON)
		c->json = true;
	else
		c->directory = value;
	return 0;
}

static int parse(int argc, char **argv, struct interpreters_options *c)
{
	struct ih_options o = {
		.verb = "interpreters",
		.usage = "[options] [PROGRAM…]",
		.about = "Lists the interpreters and launchers whose command lines can be read.",
		.table = option_table,
		.n = IH_ARRAY_SIZE(option_table),
	};
	int r;

	*c = (struct interpreters_options){ 0 };
	r = ih_options_parse(&o, argc, argv, take_option, c);
	c->argc = o.n_operands;
	c->argv = o.operands;
	return r;
}

static const char *kind_of(const struct ih_grammar *g)
{
	if (!*ih_grammar_patterns(g))
		return "any program";
	return ih_grammar_is_launcher(g) ? "launcher" : "interpreter";
}

static struct ih_json_out *as_json(const struct ih_grammar *g)
{
	struct ih_json_out *o = ih_json_new_object();
	struct ih_json_out *patterns = ih_json_new_array();

	for (const char *p = ih_grammar_patterns(g); *p; p += strlen(p) + 1)
		ih_json_push(patterns, ih_json_new_string(p));
	ih_json_set_string(o, "name", ih_grammar_name(g));
	ih_json_set_string(o, "kind", kind_of(g));
	ih_json_set(o, "patterns", patterns);
	ih_json_set_bool(o, "jit", ih_grammar_has_jit(g));
	ih_json_set_u64(o, "rules", ih_grammar_rules(g));
	ih_json_set_string(o, "file", ih_grammar_file(g));
	return o;
}

static void print_line(const struct ih_grammar *g)
{
	const char *space = "";

	printf("%-14s %-11s %4zu rules  %-20s ", ih_grammar_name(g), kind_of(g),
	       ih_grammar_rules(g), ih_grammar_file(g));
	for (const char *p = ih_grammar_patterns(g); *p; p += strlen(p) + 1) {
		printf("%s%s", space, p);
		space = " ";
	}
	putchar('\n');
}

static void show(const struct ih_grammar *g, struct ih_json_out *list)
{
	if (list)
		ih_json_push(list, as_json(g));
	else
		print_line(g);
}

/* Return: how many of the programs named have no grammar. */
static int show_named(const struct ih_grammars *all, const struct interpreters_options *c,
		      struct ih_json_out *list)
{
	int unknown = 0;

	for (int i = 0; i < c->argc; i++) {
		const char *slash = strrchr(c->argv[i], '/');
		const char *name = slash ? slash + 1 : c->argv[i];
		const struct ih_grammar *g = ih_grammars_find(all, name, c->argv[i]);
		struct ih_diag diag;

		if (g) {
			show(g, list);
			continue;
		}
		(void)ih_fail(&diag, 0, "'%s' is not known: its arguments count as data", name);
		fprintf(stderr, "ihard interpreters: %s\n", diag.text);
		unknown++;
	}
	return unknown;
}

static int list(const struct ih_grammars *all, const struct interpreters_options *c)
{
	struct ih_json_out *out = c->json ? ih_json_new_array() : NULL;
	int unknown = 0, r = 0;

	if (c->argc)
		unknown = show_named(all, c, out);
	for (size_t i = 0; !c->argc && i < ih_grammars_count(all); i++) {
		const struct ih_grammar *g = ih_grammars_at(all, i);

		if (!ih_grammar_is_part(g))
			show(g, out);
	}
	if (c->json)
		r = ih_output_json(out, NULL);
	return r < 0 ? IH_EXIT_FAILED : unknown ? IH_EXIT_DENIED : IH_EXIT_OK;
}

int ih_cmd_interpreters(int argc, char **argv)
{
	struct interpreters_options c;
	struct ih_grammars *own = NULL;
	struct ih_diag diag;
	int r = parse(argc, argv, &c);

	if (r)
		return ih_options_exit(r);
	if (c.directory && ih_grammars_load(c.directory, &own, &diag) < 0) {
		fprintf(stderr, "ihard interpreters: %s\n", diag.text);
		return IH_EXIT_FAILED;
	}
	r = list(own ? own : ih_grammars_builtin(), &c);
	ih_grammars_free(own);
	return r;
}
