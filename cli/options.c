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
	return IH_OPTIONS_ERROR;
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

#define OPTION_END (-1)

/* The argument that getopt_long took the option from: its value may have been a word of its own. */
static const char *token(int argc, char **argv)
{
	int at = optind - 1;

	if (optarg && at > 1 && optarg == argv[at])
		at--;
	return at > 0 && at < argc ? argv[at] : "";
}

static bool is_abbreviated(const char *word, const char *name)
{
	size_t len = strcspn(word, "=");

	return len != strlen(name) + 2 || strncmp(word + 2, name, len - 2) != 0;
}

static int refuse(const struct ih_options *o, int c, const char *word)
{
	if (c == ':')
		return ih_usage_error(o, "option '%s' needs a value", word);
	if (optopt >= 256)
		return ih_usage_error(o, "option '%.*s' takes no value", (int)strcspn(word, "="),
				      word);
	if (optopt && word[0] == '-' && word[1] != '-')
		return ih_usage_error(o,
				      "unknown option '-%c'; 'ihard %s --help' lists the options",
				      optopt, o->verb);
	return ih_usage_error(o, "unknown option '%s'; 'ihard %s --help' lists the options", word,
			      o->verb);
}

/* Return: index in the table, OPTION_END, IH_OPTIONS_HELP or IH_OPTIONS_ERROR. */
static int next(struct ih_options *o, int argc, char **argv)
{
	struct option longs[IH_OPTIONS_MAX + 2] = { 0 };
	size_t n = fill_table(o, longs);
	int c = getopt_long(argc, argv, o->mixed ? ":" : "+:", longs, NULL);
	const char *name;

	if (c == -1)
		return OPTION_END;
	if (c == '?' || c == ':')
		return refuse(o, c, optind > 0 && optind <= argc ? argv[optind - 1] : "");
	name = c == HELP_INDEX ? "help" : o->table[c - 256].name;
	if (is_abbreviated(token(argc, argv), name))
		return ih_usage_error(o, "option '%s' is not known; did you mean '--%s'?",
				      token(argc, argv), name);
	if (c == HELP_INDEX) {
		print_help(o);
		return IH_OPTIONS_HELP;
	}

	c -= 256;
	if ((size_t)c >= n)
		return refuse(o, '?', "");
	if (!o->table[c].repeat && (o->seen & (1ull << c)))
		return ih_usage_error(o, "option '--%s' is given twice; it can only be given once",
				      name);
	o->seen |= 1ull << c;
	return c;
}

int ih_options_parse(struct ih_options *o, int argc, char **argv,
		     int (*take)(const struct ih_options *o, void *to, int option,
				 const char *value),
		     void *to)
{
	int option;

	o->seen = 0;
	optind = 0; /* the GNU way to start afresh */
	opterr = 0;
	while ((option = next(o, argc, argv)) >= 0)
		if (take(o, to, option, optarg) != 0)
			return IH_OPTIONS_ERROR;
	if (option != OPTION_END)
		return option;

	o->dashes = optind > 1 && optind <= argc && !strcmp(argv[optind - 1], "--");
	o->n_operands = optind < argc ? argc - optind : 0;
	o->operands = argv + argc - o->n_operands;
	return 0;
}

int ih_options_exit(int parsed)
{
	return parsed == IH_OPTIONS_HELP ? IH_EXIT_OK : IH_EXIT_USAGE;
}

int ih_options_exclude(const struct ih_options *o, int one, int other)
{
	if (!(o->seen >> one & 1) || !(o->seen >> other & 1))
		return 0;
	return ih_usage_error(o, "'--%s' and '--%s' exclude each other", o->table[one].name,
			      o->table[other].name);
}

int ih_options_no_operand(const struct ih_options *o)
{
	if (!o->n_operands)
		return 0;
	return ih_usage_error(o, "takes no operand, and '%s' is one", o->operands[0]);
}

int ih_verbs_run(const char *name, const struct ih_verb *verbs, int argc, char **argv)
{
	struct ih_options o = { .verb = name };

	if (argc >= 2 && strcmp(argv[1], "--help") == 0) {
		printf("usage: ihard %s VERB [options] …\n\n", name);
		for (const struct ih_verb *v = verbs; v->name; v++)
			printf("  %-13s %s\n", v->name, v->summary);
		printf("\n'ihard %s VERB --help' lists the options of a verb.\n", name);
		return IH_EXIT_OK;
	}
	for (const struct ih_verb *v = verbs; argc >= 2 && v->name; v++)
		if (strcmp(argv[1], v->name) == 0)
			return v->run(argc - 1, argv + 1);
	if (argc < 2)
		return ih_options_exit(
			ih_usage_error(&o, "no verb is given; 'ihard %s --help' lists them", name));
	return ih_options_exit(ih_usage_error(&o, "unknown verb '%s'; 'ihard %s --help' lists them",
					      argv[1], name));
}

int ih_word_index(const char *const *words, const char *value)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(words[i], value))
			return i;
	return -1;
}
