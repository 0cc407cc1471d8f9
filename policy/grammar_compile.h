/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From grammar files (JSON, ihard-interpreter(5)) to the tables of common/abi/grammar.h. Runs at
 * build time for what is compiled in, and at run time for a directory that overrides it.
 */
#pragma once

#include <stddef.h>

#include "common/diag.h"
#include "common/text.h"

struct ih_grammar_source {
	const char *name; /* base name: "bash.json" */
	const char *text;
	size_t len;
};

/**
 * ih_grammar_compile() - compile all grammars at once
 * @sources: "_common.json" among them; the order does not matter
 * @ret: bytes as in common/abi/grammar.h; the caller gives it to ih_text_done()
 *
 * Return: 0, -EBADMSG with file, line and path of what is wrong, -ENOMEM.
 */
int ih_grammar_compile(const struct ih_grammar_source *sources, size_t n, struct ih_text *ret,
		       struct ih_diag *diag);
