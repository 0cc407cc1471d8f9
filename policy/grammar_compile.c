/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The grammar compiler: reads the JSON, resolves names of flags, tables and other grammars, spells
 * out abbreviations, and hands what it found to grammar_write.c. Knows the words of the format;
 * knows nothing of any single interpreter.
 */
#include "policy/grammar_compile.h"

#include <errno.h>
#include <string.h>

#include "common/json.h"
#include "policy/grammar_priv.h"

static const char *const role_names[IH_ROLE_MAX_] = {
	[IH_ROLE_UNCLEAR] = "unclear",
	[IH_ROLE_HARMLESS] = "harmless",
	[IH_ROLE_INLINE] = "inline",
	[IH_ROLE_SHELL] = "shell",
	[IH_ROLE_SCRIPT] = "script",
	[IH_ROLE_FILE] = "file",
	[IH_ROLE_MODULE] = "module",
	[IH_ROLE_REQUIRE] = "require",
	[IH_ROLE_PATH] = "path",
	[IH_ROLE_LIBRARY] = "library",
	[IH_ROLE_CONFIG] = "config",
	[IH_ROLE_PROGRAM] = "program",
	[IH_ROLE_OPTIONS] = "options",
	[IH_ROLE_SPLIT] = "split",
	[IH_ROLE_KEYED] = "keyed",
	[IH_ROLE_PASTED] = "pasted",
	[IH_ROLE_COMMAND] = "command",
	[IH_ROLE_SUBCOMMAND] = "subcommand",
	[IH_ROLE_ASSIGNMENT] = "assignment",
	[IH_ROLE_UNSET] = "unset",
	[IH_ROLE_CLEAR] = "clear",
	[IH_ROLE_CHDIR] = "chdir",
	[IH_ROLE_CHROOT] = "chroot",
	[IH_ROLE_INFO] = "info",
	[IH_ROLE_ARGUMENTS] = "arguments",
	[IH_ROLE_DIRECTORY] = "directory",
	[IH_ROLE_IMPLICIT] = "implicit",
	[IH_ROLE_REPLACE] = "replace",
};
static const char *const shape_names[IH_SHAPE_MAX_] = {
	[IH_SHAPE_NONE] = "none",	  [IH_SHAPE_REQUIRED] = "required",
	[IH_SHAPE_ATTACHED] = "attached", [IH_SHAPE_SEPARATE] = "separate",
	[IH_SHAPE_NEXT] = "next",	  [IH_SHAPE_MAYBE] = "maybe",
	[IH_SHAPE_NUMBER] = "number",	  [IH_SHAPE_CHAR] = "char",
	[IH_SHAPE_UNTIL] = "until",	  [IH_SHAPE_EQUALS] = "equals",
	[IH_SHAPE_PAIR] = "pair",
};
static const char *const then_names[IH_THEN_MAX_] = {
	[IH_THEN_GO_ON] = "continue",
	[IH_THEN_STOP] = "stop",
	[IH_THEN_OPERANDS] = "operands",
	[IH_THEN_GRAMMAR] = "grammar", /* said by the member "grammar" */
};
static const char *const test_names[IH_TEST_MAX_] = {
	[IH_TEST_NONE] = "none",
	[IH_TEST_EXPANSION] = "expansion",
	[IH_TEST_FUNCTION] = "function",
	[IH_TEST_SED] = "sed",
	[IH_TEST_AWK] = "awk",
	[IH_TEST_SQL] = "sql",
	[IH_TEST_WORD] = "word",
	[IH_TEST_NUMBER] = "number",
	[IH_TEST_TRUE] = "true",
	[IH_TEST_DOTTED] = "dotted",
	[IH_TEST_PATTERN] = "pattern",
	[IH_TEST_ASSIGNMENT] = "assignment",
	[IH_TEST_MAKE] = "make",
	[IH_TEST_WORDS] = "words",
	[IH_TEST_AT_FILE] = "at-file",
	[IH_TEST_PIPE] = "pipe",
	[IH_TEST_CURSOR] = "cursor",
	[IH_TEST_JAVA] = "java",
	[IH_TEST_TRANSPORT] = "transport",
	[IH_TEST_AT_NAME] = "at-name",
	[IH_TEST_LESSPIPE] = "lesspipe",
	[IH_TEST_LESS] = "less",
	[IH_TEST_LINKER] = "linker",
	[IH_TEST_REQUIRED] = "required",
	[IH_TEST_CLASSES] = "classes",
	[IH_TEST_PACKAGE] = "package",
};
static const char *const splitting_names[IH_SPLITTING_MAX_] = {
	[IH_SPLITTING_SPACES] = "spaces",     [IH_SPLITTING_QUOTES] = "quotes",
	[IH_SPLITTING_NODE] = "node",	      [IH_SPLITTING_ENV] = "env",
	[IH_SPLITTING_MAKE] = "make",	      [IH_SPLITTING_DASHED] = "dashed",
	[IH_SPLITTING_RESPONSE] = "response",
};
static const char *const mode_names[IH_MODE_MAX_] = {
	[IH_MODE_UNCLEAR] = "unclear", [IH_MODE_PROGRAM] = "program",
	[IH_MODE_NONE] = "none",       [IH_MODE_SCRIPT] = "script",
	[IH_MODE_MODULE] = "module",   [IH_MODE_INLINE] = "inline",
	[IH_MODE_STDIN] = "stdin",     [IH_MODE_INTERACTIVE] = "interactive",
};
static const struct {
	const char *name;
	uint32_t bit;
} style_names[] = {
	{ "cluster", IH_STYLE_CLUSTER },
	{ "long", IH_STYLE_LONG },
	{ "word", IH_STYLE_WORD },
	{ "word-equals", IH_STYLE_WORD_EQUALS },
	{ "plus", IH_STYLE_PLUS },
	{ "permute", IH_STYLE_PERMUTE },
	{ "fold", IH_STYLE_FOLD },
	{ "no-case", IH_STYLE_NOCASE },
	{ "jit", IH_STYLE_JIT },
	{ "launcher", IH_STYLE_LAUNCHER },
	{ "bare", IH_STYLE_BARE },
	{ "abbreviate", IH_STYLE_ABBREVIATE },
	{ "endless", IH_STYLE_ENDLESS },
	{ "multi-call", IH_STYLE_MULTI },
	{ "either", IH_STYLE_EITHER },
	{ "relocatable", IH_STYLE_RELOCATABLE },
	{ "response-files", IH_STYLE_RESPONSES },
	{ "loader", IH_STYLE_LOADER },
};
static const char *const known_flags[] = {
	"tty",	 "login",   "code",    "script", "stdin",	"interactive",	"repl",
	"check", "operand", "command", "info",	 "environment", "strict-order", "final",
};
_Static_assert(IH_ARRAY_SIZE(known_flags) == IH_FLAG_OWN_SHIFT, "one name for each flag");

static int word_of(const struct ih_json *v, const char *const *names, int max, struct ih_diag *diag)
{
	const char *word;
	int r, i;

	r = ih_json_string(v, &word, diag);
	if (r < 0)
		return r;
	for (i = 0; i < max; i++)
		if (strcmp(names[i], word) == 0)
			return i;
	return ih_json_fail(v, diag, -EBADMSG, "there is no word '%s' here", word);
}

/* The bit of a flag; a name that was not there before gets the file's next free one. */
static int flag_bit(struct ih_file_unit *unit, const struct ih_json *v, const char *name,
		    uint32_t *ret, struct ih_diag *diag)
{
	size_t i;

	for (i = 0; i < IH_ARRAY_SIZE(known_flags); i++)
		if (strcmp(known_flags[i], name) == 0) {
			*ret = 1U << i;
			return 0;
		}
	for (i = 0; i < unit->n_flags; i++)
		if (strcmp(unit->flags[i], name) == 0)
			break;
	if (i == unit->n_flags) {
		if (IH_FLAG_OWN_SHIFT + i >= IH_GRAMMAR_FLAGS_MAX)
			return ih_json_fail(v, diag, -EBADMSG, "there are more flags than %d",
					    IH_GRAMMAR_FLAGS_MAX - IH_FLAG_OWN_SHIFT);
		unit->flags[unit->n_flags++] = name;
	}
	*ret = 1U << (IH_FLAG_OWN_SHIFT + i);
	return 0;
}

/* A list of flags; those with '!' in front go to @no, which is NULL where that has no meaning. */
static int read_flags(struct ih_file_unit *unit, const struct ih_json *v, uint32_t *yes,
		      uint32_t *no, struct ih_diag *diag)
{
	size_t i, n = ih_json_length(v);
	int r;

	if (ih_json_type(v) != IH_JSON_ARRAY)
		return ih_json_fail(v, diag, -EBADMSG, "must be a list of flags");
	for (i = 0; i < n; i++) {
		struct ih_json element;
		const char *name;
		uint32_t bit = 0;

		(void)ih_json_element(v, i, &element);
		r = ih_json_string(&element, &name, diag);
		if (r < 0)
			return r;
		if (name[0] == '!' && !no)
			return ih_json_fail(&element, diag, -EBADMSG, "'!' has no meaning here");
		r = flag_bit(unit, &element, name[0] == '!' ? name + 1 : name, &bit, diag);
		if (r < 0)
			return r;
		if (name[0] == '!')
			*no |= bit;
		else
			*yes |= bit;
	}
	return 0;
}

static int read_bit(const struct ih_json *v, uint16_t bit, struct ih_rule_entry *rule,
		    struct ih_diag *diag)
{
	bool on;
	int r = ih_json_bool(v, &on, diag);

	if (r < 0)
		return r;
	if (on)
		rule->bits |= bit;
	return 0;
}

/* The grammar or table that a rule points to. */
static int read_target(struct ih_compiler *c, struct ih_file_unit *unit, const struct ih_json *v,
		       uint32_t *ret, struct ih_diag *diag)
{
	const char *name;
	int r = ih_json_string(v, &name, diag);

	if (r < 0)
		return r;
	r = ih_compiler_find(c, unit, name);
	if (r < 0)
		return ih_json_fail(v, diag, -EBADMSG, "there is no grammar or table '%s'", name);
	*ret = (uint32_t)r;
	return 0;
}

static int read_separator(const struct ih_json *v, struct ih_rule_entry *rule, struct ih_diag *diag)
{
	const char *text;
	int r = ih_json_string(v, &text, diag);

	if (r < 0)
		return r;
	if (strlen(text) < 1 || strlen(text) > 2)
		return ih_json_fail(v, diag, -EBADMSG, "must be one or two characters");
	rule->separator[0] = (uint8_t)text[0];
	rule->separator[1] = (uint8_t)text[1];
	return 0;
}

/* An implicit file's name, or several of which the first that can be spelled counts. */
static int read_text(struct ih_compiler *c, const struct ih_json *v, uint32_t *ret,
		     struct ih_diag *diag)
{
	struct ih_text all = { 0 };
	size_t i, n = ih_json_length(v);
	const char *text;
	int r = 0;

	if (ih_json_type(v) != IH_JSON_ARRAY) {
		r = ih_json_string(v, &text, diag);
		if (r == 0)
			r = ih_compiler_string(c, text, strlen(text), ret);
		return r;
	}
	for (i = 0; i < n && r == 0; i++) {
		struct ih_json element;

		(void)ih_json_element(v, i, &element);
		r = ih_json_string(&element, &text, diag);
		if (r == 0)
			r = ih_text_addf(&all, "%s%s", i ? "|" : "", text);
	}
	if (r == 0)
		r = ih_compiler_string(c, ih_text_get(&all), all.len, ret);
	ih_text_done(&all);
	return r;
}

struct rule_reader {
	struct ih_compiler *c;
	struct ih_file_unit *unit;
	struct ih_rule_entry *rule;
};

static int read_word(const struct ih_json *v, const char *const *names, int max, uint8_t *ret,
		     struct ih_diag *diag)
{
	int r = word_of(v, names, max, diag);

	if (r < 0)
		return r;
	*ret = (uint8_t)r;
	return 0;
}

static int read_member(struct rule_reader rr, const char *key, const struct ih_json *v,
		       struct ih_diag *diag)
{
	static const struct {
		const char *key;
		uint16_t bit;
	} bits[] = {
		{ "repeat", IH_RULE_REPEAT },
		{ "search", IH_RULE_SEARCH },
		{ "empty-is-here", IH_RULE_EMPTY_HERE },
		{ "template", IH_RULE_TEMPLATE },
		{ "dash-is-stdin", IH_RULE_DASH_STDIN },
		{ "optional", IH_RULE_OPTIONAL },
		{ "more", IH_RULE_MORE },
		{ "whole", IH_RULE_WHOLE },
	};
	struct ih_rule_entry *rule = rr.rule;
	size_t i;

	for (i = 0; i < IH_ARRAY_SIZE(bits); i++)
		if (strcmp(bits[i].key, key) == 0)
			return read_bit(v, bits[i].bit, rule, diag);
	if (strcmp(key, "role") == 0)
		return read_word(v, role_names, IH_ROLE_MAX_, &rule->role, diag);
	if (strcmp(key, "value") == 0)
		return read_word(v, shape_names, IH_SHAPE_MAX_, &rule->shape, diag);
	if (strcmp(key, "then") == 0)
		return read_word(v, then_names, IH_THEN_GRAMMAR, &rule->then, diag);
	if (strcmp(key, "test") == 0)
		return read_word(v, test_names, IH_TEST_MAX_, &rule->test, diag);
	if (strcmp(key, "split") == 0)
		return read_word(v, splitting_names, IH_SPLITTING_MAX_, &rule->splitting, diag);
	if (strcmp(key, "mode") == 0)
		return read_word(v, mode_names, IH_MODE_MAX_, &rule->mode, diag);
	if (strcmp(key, "when") == 0)
		return read_flags(rr.unit, v, &rule->must, &rule->must_not, diag);
	if (strcmp(key, "set") == 0)
		return read_flags(rr.unit, v, &rule->set, &rule->clear, diag);
	if (strcmp(key, "separator") == 0)
		return read_separator(v, rule, diag);
	if (strcmp(key, "text") == 0)
		return read_text(rr.c, v, &rule->text, diag);
	if (strcmp(key, "title") == 0)
		return read_text(rr.c, v, &rule->name, diag);
	if (strcmp(key, "grammar") == 0) {
		rule->then = IH_THEN_GRAMMAR;
		return read_target(rr.c, rr.unit, v, &rule->target, diag);
	}
	if (strcmp(key, "keys") == 0)
		return read_target(rr.c, rr.unit, v, &rule->target, diag);
	if (strcmp(key, "select") == 0) {
		rule->bits |= IH_RULE_SELECTS;
		return read_target(rr.c, rr.unit, v, &rule->target, diag);
	}
	if (strcmp(key, "note") == 0) /* for readers of the file */
		return 0;
	return ih_json_fail(v, diag, -EBADMSG, "there is no member '%s' here", key);
}

/* What a role needs, so that a slip of the pen is no hole. */
static int check_rule(const struct ih_json *v, const struct ih_rule_entry *rule,
		      struct ih_diag *diag)
{
	if (rule->role == IH_ROLE_KEYED && rule->target == 0)
		return ih_json_fail(v, diag, -EBADMSG, "role 'keyed' needs the member 'keys'");
	if (rule->role == IH_ROLE_SUBCOMMAND && !(rule->bits & IH_RULE_SELECTS) &&
	    rule->then != IH_THEN_GRAMMAR)
		return ih_json_fail(v, diag, -EBADMSG, "role 'subcommand' needs 'select'");
	if ((rule->bits & IH_RULE_SELECTS) && rule->then == IH_THEN_GRAMMAR)
		return ih_json_fail(v, diag, -EBADMSG, "has both 'select' and 'grammar'");
	return 0;
}

/* Roles that end the options by themselves, unless "then" says otherwise. */
static uint8_t usual_then(uint8_t role, bool is_slot)
{
	if (role == IH_ROLE_COMMAND)
		return IH_THEN_STOP;
	return is_slot && (role == IH_ROLE_SCRIPT || role == IH_ROLE_MODULE) ? IH_THEN_STOP
									     : IH_THEN_GO_ON;
}

/* A rule is a role's name, or an object. */
static int read_rule(struct rule_reader rr, const struct ih_json *v, bool is_slot,
		     struct ih_diag *diag)
{
	struct ih_json member;
	const char *key;
	void *iterator = NULL;
	int r;

	if (ih_json_type(v) == IH_JSON_STRING) {
		r = read_word(v, role_names, IH_ROLE_MAX_, &rr.rule->role, diag);
		if (r < 0)
			return r;
		rr.rule->then = usual_then(rr.rule->role, is_slot);
		return check_rule(v, rr.rule, diag);
	}
	if (ih_json_type(v) != IH_JSON_OBJECT)
		return ih_json_fail(v, diag, -EBADMSG, "must be a role or an object");
	if (ih_json_member(v, "role", &member) == 0) {
		r = read_word(&member, role_names, IH_ROLE_MAX_, &rr.rule->role, diag);
		if (r < 0)
			return r;
	}
	rr.rule->then = usual_then(rr.rule->role, is_slot);
	while (ih_json_next(v, &iterator, &key, &member)) {
		r = read_member(rr, key, &member, diag);
		if (r < 0)
			return r;
	}
	return check_rule(v, rr.rule, diag);
}

/* One member of "options", "environment" or "keys": names, blank-separated, and their rule. */
static int read_named(struct ih_compiler *c, struct ih_place place, const char *names,
		      const struct ih_json *v, struct ih_diag *diag)
{
	struct ih_rule_entry rule = { .grammar = (uint16_t)place.grammar };
	struct rule_reader rr = { c, place.unit, &rule };
	const char *name = names;
	uint32_t index;
	int r;

	if (place.scope == IH_SCOPE_VARIABLE)
		rule.shape = IH_SHAPE_EQUALS;
	r = read_rule(rr, v, false, diag);
	if (r < 0)
		return r;
	r = ih_compiler_rule(c, &rule, &index);
	if (r < 0)
		return r;
	while (*name) {
		size_t len = strcspn(name, " ");

		if (len > 0) {
			r = ih_compiler_spelling(c, place, name, len, index);
			if (r == -EEXIST)
				return ih_json_fail(v, diag, -EBADMSG, "'%.*s' is there twice",
						    (int)len, name);
			if (r == -ENAMETOOLONG)
				return ih_json_fail(v, diag, -EBADMSG, "'%.*s' is too long",
						    (int)len, name);
			if (r < 0)
				return ih_fail(diag, r, "cannot keep a spelling: out of memory");
		}
		name += len + strspn(name + len, " ");
	}
	return 0;
}

static int read_named_section(struct ih_compiler *c, struct ih_place place,
			      const struct ih_json *grammar, const char *section,
			      struct ih_diag *diag)
{
	struct ih_json v, member;
	const char *key;
	void *iterator = NULL;
	int r;

	if (ih_json_member(grammar, section, &v) < 0)
		return 0;
	if (ih_json_type(&v) != IH_JSON_OBJECT)
		return ih_json_fail(&v, diag, -EBADMSG, "must be an object");
	while (ih_json_next(&v, &iterator, &key, &member)) {
		r = read_named(c, place, key, &member, diag);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A list of rules without names: "operands", "implicit", "nothing". */
static int read_listed_section(struct ih_compiler *c, struct ih_place place,
			       const struct ih_json *grammar, const char *section,
			       struct ih_diag *diag)
{
	struct ih_json v, element;
	uint32_t first = c->n_rules, unused;
	size_t i, n;
	int r;

	if (ih_json_member(grammar, section, &v) < 0)
		return 0;
	n = ih_json_length(&v);
	if (ih_json_type(&v) != IH_JSON_ARRAY || n > IH_GRAMMAR_SLOTS_MAX)
		return ih_json_fail(&v, diag, -EBADMSG, "must be a list of at most %d",
				    IH_GRAMMAR_SLOTS_MAX);
	for (i = 0; i < n; i++) {
		struct ih_rule_entry rule = { .grammar = (uint16_t)place.grammar };
		const char *title = strcmp(section, "operands") == 0 ? "operand" : "by itself";

		(void)ih_json_element(&v, i, &element);
		r = ih_compiler_string(c, title, strlen(title), &rule.name);
		if (r < 0)
			return r;
		if (strcmp(section, "nothing") == 0 && ih_json_type(&element) == IH_JSON_STRING)
			r = read_word(&element, mode_names, IH_MODE_MAX_, &rule.mode, diag);
		else
			r = read_rule((struct rule_reader){ c, place.unit, &rule }, &element, true,
				      diag);
		if (r == 0)
			r = ih_compiler_rule(c, &rule, &unused);
		if (r < 0)
			return r;
	}
	ih_compiler_section(c, place.grammar, section, first, (uint32_t)n);
	return 0;
}

static int read_styles(struct ih_compiler *c, uint32_t grammar, const struct ih_json *v,
		       struct ih_diag *diag)
{
	struct ih_grammar_entry *g = &c->grammars[grammar];
	struct ih_json list, element;
	size_t i, k;

	if (ih_json_member(v, "styles", &list) < 0)
		return 0;
	if (ih_json_type(&list) != IH_JSON_ARRAY)
		return ih_json_fail(&list, diag, -EBADMSG, "must be a list");
	g->style &= IH_STYLE_PART;
	for (i = 0; i < ih_json_length(&list); i++) {
		const char *word;
		int r;

		(void)ih_json_element(&list, i, &element);
		r = ih_json_string(&element, &word, diag);
		if (r < 0)
			return r;
		for (k = 0; k < IH_ARRAY_SIZE(style_names); k++)
			if (strcmp(style_names[k].name, word) == 0)
				break;
		if (k == IH_ARRAY_SIZE(style_names))
			return ih_json_fail(&element, diag, -EBADMSG, "there is no style '%s'",
					    word);
		g->style |= style_names[k].bit;
	}
	return 0;
}

static int read_patterns(struct ih_compiler *c, uint32_t grammar, const struct ih_json *v,
			 struct ih_diag *diag)
{
	struct ih_json list, element;
	struct ih_text all = { 0 };
	size_t i;
	int r = 0;

	if (ih_json_member(v, "programs", &list) < 0)
		return 0;
	if (ih_json_type(&list) != IH_JSON_ARRAY)
		return ih_json_fail(&list, diag, -EBADMSG, "must be a list");
	for (i = 0; i < ih_json_length(&list) && r == 0; i++) {
		const char *pattern;

		(void)ih_json_element(&list, i, &element);
		r = ih_json_string(&element, &pattern, diag);
		if (r == 0 && pattern[0] == '\0')
			r = ih_json_fail(&element, diag, -EBADMSG, "must not be empty");
		if (r == 0)
			r = ih_text_add(&all, pattern, strlen(pattern) + 1);
		c->grammars[grammar].letters |= r == 0 ? ih_pattern_letters(pattern) : 0;
	}
	if (r == 0)
		r = ih_text_add(&all, "", 1);
	if (r == 0)
		r = ih_compiler_string(c, all.data, all.len, &c->grammars[grammar].patterns);
	ih_text_done(&all);
	return r;
}

static int add_file(struct ih_compiler *c, struct ih_place place, const char *name, size_t len)
{
	struct ih_rule_entry rule = { .grammar = (uint16_t)place.grammar, .role = IH_ROLE_FILE };
	uint32_t index;
	int r = ih_compiler_rule(c, &rule, &index);

	if (r == 0)
		r = ih_compiler_spelling(c, place, name, len, index);
	return r == -EEXIST ? 0 : r;
}

/* What the program reads by itself is code by the last part of its name. */
static int add_implicit_files(struct ih_compiler *c, struct ih_place place)
{
	const struct ih_grammar_entry *g = &c->grammars[place.grammar];
	uint32_t first = g->first_implicit, n = g->n_implicit, i;
	int r = 0;

	for (i = 0; i < n; i++) {
		uint32_t at = c->rules[first + i].text;

		if (c->rules[first + i].role != IH_ROLE_IMPLICIT)
			continue;
		for (;;) {
			size_t len = strcspn(c->strings.data + at, "|");
			const char *name = c->strings.data + at;
			const char *slash = memrchr(name, '/', len);
			char copy[IH_SCAN_NAME_MAX + 1];
			size_t rest = slash ? len - (size_t)(slash + 1 - name) : len;

			if (rest > IH_SCAN_NAME_MAX)
				return -ENAMETOOLONG;
			memcpy(copy, slash ? slash + 1 : name, rest);
			r = add_file(c, place, copy, rest);
			if (r < 0 || !c->strings.data[at + len])
				break;
			at += (uint32_t)len + 1;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* "files": names of code, or "*.py" for all that end like this. */
static int read_files(struct ih_compiler *c, struct ih_place place, const struct ih_json *v,
		      struct ih_diag *diag)
{
	struct ih_json list, element;
	size_t i;
	int r;

	place.scope = IH_SCOPE_FILE;
	r = add_implicit_files(c, place);
	if (r < 0)
		return ih_json_fail(v, diag, r, "cannot keep the names of its files: %s",
				    strerror(-r));
	if (ih_json_member(v, "files", &list) < 0)
		return 0;
	if (ih_json_type(&list) != IH_JSON_ARRAY)
		return ih_json_fail(&list, diag, -EBADMSG, "must be a list of names");
	for (i = 0; i < ih_json_length(&list); i++) {
		const char *name, *star;

		(void)ih_json_element(&list, i, &element);
		r = ih_json_string(&element, &name, diag);
		if (r < 0)
			return r;
		star = strchr(name, '*');
		if (!*name || strchr(name, '/') ||
		    (star && (star != name || name[1] != '.' || strpbrk(name + 2, "*."))))
			return ih_json_fail(&element, diag, -EBADMSG,
					    "must be a file's name, or '*.' and an ending");
		r = add_file(c, place, name, strlen(name));
		if (r < 0)
			return ih_json_fail(&element, diag, -EBADMSG, "cannot be kept: %s",
					    strerror(-r));
	}
	return 0;
}

static int read_includes(struct ih_compiler *c, struct ih_place place, const struct ih_json *v,
			 struct ih_diag *diag);

/* All sections of a grammar, a part or a table into @place.grammar. */
static int read_sections(struct ih_compiler *c, struct ih_place place, const struct ih_json *v,
			 struct ih_diag *diag)
{
	static const char *const keys[] = { "name",    "programs", "include",	  "styles",
					    "options", "operands", "environment", "implicit",
					    "nothing", "tables",   "parts",	  "keys",
					    "files",   "note",	   NULL };
	int r;

	r = ih_json_only(v, keys, diag);
	if (r < 0)
		return r;
	r = read_includes(c, place, v, diag);
	if (r < 0)
		return r;
	r = read_styles(c, place.grammar, v, diag);
	if (r < 0)
		return r;
	place.scope = IH_SCOPE_OPTION;
	r = read_named_section(c, place, v, "options", diag);
	if (r < 0)
		return r;
	place.scope = IH_SCOPE_VARIABLE;
	r = read_named_section(c, place, v, "environment", diag);
	if (r < 0)
		return r;
	place.scope = IH_SCOPE_KEY;
	r = read_named_section(c, place, v, "keys", diag);
	if (r < 0)
		return r;
	r = read_listed_section(c, place, v, "operands", diag);
	if (r < 0)
		return r;
	r = read_listed_section(c, place, v, "implicit", diag);
	if (r < 0)
		return r;
	r = read_files(c, place, v, diag);
	if (r < 0)
		return r;
	return read_listed_section(c, place, v, "nothing", diag);
}

/* "include": what another grammar says, before one's own word on the same takes its place. */
static int read_includes(struct ih_compiler *c, struct ih_place place, const struct ih_json *v,
			 struct ih_diag *diag)
{
	struct ih_json list, element;
	size_t i;

	if (ih_json_member(v, "include", &list) < 0)
		return 0;
	if (ih_json_type(&list) != IH_JSON_ARRAY || place.depth >= IH_INCLUDE_DEPTH_MAX)
		return ih_json_fail(&list, diag, -EBADMSG, "must be a list, at most %d deep",
				    IH_INCLUDE_DEPTH_MAX);
	for (i = 0; i < ih_json_length(&list); i++) {
		struct ih_place inner = place;
		const char *name;
		int r;

		(void)ih_json_element(&list, i, &element);
		r = ih_json_string(&element, &name, diag);
		if (r < 0)
			return r;
		r = ih_compiler_find(c, place.unit, name);
		if (r < 0)
			return ih_json_fail(&element, diag, -EBADMSG, "there is no grammar '%s'",
					    name);
		inner.depth++;
		c->include[inner.depth - 1] = c->units_of[r];
		r = read_sections(c, inner, &c->values[r], diag);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Give every grammar, part and table of a file its number. */
static int declare_group(struct ih_compiler *c, struct ih_file_unit *unit, const char *section,
			 uint32_t parent, struct ih_diag *diag)
{
	struct ih_json root = ih_json_root(unit->doc), group, member;
	const char *key;
	void *iterator = NULL;
	uint32_t id;
	int r;

	if (ih_json_member(&root, section, &group) < 0)
		return 0;
	if (ih_json_type(&group) != IH_JSON_OBJECT)
		return ih_json_fail(&group, diag, -EBADMSG, "must be an object");
	while (ih_json_next(&group, &iterator, &key, &member)) {
		r = ih_compiler_declare(c, unit, key, &member, &id);
		if (r < 0)
			return ih_json_fail(&member, diag, -EBADMSG, "cannot declare '%s': %s", key,
					    strerror(-r));
		c->grammars[id].parent = parent;
		c->grammars[id].style = IH_STYLE_PART;
	}
	return 0;
}

static int declare_file(struct ih_compiler *c, struct ih_file_unit *unit, struct ih_diag *diag)
{
	struct ih_json root = ih_json_root(unit->doc), v;
	const char *name;
	uint32_t id;
	int r;

	r = ih_json_member(&root, "name", &v);
	if (r < 0)
		return ih_json_fail(&root, diag, -EBADMSG, "has no 'name'");
	r = ih_json_string(&v, &name, diag);
	if (r < 0)
		return r;
	unit->name = name;
	r = ih_compiler_declare(c, NULL, name, &root, &id);
	if (r < 0)
		return ih_json_fail(&v, diag, -EBADMSG, "cannot declare '%s': %s", name,
				    strerror(-r));
	c->units_of[id] = unit;
	c->grammars[id].parent = id;
	unit->id = id;
	r = ih_compiler_string(c, unit->file, strlen(unit->file), &c->grammars[id].file);
	if (r < 0)
		return r;
	r = declare_group(c, unit, "parts", id, diag);
	if (r < 0)
		return r;
	return declare_group(c, unit, "tables", id, diag);
}

static int compile_grammars(struct ih_compiler *c, struct ih_diag *diag)
{
	uint32_t id;
	int r;

	/* Patterns of all grammars lie together: who looks for one touches few pages. */
	for (id = 0; id < c->n_grammars; id++) {
		r = read_patterns(c, id, &c->values[id], diag);
		if (r < 0)
			return r;
	}
	for (id = 0; id < c->n_grammars; id++) {
		struct ih_place place = { .unit = c->units_of[id], .grammar = id };

		r = read_sections(c, place, &c->values[id], diag);
		if (r < 0)
			return r;
		r = ih_compiler_expand(c, id);
		if (r < 0)
			return ih_fail(diag, r, "cannot expand the options of '%s': %s",
				       c->names[id], strerror(-r));
	}
	return 0;
}

/* "_common" is grammar 0: its variables apply to every program. */
static int declare_all(struct ih_compiler *c, struct ih_diag *diag)
{
	size_t i, pass;
	int r;

	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < c->n_units; i++) {
			bool common = strcmp(c->units[i].file, "_common.json") == 0;

			if (common != (pass == 0))
				continue;
			r = declare_file(c, &c->units[i], diag);
			if (r < 0)
				return r;
		}
	if (c->n_grammars == 0 || strcmp(c->names[0], "_common") != 0)
		return ih_fail(diag, -EBADMSG, "there is no '_common.json' among the grammars");
	return 0;
}

int ih_grammar_compile(const struct ih_grammar_source *sources, size_t n, struct ih_text *ret,
		       struct ih_diag *diag)
{
	struct ih_compiler *c;
	size_t i;
	int r;

	c = ih_compiler_new(n);
	if (!c)
		return ih_fail(diag, -ENOMEM, "cannot compile grammars: out of memory");
	for (i = 0, r = 0; i < n && r == 0; i++) {
		c->units[i].file = sources[i].name;
		r = ih_json_parse(sources[i].name, sources[i].text, sources[i].len,
				  &c->units[i].doc, diag);
	}
	if (r == 0)
		r = declare_all(c, diag);
	if (r == 0)
		r = compile_grammars(c, diag);
	if (r == 0)
		r = ih_compiler_write(c, ret, diag);
	ih_compiler_free(c);
	return r;
}
