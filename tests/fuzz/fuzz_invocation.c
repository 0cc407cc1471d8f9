/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Command lines and environments: any bytes, read by any grammar. The input is two bytes that
 * choose the grammar, then words ended by NUL: arguments, an empty word, variables.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/grammar.h"
#include "policy/invocation.h"
#include "tests/fuzz/fuzz.h"

#define WORDS_MAX 64

static void check(const struct ih_invocation *inv)
{
	size_t total = 0;

	if (inv->mode != IH_MODE_UNCLEAR && !inv->reason[0])
		abort();
	if ((unsigned int)inv->mode >= IH_MODE_MAX_ || inv->n_sources > IH_SOURCES_MAX)
		abort();
	for (size_t i = 0; i < inv->n_sources; i++)
		for (size_t k = 0; k < inv->sources[i].len; k++)
			total += (unsigned char)inv->sources[i].text[k];
	if (total == (size_t)-1)
		abort();
}

static void follow(const struct ih_grammars *all, const struct ih_grammar *g,
		   const struct ih_exec *exec, int depth)
{
	struct ih_invocation *inv = malloc(sizeof(*inv));

	if (!inv)
		return;
	ih_invocation_parse(all, g, exec, inv);
	check(inv);
	for (size_t i = 0; i < inv->n_commands && depth < 3; i++) {
		const struct ih_exec *inner = &inv->commands[i].exec;

		if (inner->argc > 0)
			follow(all, ih_grammars_find(all, inner->argv[0], inner->argv[0]), inner,
			       depth + 1);
	}
	ih_invocation_done(inv);
	free(inv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ih_grammars *all = ih_grammars_builtin();
	const struct ih_grammar *g;
	char *words[WORDS_MAX + 2] = { NULL }, *text, *at, **envp = NULL;
	struct ih_exec exec = { .argv = words };
	int n = 0;

	if (size < 3)
		return 0;
	g = ih_grammars_at(all, (data[0] | (size_t)data[1] << 8) % ih_grammars_count(all));
	if (ih_grammar_is_part(g))
		return 0;
	exec.stdin_is_tty = data[0] & 1;
	text = malloc(size - 1);
	if (!text)
		return 0;
	memcpy(text, data + 2, size - 2);
	text[size - 2] = '\0';
	for (at = text; at < text + size - 2 && n < WORDS_MAX; at += strlen(at) + 1) {
		if (!*at && !envp) { /* NULL between arguments and variables */
			envp = &words[n + 1];
			exec.argc = n;
			n++;
		} else {
			words[n++] = at;
		}
	}
	if (!envp)
		exec.argc = n;
	exec.envp = envp;
	follow(all, g, &exec, 0);
	free(text);
	return 0;
}
