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
};

enum ih_origin {
	IH_ORIGIN_ARGV = 0,
	IH_ORIGIN_ENVIRONMENT,
	IH_ORIGIN_SHEBANG,
	IH_ORIGIN_DEFAULT, /* the interpreter does this by itself */
};

/* Text points into the argv, environment or grammar that was given. */
struct ih_source {
	enum ih_source_kind kind;
	enum ih_origin origin;
	int arg;	  /* index into argv, or into envp for IH_ORIGIN_ENVIRONMENT; -1: none */
	const char *via;  /* the option, variable or rule: "-r", "PYTHONPATH", "first operand" */
	const char *text; /* name of the file, code, directory …; not NUL-terminated */
	size_t len;
	bool search_path; /* a bare name is looked up along PATH (bash script, perl -S) */
	bool optional;	  /* not being there is fine */
};

#define IH_SOURCES_MAX 256 /* more is mode unclear */

struct ih_invocation {
	const struct ih_grammar *grammar; /* NULL: not an interpreter */
	enum ih_mode mode;
	char reason[256]; /* why unclear, or what made the mode: "option '-c' carries code" */
	struct ih_source sources[IH_SOURCES_MAX];
	size_t n_sources;
	int command; /* for launchers: index in argv where the inner command begins, or -1 */
};
