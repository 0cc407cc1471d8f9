/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables for policy/invocation.c: tests/tables/invocation.tsv for single programs, rows here for
 * launchers, whose inner commands are looked at as well.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "policy/grammar.h"
#include "policy/invocation.h"
#include "policy/split.h"

#define TABLE IH_SOURCE_ROOT "/tests/tables/invocation.tsv"

static const char *const modes[IH_MODE_MAX_] = {
	[IH_MODE_UNCLEAR] = "unclear", [IH_MODE_PROGRAM] = "program",
	[IH_MODE_NONE] = "none",       [IH_MODE_SCRIPT] = "script",
	[IH_MODE_MODULE] = "module",   [IH_MODE_INLINE] = "inline",
	[IH_MODE_STDIN] = "stdin",     [IH_MODE_INTERACTIVE] = "interactive",
};

static const char *mode_name(const struct ih_invocation *inv)
{
	return inv->pure ? "inline+" : modes[inv->mode];
}

/* "kind=text" of each source that somebody gave, blanks between. */
static void write_sources(const struct ih_invocation *inv, struct ih_text *out)
{
	size_t i;

	for (i = 0; i < inv->n_sources; i++) {
		const struct ih_source *s = &inv->sources[i];

		if (s->origin == IH_ORIGIN_DEFAULT && s->kind != IH_SOURCE_STDIN)
			continue;
		(void)ih_text_addf(out, "%s%s=%.*s", out->len ? " " : "",
				   ih_source_kind_name(s->kind), (int)s->len, s->text);
	}
}

/* The words of a column, joined again: what write_sources() would have written. */
static void join(char **words, int n, struct ih_text *out)
{
	for (int i = 0; i < n; i++)
		(void)ih_text_addf(out, "%s%s", i ? " " : "", words[i]);
}

static void check_row(char *column[6])
{
	const struct ih_grammars *all = ih_grammars_builtin();
	struct ih_text want = { 0 }, got = { 0 };
	struct ih_invocation inv;
	struct ih_exec exec = { .stdin_is_tty = strncmp(column[0], "tty:", 4) == 0 };
	char **envp, **argv, **sources;
	int n;

	cr_assert(ih_split(IH_SPLITTING_QUOTES, column[1], strlen(column[1]), NULL, &envp) >= 0);
	exec.argc = ih_split(IH_SPLITTING_QUOTES, column[3], strlen(column[3]), NULL, &argv);
	cr_assert(exec.argc > 0, "%s: no arguments", column[0]);
	exec.argv = argv;
	exec.envp = envp;
	n = ih_split(IH_SPLITTING_QUOTES, column[5], strlen(column[5]), NULL, &sources);
	cr_assert(n >= 0);
	join(sources, n, &want);

	ih_invocation_parse(all, ih_grammars_find(all, column[2], argv[0]), &exec, &inv);
	write_sources(&inv, &got);
	cr_expect_str_eq(mode_name(&inv), column[4], "%s: mode %s, not %s: %s", column[0],
			 mode_name(&inv), column[4], inv.reason);
	cr_expect(inv.reason[0], "%s: no reason", column[0]);
	if (inv.mode != IH_MODE_UNCLEAR || want.len)
		cr_expect_str_eq(ih_text_get(&got), ih_text_get(&want),
				 "%s: sources '%s', not '%s'", column[0], ih_text_get(&got),
				 ih_text_get(&want));
	ih_invocation_done(&inv);
	ih_invocation_done(&inv); /* twice is fine */
	ih_text_done(&want);
	ih_text_done(&got);
	free(envp);
	free(argv);
	free(sources);
}

Test(invocation, table)
{
	FILE *f = fopen(TABLE, "re");
	char line[2048];
	int rows = 0;

	cr_assert(f, "cannot open " TABLE);
	while (fgets(line, sizeof(line), f)) {
		char *column[6] = { 0 }, *rest = line;
		int n = 0;

		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' || line[0] == '\0')
			continue;
		while (n < 6 && rest)
			column[n++] = strsep(&rest, "\t");
		cr_assert(n == 6 && !rest, "six columns: %s", line);
		check_row(column);
		rows++;
	}
	(void)fclose(f);
	cr_expect(rows > 100, "only %d rows", rows);
}

struct chain_row {
	char name[40];
	char command[120];
	char want[160]; /* grammar:mode of each program, outermost first */
};

static struct chain_row chains[] = {
	{ "env", "env bash a.sh", "env:program bash:script" },
	{ "env sets", "env -i A=1 PYTHONPATH=/x python3 a.py", "env:program python3:script" },
	{ "env changes directory", "env -C /d perl a.pl", "env:program perl:script" },
	{ "env -S", "env -S 'perl -w' a.pl", "env:program perl:script" },
	{ "env -S code", "env -S 'perl -e x'", "env:program perl:inline" },
	{ "env -iS", "env -iS 'A=1 sh' a.sh", "env:program sh:script" },
	{ "env -S in -S", "env -S '-S \"sh a\"'", "env:program sh:script" },
	{ "env -S bad", "env -S 'sh $HOME'", "env:unclear" },
	{ "deep", "nice -n 5 nohup setsid timeout 9 sh a",
	  "nice:program nohup:program setsid:program timeout:program sh:script" },
	{ "find", "find . -exec sh a {} ';' -exec rm {} + -exec perl -e x ';'",
	  "find:program sh:script -:program perl:inline" },
	{ "find runs what it finds", "find . -exec sh {} ';'", "find:program sh:unclear" },
	{ "find starts what it finds", "find . -exec {} ';'", "find:unclear -:program" },
	{ "find plus in the middle", "find . -exec sh + a ';'", "find:program sh:script" },
	{ "xargs script", "xargs python3 a.py", "xargs:program python3:script" },
	{ "xargs adds options", "xargs python3", "xargs:program python3:unclear" },
	{ "xargs replaces", "xargs -I /x sh /x", "xargs:program sh:unclear" },
	{ "xargs no interpreter", "xargs -0 rm --", "xargs:program -:program" },
	{ "loader", "ld-linux-x86-64.so.2 --preload /x sh a", "ld.so:program sh:script" },
	{ "loader renames", "ld-linux-x86-64.so.2 --argv0 -sh sh a", "ld.so:unclear" },
	{ "sudo", "sudo -u me A=b sh a", "sudo:program sh:script" },
	{ "chroot", "chroot /d sh a", "chroot:unclear sh:script" },
	{ "bisect", "git bisect run sh a", "git:program sh:script" },
	{ "cmake", "cmake -E env A=b sh a", "cmake:program sh:script" },
};

static void follow(const struct ih_exec *exec, int depth, struct ih_text *out)
{
	const struct ih_grammars *all = ih_grammars_builtin();
	struct ih_invocation inv;

	ih_invocation_parse(all, ih_grammars_find(all, exec->argv[0], exec->argv[0]), exec, &inv);
	(void)ih_text_addf(out, "%s%s:%s", out->len ? " " : "",
			   inv.grammar ? ih_grammar_name(inv.grammar) : "-", mode_name(&inv));
	for (size_t i = 0; i < inv.n_commands && depth < IH_LAUNCHERS_MAX; i++)
		if (inv.commands[i].exec.argc > 0)
			follow(&inv.commands[i].exec, depth + 1, out);
	ih_invocation_done(&inv);
}

Test(invocation, chains)
{
	for (size_t i = 0; i < IH_ARRAY_SIZE(chains); i++) {
		const struct chain_row *row = &chains[i];
		char *none[] = { NULL };
		struct ih_exec exec = { .envp = none };
		struct ih_text got = { 0 };
		char **argv;

		exec.argc = ih_split(IH_SPLITTING_QUOTES, row->command, strlen(row->command), NULL,
				     &argv);
		cr_assert(exec.argc > 0, "%s", row->name);
		exec.argv = argv;
		follow(&exec, 0, &got);
		cr_expect_str_eq(ih_text_get(&got), row->want, "%s: '%s', not '%s'", row->name,
				 ih_text_get(&got), row->want);
		ih_text_done(&got);
		free(argv);
	}
}

Test(invocation, inner_environment)
{
	const struct ih_grammars *all = ih_grammars_builtin();
	const char *argv[] = { "env", "-u", "B", "A=2", "C=3", "sh", "a", NULL };
	const char *envp[] = { "A=1", "B=1", "D=4", NULL };
	struct ih_exec exec = { .argc = 7, .argv = (char **)argv, .envp = (char **)envp };
	struct ih_invocation inv;
	char *const *inner;

	ih_invocation_parse(all, ih_grammars_find(all, "env", "env"), &exec, &inv);
	cr_assert_eq(inv.n_commands, 1);
	cr_expect_eq(inv.command, 5);
	inner = inv.commands[0].exec.envp;
	cr_expect_str_eq(inner[0], "D=4");
	cr_expect_str_eq(inner[1], "A=2");
	cr_expect_str_eq(inner[2], "C=3");
	cr_expect_null(inner[3]);
	ih_invocation_done(&inv);
}

Test(invocation, limits)
{
	const struct ih_grammars *all = ih_grammars_builtin();
	const struct ih_grammar *bash = ih_grammars_find(all, "bash", "bash");
	static char script[] = "a.sh", shell[] = "bash", *argv[3002], *envp[2],
		    variable[4096] = "LD_LIBRARY_PATH=";
	struct ih_exec exec = { .argc = 0, .argv = argv, .envp = envp };
	struct ih_invocation inv;

	ih_invocation_parse(all, bash, &exec, &inv);
	cr_expect_eq(inv.mode, IH_MODE_UNCLEAR, "no argv[0]");
	ih_invocation_done(&inv);

	for (int i = 0; i < 3001; i++)
		argv[i] = i == 1 ? script : shell;
	exec.argc = 3001;
	ih_invocation_parse(all, bash, &exec, &inv);
	cr_expect_eq(inv.mode, IH_MODE_SCRIPT, "3,000 arguments of a script");
	ih_invocation_done(&inv);

	for (size_t i = strlen(variable); i + 2 < sizeof(variable); i += 2)
		memcpy(variable + i, "a:", 2);
	envp[0] = variable;
	ih_invocation_parse(all, bash, &exec, &inv);
	cr_expect_eq(inv.mode, IH_MODE_UNCLEAR, "too many sources");
	cr_expect_eq(inv.n_sources, IH_SOURCES_MAX);
	ih_invocation_done(&inv);
}

/* FNV can be made to collide; the bytes are compared as well. Names longer than any rule's. */
Test(invocation, long_names)
{
	const struct ih_grammars *all = ih_grammars_builtin();
	char option[200] = "--";
	const char *argv[] = { "bash", option, "a.sh", NULL };
	struct ih_exec exec = { .argc = 3, .argv = (char **)argv };
	struct ih_invocation inv;

	memset(option + 2, 'x', sizeof(option) - 3);
	ih_invocation_parse(all, ih_grammars_find(all, "bash", "bash"), &exec, &inv);
	cr_expect_eq(inv.mode, IH_MODE_UNCLEAR);
	ih_invocation_done(&inv);
}
