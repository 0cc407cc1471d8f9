/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the two halves of the grammar compiler share: grammar_compile.c reads, grammar_write.c
 * numbers, spells out and writes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/abi/grammar.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/text.h"

#define IH_INCLUDE_DEPTH_MAX 4
#define IH_STYLE_EITHER	     (1U << 31) /* compiler only: --name is taken for -name as well */

struct ih_file_unit {
	const char *file;
	const char *name;
	struct ih_json_doc *doc;
	uint32_t id;
	const char *flags[IH_GRAMMAR_FLAGS_MAX];
	size_t n_flags;
};

/* One spelling before it goes into the hash table. */
struct ih_spelling {
	uint32_t name, len; /* string */
	uint32_t rule;
	uint16_t grammar;
	uint8_t scope;
	uint8_t depth; /* of inclusion: less is more one's own */
};

struct ih_compiler {
	struct ih_file_unit *units;
	size_t n_units;
	struct ih_grammar_entry *grammars;
	const char **names; /* "bash", "bash.keys" … */
	char **owned;	    /* names that were made up */
	struct ih_json *values;
	struct ih_file_unit **units_of;
	struct ih_file_unit *include[IH_INCLUDE_DEPTH_MAX];
	uint32_t n_grammars;
	struct ih_rule_entry *rules;
	uint32_t n_rules, max_rules;
	struct ih_spelling *spellings;
	uint32_t n_spellings, max_spellings;
	struct ih_text strings;
	uint32_t *interned; /* open addressing: offset + 1 */
	size_t n_interned, max_interned;
};

/* Where a rule is put. */
struct ih_place {
	struct ih_file_unit *unit;
	uint32_t grammar;
	uint8_t scope;
	uint8_t depth;
};

struct ih_compiler *ih_compiler_new(size_t n_units);
void ih_compiler_free(struct ih_compiler *c);

/* A string's offset; equal strings share one. Return: 0 or -ENOMEM. */
int ih_compiler_string(struct ih_compiler *c, const char *bytes, size_t len, uint32_t *ret);

/* A new grammar, named "<unit>.<name>" when there is a unit. Return: 0, -EEXIST, -E2BIG, -ENOMEM.
 */
int ih_compiler_declare(struct ih_compiler *c, struct ih_file_unit *unit, const char *name,
			const struct ih_json *value, uint32_t *ret);

/* By name: the unit's own parts and tables first, then those of what it includes, then all. */
int ih_compiler_find(const struct ih_compiler *c, const struct ih_file_unit *unit,
		     const char *name);

int ih_compiler_rule(struct ih_compiler *c, const struct ih_rule_entry *rule, uint32_t *ret);

/* Return: 0, -EEXIST when this very place has it already, -ENAMETOOLONG, -ENOMEM. */
int ih_compiler_spelling(struct ih_compiler *c, struct ih_place place, const char *name, size_t len,
			 uint32_t rule);
void ih_compiler_section(struct ih_compiler *c, uint32_t grammar, const char *section,
			 uint32_t first, uint32_t n);

/* Abbreviations and "--name" for "-name", as the grammar's style asks for. */
int ih_compiler_expand(struct ih_compiler *c, uint32_t grammar);
int ih_compiler_write(struct ih_compiler *c, struct ih_text *ret, struct ih_diag *diag);

/* For struct ih_grammar_entry: which first characters a name can have that this pattern is for. */
static inline uint32_t ih_pattern_letters(const char *pattern)
{
	switch (*pattern) {
	case '*':
	case '?':
	case '[':
	case '\\':
		return UINT32_MAX;
	default:
		return 1U << (*pattern & 31);
	}
}
