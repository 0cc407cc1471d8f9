/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Long options from a table: getopt_long(3) parses, the table says what may be repeated and prints
 * the help. It fills nothing in: each verb does that, and does nothing else while parsing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define IH_OPTIONS_MAX 48

struct ih_option {
	const char *name;    /* without the dashes */
	const char *metavar; /* NULL: takes no value */
	const char *help;    /* one line */
	bool repeat;	     /* may be given more than once */
};

struct ih_options {
	const char *verb;  /* "check"; for messages and for --help */
	const char *usage; /* "[options] SCRIPT [ARG…]"; several lines are several ways */
	const char *about; /* one or two sentences for --help; may be NULL */
	const struct ih_option *table;
	size_t n;

	/* what follows is the parser's own */
	unsigned long long seen;
	int argc;
	char **argv;
};

#define IH_OPTIONS_END	 (-1) /* the rest is operands: they begin at ih_options_operand() */
#define IH_OPTIONS_ERROR (-2) /* a sentence went to stderr: exit IH_EXIT_USAGE */
#define IH_OPTIONS_HELP	 (-3) /* --help was printed: exit IH_EXIT_OK */

/* Begin. Options end at the first operand or at "--"; what follows belongs to the program named. */
void ih_options_begin(struct ih_options *o, int argc, char **argv);

/**
 * ih_options_next() - the next option
 * @value: its value, or NULL when it takes none
 *
 * Abbreviations are refused: an option that is added later must not change what a script meant. So
 * is the same option given twice, unless the table allows it.
 *
 * Return: index in the table, or one of IH_OPTIONS_*.
 */
int ih_options_next(struct ih_options *o, const char **value);

/* Index in argv of the first operand. */
int ih_options_operand(const struct ih_options *o);

/* True when "--" stood before the operands. */
bool ih_options_dashes(const struct ih_options *o);

/* Print "ihard VERB: sentence" to stderr. Return: IH_EXIT_USAGE. */
int ih_usage_error(const struct ih_options *o, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The value of an option among words; the table ends with NULL. Return: index or -1. */
int ih_word_index(const char *const *words, const char *value);
