/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Long options from a table, by getopt_long(3). */
#include "cli/options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/verbs.h"
#include "common/diag.h"
#include "common/text.h"

#define HELP_INDEX 1000

void ih_options_begin(struct ih_options *o, int argc, char **argv)
{
	o->argc = argc;
	o->argv = argv;
	o->seen = 0;
	optind = 0; /* the GNU way to start afresh */
	opterr = 0;
}

int ih_usage_error(const struct ih_options *o, const char *format, ...)
{
	struct ih_diag diag;
	va_list args;
	char text[IH_DIAG_MAX];

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)ih_fail(&diag, 0, "ihard %s: %s", o->verb, text);
	fprintf(stderr, "%s\n", diag.text);
	return IH_EXIT_USAGE;
}

static void print_usage(const struct ih_options *o)
{
	const char *line = o->usage;
	const char *lead = "usage:";

	while (*line) {
		size_t len = strcspn(line, "\n");

		printf("%-6s ihard %s %.*s\n", lead, o->verb, (int)len, line);
		lead = "";
		line += len + (line[len] == '\n');
	}
}

static void print_help(const struct ih_options *o)
{
	char left[64];

	print_usage(o);
	if (o->about)
		printf("\n%s\n", o->about);
	printf("\n");
	for (size_t i = 0; i < o->n; i++) {
		const struct ih_option *opt = &o->table[i];

		snprintf(left, sizeof(left), "--%s%s%s", opt->name, opt->metavar ? " " : "",
			 opt->metavar ? opt->metavar : "");
		printf("  %-22s %s\n", left, opt->help);
	}
	printf("  %-22s %s\n", "--help", "print this");
}

static size_t fill_table(const struct ih_options *o, struct option *longs)
{
	size_t n = o->n < IH_OPTIONS_MAX ? o->n : IH_OPTIONS_MAX;

	for (size_t i = 0; i < n; i++)
		longs[i] = (struct option){
			.name = o->table[i].name,
			.has_arg = o->table[i].metavar ? required_argument : no_argument,
			.val = (int)i + 256,
		};
	longs[n] = (struct option){ .name = "help", .has_arg = no_argument, .val = HELP_INDEX };
	return n;
}

/* The argument that getopt_long took the option from: its value may have been a word of its own. */
static const char *token(const struct ih_options *o)
{
	int at = optind - 1;

	if (optarg && at > 1 && optarg == o->argv[at])
		at--;
	return at > 0 && at < o->argc ? o->argv[at] : "";
}

static bool is_abbreviated(const char *word, const char *name)
{
	size_t len = strcspn(word, "=");

	return len != strlen(name) + 2 || strncmp(word + 2, name, len - 2) != 0;
}

static int refuse(const struct ih_options *o, int c)
{
	const char *word = optind > 0 && optind <= o->argc ? o->argv[optind - 1] : "";

	if (c == ':')
		ih_usage_error(o, "option '%s' needs a value", word);
	else if (optopt >= 256)
		ih_usage_error(o, "option '%.*s' takes no value", (int)strcspn(word, "="), word);
	else if (optopt && word[0] == '-' && word[1] != '-')
		ih_usage_error(o, "unknown option '-%c'; 'ihard %s --help' lists the options",
			       optopt, o->verb);
	else
		ih_usage_error(o, "unknown option '%s'; 'ihard %s --help' lists the options", word,
			       o->verb);
	return IH_OPTIONS_ERROR;
}

int ih_options_next(struct ih_options *o, const char **value)
{
	struct option longs[IH_OPTIONS_MAX + 2] = { 0 };
	size_t n = fill_table(o, longs);
	int c = getopt_long(o->argc, o->argv, "+:", longs, NULL);
	const char *name;

	*value = NULL;
	if (c == -1)
		return IH_OPTIONS_END;
	if (c == '?' || c == ':')
		return refuse(o, c);
	name = c == HELP_INDEX ? "help" : o->table[c - 256].name;
	if (is_abbreviated(token(o), name)) {
		ih_usage_error(o, "option '%s' is not known; did you mean '--%s'?", token(o), name);
		return IH_OPTIONS_ERROR;
	}
	if (c == HELP_INDEX) {
		print_help(o);
		return IH_OPTIONS_HELP;
	}

	c -= 256;
	if ((size_t)c >= n)
		return refuse(o, '?');
	if (!o->table[c].repeat && (o->seen & (1ull << c))) {
		ih_usage_error(o, "option '--%s' is given twice; it can only be given once", name);
		return IH_OPTIONS_ERROR;
	}
	o->seen |= 1ull << c;
	*value = optarg;
	return c;
}

int ih_options_operand(const struct ih_options *o)
{
	return optind < o->argc ? optind : o->argc;
}

bool ih_options_dashes(const struct ih_options *o)
{
	return optind > 1 && optind <= o->argc && !strcmp(o->argv[optind - 1], "--");
}

int ih_word_index(const char *const *words, const char *value)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(words[i], value))
			return i;
	return -1;
}
