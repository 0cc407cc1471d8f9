/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an argv and an environment mean to an interpreter: its mode and its code sources.
 * Pure: opens no file, looks at no clock; what has to be looked up is described, not done.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/abi/types.h"
#include "common/diag.h"
#include "policy/required.h"

struct ih_grammars; /* the known interpreters: see policy/grammar.h */
struct ih_grammar;

enum ih_source_kind {
	IH_SOURCE_NONE = 0,
	IH_SOURCE_FILE,	   /* a file of code: script, -r file, BASH_ENV */
	IH_SOURCE_MODULE,  /* a module's name, looked up along the search path */
	IH_SOURCE_PATH,	   /* one directory (or archive) of a search path */
	IH_SOURCE_LIBRARY, /* native code that is loaded */
	IH_SOURCE_CONFIG,  /* a file that can name code: openssl.cnf, php.ini, gdbinit */
	IH_SOURCE_PROGRAM, /* a program that is started: -exec, --use-askpass, a pager */
	IH_SOURCE_INLINE,  /* the code itself */
	IH_SOURCE_STDIN,
	IH_SOURCE_IMPLICIT,  /* a file read if it is there: ~/.bashrc, ./Makefile, ./.gdbinit */
	IH_SOURCE_DIRECTORY, /* the working directory or the script's, searched for code */
	IH_SOURCE_MAX_,
};

enum ih_origin {
	IH_ORIGIN_ARGV = 0,
	IH_ORIGIN_ENVIRONMENT,
	IH_ORIGIN_SHEBANG,
	IH_ORIGIN_DEFAULT, /* the interpreter does this by itself */
};

/* Text points into the argv or environment that was given, the grammar, or the invocation. */
struct ih_source {
	enum ih_source_kind kind;
	enum ih_origin origin;
	int arg;	  /* index into argv, or into envp for IH_ORIGIN_ENVIRONMENT; -1: none */
	const char *via;  /* the option, variable or rule: "-r", "PYTHONPATH", "first operand" */
	const char *text; /* name of the file, code, directory …; not NUL-terminated */
	size_t len;
	bool search_path; /* a bare name is looked up along PATH (bash script, perl -S) */
	bool optional;	  /* not being there is fine */
	bool main;	  /* what the invocation is all about: the script, the -c text */
	bool beside;	  /* a directory: that of the main script, once links are resolved */
	/* a directory counts only if a module that the script names is in it; else IH_REQUIRED_NONE
	 */
	enum ih_required_style required;
	bool pure; /* inline text that computes and prints, and can do nothing else */
};

/* One exec, as execve() is given it. */
struct ih_exec {
	int argc;
	char *const *argv; /* argc pointers; a NULL at the end is not needed */
	char *const *envp; /* NULL-terminated; NULL: empty */
	bool stdin_is_tty;
	bool more_arguments;   /* the caller will append arguments that nobody knows: xargs */
	const char *replaced;  /* text in arguments that is replaced later, "{}"; or NULL */
	const char *directory; /* what relative names are relative to; NULL: working directory */
};

/* A program that a launcher starts: to be judged in its turn, argv[0] looked up along PATH. */
struct ih_command {
	struct ih_exec exec; /* lives as long as the invocation */
	int arg;	     /* index in the launcher's argv where it begins, or -1 */
};

#define IH_SOURCES_MAX	 256 /* more is mode unclear */
#define IH_COMMANDS_MAX	 16  /* of one launcher */
#define IH_LAUNCHERS_MAX 16  /* env nice env … : how deep a caller follows */

struct ih_invocation {
	const struct ih_grammar *grammar; /* NULL: not an interpreter */
	enum ih_mode mode;
	bool pure;	  /* all inline text in argv is pure, and no other code is in argv */
	char reason[256]; /* why unclear, or what made the mode: "option '-c' carries code" */
	size_t n_sources;
	int command; /* for launchers: index in argv where the first inner command begins, or -1 */
	size_t n_commands;
	void *memory; /* what text and commands point to */
	/* Where a bare name with search_path is looked for before PATH: set when the program
	 * changes its directory first (all other relative names are joined to it); NULL: working
	 * directory. */
	const char *directory;
	/* Of these only the first n_… are filled. */
	struct ih_source sources[IH_SOURCES_MAX];
	struct ih_command commands[IH_COMMANDS_MAX];
};

/**
 * ih_invocation_parse() - what a command line and an environment mean
 * @grammars: tables
 * @grammar: of the program, from ih_grammars_find(); NULL: not an interpreter, which gives
 *	IH_MODE_PROGRAM and the sources that apply to any program (LD_PRELOAD, …)
 * @exec: hostile; must outlive @ret
 * @ret: always filled; the caller gives it to ih_invocation_done()
 *
 * Whatever cannot be told is mode unclear with the reason in @ret, never an error: an option
 * nobody knows, too many sources, no argv[0], no memory. The sources found so far stay listed.
 *
 * A launcher (env, nice, find -exec …) has mode IH_MODE_PROGRAM and commands; each has to be looked
 * up and parsed in turn, at most IH_LAUNCHERS_MAX deep.
 */
void ih_invocation_parse(const struct ih_grammars *grammars, const struct ih_grammar *grammar,
			 const struct ih_exec *exec, struct ih_invocation *ret);
void ih_invocation_done(struct ih_invocation *invocation);

/**
 * ih_variable_is_quiet() - is this a variable that means no code to any program?
 * @entry: NAME=VALUE
 *
 * Of those that are in nearly every environment, and of the built-in grammars: interpreters that
 * have a rule for one of them all the same (make, ksh) still have to be asked.
 */
bool ih_variable_is_quiet(const char *entry);

const char *ih_source_kind_name(enum ih_source_kind kind);
const char *ih_origin_name(enum ih_origin origin);
