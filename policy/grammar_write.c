/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Second half of the grammar compiler: numbers grammars, keeps strings once, spells out what may
 * be abbreviated, and writes the tables. Reads no JSON.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/grammar_priv.h"

struct ih_compiler *ih_compiler_new(size_t n_units)
{
	struct ih_compiler *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->units = calloc(n_units ? n_units : 1, sizeof(*c->units));
	c->grammars = calloc(IH_GRAMMARS_MAX, sizeof(*c->grammars));
	c->names = calloc(IH_GRAMMARS_MAX, sizeof(*c->names));
	c->owned = calloc(IH_GRAMMARS_MAX, sizeof(*c->owned));
	c->values = calloc(IH_GRAMMARS_MAX, sizeof(*c->values));
	c->units_of = calloc(IH_GRAMMARS_MAX, sizeof(*c->units_of));
	c->max_interned = 4096;
	c->interned = calloc(c->max_interned, sizeof(*c->interned));
	c->n_units = n_units;
	/* Offset 0 is the empty string, so that a rule that names nothing has one. */
	if (!c->units || !c->grammars || !c->names || !c->owned || !c->values || !c->units_of ||
	    !c->interned || ih_text_add(&c->strings, "", 1) < 0) {
		ih_compiler_free(c);
		return NULL;
	}
	return c;
}

void ih_compiler_free(struct ih_compiler *c)
{
	size_t i;

	if (!c)
		return;
	for (i = 0; c->units && i < c->n_units; i++)
		ih_json_free(c->units[i].doc);
	for (i = 0; c->owned && i < IH_GRAMMARS_MAX; i++)
		free(c->owned[i]);
	free(c->units);
	free(c->grammars);
	free(c->names);
	free(c->owned);
	free(c->values);
	free(c->units_of);
	free(c->interned);
	free(c->rules);
	free(c->spellings);
	ih_text_done(&c->strings);
	free(c);
}

static uint64_t hash_bytes(const char *bytes, size_t len)
{
	uint64_t hash = IH_HASH_START;

	while (len--)
		hash = ih_hash_byte(hash, (uint8_t)*bytes++);
	return hash;
}

static int grow_interned(struct ih_compiler *c)
{
	size_t max = c->max_interned * 2, i;
	uint32_t *bigger = calloc(max, sizeof(*bigger));

	if (!bigger)
		return -ENOMEM;
	for (i = 0; i < c->max_interned; i++) {
		const char *text = c->strings.data + c->interned[i] - 1;
		size_t at;

		if (!c->interned[i])
			continue;
		at = hash_bytes(text, strlen(text)) & (max - 1);
		while (bigger[at])
			at = (at + 1) & (max - 1);
		bigger[at] = c->interned[i];
	}
	free(c->interned);
	c->interned = bigger;
	c->max_interned = max;
	return 0;
}

int ih_compiler_string(struct ih_compiler *c, const char *bytes, size_t len, uint32_t *ret)
{
	bool plain = memchr(bytes, 0, len) == NULL;
	size_t at;
	int r;

	if (c->n_interned * 2 > c->max_interned) {
		r = grow_interned(c);
		if (r < 0)
			return r;
	}
	at = hash_bytes(bytes, len) & (c->max_interned - 1);
	for (; plain && c->interned[at]; at = (at + 1) & (c->max_interned - 1)) {
		const char *there = c->strings.data + c->interned[at] - 1;

		if (strlen(there) == len && memcmp(there, bytes, len) == 0) {
			*ret = c->interned[at] - 1;
			return 0;
		}
	}
	*ret = (uint32_t)c->strings.len;
	r = ih_text_add(&c->strings, bytes, len);
	if (r == 0)
		r = ih_text_add(&c->strings, "", 1);
	if (r == 0 && plain) {
		c->interned[at] = *ret + 1;
		c->n_interned++;
	}
	return r;
}

int ih_compiler_declare(struct ih_compiler *c, struct ih_file_unit *unit, const char *name,
			const struct ih_json *value, uint32_t *ret)
{
	uint32_t id = c->n_grammars, i;
	int r;

	if (id >= IH_GRAMMARS_MAX)
		return -E2BIG;
	if (unit) {
		if (asprintf(&c->owned[id], "%s.%s", unit->name, name) < 0) {
			c->owned[id] = NULL;
			return -ENOMEM;
		}
		name = c->owned[id];
	}
	for (i = 0; i < id; i++)
		if (strcmp(c->names[i], name) == 0)
			return -EEXIST;
	r = ih_compiler_string(c, name, strlen(name), &c->grammars[id].name);
	if (r < 0)
		return r;
	c->names[id] = name;
	c->values[id] = *value;
	c->units_of[id] = unit;
	c->n_grammars++;
	*ret = id;
	return 0;
}

static int find_within(const struct ih_compiler *c, const struct ih_file_unit *unit,
		       const char *name)
{
	size_t len = strlen(unit->name);
	uint32_t i;

	for (i = 0; i < c->n_grammars; i++)
		if (strncmp(c->names[i], unit->name, len) == 0 && c->names[i][len] == '.' &&
		    strcmp(c->names[i] + len + 1, name) == 0)
			return (int)i;
	return -ENOENT;
}

int ih_compiler_find(const struct ih_compiler *c, const struct ih_file_unit *unit, const char *name)
{
	uint32_t i;
	int r;

	r = find_within(c, unit, name);
	for (i = 0; r < 0 && i < IH_INCLUDE_DEPTH_MAX; i++)
		if (c->include[i])
			r = find_within(c, c->include[i], name);
	for (i = 0; r < 0 && i < c->n_grammars; i++)
		if (strcmp(c->names[i], name) == 0)
			r = (int)i;
	return r;
}

int ih_compiler_rule(struct ih_compiler *c, const struct ih_rule_entry *rule, uint32_t *ret)
{
	if (c->n_rules == c->max_rules) {
		uint32_t max = c->max_rules ? c->max_rules * 2 : 256;
		struct ih_rule_entry *bigger;

		if (max > IH_GRAMMAR_RULES_MAX)
			return -E2BIG;
		bigger = realloc(c->rules, max * sizeof(*bigger));
		if (!bigger)
			return -ENOMEM;
		c->rules = bigger;
		c->max_rules = max;
	}
	*ret = c->n_rules;
	c->rules[c->n_rules++] = *rule;
	return 0;
}

/* How the scanner compares, see ih_scan_fold(). */
static void fold_name(char *name, size_t len, uint32_t style, uint8_t scope)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (scope == IH_SCOPE_KEY && (style & IH_STYLE_NOCASE) && name[i] >= 'A' &&
		    name[i] <= 'Z')
			name[i] = (char)(name[i] + 'a' - 'A');
		if (scope == IH_SCOPE_OPTION && (style & IH_STYLE_FOLD) && name[i] == '_')
			name[i] = '-';
	}
}

static struct ih_spelling *find_spelling(struct ih_compiler *c, uint32_t grammar, uint8_t scope,
					 const char *name, size_t len)
{
	uint32_t i = c->n_spellings;

	/* Backwards: what is looked for is nearly always of the grammar that was read last. */
	while (i-- > 0 && c->spellings[i].grammar == grammar)
		if (c->spellings[i].scope == scope && c->spellings[i].len == len &&
		    memcmp(c->strings.data + c->spellings[i].name, name, len) == 0)
			return &c->spellings[i];
	return NULL;
}

static int push_spelling(struct ih_compiler *c, const struct ih_spelling *spelling)
{
	if (c->n_spellings == c->max_spellings) {
		uint32_t max = c->max_spellings ? c->max_spellings * 2 : 1024;
		struct ih_spelling *bigger = realloc(c->spellings, max * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		c->spellings = bigger;
		c->max_spellings = max;
	}
	c->spellings[c->n_spellings++] = *spelling;
	return 0;
}

int ih_compiler_spelling(struct ih_compiler *c, struct ih_place place, const char *name, size_t len,
			 uint32_t rule)
{
	struct ih_spelling spelling = { .len = (uint32_t)len,
					.rule = rule,
					.grammar = (uint16_t)place.grammar,
					.scope = place.scope,
					.depth = place.depth };
	bool prefix = len > 0 && name[len - 1] == '*';
	char folded[IH_SCAN_NAME_MAX + 1];
	struct ih_spelling *there;
	int r;

	if (len > IH_SCAN_NAME_MAX || (prefix && len > IH_SCAN_PREFIX_MAX))
		return -ENAMETOOLONG;
	memcpy(folded, name, len);
	folded[len] = '\0';
	fold_name(folded, len, c->grammars[place.grammar].style, place.scope);
	r = ih_compiler_string(c, folded, len, &spelling.name);
	if (r < 0)
		return r;
	there = find_spelling(c, place.grammar, place.scope, folded, len);
	if (!there)
		return push_spelling(c, &spelling);
	if (there->depth <= place.depth)
		return -EEXIST;
	*there = spelling; /* one's own word instead of an included one */
	return 0;
}

void ih_compiler_section(struct ih_compiler *c, uint32_t grammar, const char *section,
			 uint32_t first, uint32_t n)
{
	struct ih_grammar_entry *g = &c->grammars[grammar];

	if (strcmp(section, "operands") == 0) {
		g->first_slot = first;
		g->n_slots = n;
	} else if (strcmp(section, "implicit") == 0) {
		g->first_implicit = first;
		g->n_implicit = n;
	} else {
		g->first_ending = first;
		g->n_endings = n;
	}
}

static bool is_long(const struct ih_compiler *c, const struct ih_spelling *s)
{
	const char *name = c->strings.data + s->name;

	return s->scope == IH_SCOPE_OPTION && s->len > 3 && name[0] == '-' && name[1] == '-' &&
	       name[s->len - 1] != '*';
}

/* Do both mean the same? The program takes an abbreviation that fits only such. */
static bool same_rule(const struct ih_compiler *c, uint32_t a, uint32_t b)
{
	return a == b || memcmp(&c->rules[a], &c->rules[b], sizeof(c->rules[a])) == 0;
}

static bool is_unique(const struct ih_compiler *c, uint32_t first, uint32_t end,
		      const struct ih_spelling *s, size_t len)
{
	const char *name = c->strings.data + s->name;
	uint32_t i;

	for (i = first; i < end; i++) {
		const struct ih_spelling *other = &c->spellings[i];

		if (is_long(c, other) && other->len >= len &&
		    memcmp(c->strings.data + other->name, name, len) == 0 &&
		    !same_rule(c, other->rule, s->rule))
			return false;
	}
	return true;
}

/* getopt_long() takes any beginning that fits one option only: each gets a spelling. */
static int abbreviate(struct ih_compiler *c, uint32_t grammar, uint32_t first)
{
	uint32_t end = c->n_spellings, i;
	size_t len;
	int r;

	for (i = first; i < end; i++) {
		struct ih_spelling s = c->spellings[i];

		if (!is_long(c, &s))
			continue;
		for (len = 3; len < c->spellings[i].len; len++) {
			const char *name = c->strings.data + s.name;

			if (find_spelling(c, grammar, IH_SCOPE_OPTION, name, len) ||
			    !is_unique(c, first, end, &c->spellings[i], len))
				continue;
			s.len = (uint32_t)len;
			r = push_spelling(c, &s);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* gdb and the like take -name and --name. */
static int either(struct ih_compiler *c, uint32_t grammar, uint32_t first)
{
	uint32_t end = c->n_spellings, i;

	for (i = first; i < end; i++) {
		struct ih_spelling s = c->spellings[i];
		char name[IH_SCAN_NAME_MAX + 2] = "-";
		int r;

		if (s.scope != IH_SCOPE_OPTION || s.len < 2 || s.len >= IH_SCAN_NAME_MAX ||
		    c->strings.data[s.name] != '-' || c->strings.data[s.name + 1] == '-')
			continue;
		memcpy(name + 1, c->strings.data + s.name, s.len);
		s.len++;
		if (find_spelling(c, grammar, s.scope, name, s.len))
			continue;
		r = ih_compiler_string(c, name, s.len, &s.name);
		if (r == 0)
			r = push_spelling(c, &s);
		if (r < 0)
			return r;
	}
	return 0;
}

int ih_compiler_expand(struct ih_compiler *c, uint32_t grammar)
{
	uint32_t first = c->n_spellings;
	int r = 0;

	while (first > 0 && c->spellings[first - 1].grammar == grammar)
		first--;
	if (c->grammars[grammar].style & IH_STYLE_EITHER)
		r = either(c, grammar, first);
	if (r == 0 && (c->grammars[grammar].style & IH_STYLE_ABBREVIATE))
		r = abbreviate(c, grammar, first);
	c->grammars[grammar].style &= ~IH_STYLE_EITHER;
	return r;
}

static uint64_t hash_spelling(const struct ih_compiler *c, const struct ih_spelling *s)
{
	uint64_t hash = ih_hash_scope(s->grammar, s->scope);
	uint32_t i;

	for (i = 0; i < s->len; i++)
		hash = ih_hash_byte(hash, (uint8_t)c->strings.data[s->name + i]);
	return hash;
}

/* Return: the longest run of used slots, or -EBADMSG when two spellings have one hash. */
static int fill_slots(const struct ih_compiler *c, struct ih_grammar_slot *slots, uint32_t n,
		      struct ih_diag *diag)
{
	uint32_t i, longest = 0;

	for (i = 0; i < c->n_spellings; i++) {
		const struct ih_spelling *s = &c->spellings[i];
		uint64_t hash = hash_spelling(c, s);
		uint32_t run = 0, at = (uint32_t)hash & (n - 1);

		while (slots[at].hash != 0) {
			if (slots[at].hash == hash)
				return ih_fail(diag, -EBADMSG, "'%s' has the hash of another name",
					       c->strings.data + s->name);
			at = (at + 1) & (n - 1);
			run++;
		}
		if (hash == 0)
			return ih_fail(diag, -EBADMSG, "'%s' has a hash of zero",
				       c->strings.data + s->name);
		slots[at] = (struct ih_grammar_slot){ .hash = hash,
						      .rule = s->rule,
						      .name = s->name,
						      .len = (uint16_t)s->len,
						      .grammar = s->grammar,
						      .scope = s->scope };
		longest = run > longest ? run : longest;
	}
	return (int)longest;
}

static void fill_options(struct ih_compiler *c)
{
	uint32_t i;

	for (i = 0; i < c->n_rules; i++) {
		struct ih_grammar_entry *g = &c->grammars[c->rules[i].grammar];

		if (g->n_options == 0)
			g->first_option = i;
		g->n_options = i + 1 - g->first_option;
	}
	for (i = 0; i < c->n_spellings; i++) {
		const struct ih_spelling *s = &c->spellings[i];

		if (c->rules[s->rule].name == 0)
			c->rules[s->rule].name = s->name;
		if (s->len && c->strings.data[s->name + s->len - 1] == '*' &&
		    s->len <= IH_SCAN_PREFIX_MAX)
			c->grammars[s->grammar].prefixes[(s->len - 1) / 32] |= 1u
									       << (s->len - 1) % 32;
	}
}

static bool is_prefix(const struct ih_compiler *c, const struct ih_spelling *s)
{
	return s->len && c->strings.data[s->name + s->len - 1] == '*';
}

/* Whole names by their bytes, then prefixes by theirs; the grammar makes the order total. */
static int compare_variables(const void *left, const void *right, void *strings)
{
	const struct ih_grammar_variable *a = left, *b = right;
	size_t len = a->len < b->len ? a->len : b->len;
	int r = memcmp((char *)strings + a->name, (char *)strings + b->name, len);

	if (r == 0)
		r = (int)a->len - (int)b->len;
	return r ? r : (int)a->grammar - (int)b->grammar;
}

/* All variables of one kind: whole names, or prefixes. Return: how many were added, or -ENOMEM. */
static int add_variables(const struct ih_compiler *c, bool prefixes, struct ih_text *ret)
{
	size_t first = ret->len;
	uint32_t i, n = 0;

	for (i = 0; i < c->n_spellings; i++) {
		const struct ih_spelling *s = &c->spellings[i];
		struct ih_grammar_variable v = { .name = s->name, .grammar = s->grammar };

		if (s->scope != IH_SCOPE_VARIABLE || is_prefix(c, s) != prefixes)
			continue;
		v.len = (uint16_t)(s->len - prefixes);
		while (c->grammars[v.grammar].parent != v.grammar)
			v.grammar = (uint16_t)c->grammars[v.grammar].parent;
		n++;
		if (ih_text_add(ret, &v, sizeof(v)) < 0)
			return -ENOMEM;
	}
	if (n)
		qsort_r(ret->data + first, n, sizeof(struct ih_grammar_variable), compare_variables,
			c->strings.data);
	return (int)n;
}

int ih_compiler_write(struct ih_compiler *c, struct ih_text *ret, struct ih_diag *diag)
{
	struct ih_grammar_header h = { .magic = IH_GRAMMAR_MAGIC, .version = IH_GRAMMAR_VERSION };
	_cleanup_(ih_text_done) struct ih_text variables = { 0 };
	_free_ struct ih_grammar_slot *slots = NULL;
	uint32_t n = 64, i;
	int r, names, prefixes;

	for (i = 0; i < c->n_grammars; i++)
		if (c->grammars[i].file == 0)
			c->grammars[i].file = c->grammars[c->grammars[i].parent].file;
	fill_options(c);
	for (r = IH_GRAMMAR_PROBES_MAX; r >= IH_GRAMMAR_PROBES_MAX; n *= 2) {
		while (n < c->n_spellings * 2)
			n *= 2;
		free(slots);
		slots = calloc(n, sizeof(*slots));
		if (!slots)
			return ih_fail(diag, -ENOMEM, "cannot write grammars: out of memory");
		r = fill_slots(c, slots, n, diag);
		if (r < 0)
			return r;
		if (r < IH_GRAMMAR_PROBES_MAX)
			break;
	}
	names = add_variables(c, /* prefixes= */ false, &variables);
	prefixes = names < 0 ? names : add_variables(c, /* prefixes= */ true, &variables);
	if (prefixes < 0)
		return ih_fail(diag, -ENOMEM, "cannot write grammars: out of memory");
	while (c->strings.len % 8)
		(void)ih_text_add(&c->strings, "", 1);
	h.n_grammars = c->n_grammars;
	h.n_rules = c->n_rules;
	h.n_slots = n;
	h.n_strings = (uint32_t)c->strings.len;
	h.off_slots = sizeof(h);
	h.off_grammars = h.off_slots + n * (uint32_t)sizeof(*slots);
	h.off_rules = h.off_grammars + h.n_grammars * (uint32_t)sizeof(*c->grammars);
	h.off_variables = h.off_rules + h.n_rules * (uint32_t)sizeof(*c->rules);
	h.n_variables = (uint32_t)(names + prefixes);
	h.n_prefixes = (uint32_t)prefixes;
	h.off_strings = h.off_variables + (uint32_t)variables.len;
	h.size = h.off_strings + h.n_strings;
	h.probes = (uint32_t)r;
	if (c->strings.oom || ih_text_add(ret, &h, sizeof(h)) < 0 ||
	    ih_text_add(ret, slots, n * sizeof(*slots)) < 0 ||
	    ih_text_add(ret, c->grammars, h.n_grammars * sizeof(*c->grammars)) < 0 ||
	    ih_text_add(ret, c->rules, h.n_rules * sizeof(*c->rules)) < 0 ||
	    ih_text_add(ret, variables.data, variables.len) < 0 ||
	    ih_text_add(ret, c->strings.data, h.n_strings) < 0)
		return ih_fail(diag, -ENOMEM, "cannot write grammars: out of memory");
	return 0;
}
