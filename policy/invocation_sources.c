/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a rule and its text to code sources: cuts path lists, looks at text that only counts under
 * a condition, tells a module's name from a file's.
 */
#include <string.h>

#include "policy/invocation_priv.h"
#include "policy/pure.h"

void ih_reader_add(struct ih_reader *rd, enum ih_source_kind kind, const struct ih_found *found)
{
	struct ih_invocation *inv = rd->ret;

	if (inv->n_sources == IH_SOURCES_MAX) {
		ih_invocation_unclear(inv, "there are more than %d code sources", IH_SOURCES_MAX);
		return;
	}
	inv->sources[inv->n_sources++] = (struct ih_source){
		.kind = kind,
		.origin = found->origin,
		.arg = found->arg,
		.via = found->via,
		.text = found->text,
		.len = found->len,
		.search_path = found->rule && (found->rule->bits & IH_RULE_SEARCH) &&
			       !memchr(found->text, '/', found->len),
		.optional = found->rule && (found->rule->bits & IH_RULE_OPTIONAL),
	};
}

static void add_main(struct ih_reader *rd, enum ih_source_kind kind, const struct ih_found *found)
{
	size_t before = rd->ret->n_sources;

	ih_reader_add(rd, kind, found);
	if (rd->ret->n_sources > before)
		rd->ret->sources[before].main = true;
}

/* One element of a list. A template's directory is what stands before the '/' before its '?'. */
static void add_element(struct ih_reader *rd, enum ih_source_kind kind, struct ih_found found)
{
	const struct ih_rule_entry *rule = found.rule;

	if (found.len == 0) {
		if (!(rule->bits & IH_RULE_EMPTY_HERE))
			return;
		found.text = ".";
		found.len = 1;
	}
	if (rule->bits & IH_RULE_TEMPLATE) {
		const char *mark = memchr(found.text, '?', found.len), *slash;

		if (mark) {
			slash = memrchr(found.text, '/', (size_t)(mark - found.text));
			found.len = slash ? (size_t)(slash - found.text) : 1;
			if (!slash || found.len == 0)
				found.text = slash ? "/" : ".";
			found.len = found.len ? found.len : 1;
		}
	}
	ih_reader_add(rd, kind, &found);
}

static void add_list(struct ih_reader *rd, enum ih_source_kind kind, const struct ih_found *found)
{
	const struct ih_rule_entry *rule = found->rule;
	struct ih_found element = *found;
	size_t i, start = 0;

	if (found->len == 0)
		return;
	for (i = 0; i <= found->len; i++) {
		char c = i < found->len ? found->text[i] : 0;

		if (i < found->len &&
		    !(c && (c == (char)rule->separator[0] || c == (char)rule->separator[1])))
			continue;
		element.text = found->text + start;
		element.len = i - start;
		add_element(rd, kind, element);
		start = i + 1;
	}
}

static bool is_pure(const struct ih_found *found)
{
	switch (found->rule->test) {
	case IH_TEST_SED:
		return ih_is_pure_sed(found->text, found->len);
	case IH_TEST_AWK:
		return ih_is_pure_awk(found->text, found->len);
	case IH_TEST_SQL:
		return ih_is_pure_sql(found->text, found->len);
	default:
		return false;
	}
}

static void add_inline(struct ih_reader *rd, const struct ih_found *found)
{
	size_t before = rd->ret->n_sources;

	if (found->rule->test == IH_TEST_AT_FILE && found->len > 0 && found->text[0] == '@') {
		struct ih_found file = *found;

		file.text++;
		file.len--;
		ih_reader_add(rd, IH_SOURCE_FILE, &file);
		return;
	}
	ih_reader_add(rd, IH_SOURCE_INLINE, found);
	if (rd->ret->n_sources == before)
		return;
	rd->ret->sources[before].pure = is_pure(found);
	if (found->origin == IH_ORIGIN_ARGV) {
		rd->ret->sources[before].main = true;
		rd->scan.seen |= IH_SEEN_INLINE;
	}
}

/* -MFoo names a module; -M'Foo;code' is code. Only plain names are taken for names. */
static void add_pasted(struct ih_reader *rd, const struct ih_found *found)
{
	struct ih_found name = *found;
	const char *equals;

	if (!ih_is_module_name(found->text, found->len)) {
		add_inline(rd, found);
		return;
	}
	if (name.text[0] == '-') {
		name.text++;
		name.len--;
	}
	equals = memchr(name.text, '=', name.len);
	if (equals && found->rule->target) {
		struct ih_scan scan;
		int at;

		ih_scan_start(&scan, rd->t, found->rule->target, 0);
		scan.text = (struct ih_scan_text){ name.text, (__u32)name.len };
		ih_scan_ask_for(&scan, found->rule->target, IH_SCOPE_KEY, 0,
				(__u32)(equals - name.text));
		at = ih_scan_find(&scan);
		if (at >= 0) { /* -Mlib=/directory */
			struct ih_found value = *found;

			value.rule = &rd->t->rules[rd->t->slots[at].rule];
			value.text = equals + 1;
			value.len = name.len - scan.q.len - 1;
			ih_reader_found(rd, &value);
		}
	}
	if (equals)
		name.len = (size_t)(equals - name.text);
	ih_reader_add(rd, IH_SOURCE_MODULE, &name);
}

/* PAGER="less -R": no code, but the name of a program that will be started. */
static void add_first_word(struct ih_reader *rd, const struct ih_found *found)
{
	struct ih_found program = *found;
	size_t before = rd->ret->n_sources;
	const char *blank;

	while (program.len > 0 && program.text[0] == ' ') {
		program.text++;
		program.len--;
	}
	blank = memchr(program.text, ' ', program.len);
	if (blank)
		program.len = (size_t)(blank - program.text);
	if (program.len == 0)
		return;
	ih_reader_add(rd, IH_SOURCE_PROGRAM, &program);
	if (rd->ret->n_sources > before)
		rd->ret->sources[before].optional = true;
}

/* Text that counts only if there is something in it. Return: false when it does not count. */
static bool counts(struct ih_reader *rd, const struct ih_found *found)
{
	switch (found->rule->test) {
	case IH_TEST_EXPANSION:
		return ih_has_expansion(found->text, found->len);
	case IH_TEST_FUNCTION:
		return ih_is_function(found->text, found->len);
	case IH_TEST_WORD:
		return !ih_is_plain_word(found->text, found->len);
	case IH_TEST_PACKAGE:
		return !ih_is_package(found->text, found->len);
	case IH_TEST_NUMBER:
		if (ih_is_number(found->text, found->len))
			return false;
		ih_invocation_unclear(rd->ret, "'%s' should be a number", found->via);
		return false;
	case IH_TEST_TRUE:
		return found->len > 0 && !(found->len == 1 && found->text[0] == '0');
	case IH_TEST_DOTTED:
		return ih_has_dotted_category(found->text, found->len);
	case IH_TEST_PATTERN:
		return !ih_is_plain_pattern(found->text, found->len);
	case IH_TEST_ASSIGNMENT:
		return !ih_is_plain_assignment(found->text, found->len);
	case IH_TEST_MAKE:
		return ih_has_make_function(found->text, found->len);
	case IH_TEST_PIPE:
		return found->len > 0 && (found->text[0] == '|' || found->text[0] == '!');
	case IH_TEST_CURSOR:
		return found->len > 0 && !ih_is_number(found->text, found->len);
	case IH_TEST_TRANSPORT:
		return memmem(found->text, found->len, "::", 2) != NULL;
	case IH_TEST_AT_NAME:
		return found->len > 1 && found->text[0] == '@';
	case IH_TEST_LESSPIPE:
		return !ih_is_lesspipe(found->text, found->len);
	case IH_TEST_LESS:
		if (!ih_is_plain_less(found->text, found->len))
			add_inline(rd, found);
		return false;
	case IH_TEST_LINKER:
		if (ih_has_linker_plugin(found->text, found->len))
			ih_invocation_unclear(rd->ret, "'%s' can load code into the linker",
					      found->via);
		return false;
	case IH_TEST_WORDS:
		if (found->rule->role != IH_ROLE_PROGRAM)
			return !ih_is_plain_words(found->text, found->len);
		if (ih_is_plain_words(found->text, found->len))
			add_first_word(rd, found);
		else
			add_inline(rd, found);
		return false;
	default:
		return true;
	}
}

static void add_file(struct ih_reader *rd, const struct ih_found *found)
{
	if (found->len == 0)
		return;
	/* A shell expands BASH_ENV and ENV before it opens them. */
	if (found->rule->test == IH_TEST_EXPANSION && memchr(found->text, '`', found->len)) {
		ih_reader_add(rd, IH_SOURCE_INLINE, found);
		return;
	}
	if (found->rule->test == IH_TEST_EXPANSION && memchr(found->text, '$', found->len)) {
		ih_reader_add(rd, IH_SOURCE_INLINE, found);
		return;
	}
	ih_reader_add(rd, IH_SOURCE_FILE, found);
}

static void add_config(struct ih_reader *rd, const struct ih_found *found)
{
	struct ih_found config = *found;

	if (found->rule->test == IH_TEST_AT_NAME) {
		config.text++;
		config.len--;
	}
	add_list(rd, IH_SOURCE_CONFIG, &config);
}

/* A key in a variable: GIT_CONFIG_KEY_0=core.pager, whose value stands in another variable. */
static void add_keyed(struct ih_reader *rd, const struct ih_found *found)
{
	struct ih_scan scan;
	int at;

	ih_scan_start(&scan, rd->t, found->rule->target, 0);
	scan.text = (struct ih_scan_text){ found->text, (__u32)found->len };
	ih_scan_ask_for(&scan, found->rule->target, IH_SCOPE_KEY, 0,
			ih_scan_key(&scan, 0, scan.text.len));
	at = ih_scan_find(&scan);
	if (at < 0)
		at = ih_scan_find_prefix(&scan);
	if (at < 0 || rd->t->rules[rd->t->slots[at].rule].role != IH_ROLE_HARMLESS)
		ih_invocation_unclear(rd->ret, "'%s' names a setting that can carry code",
				      found->via);
}

/* A module's name, a file's, or the code itself: node --import data:text/javascript,… */
static void add_required(struct ih_reader *rd, const struct ih_found *found)
{
	bool is_file;

	if (found->len == 0)
		return;
	if (found->len > 5 && memcmp(found->text, "data:", 5) == 0) {
		add_inline(rd, found);
		return;
	}
	is_file = memchr(found->text, '/', found->len) || found->text[0] == '.';
	ih_reader_add(rd, is_file ? IH_SOURCE_FILE : IH_SOURCE_MODULE, found);
}

static bool rule_is_source(const struct ih_found *found)
{
	return found->rule->test == IH_TEST_JAVA && found->len > 5 &&
	       memcmp(found->text + found->len - 5, ".java", 5) == 0;
}

/* java Main, or java Main.java, which is compiled and run. */
static void add_module(struct ih_reader *rd, const struct ih_found *found)
{
	if (rule_is_source(found)) {
		rd->scan.seen |= IH_SEEN_SCRIPT;
		add_main(rd, IH_SOURCE_FILE, found);
		return;
	}
	rd->scan.seen |= IH_SEEN_MODULE;
	add_main(rd, IH_SOURCE_MODULE, found);
}

/* NAME=/some/file, to a Makefile of its own: harmless, unless that is a program. */
static bool add_assigned(struct ih_reader *rd, const struct ih_found *found)
{
	const char *equals = memchr(found->text, '=', found->len);
	struct ih_found value = *found;
	size_t before = rd->ret->n_sources;

	if (!equals || equals + 1 == found->text + found->len || equals[1] != '/' ||
	    !ih_is_plain_word(found->text, found->len))
		return false;
	value.text = equals + 1;
	value.len = found->len - (size_t)(value.text - found->text);
	if (memchr(value.text, ':', value.len) || memchr(value.text, ',', value.len) ||
	    memchr(value.text, '=', value.len))
		return false;
	ih_reader_add(rd, IH_SOURCE_PROGRAM, &value);
	if (rd->ret->n_sources > before)
		rd->ret->sources[before].optional = true;
	return true;
}

/* ksh93 evaluates an operand that is no file's name: what is more than a word counts as code. */
static void add_script(struct ih_reader *rd, const struct ih_found *found)
{
	if (found->rule->test == IH_TEST_WORD && !ih_is_plain_word(found->text, found->len)) {
		add_inline(rd, found);
		return;
	}
	rd->scan.seen |= IH_SEEN_SCRIPT;
	add_main(rd, IH_SOURCE_FILE, found);
}

void ih_reader_found(struct ih_reader *rd, const struct ih_found *found)
{
	const struct ih_rule_entry *rule = found->rule;
	bool list = rule->separator[0] != 0;

	if (rule->test == IH_TEST_ASSIGNMENT && add_assigned(rd, found))
		return;

	if (rule->role == IH_ROLE_HARMLESS)
		return;
	if (rule->role != IH_ROLE_FILE && rule->role != IH_ROLE_SCRIPT && !counts(rd, found))
		return;
	if (found->origin == IH_ORIGIN_ARGV && rd->exec->replaced &&
	    memmem(found->text, found->len, rd->exec->replaced, strlen(rd->exec->replaced)))
		ih_invocation_unclear(rd->ret, "the text of '%s' is not known yet", found->via);
	if (rule->role == IH_ROLE_SCRIPT) {
		add_script(rd, found);
		return;
	}
	switch (rule->role) {
	case IH_ROLE_UNCLEAR:
		ih_invocation_unclear(rd->ret, "what '%s' makes the program do cannot be told",
				      found->via);
		break;
	case IH_ROLE_INLINE:
	case IH_ROLE_SHELL:
		add_inline(rd, found);
		break;
	case IH_ROLE_MODULE:
		add_module(rd, found);
		break;
	case IH_ROLE_FILE:
		if (list)
			add_list(rd, IH_SOURCE_FILE, found);
		else
			add_file(rd, found);
		break;
	case IH_ROLE_REQUIRE:
		add_required(rd, found);
		break;
	case IH_ROLE_PATH:
		add_list(rd, IH_SOURCE_PATH, found);
		break;
	case IH_ROLE_LIBRARY:
		add_list(rd, IH_SOURCE_LIBRARY, found);
		break;
	case IH_ROLE_CONFIG:
		add_config(rd, found);
		break;
	case IH_ROLE_PROGRAM:
		if (found->len > 0)
			ih_reader_add(rd, IH_SOURCE_PROGRAM, found);
		break;
	case IH_ROLE_OPTIONS:
		ih_reader_words(rd, found);
		break;
	case IH_ROLE_KEYED:
		add_keyed(rd, found);
		break;
	case IH_ROLE_PASTED:
		add_pasted(rd, found);
		break;
	default:
		break; /* harmless, or acted upon where it was met */
	}
}

static bool is_name(const struct ih_source *s)
{
	switch (s->kind) {
	case IH_SOURCE_FILE:
	case IH_SOURCE_PATH:
	case IH_SOURCE_CONFIG:
	case IH_SOURCE_IMPLICIT:
	case IH_SOURCE_DIRECTORY:
		return !s->search_path;
	case IH_SOURCE_LIBRARY:
	case IH_SOURCE_PROGRAM:
		return memchr(s->text, '/', s->len) != NULL;
	default:
		return false;
	}
}

void ih_reader_relocate(struct ih_reader *rd)
{
	size_t i, before;

	if (!rd->directory)
		return;
	rd->ret->directory = rd->directory;
	before = strlen(rd->directory);
	for (i = 0; i < rd->ret->n_sources; i++) {
		struct ih_source *s = &rd->ret->sources[i];
		char *joined;

		if (!is_name(s) || s->len == 0 || s->text[0] == '/' || s->text[0] == '~')
			continue;
		joined = ih_invocation_memory(rd->ret, before + s->len + 2);
		if (!joined)
			return;
		memcpy(joined, rd->directory, before);
		joined[before] = '/';
		memcpy(joined + before + 1, s->text, s->len);
		s->text = joined;
		s->len += before + 1;
	}
}
