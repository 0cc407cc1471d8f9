/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compiled grammars: any bytes are refused, or walked without harm. */
#include <string.h>

#include "policy/grammar.h"
#include "policy/invocation.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[] = { (char *)"x", (char *)"-abc", (char *)"--name=value", (char *)"operand",
			 NULL };
	char *envp[] = { (char *)"NAME=value", NULL };
	struct ih_exec exec = { .argc = 4, .argv = argv, .envp = envp };
	struct ih_grammars *g = NULL;
	struct ih_invocation inv;

	if (ih_grammars_read(data, size, &g, NULL) < 0)
		return 0;
	for (size_t i = 0; i < ih_grammars_count(g) && i < 8; i++) {
		ih_invocation_parse(g, ih_grammars_at(g, i), &exec, &inv);
		ih_invocation_done(&inv);
	}
	ih_grammars_free(g);
	return 0;
}
