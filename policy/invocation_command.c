/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inner commands of launchers: their arguments, the environment they will have, and what env -S
 * does to the command line before it is read on.
 */
#include <errno.h>
#include <string.h>

#include "policy/invocation_priv.h"
#include "policy/split.h"

static bool same_name(const char *variable, const char *name)
{
	size_t len = strcspn(name, "=");

	return strncmp(variable, name, len) == 0 && variable[len] == '=';
}

/* One step of env: clear, unset or set, on a vector that has room. */
static size_t apply(char **vector, size_t n, const char *text)
{
	size_t i, kept = 0;

	if (!text)
		return 0;
	for (i = 0; i < n; i++)
		if (!same_name(vector[i], text))
			vector[kept++] = vector[i];
	if (strchr(text, '='))
		vector[kept++] = (char *)text;
	return kept;
}

/* The environment of the inner command; the given one when nothing was changed. */
static char *const *inner_environment(struct ih_reader *rd)
{
	size_t n = 0, i;
	char **vector;

	if (rd->n_assignments == 0)
		return rd->exec->envp;
	while (rd->exec->envp && rd->exec->envp[n])
		n++;
	vector = ih_invocation_memory(rd->ret, (n + rd->n_assignments + 1) * sizeof(*vector));
	if (!vector)
		return NULL;
	if (n)
		memcpy(vector, rd->exec->envp, n * sizeof(*vector));
	for (i = 0; i < rd->n_assignments; i++)
		n = apply(vector, n, rd->assignments[i].text);
	vector[n] = NULL;
	return vector;
}

/* Where the command that begins at @i ends: find's ';' or "{} +", or the end of all. */
static int end_of(const struct ih_reader *rd, int i, const struct ih_rule_entry *rule)
{
	int end;

	if (rule->shape != IH_SHAPE_UNTIL)
		return rd->argc;
	for (end = i; end < rd->argc && strcmp(rd->argv[end], ";") != 0; end++)
		if (end > i && strcmp(rd->argv[end], "+") == 0 &&
		    strcmp(rd->argv[end - 1], "{}") == 0)
			break;
	return end;
}

void ih_reader_command(struct ih_reader *rd, int i, const struct ih_rule_entry *rule)
{
	struct ih_invocation *inv = rd->ret;
	struct ih_command *c;

	if (inv->n_commands == IH_COMMANDS_MAX) {
		ih_invocation_unclear(inv, "it starts more than %d programs", IH_COMMANDS_MAX);
		return;
	}
	c = &inv->commands[inv->n_commands++];
	c->arg = ih_reader_given(rd, i);
	c->exec = *rd->exec;
	c->exec.argc = end_of(rd, i, rule) - i;
	c->exec.argv = rd->argv + i;
	c->exec.envp = inner_environment(rd);
	c->exec.directory = rd->directory;
	if (rule->bits & IH_RULE_MORE)
		c->exec.more_arguments = true;
	if (rd->replaced || rule->text) /* what a launcher replaces later, "{}" */
		c->exec.replaced = rd->replaced ? rd->replaced : rd->t->strings + rule->text;
	if (c->exec.argc > 0 && c->exec.replaced && strstr(rd->argv[i], c->exec.replaced))
		ih_invocation_unclear(inv, "which program it starts is not known yet");
	if (inv->command < 0)
		inv->command = c->arg;
}

/*
 * env -S TEXT: the words take the option's place and are read as if they had stood there. What
 * stands before it in the same argument (-iS) stays.
 */
int ih_reader_split(struct ih_reader *rd, int i, const struct ih_scan_hit *hit)
{
	const struct ih_rule_entry *rule = &rd->t->rules[hit->rule];
	const char *text = rd->argv[i] + hit->offset;
	bool attached = hit->offset > 0;
	const char *option = rd->argv[attached ? i : i - 1];
	int n, before = attached ? i : i - 1, at;
	size_t keep;
	char **words, **argv;

	n = ih_split(rule->splitting, text, hit->len, rd->exec->envp, &words);
	if (n < 0) {
		ih_invocation_unclear(rd->ret, "the text of '%s' cannot be split",
				      rd->t->strings + hit->name);
		return 0;
	}
	argv = ih_invocation_memory(rd->ret, (size_t)(rd->argc + n + 2) * sizeof(*argv));
	if (!argv) {
		free(words);
		return 0;
	}
	memcpy(argv, rd->argv, (size_t)before * sizeof(*argv));
	at = before;
	keep = attached ? hit->offset - 1 : strlen(option) - 1;
	if (option[1] != '-' && keep > 1)
		argv[at++] = ih_invocation_text(rd->ret, option, keep);
	for (int k = 0; k < n; k++)
		argv[at++] = ih_invocation_text(rd->ret, words[k], strlen(words[k]));
	free(words);
	for (int k = before; k < at; k++)
		if (!argv[k])
			return 0;
	memcpy(argv + at, rd->argv + i + 1, (size_t)(rd->argc - i - 1) * sizeof(*argv));
	if (rd->split_end == 0 || before < rd->split_at)
		rd->split_at = before;
	rd->shift += at - (i + 1);
	rd->split_end = at;
	rd->argc = at + rd->argc - i - 1;
	rd->argv = argv;
	return 1;
}
