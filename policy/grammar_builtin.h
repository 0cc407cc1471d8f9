/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What grammar_build.c writes at build time: the compiled grammars, and the files they came from,
 * which a directory that overrides some of them is compiled together with.
 */
#pragma once

#include <stddef.h>

#include "policy/grammar_compile.h"

extern const unsigned char ih_grammar_builtin[];
extern const size_t ih_grammar_builtin_size;
extern const struct ih_grammar_source ih_grammar_builtin_sources[];
extern const size_t ih_grammar_builtin_n_sources;
