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
	bool mixed; /* options may stand behind operands */

	/* what ih_options_parse() found */
	char **operands; /* ends with NULL */
	int n_operands;
	bool dashes;		 /* "--" stood before the operands */
	unsigned long long seen; /* bit per option of the table */
};

#define IH_OPTIONS_ERROR (-2) /* a sentence went to stderr */
#define IH_OPTIONS_HELP	 (-3) /* --help was printed */

/**
 * ih_options_parse() - all options, and what is left
 * @argv: argv[0] is the verb
 * @take: fills in one option, @value is NULL when it takes none; 0, or what ih_usage_error()
 * returned
 * @to: handed to @take
 *
 * Options end at the first operand or at "--"; what follows belongs to the program named.
 * Abbreviations are refused: an option that is added later must not change what a script meant. So
 * is the same option given twice, unless the table allows it.
 *
 * Return: 0, and @o has the operands; or IH_OPTIONS_HELP, or IH_OPTIONS_ERROR.
 */
int ih_options_parse(struct ih_options *o, int argc, char **argv,
		     int (*take)(const struct ih_options *o, void *to, int option,
				 const char *value),
		     void *to);

/* The exit code for IH_OPTIONS_HELP and IH_OPTIONS_ERROR. */
int ih_options_exit(int parsed);

/* Print "ihard VERB: sentence" to stderr. Return: IH_OPTIONS_ERROR. */
int ih_usage_error(const struct ih_options *o, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Refuse two options that cannot stand together. Return: 0, or IH_OPTIONS_ERROR. */
int ih_options_exclude(const struct ih_options *o, int one, int other);

/* A verb that takes no operand. Return: 0, or IH_OPTIONS_ERROR. */
int ih_options_no_operand(const struct ih_options *o);

/* The value of an option among words; the table ends with NULL. Return: index or -1. */
int ih_word_index(const char *const *words, const char *value);
