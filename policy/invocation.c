/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads a command line by its grammar and says how code reaches the program. The walk itself is
 * common/abi/scan.h; here its findings become modes, reasons and sources.
 */
#include "policy/invocation.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/invocation_priv.h"
#include "policy/pure.h"

struct memory {
	struct memory *next;
	max_align_t bytes[];
};

void *ih_invocation_memory(struct ih_invocation *inv, size_t size)
{
	struct memory *m = calloc(1, sizeof(*m) + size);

	if (!m) {
		ih_invocation_unclear(inv, "there was no memory to look at it");
		return NULL;
	}
	m->next = inv->memory;
	inv->memory = m;
	return m->bytes;
}

char *ih_invocation_text(struct ih_invocation *inv, const char *text, size_t len)
{
	char *copy = ih_invocation_memory(inv, len + 1);

	if (copy)
		memcpy(copy, text, len);
	return copy;
}

void ih_invocation_done(struct ih_invocation *inv)
{
	struct memory *m;

	if (!inv)
		return;
	while ((m = inv->memory)) {
		inv->memory = m->next;
		free(m);
	}
	inv->n_sources = 0;
	inv->n_commands = 0;
}

/* A reason is printed: what came from the command line must not write to the terminal. */
__attribute__((format(printf, 2, 0))) static void set_reason(struct ih_invocation *inv,
							     const char *format, va_list ap)
{
	char *p;

	(void)vsnprintf(inv->reason, sizeof(inv->reason), format, ap);
	for (p = inv->reason; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			*p = '?';
}

__attribute__((format(printf, 2, 3))) static void reason(struct ih_invocation *inv,
							 const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	set_reason(inv, format, ap);
	va_end(ap);
}

/* The mode is set at the very end; until then a reason that is there means unclear. */
void ih_invocation_unclear(struct ih_invocation *inv, const char *format, ...)
{
	va_list ap;

	if (inv->reason[0])
		return;
	va_start(ap, format);
	set_reason(inv, format, ap);
	va_end(ap);
}

static struct ih_scan_text text_of(const char *arg)
{
	size_t len = strlen(arg);

	return (struct ih_scan_text){ arg, len < UINT32_MAX / 2 ? (__u32)len : UINT32_MAX / 2 };
}

/* Where an argument stood in the command line that was given; -1 when env -S made it. */
int ih_reader_given(const struct ih_reader *rd, int i)
{
	if (i < rd->split_at || rd->split_end == 0)
		return i;
	return i >= rd->split_end ? i - rd->shift : -1;
}

static void explain_why(struct ih_reader *rd, const struct ih_scan *s, const char *arg)
{
	int len = s->why_len < 80 ? (int)s->why_len : 80;
	const char *at = arg ? arg + s->why_offset : "";

	switch (s->why) {
	case IH_SCAN_WHY_OPTION:
		if (s->why_offset > 0)
			ih_invocation_unclear(rd->ret,
					      "letter '%.*s' in option '%.60s' is not known", len,
					      at, arg);
		else
			ih_invocation_unclear(rd->ret, "option '%.*s' is not known", len, at);
		break;
	case IH_SCAN_WHY_VALUE:
		ih_invocation_unclear(rd->ret, "option '%.*s' is not understood as it stands", len,
				      at);
		break;
	case IH_SCAN_WHY_KEY:
		ih_invocation_unclear(rd->ret, "the word '%.*s' is not known in this place", len,
				      at);
		break;
	case IH_SCAN_WHY_OPERAND:
		ih_invocation_unclear(rd->ret, "operand '%.*s' is not expected", len, at);
		break;
	case IH_SCAN_WHY_ORDER:
		ih_invocation_unclear(rd->ret,
				      "option '%.*s' stands after an operand while "
				      "POSIXLY_CORRECT is set",
				      len, at);
		break;
	case IH_SCAN_WHY_END:
		ih_invocation_unclear(rd->ret, "the last option's value is missing");
		break;
	case IH_SCAN_WHY_PENDING:
		ih_invocation_unclear(rd->ret, "one argument has too many options with values");
		break;
	default:
		ih_invocation_unclear(rd->ret, "what '%.60s' makes the program do cannot be told",
				      arg ? arg : "");
	}
}

static void changed_directory(struct ih_reader *rd, const char *text, size_t len)
{
	size_t before = rd->directory ? strlen(rd->directory) : 0;
	char *joined;

	if (len == 0)
		return;
	if (text[0] == '/')
		before = 0;
	joined = ih_invocation_memory(rd->ret, before + len + 2);
	if (!joined)
		return;
	if (before)
		(void)snprintf(joined, before + len + 2, "%s/%.*s", rd->directory, (int)len, text);
	else
		memcpy(joined, text, len);
	rd->directory = joined;
}

static void assign(struct ih_reader *rd, const char *text)
{
	if (rd->n_assignments == IH_ASSIGNMENTS_MAX) {
		ih_invocation_unclear(rd->ret, "there are more than %d assignments",
				      IH_ASSIGNMENTS_MAX);
		return;
	}
	if (!rd->assignments)
		rd->assignments = ih_invocation_memory(rd->ret, IH_ASSIGNMENTS_MAX *
									sizeof(*rd->assignments));
	if (rd->assignments)
		rd->assignments[rd->n_assignments++].text = text;
}

/* How messages call what was met: "-l" for "-l*", the variable for make's "*". */
static const char *spelled(struct ih_reader *rd, const struct ih_scan_hit *hit, const char *arg)
{
	const char *name = rd->t->strings + hit->name;
	size_t len = strlen(name);

	if (len == 0 || name[len - 1] != '*')
		return name;
	if (len > 1)
		name = ih_invocation_text(rd->ret, name, len - 1);
	else
		name = ih_invocation_text(rd->ret, arg, strcspn(arg, "=:"));
	return name ? name : "";
}

/* The scanner found text that a rule applies to in argument @i. */
static void hit_argument(struct ih_reader *rd, int i)
{
	const struct ih_scan_hit *hit = &rd->scan.hit;
	const struct ih_rule_entry *rule = &rd->t->rules[hit->rule];
	struct ih_found found = { rule,
				  spelled(rd, hit, rd->argv[i]),
				  IH_ORIGIN_ARGV,
				  ih_reader_given(rd, i),
				  rd->argv[i] + hit->offset,
				  hit->len };

	switch (rule->role) {
	case IH_ROLE_CHDIR:
		changed_directory(rd, found.text, found.len);
		break;
	case IH_ROLE_CHROOT:
		if (found.len != 1 || found.text[0] != '/')
			ih_invocation_unclear(rd->ret, "'%s' changes what every name means",
					      found.via);
		break;
	case IH_ROLE_ASSIGNMENT:
		assign(rd, found.text);
		break;
	case IH_ROLE_UNSET: {
		const char *name = ih_invocation_text(rd->ret, found.text, found.len);

		if (name)
			assign(rd, name);
		break;
	}
	case IH_ROLE_REPLACE:
		if (found.len > 0)
			rd->replaced = ih_invocation_text(rd->ret, found.text, found.len);
		break;
	case IH_ROLE_CLEAR:
		assign(rd, NULL);
		break;
	case IH_ROLE_COMMAND:
		ih_reader_command(rd, i, rule);
		break;
	default:
		ih_reader_found(rd, &found);
	}
}

/* An inner command's unknown arguments must not be read as options. */
static void check_unknown(struct ih_reader *rd, const char *arg)
{
	const char *mark = rd->exec->replaced;

	if (mark && rd->exec->more_arguments && strncmp(arg, mark, strlen(mark)) == 0)
		ih_invocation_unclear(rd->ret, "'%.60s' will be replaced by text nobody knows",
				      arg);
}

/* Walk all arguments once. Return: 1 when env -S wants it walked again from the start. */
static int walk(struct ih_reader *rd, bool collect)
{
	struct ih_scan *s = &rd->scan;
	int i;

	for (i = rd->first; i < rd->argc && s->state != IH_SCAN_STOPPED; i++) {
		const char *arg = rd->argv[i];
		struct ih_scan_text text;

		if (i == 0) { /* multi-call: the name is the first word */
			const char *slash = strrchr(arg, '/');

			arg = slash ? slash + 1 : arg[0] == '-' ? arg + 1 : arg;
			s->state = IH_SCAN_OPERANDS;
		} else if (collect) {
			check_unknown(rd, arg);
		}
		text = text_of(arg);
		if (ih_scan_argument(s, text) < 0) {
			if (collect)
				explain_why(rd, s, arg);
			return 0;
		}
		if (s->hit.rule == IH_SCAN_NONE)
			continue;
		if (rd->t->rules[s->hit.rule].role == IH_ROLE_SPLIT)
			return ih_reader_split(rd, i, &s->hit);
		if (collect && i > 0)
			hit_argument(rd, i);
	}
	if (ih_scan_end(s) < 0 && collect)
		explain_why(rd, s, i > rd->first ? rd->argv[i - 1] : NULL);
	return 0;
}

static uint32_t starting_flags(const struct ih_reader *rd)
{
	uint32_t flags = rd->carried;

	if (rd->exec->stdin_is_tty)
		flags |= IH_FLAG_TTY;
	if (rd->exec->argv[0][0] == '-')
		flags |= IH_FLAG_LOGIN;
	if (ih_environ_get(rd->exec->envp, "POSIXLY_CORRECT", 15))
		flags |= IH_FLAG_STRICT_ORDER;
	return flags;
}

static void walk_twice(struct ih_reader *rd)
{
	uint32_t flags = starting_flags(rd), final;
	int splits = 0;

	for (;;) {
		ih_scan_start(&rd->scan, rd->t, rd->grammar, flags);
		if (!walk(rd, false))
			break;
		if (++splits > IH_SPLITS_MAX) {
			ih_invocation_unclear(rd->ret, "option strings are nested too deep");
			return;
		}
	}
	final = rd->scan.flags;
	/* 0 would mean "unknown yet" */
	final |= IH_FLAG_FINAL;
	ih_scan_start(&rd->scan, rd->t, rd->grammar, flags);
	rd->scan.final = final;
	(void)walk(rd, true);
	if (rd->exec->more_arguments && rd->scan.state != IH_SCAN_STOPPED &&
	    rd->ret->n_commands == 0)
		ih_invocation_unclear(rd->ret, "arguments that nobody knows will follow");
}

/* A busybox called as "awk": argv[0] is the first word of its command line. */
static void choose_start(struct ih_reader *rd, const struct ih_grammar *grammar)
{
	const struct ih_grammar_entry *g = &rd->t->grammars[rd->grammar];
	const char *name = rd->exec->argv[0], *slash = strrchr(name, '/');

	rd->first = 1;
	if (g->n_slots == 0 || rd->t->rules[g->first_slot].role != IH_ROLE_SUBCOMMAND ||
	    !(g->style & IH_STYLE_MULTI))
		return;
	name = slash ? slash + 1 : name[0] == '-' ? name + 1 : name;
	if (!ih_grammar_has_name(grammar, name))
		rd->first = 0;
}

static const struct ih_source *main_source(const struct ih_invocation *inv,
					   enum ih_source_kind kind)
{
	size_t i;

	for (i = 0; i < inv->n_sources; i++)
		if (inv->sources[i].main && inv->sources[i].kind == kind)
			return &inv->sources[i];
	return NULL;
}

static void explain_mode(struct ih_reader *rd, uint32_t ending)
{
	struct ih_invocation *inv = rd->ret;
	const struct ih_source *s;

	switch (inv->mode) {
	case IH_MODE_INLINE:
		s = main_source(inv, IH_SOURCE_INLINE);
		reason(inv, "%s%s%s carries code", s && s->via[0] == '-' ? "option '" : "'",
		       s ? s->via : "an argument", "'");
		break;
	case IH_MODE_SCRIPT:
		s = main_source(inv, IH_SOURCE_FILE);
		if (!s) {
			reason(inv, "the code is a file that it finds by itself");
			break;
		}
		reason(inv, "the code is the file '%.*s'",
		       s ? (int)(s->len < 150 ? s->len : 150) : 0, s ? s->text : "");
		break;
	case IH_MODE_MODULE:
		s = main_source(inv, IH_SOURCE_MODULE);
		reason(inv, "the code is the module '%.*s'",
		       s ? (int)(s->len < 150 ? s->len : 150) : 0, s ? s->text : "");
		break;
	case IH_MODE_STDIN:
		reason(inv, "code is read from standard input");
		break;
	case IH_MODE_INTERACTIVE:
		reason(inv, "code is typed at a terminal");
		break;
	case IH_MODE_PROGRAM:
		reason(inv, "it starts another program");
		break;
	case IH_MODE_NONE:
		reason(inv, rd->scan.flags & IH_FLAG_INFO    ? "it only prints about itself"
			    : rd->scan.flags & IH_FLAG_CHECK ? "it only checks the code"
							     : "it runs no code");
		break;
	default:
		reason(inv, ending == IH_SCAN_NONE
				    ? "nothing in the command line says where code comes from"
				    : "without more arguments it cannot be told what it does");
	}
}

/* A check looks at the main code only: what is loaded beside it runs all the same. */
static void drop_main_sources(struct ih_invocation *inv)
{
	size_t i, kept = 0;

	for (i = 0; i < inv->n_sources; i++)
		if (!inv->sources[i].main)
			inv->sources[kept++] = inv->sources[i];
	inv->n_sources = kept;
}

static bool all_pure(const struct ih_invocation *inv)
{
	bool any = false;
	size_t i;

	for (i = 0; i < inv->n_sources; i++) {
		const struct ih_source *s = &inv->sources[i];

		if (s->origin == IH_ORIGIN_ARGV && !s->pure)
			return false;
		any = any || s->pure;
	}
	return any;
}

static void add_stdin(struct ih_reader *rd)
{
	struct ih_found found = {
		.via = "standard input", .origin = IH_ORIGIN_DEFAULT, .arg = -1, .text = ""
	};

	ih_reader_add(rd, IH_SOURCE_STDIN, &found);
	if (rd->ret->n_sources)
		rd->ret->sources[rd->ret->n_sources - 1].main = true;
}

static void finish(struct ih_reader *rd)
{
	struct ih_invocation *inv = rd->ret;
	enum ih_mode mode = (enum ih_mode)ih_scan_mode(&rd->scan);
	uint32_t ending = rd->scan.ending;

	if (inv->reason[0]) {
		inv->mode = IH_MODE_UNCLEAR;
		return;
	}
	inv->mode = mode;
	if (mode == IH_MODE_NONE && (rd->scan.flags & IH_FLAG_CHECK))
		drop_main_sources(inv);
	explain_mode(rd, ending);
	inv->pure = mode == IH_MODE_INLINE && all_pure(inv);
}

/* The program that rules belong to: parts and tables belong to their file's. */
static const struct ih_grammar *owner(const struct ih_reader *rd)
{
	return ih_grammars_at(rd->grammars, rd->t->grammars[rd->scan.grammar].parent);
}

static void parse_known(struct ih_reader *rd, const struct ih_grammar *grammar)
{
	enum ih_mode mode;

	choose_start(rd, grammar);
	ih_reader_option_strings(rd);
	walk_twice(rd);
	rd->ret->grammar = owner(rd);
	mode = (enum ih_mode)ih_scan_mode(&rd->scan);
	if (mode == IH_MODE_INTERACTIVE)
		rd->scan.flags |= IH_FLAG_INTERACTIVE;
	if (mode == IH_MODE_STDIN || mode == IH_MODE_INTERACTIVE)
		add_stdin(rd);
	ih_reader_variables(rd);
	if (!(rd->scan.flags & IH_FLAG_INFO))
		ih_reader_implicit(rd);
	ih_reader_relocate(rd);
	finish(rd);
}

void ih_invocation_parse(const struct ih_grammars *grammars, const struct ih_grammar *grammar,
			 const struct ih_exec *exec, struct ih_invocation *ret)
{
	struct ih_reader *rd;

	memset(ret, 0, offsetof(struct ih_invocation, sources));
	ret->grammar = grammar;
	ret->command = -1;
	rd = ih_invocation_memory(ret, sizeof(*rd)); /* zeroed */
	if (!rd)
		return;
	rd->grammars = grammars;
	rd->t = ih_grammars_tables(grammars);
	rd->grammar = grammar ? ih_grammar_id(grammar) : 0;
	rd->exec = exec;
	rd->argv = exec->argv;
	rd->argc = exec->argc;
	rd->directory = exec->directory;
	rd->ret = ret;
	if (exec->argc < 1 || !exec->argv[0]) {
		ih_invocation_unclear(ret,
				      "there is no argv[0], which no caller in earnest leaves out");
		return;
	}
	if (grammar) {
		parse_known(rd, grammar);
		return;
	}
	ih_scan_start(&rd->scan, rd->t, 0, 0);
	ih_reader_variables(rd);
	ih_reader_relocate(rd);
	if (ret->reason[0])
		return;
	ret->mode = IH_MODE_PROGRAM;
	reason(ret, "the program itself is the code");
}

const char *ih_source_kind_name(enum ih_source_kind kind)
{
	static const char *const names[IH_SOURCE_MAX_] = {
		[IH_SOURCE_NONE] = "none",	     [IH_SOURCE_FILE] = "file",
		[IH_SOURCE_MODULE] = "module",	     [IH_SOURCE_PATH] = "path",
		[IH_SOURCE_LIBRARY] = "library",     [IH_SOURCE_CONFIG] = "config",
		[IH_SOURCE_PROGRAM] = "program",     [IH_SOURCE_INLINE] = "inline",
		[IH_SOURCE_STDIN] = "stdin",	     [IH_SOURCE_IMPLICIT] = "implicit",
		[IH_SOURCE_DIRECTORY] = "directory",
	};

	return (unsigned int)kind < IH_SOURCE_MAX_ ? names[kind] : "none";
}

const char *ih_origin_name(enum ih_origin origin)
{
	static const char *const names[] = { "argv", "environment", "shebang", "default" };

	return (unsigned int)origin < IH_ARRAY_SIZE(names) ? names[origin] : "argv";
}
