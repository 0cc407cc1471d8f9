/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Prints what the grammars make of a command line, for tests that hold it against the real
 * programs: describe [-t] [-g DIRECTORY] PROGRAM ARGV0 [ARG…], with the environment it has itself.
 * One line for each fact, fields separated by tabs, inner commands followed.
 */
#include <stdio.h>
#include <string.h>

#include "policy/grammar.h"
#include "policy/invocation.h"

static const char *const modes[IH_MODE_MAX_] = {
	[IH_MODE_UNCLEAR] = "unclear", [IH_MODE_PROGRAM] = "program",
	[IH_MODE_NONE] = "none",       [IH_MODE_SCRIPT] = "script",
	[IH_MODE_MODULE] = "module",   [IH_MODE_INLINE] = "inline",
	[IH_MODE_STDIN] = "stdin",     [IH_MODE_INTERACTIVE] = "interactive",
};

static const char *plain_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void describe(const struct ih_grammars *all, const char *program, const struct ih_exec *exec,
		     int depth)
{
	const struct ih_grammar *g = ih_grammars_find(all, program, exec->argv[0]);
	struct ih_invocation inv;
	size_t i;

	ih_invocation_parse(all, g, exec, &inv);
	printf("mode\t%s\t%s\t%s%s\n", inv.grammar ? ih_grammar_name(inv.grammar) : "-",
	       modes[inv.mode], inv.reason, inv.pure ? " (pure)" : "");
	for (i = 0; i < inv.n_sources; i++) {
		const struct ih_source *s = &inv.sources[i];

		printf("source\t%s\t%s\t%s\t%.*s%s\n", ih_source_kind_name(s->kind),
		       ih_origin_name(s->origin), s->via, (int)s->len, s->text,
		       s->main ? "\tmain" : "");
	}
	for (i = 0; i < inv.n_commands && depth < IH_LAUNCHERS_MAX; i++) {
		const struct ih_command *c = &inv.commands[i];

		printf("command\t%d\t%s\n", c->arg, c->exec.argc ? c->exec.argv[0] : "");
		if (c->exec.argc)
			describe(all, plain_name(c->exec.argv[0]), &c->exec, depth + 1);
	}
	ih_invocation_done(&inv);
}

int main(int argc, char **argv)
{
	const struct ih_grammars *all = ih_grammars_builtin();
	struct ih_exec exec = { .envp = environ };
	struct ih_grammars *loaded = NULL;
	struct ih_diag diag = { 0 };
	int at = 1;

	if (at < argc && strcmp(argv[at], "-t") == 0) {
		exec.stdin_is_tty = true;
		at++;
	}
	if (at + 1 < argc && strcmp(argv[at], "-g") == 0) {
		if (ih_grammars_load(argv[at + 1], &loaded, &diag) < 0) {
			(void)fprintf(stderr, "%s\n", diag.text);
			return 1;
		}
		all = loaded;
		at += 2;
	}
	if (at + 1 >= argc) {
		(void)fprintf(stderr, "usage: describe [-t] [-g DIRECTORY] PROGRAM ARGV0 [ARG…]\n");
		return 2;
	}
	exec.argv = argv + at + 1;
	exec.argc = argc - at - 1;
	describe(all, argv[at], &exec, 0);
	ih_grammars_free(loaded);
	return 0;
}
