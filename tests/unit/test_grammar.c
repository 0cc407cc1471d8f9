/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The index of variables against the slow way, which is to ask every interpreter: whoever makes of
 * a variable anything else than all programs do has to be in the index, or nobody looks at it.
 * Also: the built-in tables, which no program checks when it starts.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "policy/grammar.h"
#include "policy/grammar_builtin.h"
#include "policy/invocation.h"

/* One of each kind that some test in the tables takes for code. */
static const char *const values[] = { "/x",	    "x",  "1",	   "-x /x",	   "() { x; }",
				      "$(shell x)", "|x", "/x:/y", "a::b.c",	   "core.pager=/x",
				      "ext::x",	    "",	  "@/x",   "--require=/x", "-Mx -e x",
				      "%{lua:x}" };

static size_t sources_of(const struct ih_grammar *g, const char *entry, bool *unclear)
{
	char name[64], nothing[] = "/dev/null", copy[256];
	char *argv[] = { name, nothing, NULL }, *envp[] = { copy, NULL };
	const struct ih_exec exec = { .argc = 2, .argv = argv, .envp = envp };
	static struct ih_invocation inv;
	size_t n = 0;

	(void)snprintf(name, sizeof(name), "%s", g ? ih_grammar_name(g) : "program");
	(void)snprintf(copy, sizeof(copy), "%s", entry);
	ih_invocation_parse(ih_grammars_builtin(), g, &exec, &inv);
	for (size_t i = 0; i < inv.n_sources; i++)
		n += inv.sources[i].origin == IH_ORIGIN_ENVIRONMENT;
	*unclear = inv.mode == IH_MODE_UNCLEAR;
	ih_invocation_done(&inv);
	return n;
}

static size_t compare(const char *name, size_t len, const struct ih_grammar_set *set)
{
	const struct ih_grammars *all = ih_grammars_builtin();
	bool unclear, plain;
	size_t wrong = 0;
	char entry[256];

	for (size_t v = 0; v < IH_ARRAY_SIZE(values); v++) {
		size_t everybody;

		(void)snprintf(entry, sizeof(entry), "%.*s=%s", (int)len, name, values[v]);
		everybody = sources_of(NULL, entry, &unclear);
		for (size_t i = 1; i < ih_grammars_count(all); i++) {
			const struct ih_grammar *g = ih_grammars_at(all, i);

			if (ih_grammar_is_part(g) || ih_grammar_set_has(set, ih_grammar_id(g)))
				continue;
			if (sources_of(g, entry, &unclear) == everybody &&
			    (!unclear || (sources_of(g, "PLAIN=1", &plain) == 0 && plain)))
				continue;
			cr_log_error("'%s' makes something of '%s', and is not asked",
				     ih_grammar_name(g), entry);
			wrong++;
		}
	}
	return wrong;
}

Test(grammar, built_in_tables_are_whole)
{
	struct ih_grammars *g = NULL;
	struct ih_diag diag = { "" };

	cr_assert_eq(ih_grammars_read(ih_grammar_builtin, ih_grammar_builtin_size, &g, &diag), 0,
		     "%s", diag.text);
	cr_expect_eq(ih_grammars_count(g), ih_grammars_count(ih_grammars_builtin()));
	ih_grammars_free(g);
}

Test(grammar, index_leaves_out_nobody, .timeout = 300)
{
	const struct ih_tables *t = ih_grammars_tables(ih_grammars_builtin());
	size_t n = 0;

	for (uint32_t i = 0; i < t->n_slots; i++) {
		const struct ih_grammar_slot *s = &t->slots[i];
		struct ih_grammar_set set = { 0 };
		char name[IH_SCAN_NAME_MAX + 2];
		size_t len = s->len;

		if (s->hash == 0 || s->scope != IH_SCOPE_VARIABLE)
			continue;
		memcpy(name, t->strings + s->name, len);
		if (len && name[len - 1] == '*')
			name[len - 1] = 'Z'; /* one that the prefix fits, and one without more */
		ih_grammars_of_variable(ih_grammars_builtin(), name, len, &set);
		cr_expect(ih_grammar_set_has(&set, s->grammar) ||
				  ih_grammar_is_part(
					  ih_grammars_at(ih_grammars_builtin(), s->grammar)),
			  "'%.*s' is not in the index", (int)len, name);
		cr_expect_eq(compare(name, len, &set), 0);
		n++;
	}
	cr_expect_gt(n, 200);
}

Test(grammar, who_reads_what)
{
	static const struct {
		char name[24], grammar[16];
		bool reads;
	} rows[] = {
		{ "PYTHONPATH", "python3", true },  { "PYTHONPATH", "perl", false },
		{ "PYTHONNEW", "python3", true },   { "PYTHO", "python3", false },
		{ "PERL5LIB", "perl", true },	    { "BASH_ENV", "bash", true },
		{ "BASH_ENV", "python3", false },   { "BASH_FUNC_ls%%", "bash", true },
		{ "LD_PRELOAD", "python3", false }, { "ANYTHING", "make", true },
		{ "", "python3", false },
	};

	for (size_t i = 0; i < IH_ARRAY_SIZE(rows); i++) {
		const struct ih_grammars *all = ih_grammars_builtin();
		const struct ih_grammar *g = ih_grammars_find(all, rows[i].grammar, NULL);
		struct ih_grammar_set set = { 0 };

		ih_grammars_of_variable(all, rows[i].name, strlen(rows[i].name), &set);
		cr_expect_eq(ih_grammar_set_has(&set, ih_grammar_id(g)), rows[i].reads,
			     "'%s' and '%s'", rows[i].name, rows[i].grammar);
		cr_expect_eq(ih_grammar_set_has(&set, 0), strcmp(rows[i].name, "LD_PRELOAD") == 0,
			     "'%s' and every program", rows[i].name);
	}
}
