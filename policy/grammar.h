/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The known interpreters: tables compiled from policy/interpreters at build time, or from a
 * directory at run time. Finds the one that a program's name belongs to; what a command line means
 * to it is policy/invocation.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/abi/grammar.h"
#include "common/cleanup.h"
#include "common/diag.h"
#include "common/text.h"

struct ih_grammars;
struct ih_grammar;

#define IH_GRAMMAR_FILES_MAX 512
#define IH_GRAMMAR_FILE_MAX  (1024 * 1024)

/**
 * ih_grammars_builtin() - the grammars that were compiled in
 * Return: never NULL; not to be freed.
 */
const struct ih_grammars *ih_grammars_builtin(void);

/**
 * ih_grammars_load() - grammars from a directory's *.json files
 * @path: the directory. A file takes the place of all that the built-in file of the same name
 *	said; built-in files that have no namesake there stay
 *
 * Return: 0, -EBADMSG for a file that is wrong ("file: line N: …"), or what opening gave.
 */
int ih_grammars_load(const char *path, struct ih_grammars **ret, struct ih_diag *diag);
void ih_grammars_free(struct ih_grammars *grammars);
IH_DEFINE_CLEANUP(struct ih_grammars *, ih_cleanup_grammars, ih_grammars_free)

/**
 * ih_grammars_find() - the grammar of a program
 * @program: base name of the file that is executed, links resolved: "python3.11", ".perl-wrapped",
 *	"busybox"
 * @argv0: as given to execve(), for programs that look at it: a login shell's "-bash", or
 *	"/bin/awk" for busybox; may be NULL
 *
 * A leading '.' and a trailing "-wrapped" (makeWrapper) are not part of the name.
 * Return: NULL when it is no known interpreter or launcher.
 */
const struct ih_grammar *ih_grammars_find(const struct ih_grammars *grammars, const char *program,
					  const char *argv0);

/* Some of the grammars, by their number. */
struct ih_grammar_set {
	uint64_t bits[IH_GRAMMARS_MAX / 64];
};

static inline void ih_grammar_set_add(struct ih_grammar_set *set, uint32_t id)
{
	set->bits[id / 64 % IH_ARRAY_SIZE(set->bits)] |= UINT64_C(1) << id % 64;
}

static inline bool ih_grammar_set_has(const struct ih_grammar_set *set, uint32_t id)
{
	return set->bits[id / 64 % IH_ARRAY_SIZE(set->bits)] >> id % 64 & 1;
}

/**
 * ih_grammars_of_variable() - who reads a variable by a rule of its own
 * @set: the programs' numbers are added, see ih_grammar_id(); 0 stands for every program
 *	(LD_PRELOAD, …). A program that has no such rule does nothing else with the variable than
 *	what number 0 says.
 */
void ih_grammars_of_variable(const struct ih_grammars *grammars, const char *name, size_t len,
			     struct ih_grammar_set *set);

size_t ih_grammars_count(const struct ih_grammars *grammars);
const struct ih_grammar *ih_grammars_at(const struct ih_grammars *grammars, size_t i);
const struct ih_tables *ih_grammars_tables(const struct ih_grammars *grammars);

/* "python3", "bash" …: what policies call it. */
const char *ih_grammar_name(const struct ih_grammar *grammar);
const char *ih_grammar_file(const struct ih_grammar *grammar); /* "python3.json", or a path */
uint32_t ih_grammar_id(const struct ih_grammar *grammar);
bool ih_grammar_has_jit(const struct ih_grammar *grammar);
/* Does it look for code of its own beside argv[0] (python: pyvenv.cfg), wherever that leads? */
bool ih_grammar_is_relocatable(const struct ih_grammar *grammar);
/* Does it take the words of a file for "@file" (libiberty's expandargv())? */
bool ih_grammar_has_responses(const struct ih_grammar *grammar);
bool ih_grammar_is_launcher(const struct ih_grammar *grammar);
bool ih_grammar_is_part(const struct ih_grammar *grammar); /* a sub-command, no program */
/* Name patterns, NUL-separated, ended by an empty one. */
const char *ih_grammar_patterns(const struct ih_grammar *grammar);
size_t ih_grammar_rules(const struct ih_grammar *grammar); /* how many options and variables */

/* Is @name, as argv[0] may have it, one of the grammar's own names? */
bool ih_grammar_has_name(const struct ih_grammar *grammar, const char *name);

/**
 * ih_grammars_read() - the compiled form, every offset checked: see common/abi/grammar.h
 * Return: 0, -EBADMSG when it is damaged or of another version, -ENOMEM.
 */
int ih_grammars_read(const void *bytes, size_t size, struct ih_grammars **ret,
		     struct ih_diag *diag);
