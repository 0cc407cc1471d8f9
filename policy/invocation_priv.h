/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files that make up ih_invocation_parse() share: invocation.c walks the command line,
 * invocation_sources.c turns rules and text into code sources, invocation_environ.c looks at
 * variables and implicit files, invocation_command.c puts inner commands together.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/abi/scan.h"
#include "policy/grammar.h"
#include "policy/invocation.h"

#define IH_SPLITS_MAX	   8 /* env -S within env -S */
#define IH_ASSIGNMENTS_MAX 1024

/* NAME=VALUE or NAME (unset), in the order of the command line; NULL text clears everything. */
struct ih_assignment {
	const char *text;
};

struct ih_reader {
	const struct ih_grammars *grammars;
	const struct ih_tables *t;
	uint32_t grammar; /* that argv is read by */
	const struct ih_exec *exec;
	char *const *argv; /* exec's, or what env -S made of it */
	int argc;
	int first; /* argument to begin with: 0 when argv[0] selects a multi-call program */
	int split_at, split_end; /* arguments in between were made by env -S */
	int shift;		 /* later ones stood so much further to the front in exec's argv */
	uint32_t carried;	 /* flags that option strings in the environment set */
	struct ih_scan scan;
	const char *directory;		   /* chdir so far, or NULL */
	const char *replaced;		   /* xargs -I */
	struct ih_assignment *assignments; /* room for IH_ASSIGNMENTS_MAX, once there is one */
	size_t n_assignments;
	struct ih_invocation *ret;
};

/* Text with where it came from. */
struct ih_found {
	const struct ih_rule_entry *rule;
	const char *via;
	enum ih_origin origin;
	int arg;
	const char *text;
	size_t len;
};

/* Memory that lives as long as the invocation; NULL marks it unclear. */
void *ih_invocation_memory(struct ih_invocation *inv, size_t size);
char *ih_invocation_text(struct ih_invocation *inv, const char *text, size_t len);

/* Mode unclear, with the first reason kept. */
void ih_invocation_unclear(struct ih_invocation *inv, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What a rule makes of text: zero, one or many sources. */
void ih_reader_found(struct ih_reader *rd, const struct ih_found *found);
void ih_reader_add(struct ih_reader *rd, enum ih_source_kind kind, const struct ih_found *found);

/* Relative names become relative to the directory that the program changes to. */
void ih_reader_relocate(struct ih_reader *rd);

/* Option strings first, because they set flags; the rest when the flags are known. */
void ih_reader_option_strings(struct ih_reader *rd);
void ih_reader_variables(struct ih_reader *rd);
void ih_reader_implicit(struct ih_reader *rd);

/* Walk words of an option string. */
void ih_reader_words(struct ih_reader *rd, const struct ih_found *found);

/* Where an argument stood in the command line that was given; -1 when env -S made it. */
int ih_reader_given(const struct ih_reader *rd, int i);

void ih_reader_command(struct ih_reader *rd, int i, const struct ih_rule_entry *rule);
int ih_reader_split(struct ih_reader *rd, int i, const struct ih_scan_hit *hit);

const char *ih_environ_get(char *const *envp, const char *name, size_t len);
