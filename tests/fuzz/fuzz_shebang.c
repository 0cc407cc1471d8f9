/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The head of a script, and the whole of one that nix-shell is given: any bytes. What a '#!' line
 * names is then read as the kernel would start it: the interpreter, its one argument, the script.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/grammar.h"
#include "policy/invocation.h"
#include "policy/shebang.h"
#include "tests/fuzz/fuzz.h"

static void require(int claim)
{
	if (!claim)
		abort();
}

/* As the kernel starts it; a word of env -S is split here. */
static void start(struct ih_shebang *sb)
{
	const struct ih_grammars *all = ih_grammars_builtin();
	char script[] = "./script";
	char *words[4] = { sb->interpreter };
	struct ih_exec exec = { .argc = 1, .argv = words };
	struct ih_invocation *inv = malloc(sizeof(*inv));

	if (!inv)
		return;
	if (sb->argument[0])
		words[exec.argc++] = sb->argument;
	words[exec.argc++] = script;
	ih_invocation_parse(all, ih_grammars_find(all, sb->interpreter, sb->interpreter), &exec,
			    inv);
	require((unsigned int)inv->mode < IH_MODE_MAX_ && inv->n_sources <= IH_SOURCES_MAX);
	ih_invocation_done(inv);
	free(inv);
}

static void check_head(const uint8_t *data, size_t size)
{
	struct ih_shebang sb = { "untouched", "untouched" };
	size_t name, argument;
	int r;

	r = ih_shebang_parse(data, size, &sb, NULL);
	require(r == 0 || r == -ENOENT || r == -ENOEXEC);
	if (r < 0) {
		require(!strcmp(sb.interpreter, "untouched") && !strcmp(sb.argument, "untouched"));
		return;
	}
	name = strnlen(sb.interpreter, sizeof(sb.interpreter));
	argument = strnlen(sb.argument, sizeof(sb.argument));
	require(name > 0 && name < sizeof(sb.interpreter) && argument < sizeof(sb.argument));
	require(!strpbrk(sb.interpreter, " \t\n") && !strchr(sb.argument, '\n'));
	/* nothing is made up: both stand in the line as they are */
	require(memmem(data, size, sb.interpreter, name) != NULL);
	require(memmem(data, size, sb.argument, argument) != NULL);
	/* no more than the kernel's buffer decides */
	if (size > IH_SHEBANG_MAX) {
		struct ih_shebang again;

		require(ih_shebang_parse(data, IH_SHEBANG_MAX, &again, NULL) == 0);
		require(!memcmp(&again, &sb, sizeof(sb)));
	}
	start(&sb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[IH_SHEBANG_MAX];
	int r;

	check_head(data, size);
	memset(name, 'x', sizeof(name));
	r = ih_shebang_nix_shell((const char *)data, size, name, NULL);
	require(r == 0 || r == -ENOENT || r == -EBADMSG || r == -EFBIG || r == -ENOMEM);
	require(strnlen(name, sizeof(name)) < sizeof(name) && (r < 0 || name[0]));
	return 0;
}
