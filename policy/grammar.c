/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The compiled grammars as the rest of ihard sees them: checks every offset of a compiled file
 * before anything relies on it, finds the grammar of a program and
 * those that read a variable. What is built in was checked when it was built (a test does it again)
 * and is used where it lies. A directory that overrides is read by grammar_load.c: that needs JSON.
 */
#include "policy/grammar.h"

#include <errno.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "policy/grammar_builtin.h"
#include "policy/grammar_priv.h"

struct ih_grammar {
	const struct ih_grammars *all;
	uint32_t id;
};

struct ih_grammars {
	struct ih_tables t;
	const struct ih_grammar_variable *names, *prefixes;
	uint32_t n_names, n_prefixes;
	struct ih_grammar *list;
	void *bytes; /* owned copy */
};

static bool is_string(const struct ih_tables *t, uint32_t offset)
{
	return offset < t->n_strings; /* the last byte of all is NUL: see tables_of() */
}

static bool is_run(uint32_t first, uint32_t n, uint32_t max, uint32_t limit)
{
	return n <= max && first <= limit && n <= limit - first;
}

static bool is_grammar(const struct ih_tables *t, const struct ih_grammar_entry *g)
{
	return is_string(t, g->name) && is_string(t, g->file) && is_string(t, g->patterns) &&
	       g->parent < t->n_grammars &&
	       is_run(g->first_slot, g->n_slots, IH_GRAMMAR_SLOTS_MAX, t->n_rules) &&
	       is_run(g->first_implicit, g->n_implicit, IH_GRAMMAR_SLOTS_MAX, t->n_rules) &&
	       is_run(g->first_ending, g->n_endings, IH_GRAMMAR_SLOTS_MAX, t->n_rules) &&
	       is_run(g->first_option, g->n_options, t->n_rules, t->n_rules);
}

static bool is_rule(const struct ih_tables *t, const struct ih_rule_entry *r)
{
	return is_string(t, r->name) && is_string(t, r->text) && r->target < t->n_grammars &&
	       r->grammar < t->n_grammars && r->role < IH_ROLE_MAX_ && r->shape < IH_SHAPE_MAX_ &&
	       r->then < IH_THEN_MAX_ && r->test < IH_TEST_MAX_ &&
	       r->splitting < IH_SPLITTING_MAX_ && r->mode < IH_MODE_MAX_;
}

static bool is_slot(const struct ih_tables *t, const struct ih_grammar_slot *s)
{
	if (s->hash == 0)
		return true;
	return s->rule < t->n_rules && s->grammar < t->n_grammars && s->len <= IH_SCAN_NAME_MAX &&
	       s->name < t->n_strings && s->len <= t->n_strings - s->name;
}

/* Patterns end with an empty one before the strings do; none is hidden by a letter that is missing.
 */
static bool has_patterns(const struct ih_tables *t, const struct ih_grammar_entry *g)
{
	uint32_t at = g->patterns, letters = 0;

	while (at < t->n_strings && t->strings[at]) {
		letters |= ih_pattern_letters(t->strings + at);
		at += (uint32_t)strlen(t->strings + at) + 1;
	}
	return at < t->n_strings && letters == g->letters;
}

static bool is_table(uint32_t offset, uint64_t n, size_t size, uint32_t end)
{
	return offset % 4 == 0 && offset <= end && n * size <= end - offset;
}

static int tables_of(const void *bytes, size_t size, struct ih_grammars *ret, struct ih_diag *diag)
{
	const struct ih_grammar_header *h = bytes;
	const char *base = bytes;

	if (size < sizeof(*h) || h->magic != IH_GRAMMAR_MAGIC)
		return ih_fail(diag, -EBADMSG, "these are no compiled grammars");
	if (h->version != IH_GRAMMAR_VERSION)
		return ih_fail(diag, -EBADMSG, "compiled grammars have version %u, not %d",
			       h->version, IH_GRAMMAR_VERSION);
	if (h->size != size || h->n_grammars == 0 || h->n_grammars > IH_GRAMMARS_MAX ||
	    h->n_rules > IH_GRAMMAR_RULES_MAX || h->n_slots == 0 || h->n_strings == 0 ||
	    (h->n_slots & (h->n_slots - 1)) || h->probes >= IH_GRAMMAR_PROBES_MAX ||
	    h->off_slots % 8 ||
	    !is_table(h->off_slots, h->n_slots, sizeof(struct ih_grammar_slot), h->size) ||
	    !is_table(h->off_grammars, h->n_grammars, sizeof(struct ih_grammar_entry), h->size) ||
	    !is_table(h->off_rules, h->n_rules, sizeof(struct ih_rule_entry), h->size) ||
	    !is_table(h->off_variables, h->n_variables, sizeof(struct ih_grammar_variable),
		      h->size) ||
	    h->n_variables > IH_GRAMMAR_VARS_MAX || h->n_prefixes > h->n_variables ||
	    !is_table(h->off_strings, h->n_strings, 1, h->size) ||
	    base[h->off_strings + h->n_strings - 1] != '\0')
		return ih_fail(diag, -EBADMSG, "compiled grammars are damaged: header");
	ret->names = (const void *)(base + h->off_variables);
	ret->n_names = h->n_variables - h->n_prefixes;
	ret->prefixes = ret->names + ret->n_names;
	ret->n_prefixes = h->n_prefixes;
	ret->t = (struct ih_tables){
		.grammars = (const void *)(base + h->off_grammars),
		.rules = (const void *)(base + h->off_rules),
		.slots = (const void *)(base + h->off_slots),
		.strings = base + h->off_strings,
		.n_grammars = h->n_grammars,
		.n_rules = h->n_rules,
		.n_slots = h->n_slots,
		.n_strings = h->n_strings,
		.probes = h->probes,
	};
	return 0;
}

static bool is_variable(const struct ih_tables *t, const struct ih_grammar_variable *v)
{
	return v->grammar < t->n_grammars && v->len <= IH_SCAN_NAME_MAX && v->name < t->n_strings &&
	       v->len <= t->n_strings - v->name;
}

static int check_tables(const struct ih_grammars *g, struct ih_diag *diag)
{
	const struct ih_tables *t = &g->t;
	uint32_t i;

	for (i = 0; i < t->n_grammars; i++)
		if (!is_grammar(t, &t->grammars[i]) || !has_patterns(t, &t->grammars[i]))
			return ih_fail(diag, -EBADMSG, "compiled grammars are damaged: grammar %u",
				       i);
	for (i = 0; i < t->n_rules; i++)
		if (!is_rule(t, &t->rules[i]))
			return ih_fail(diag, -EBADMSG, "compiled grammars are damaged: rule %u", i);
	for (i = 0; i < t->n_slots; i++)
		if (!is_slot(t, &t->slots[i]))
			return ih_fail(diag, -EBADMSG, "compiled grammars are damaged: slot %u", i);
	for (i = 0; i < g->n_names + g->n_prefixes; i++)
		if (!is_variable(t, &g->names[i]))
			return ih_fail(diag, -EBADMSG, "compiled grammars are damaged: variable %u",
				       i);
	return 0;
}

int ih_grammars_read(const void *bytes, size_t size, struct ih_grammars **ret, struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_grammars) struct ih_grammars *g = calloc(1, sizeof(*g));
	uint32_t i;
	int r;

	if (g)
		g->bytes = malloc(size ? size : 1); /* aligned, and nobody else's */
	if (!g || !g->bytes)
		return ih_fail(diag, -ENOMEM, "cannot read grammars: out of memory");
	memcpy(g->bytes, bytes, size);
	r = tables_of(g->bytes, size, g, diag);
	if (r < 0)
		return r;
	r = check_tables(g, diag);
	if (r < 0)
		return r;
	g->list = calloc(g->t.n_grammars, sizeof(*g->list));
	if (!g->list)
		return ih_fail(diag, -ENOMEM, "cannot read grammars: out of memory");
	for (i = 0; i < g->t.n_grammars; i++)
		g->list[i] = (struct ih_grammar){ g, i };
	*ret = TAKE_PTR(g);
	return 0;
}

void ih_grammars_free(struct ih_grammars *g)
{
	if (!g)
		return;
	free(g->list);
	free(g->bytes);
	free(g);
}

static struct ih_grammars builtin;

/*
 * The tables are part of this program's own read-only image, so nobody can have changed them since
 * they were checked: no copy and no second look, which took longer than all the rest of an exec.
 */
static void read_builtin(void)
{
	static const struct ih_grammar_slot free_slot;
	static const struct ih_grammar_entry nothing;
	static struct ih_grammar list[IH_GRAMMARS_MAX];
	uint32_t i;

	builtin.list = list;
	/* A damaged header: no program is known as an interpreter. The test of grammars fails. */
	if (tables_of(ih_grammar_builtin, ih_grammar_builtin_size, &builtin, NULL) < 0)
		builtin.t = (struct ih_tables){ .grammars = &nothing,
						.slots = &free_slot,
						.strings = "",
						.n_grammars = 1,
						.n_slots = 1,
						.n_strings = 1 };
	for (i = 0; i < builtin.t.n_grammars; i++)
		list[i] = (struct ih_grammar){ &builtin, i };
}

const struct ih_grammars *ih_grammars_builtin(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, read_builtin);
	return &builtin;
}

/* Order of a name and an entry; a prefix that fits is not looked for here. */
static int compare_name(const struct ih_grammars *g, const char *name, size_t len,
			const struct ih_grammar_variable *v)
{
	int r = memcmp(name, g->t.strings + v->name, len < v->len ? len : v->len);

	return r ? r : len < v->len ? -1 : len > v->len;
}

void ih_grammars_of_variable(const struct ih_grammars *g, const char *name, size_t len,
			     struct ih_grammar_set *set)
{
	uint32_t low = 0, high = g->n_names, i;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (compare_name(g, name, len, &g->names[middle]) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < g->n_names && compare_name(g, name, len, &g->names[low]) == 0; low++)
		ih_grammar_set_add(set, g->names[low].grammar);
	for (i = 0; i < g->n_prefixes; i++) {
		const struct ih_grammar_variable *v = &g->prefixes[i];

		if (len >= v->len && memcmp(name, g->t.strings + v->name, v->len) == 0)
			ih_grammar_set_add(set, v->grammar);
	}
}

#define PROGRAM_NAME_MAX 255

/* ".python3.11-wrapped" is python3.11: makeWrapper renames, the code stays the same. */
static const char *plain_name(const char *name, char buffer[PROGRAM_NAME_MAX + 1])
{
	static const char suffix[] = "-wrapped";
	size_t len;

	while (name[0] == '.' && name[1])
		name++;
	len = strnlen(name, PROGRAM_NAME_MAX + 1);
	if (len > PROGRAM_NAME_MAX)
		return "";
	memcpy(buffer, name, len);
	buffer[len] = '\0';
	for (;;) {
		while (len > 1 && buffer[len - 1] == '_')
			len--;
		if (len < sizeof(suffix) ||
		    memcmp(buffer + len - sizeof(suffix) + 1, suffix, sizeof(suffix) - 1) != 0)
			break;
		len -= sizeof(suffix) - 1;
		buffer[len] = '\0';
	}
	return buffer;
}

enum match { NO_MATCH = 0, BY_PATTERN, BY_NAME };

static bool is_pattern(const char *pattern)
{
	while (*pattern && *pattern != '*' && *pattern != '?' && *pattern != '[' &&
	       *pattern != '\\')
		pattern++;
	return *pattern;
}

/* A whole name goes before a pattern. */
static enum match match(const struct ih_grammar *g, const char *name)
{
	enum match found = NO_MATCH;

	for (const char *pattern = ih_grammar_patterns(g); *pattern;
	     pattern += strlen(pattern) + 1) {
		if (!(ih_pattern_letters(pattern) & ih_pattern_letters(name)))
			continue;
		if (strcmp(pattern, name) == 0)
			return BY_NAME;
		if (!found && is_pattern(pattern) && fnmatch(pattern, name, 0) == 0)
			found = BY_PATTERN;
	}
	return found;
}

bool ih_grammar_has_name(const struct ih_grammar *g, const char *name)
{
	char buffer[PROGRAM_NAME_MAX + 1];

	return match(g, plain_name(name, buffer)) != NO_MATCH;
}

const struct ih_grammar *ih_grammars_find(const struct ih_grammars *grammars, const char *program,
					  const char *argv0)
{
	char buffer[PROGRAM_NAME_MAX + 1];
	const char *name = plain_name(program, buffer);
	const struct ih_grammar *found = NULL;
	const uint32_t letter = ih_pattern_letters(name);

	(void)argv0; /* multi-call programs look at it when the command line is read */
	for (uint32_t i = 1; i < grammars->t.n_grammars; i++) {
		const struct ih_grammar *g = &grammars->list[i];
		enum match how;

		/* Asked of a hundred at every exec: the letter sorts nearly all of them out. */
		if (!(grammars->t.grammars[i].letters & letter) || ih_grammar_is_part(g))
			continue;
		how = match(g, name);
		if (how == BY_NAME)
			return g;
		if (how == BY_PATTERN && !found)
			found = g;
	}
	return found;
}

size_t ih_grammars_count(const struct ih_grammars *grammars)
{
	return grammars->t.n_grammars;
}

const struct ih_grammar *ih_grammars_at(const struct ih_grammars *grammars, size_t i)
{
	return i < grammars->t.n_grammars ? &grammars->list[i] : NULL;
}

const struct ih_tables *ih_grammars_tables(const struct ih_grammars *grammars)
{
	return &grammars->t;
}

static const struct ih_grammar_entry *entry_of(const struct ih_grammar *g)
{
	return &g->all->t.grammars[g->id];
}

const char *ih_grammar_name(const struct ih_grammar *g)
{
	return g->all->t.strings + entry_of(g)->name;
}

const char *ih_grammar_file(const struct ih_grammar *g)
{
	return g->all->t.strings + entry_of(g)->file;
}

uint32_t ih_grammar_id(const struct ih_grammar *g)
{
	return g->id;
}

bool ih_grammar_has_jit(const struct ih_grammar *g)
{
	return entry_of(g)->style & IH_STYLE_JIT;
}

bool ih_grammar_is_relocatable(const struct ih_grammar *g)
{
	return entry_of(g)->style & IH_STYLE_RELOCATABLE;
}

bool ih_grammar_has_responses(const struct ih_grammar *g)
{
	return entry_of(g)->style & IH_STYLE_RESPONSES;
}

bool ih_grammar_is_launcher(const struct ih_grammar *g)
{
	return entry_of(g)->style & IH_STYLE_LAUNCHER;
}

bool ih_grammar_is_part(const struct ih_grammar *g)
{
	return entry_of(g)->style & IH_STYLE_PART;
}

const char *ih_grammar_patterns(const struct ih_grammar *g)
{
	return g->all->t.strings + entry_of(g)->patterns;
}

size_t ih_grammar_rules(const struct ih_grammar *g)
{
	return entry_of(g)->n_options;
}
