/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Walks a command line by the tables of common/abi/grammar.h: one call per argument, all state in
 * one struct, every loop bounded, no libc. Tells which argument is an option, where its value
 * stands and which rule applies; what to make of that is the caller's business. Knows nothing of
 * environment option strings beyond "which rule has this variable": those are walked by a second
 * struct ih_scan over the words that user space cut out of them.
 *
 * A program that takes options after operands is walked twice: first for its flags, then with
 * the flags of the first walk in ih_scan.final, because what an operand means depends on them
 * (sed p -f x: "p" is no script).
 */
#pragma once

#include "common/abi/grammar.h"

struct ih_scan_text {
	const char *bytes;
	__u32 len;
};

/* A BPF program defines this to a masked access into its own buffer. */
#ifndef IH_SCAN_BYTE
#define IH_SCAN_BYTE(text, i) ((text).bytes[i])
#endif

#define IH_SCAN_NONE 0xffffffffU

enum ih_scan_why {
	IH_SCAN_WHY_NOTHING = 0,
	IH_SCAN_WHY_OPTION,  /* nobody knows this option */
	IH_SCAN_WHY_VALUE,   /* the option takes no value, or cannot stand here */
	IH_SCAN_WHY_KEY,     /* nobody knows this key, module or sub-command */
	IH_SCAN_WHY_OPERAND, /* no operand is expected here */
	IH_SCAN_WHY_RULE,    /* the grammar says that this cannot be told */
	IH_SCAN_WHY_ORDER,   /* an option after an operand, and POSIXLY_CORRECT is set */
	IH_SCAN_WHY_PENDING, /* more values than one cluster may ask for */
	IH_SCAN_WHY_END,     /* a value is missing at the end */
};

enum ih_scan_state {
	IH_SCAN_OPTIONS = 0,
	IH_SCAN_OPERANDS,
	IH_SCAN_STOPPED, /* the rest belongs to the code, or the program exits */
};

enum ih_scan_seen {
	IH_SEEN_INLINE = 1 << 0,
	IH_SEEN_SCRIPT = 1 << 1,
	IH_SEEN_MODULE = 1 << 2,
	IH_SEEN_COMMAND = 1 << 3,
};

/* Text of one argument that a rule applies to. */
struct ih_scan_hit {
	__u32 rule; /* IH_SCAN_NONE: nothing to see in this argument */
	__u32 name; /* string: the spelling that was met */
	__u32 offset, len;
};

struct ih_scan {
	const struct ih_tables *t;
	__u32 grammar;
	__u32 slot;  /* next operand rule */
	__u32 flags; /* enum ih_grammar_flag and the grammar's own, so far */
	__u32 final; /* as the first walk left them; 0 in the first walk */
	__u32 state, seen;
	__u32 n_pending;
	struct {
		__u32 rule, name, skip;
	} pending[IH_SCAN_PENDING_MAX];
	__u32 until;  /* rule of an unfinished -exec, or IH_SCAN_NONE */
	__u32 braces; /* the last word of it was "{}", so that a "+" ends it */
	__u32 first;  /* no argument was read by this grammar yet */
	__u32 why, why_offset, why_len;
	struct ih_scan_hit hit;
};

static inline void ih_scan_start(struct ih_scan *s, const struct ih_tables *t, __u32 grammar,
				 __u32 flags)
{
	*s = (struct ih_scan){ .t = t, .grammar = grammar, .flags = flags };
	s->until = IH_SCAN_NONE;
	s->first = 1;
	s->hit.rule = IH_SCAN_NONE;
}

static inline int ih_scan_unclear(struct ih_scan *s, enum ih_scan_why why, __u32 offset, __u32 len)
{
	s->why = why;
	s->why_offset = offset;
	s->why_len = len;
	s->state = IH_SCAN_STOPPED;
	return -1;
}

static inline __u8 ih_scan_lower(__u8 byte)
{
	return byte >= 'A' && byte <= 'Z' ? (__u8)(byte + ('a' - 'A')) : byte;
}

/* How bytes are compared: as they are, without case, or '_' as '-' behind a leading "--". */
static inline __u8 ih_scan_fold(__u8 byte, __u32 style, __u8 scope)
{
	if (scope == IH_SCOPE_KEY && (style & IH_STYLE_NOCASE))
		return ih_scan_lower(byte);
	if (scope == IH_SCOPE_OPTION && (style & IH_STYLE_FOLD) && byte == '_')
		return '-';
	return byte;
}

/* Is the slot's spelling text[offset, offset + len), a '*' appended when @star? */
static inline int ih_scan_same(const struct ih_tables *t, const struct ih_grammar_slot *slot,
			       struct ih_scan_text text, __u32 offset, __u32 len, __u32 star)
{
	__u32 style = t->grammars[slot->grammar].style;
	__u32 i;

	if (slot->len != len + star)
		return 0;
	for (i = 0; i < IH_SCAN_NAME_MAX && i < len; i++) {
		__u8 byte = (__u8)IH_SCAN_BYTE(text, offset + i);

		if ((__u8)t->strings[slot->name + i] != ih_scan_fold(byte, style, slot->scope))
			return 0;
	}
	return !star || t->strings[slot->name + len] == '*';
}

struct ih_scan_query {
	__u32 grammar;
	__u8 scope;
	__u32 offset, len;
};

static inline __u32 ih_scan_probe(const struct ih_tables *t, __u64 hash, struct ih_scan_query q,
				  struct ih_scan_text text, __u32 star)
{
	__u32 i;

	for (i = 0; i < IH_GRAMMAR_PROBES_MAX && i <= t->probes; i++) {
		__u32 at = (__u32)(hash + i) & (t->n_slots - 1);
		const struct ih_grammar_slot *slot = &t->slots[at];

		if (slot->hash == 0)
			break;
		if (slot->hash == hash && slot->grammar == q.grammar && slot->scope == q.scope &&
		    ih_scan_same(t, slot, text, q.offset, q.len, star))
			return at;
	}
	return IH_SCAN_NONE;
}

/* The slot of an exact spelling, or IH_SCAN_NONE. */
static inline __u32 ih_scan_find(const struct ih_tables *t, struct ih_scan_query q,
				 struct ih_scan_text text)
{
	__u32 style = t->grammars[q.grammar].style;
	__u64 hash = ih_hash_scope(q.grammar, q.scope);
	__u32 i;

	if (q.len > IH_SCAN_NAME_MAX)
		return IH_SCAN_NONE;
	for (i = 0; i < IH_SCAN_NAME_MAX && i < q.len; i++)
		hash = ih_hash_byte(
			hash, ih_scan_fold((__u8)IH_SCAN_BYTE(text, q.offset + i), style, q.scope));
	return ih_scan_probe(t, hash, q, text, 0);
}

/* The slot of the longest "prefix*" that fits; ret_len is the prefix without its '*'. */
static inline __u32 ih_scan_find_prefix(const struct ih_tables *t, struct ih_scan_query q,
					struct ih_scan_text text, __u32 *ret_len)
{
	__u32 style = t->grammars[q.grammar].style;
	__u64 hash = ih_hash_scope(q.grammar, q.scope);
	__u32 best = IH_SCAN_NONE, i, len = q.len;

	for (i = 0; i < IH_SCAN_PREFIX_MAX && i <= len; i++) {
		__u32 at;

		q.len = i;
		at = ih_scan_probe(t, ih_hash_byte(hash, '*'), q, text, 1);
		if (at != IH_SCAN_NONE) {
			best = at;
			*ret_len = i;
		}
		if (i < len)
			hash = ih_hash_byte(hash,
					    ih_scan_fold((__u8)IH_SCAN_BYTE(text, q.offset + i),
							 style, q.scope));
	}
	return best;
}

/**
 * ih_scan_variable() - the rule that a variable falls under
 * @text: "NAME=value"
 * @name_len: of NAME
 *
 * A program's own rules go before those that apply to all (grammar 0), and whole names before
 * prefixes.
 * Return: a slot, or IH_SCAN_NONE when the variable means nothing.
 */
static inline __u32 ih_scan_variable(const struct ih_tables *t, __u32 grammar,
				     struct ih_scan_text text, __u32 name_len)
{
	struct ih_scan_query own = { grammar, IH_SCOPE_VARIABLE, 0, name_len };
	struct ih_scan_query common = { 0, IH_SCOPE_VARIABLE, 0, name_len };
	__u32 at, unused;

	at = ih_scan_find(t, own, text);
	if (at == IH_SCAN_NONE)
		at = ih_scan_find(t, common, text);
	if (at == IH_SCAN_NONE)
		at = ih_scan_find_prefix(t, own, text, &unused);
	if (at == IH_SCAN_NONE)
		at = ih_scan_find_prefix(t, common, text, &unused);
	return at;
}

static inline int ih_scan_applies(const struct ih_rule_entry *rule, __u32 flags)
{
	return (rule->must & ~flags) == 0 && (rule->must_not & flags) == 0;
}

static inline void ih_scan_enter(struct ih_scan *s, __u32 grammar)
{
	s->grammar = grammar;
	s->slot = 0;
	s->state = IH_SCAN_OPTIONS;
	s->first = 1;
}

static inline int ih_scan_is_filtered(const struct ih_rule_entry *rule)
{
	return rule->test != IH_TEST_NONE && rule->test != IH_TEST_SED &&
	       rule->test != IH_TEST_AWK && rule->test != IH_TEST_SQL;
}

/* What meeting a rule's text means for the invocation as a whole. */
static inline void ih_scan_note(struct ih_scan *s, const struct ih_rule_entry *rule)
{
	/* Text that counts only under a condition: whoever can look at it sets what was seen. */
	if (ih_scan_is_filtered(rule))
		return;
	switch (rule->role) {
	case IH_ROLE_INLINE:
	case IH_ROLE_SHELL:
		s->seen |= IH_SEEN_INLINE;
		s->flags |= IH_FLAG_CODE;
		break;
	case IH_ROLE_SCRIPT:
		s->seen |= IH_SEEN_SCRIPT;
		s->flags |= IH_FLAG_SCRIPT;
		break;
	case IH_ROLE_MODULE:
		s->seen |= IH_SEEN_MODULE;
		s->flags |= IH_FLAG_SCRIPT;
		break;
	case IH_ROLE_COMMAND:
		s->seen |= IH_SEEN_COMMAND;
		s->flags |= IH_FLAG_COMMAND;
		break;
	case IH_ROLE_INFO:
		s->flags |= IH_FLAG_INFO;
		s->state = IH_SCAN_STOPPED;
		break;
	}
}

static inline void ih_scan_proceed(struct ih_scan *s, const struct ih_rule_entry *rule)
{
	if (s->state == IH_SCAN_STOPPED)
		return;
	if (rule->then == IH_THEN_STOP)
		s->state = IH_SCAN_STOPPED;
	else if (rule->then == IH_THEN_OPERANDS)
		s->state = IH_SCAN_OPERANDS;
	else if (rule->then == IH_THEN_GRAMMAR)
		ih_scan_enter(s, rule->target);
}

/* Where a key ends: "key=value" or "key value" (ssh -o takes both). */
static inline __u32 ih_scan_key(struct ih_scan_text a, __u32 offset, __u32 len)
{
	__u32 i;

	for (i = 0; i <= IH_SCAN_NAME_MAX && i < len; i++) {
		char c = IH_SCAN_BYTE(a, offset + i);

		if (c == '=' || c == ' ' || c == '\t')
			break;
	}
	return i;
}

/* A module or sub-command may select what the rest means. Return: its slot or IH_SCAN_NONE. */
static inline __u32 ih_scan_select(struct ih_scan *s, __u32 table, struct ih_scan_text a,
				   struct ih_scan_hit hit)
{
	struct ih_scan_query q = { table, IH_SCOPE_KEY, hit.offset, hit.len };
	__u32 at = ih_scan_find(s->t, q, a), unused;

	return at != IH_SCAN_NONE ? at : ih_scan_find_prefix(s->t, q, a, &unused);
}

/* Follow a keyed value down its tables; fills s->hit with the last key's rule and value. */
static inline int ih_scan_keyed(struct ih_scan *s, struct ih_scan_text a)
{
	const struct ih_rule_entry *rule = &s->t->rules[s->hit.rule];
	__u32 depth;

	for (depth = 0; depth < IH_SCAN_KEYS_MAX && rule->role == IH_ROLE_KEYED; depth++) {
		__u32 key = ih_scan_key(a, s->hit.offset, s->hit.len), used = key, at;
		struct ih_scan_query q = { rule->target, IH_SCOPE_KEY, s->hit.offset, key };

		at = ih_scan_find(s->t, q, a);
		if (at == IH_SCAN_NONE)
			at = ih_scan_find_prefix(s->t, q, a, &used);
		if (at == IH_SCAN_NONE)
			return ih_scan_unclear(s, IH_SCAN_WHY_KEY, s->hit.offset, key);
		if (key < s->hit.len)
			key++;
		s->hit.rule = s->t->slots[at].rule;
		s->hit.name = s->t->slots[at].name;
		rule = &s->t->rules[s->hit.rule];
		if (!(rule->bits & IH_RULE_WHOLE)) {
			s->hit.offset += key;
			s->hit.len -= key;
		}
		s->flags = (s->flags | rule->set) & ~rule->clear;
	}
	return 0;
}

/* The text that belongs to a rule is known: a[offset, offset + len). */
static inline int ih_scan_value(struct ih_scan *s, struct ih_scan_text a, struct ih_scan_hit hit)
{
	const struct ih_rule_entry *rule = &s->t->rules[hit.rule], *outer = rule;

	s->hit = hit;
	if (rule->role == IH_ROLE_KEYED) {
		if (ih_scan_keyed(s, a) < 0)
			return -1;
		rule = &s->t->rules[s->hit.rule];
	}
	if ((rule->bits & IH_RULE_DASH_STDIN) && s->hit.len == 1 &&
	    IH_SCAN_BYTE(a, s->hit.offset) == '-') {
		s->flags |= IH_FLAG_STDIN;
		s->hit.rule = IH_SCAN_NONE;
		ih_scan_proceed(s, rule);
		return 0;
	}
	if (rule->role == IH_ROLE_UNCLEAR)
		return ih_scan_unclear(s, IH_SCAN_WHY_RULE, s->hit.offset, s->hit.len);
	ih_scan_note(s, rule);
	if (rule->bits & IH_RULE_SELECTS) {
		__u32 at = ih_scan_select(s, rule->target, a, s->hit);

		if (at != IH_SCAN_NONE) {
			const struct ih_rule_entry *chosen = &s->t->rules[s->t->slots[at].rule];

			s->flags = (s->flags | chosen->set) & ~chosen->clear;
			if (chosen->role == IH_ROLE_UNCLEAR)
				return ih_scan_unclear(s, IH_SCAN_WHY_RULE, s->hit.offset,
						       s->hit.len);
			if (chosen->role == IH_ROLE_INFO)
				ih_scan_note(s, chosen);
			if (chosen->then == IH_THEN_GRAMMAR)
				ih_scan_proceed(s, chosen);
			else
				s->state = IH_SCAN_STOPPED;
			return 0;
		}
		if (rule->role == IH_ROLE_SUBCOMMAND)
			return ih_scan_unclear(s, IH_SCAN_WHY_KEY, s->hit.offset, s->hit.len);
		s->state = IH_SCAN_STOPPED;
		return 0;
	}
	if (rule->role == IH_ROLE_HARMLESS)
		s->hit.rule = IH_SCAN_NONE;
	ih_scan_proceed(s, rule == outer || rule->then != IH_THEN_GO_ON ? rule : outer);
	return 0;
}

static inline int ih_scan_ask(struct ih_scan *s, struct ih_scan_hit hit, __u32 skip)
{
	if (s->n_pending >= IH_SCAN_PENDING_MAX)
		return ih_scan_unclear(s, IH_SCAN_WHY_PENDING, 0, 0);
	s->pending[s->n_pending].rule = hit.rule;
	s->pending[s->n_pending].name = hit.name;
	s->pending[s->n_pending].skip = skip;
	s->n_pending++;
	return 0;
}

/* An option without a value. */
static inline int ih_scan_bare(struct ih_scan *s, const struct ih_rule_entry *rule)
{
	if (rule->role == IH_ROLE_UNCLEAR)
		return ih_scan_unclear(s, IH_SCAN_WHY_RULE, 0, 0);
	ih_scan_note(s, rule);
	ih_scan_proceed(s, rule);
	return 0;
}

/*
 * An option was met by its whole name; the value begins at hit.offset when @attached.
 * Options that clear the environment or read stdin have no text: the caller sees hit.len 0.
 */
static inline int ih_scan_take(struct ih_scan *s, struct ih_scan_text a, struct ih_scan_hit hit,
			       int attached)
{
	const struct ih_rule_entry *rule = &s->t->rules[hit.rule];

	if (!ih_scan_applies(rule, s->flags))
		return ih_scan_unclear(s, IH_SCAN_WHY_VALUE, 0, a.len);
	s->flags = (s->flags | rule->set) & ~rule->clear;
	switch (rule->shape) {
	case IH_SHAPE_NONE:
		if (attached)
			return ih_scan_unclear(s, IH_SCAN_WHY_VALUE, 0, a.len);
		if (rule->role == IH_ROLE_CLEAR)
			s->hit = hit;
		return ih_scan_bare(s, rule);
	case IH_SHAPE_ATTACHED:
	case IH_SHAPE_NUMBER:
	case IH_SHAPE_CHAR:
		if (!attached)
			hit.len = 0;
		return ih_scan_value(s, a, hit);
	case IH_SHAPE_REQUIRED:
	case IH_SHAPE_EQUALS:
		if (attached)
			return ih_scan_value(s, a, hit);
		if (rule->shape == IH_SHAPE_EQUALS)
			return ih_scan_unclear(s, IH_SCAN_WHY_VALUE, 0, a.len);
		return ih_scan_ask(s, hit, 0);
	case IH_SHAPE_UNTIL:
		s->until = hit.rule;
		s->braces = 0;
		return 0;
	default:
		if (attached)
			return ih_scan_unclear(s, IH_SCAN_WHY_VALUE, 0, a.len);
		return ih_scan_ask(s, hit, rule->shape == IH_SHAPE_PAIR);
	}
}

static inline __u32 ih_scan_digits(struct ih_scan_text a, __u32 i)
{
	__u32 start = i, n;
	int hex = i > 0 && i < a.len && IH_SCAN_BYTE(a, i - 1) == '0' &&
		  ih_scan_lower((__u8)IH_SCAN_BYTE(a, i)) == 'x'; /* perl -0xHH */

	if (hex)
		i++;
	for (n = 0; n < IH_SCAN_NAME_MAX && i < a.len; n++, i++) {
		__u8 c = ih_scan_lower((__u8)IH_SCAN_BYTE(a, i));

		if (!((c >= '0' && c <= '9') || (hex && c >= 'a' && c <= 'f')))
			break;
	}
	return i - start;
}

/* One letter of a cluster at @i. Return: where to go on, 0 when the argument is used up, or -1. */
static inline long ih_scan_letter(struct ih_scan *s, struct ih_scan_text a, __u32 i)
{
	char spelling[2] = { IH_SCAN_BYTE(a, 0), IH_SCAN_BYTE(a, i) };
	struct ih_scan_text letter = { spelling, 2 };
	struct ih_scan_query q = { s->grammar, IH_SCOPE_OPTION, 0, 2 };
	const struct ih_rule_entry *rule;
	struct ih_scan_hit hit;
	__u32 at = ih_scan_find(s->t, q, letter);

	if (at == IH_SCAN_NONE)
		return ih_scan_unclear(s, IH_SCAN_WHY_OPTION, i, 1);
	hit.rule = s->t->slots[at].rule;
	hit.name = s->t->slots[at].name;
	hit.offset = i + 1;
	hit.len = a.len - i - 1;
	rule = &s->t->rules[hit.rule];
	switch (rule->shape) {
	case IH_SHAPE_NONE:
	case IH_SHAPE_NEXT:
		if (ih_scan_take(s, a, hit, 0) < 0)
			return -1;
		return s->state == IH_SCAN_STOPPED ? 0 : i + 1;
	case IH_SHAPE_NUMBER:
		hit.len = ih_scan_digits(a, hit.offset);
		break;
	case IH_SHAPE_CHAR:
		hit.len = hit.len ? 1 : 0;
		break;
	case IH_SHAPE_REQUIRED:
	case IH_SHAPE_ATTACHED:
		return ih_scan_take(s, a, hit, hit.len > 0) < 0 ? -1 : 0;
	default:
		return ih_scan_take(s, a, hit, hit.len > 0) < 0 ? -1 : 0;
	}
	i = hit.offset + hit.len;
	if (ih_scan_take(s, a, hit, 1) < 0)
		return -1;
	return s->state == IH_SCAN_STOPPED ? 0 : i;
}

#ifndef IH_SCAN_CLUSTER_MAX
#define IH_SCAN_CLUSTER_MAX 131072 /* MAX_ARG_STRLEN; a BPF program sets less and stays unclear */
#endif

static inline int ih_scan_cluster(struct ih_scan *s, struct ih_scan_text a, __u32 i)
{
	__u32 n;

	for (n = 0; n < IH_SCAN_CLUSTER_MAX && i < a.len; n++) {
		long next = ih_scan_letter(s, a, i);

		if (next < 0)
			return -1;
		if (next == 0)
			return 0;
		i = (__u32)next;
	}
	return i < a.len ? ih_scan_unclear(s, IH_SCAN_WHY_OPTION, i, 1) : 0;
}

/* By whole name: --name, --name=value, -name, "-", "--". Return: 1 when it was one. */
static inline int ih_scan_whole(struct ih_scan *s, struct ih_scan_text a)
{
	__u32 style = s->t->grammars[s->grammar].style;
	int dashes = a.len > 2 && IH_SCAN_BYTE(a, 0) == '-' && IH_SCAN_BYTE(a, 1) == '-';
	struct ih_scan_query q = { s->grammar, IH_SCOPE_OPTION, 0, a.len };
	struct ih_scan_hit hit;
	__u32 at, name = a.len, i;

	at = ih_scan_find(s->t, q, a);
	if (at == IH_SCAN_NONE &&
	    ((dashes && (style & IH_STYLE_LONG)) || (style & IH_STYLE_WORD_EQUALS))) {
		for (i = 0; i <= IH_SCAN_NAME_MAX && i < a.len; i++)
			if (IH_SCAN_BYTE(a, i) == '=')
				break;
		name = i;
		q.len = name;
		at = name < a.len ? ih_scan_find(s->t, q, a) : IH_SCAN_NONE;
	}
	if (at == IH_SCAN_NONE) {
		q.len = a.len;
		at = ih_scan_find_prefix(s->t, q, a, &name);
		if (at == IH_SCAN_NONE)
			return 0;
		hit = (struct ih_scan_hit){ s->t->slots[at].rule, s->t->slots[at].name, name,
					    a.len - name };
		return ih_scan_take(s, a, hit, 1) < 0 ? -1 : 1;
	}
	hit = (struct ih_scan_hit){ s->t->slots[at].rule, s->t->slots[at].name, a.len, 0 };
	if (name < a.len) {
		hit.offset = name + 1;
		hit.len = a.len - hit.offset;
	}
	return ih_scan_take(s, a, hit, name < a.len) < 0 ? -1 : 1;
}

/* -5 where a program takes any number: the rule is called "-#". */
static inline int ih_scan_number(struct ih_scan *s, struct ih_scan_text a)
{
	char spelling[2] = { IH_SCAN_BYTE(a, 0), '#' };
	struct ih_scan_text name = { spelling, 2 };
	struct ih_scan_query q = { s->grammar, IH_SCOPE_OPTION, 0, 2 };
	__u32 at;

	if (a.len < 2 || ih_scan_digits(a, 1) != a.len - 1 || IH_SCAN_BYTE(a, 1) == 'x')
		return 0;
	at = ih_scan_find(s->t, q, name);
	if (at == IH_SCAN_NONE)
		return 0;
	return ih_scan_bare(s, &s->t->rules[s->t->slots[at].rule]) < 0 ? -1 : 1;
}

static inline int ih_scan_option(struct ih_scan *s, struct ih_scan_text a)
{
	__u32 style = s->t->grammars[s->grammar].style;
	int dashes = a.len >= 2 && IH_SCAN_BYTE(a, 0) == '-' && IH_SCAN_BYTE(a, 1) == '-';
	int r;

	if ((s->flags & IH_FLAG_STRICT_ORDER) && (s->flags & IH_FLAG_OPERAND))
		return ih_scan_unclear(s, IH_SCAN_WHY_ORDER, 0, a.len);
	r = ih_scan_whole(s, a);
	if (r == 0)
		r = ih_scan_number(s, a);
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (dashes && a.len == 2) { /* without a rule of its own it ends the options */
		s->state = IH_SCAN_OPERANDS;
		return 0;
	}
	if (!dashes && (style & IH_STYLE_CLUSTER) && a.len >= 2)
		return ih_scan_cluster(s, a, 1);
	return ih_scan_unclear(s, IH_SCAN_WHY_OPTION, 0, a.len);
}

static inline int ih_scan_is_option(const struct ih_scan *s, struct ih_scan_text a)
{
	__u32 style = s->t->grammars[s->grammar].style;
	struct ih_scan_query q = { s->grammar, IH_SCOPE_OPTION, 0, 1 };

	if (a.len == 0 || s->state != IH_SCAN_OPTIONS)
		return 0;
	if (IH_SCAN_BYTE(a, 0) != '-' && !(IH_SCAN_BYTE(a, 0) == '+' && (style & IH_STYLE_PLUS)))
		return 0;
	if (a.len == 1)
		return ih_scan_find(s->t, q, a) != IH_SCAN_NONE;
	if (a.len == 2 && IH_SCAN_BYTE(a, 1) == '-' && (style & IH_STYLE_ENDLESS))
		return 0;
	return 1;
}

static inline int ih_scan_has_equals(struct ih_scan_text a)
{
	__u32 i;

	for (i = 0; i < IH_SCAN_CLUSTER_MAX && i < a.len; i++)
		if (IH_SCAN_BYTE(a, i) == '=')
			return i > 0;
	return 0;
}

static inline int ih_scan_slot(struct ih_scan *s, struct ih_scan_text a)
{
	const struct ih_grammar_entry *g = &s->t->grammars[s->grammar];
	__u32 n;

	if (!(g->style & IH_STYLE_PERMUTE))
		s->state = IH_SCAN_OPERANDS;
	for (n = 0; n < IH_GRAMMAR_SLOTS_MAX && s->slot < g->n_slots; n++, s->slot++) {
		__u32 i = g->first_slot + s->slot;
		const struct ih_rule_entry *rule = &s->t->rules[i];
		struct ih_scan_hit hit = { i, rule->name, 0, a.len };

		if (!ih_scan_applies(rule, s->final ? s->final : s->flags))
			continue;
		if (rule->role == IH_ROLE_ASSIGNMENT && !ih_scan_has_equals(a))
			continue;
		s->flags = (s->flags | rule->set | IH_FLAG_OPERAND) & ~rule->clear;
		if (!(rule->bits & IH_RULE_REPEAT) && rule->role != IH_ROLE_ASSIGNMENT)
			s->slot++;
		if (rule->role == IH_ROLE_ARGUMENTS) {
			s->state = IH_SCAN_STOPPED;
			return 0;
		}
		return ih_scan_value(s, a, hit);
	}
	return ih_scan_unclear(s, IH_SCAN_WHY_OPERAND, 0, a.len);
}

/*
 * In the first walk an operand leaves no trace in the flags that slots are chosen by: "sed p" would
 * else look as if the script had been given before "p" came.
 */
static inline int ih_scan_operand(struct ih_scan *s, struct ih_scan_text a)
{
	const __u32 traces = IH_FLAG_CODE | IH_FLAG_SCRIPT | IH_FLAG_COMMAND;
	__u32 before = s->flags;
	int r = ih_scan_slot(s, a);

	if (!s->final)
		s->flags &= ~(traces & ~before);
	return r;
}

/* A value that an earlier option asked for. */
static inline int ih_scan_pending(struct ih_scan *s, struct ih_scan_text a)
{
	struct ih_scan_hit hit = { s->pending[0].rule, s->pending[0].name, 0, a.len };
	__u32 i;

	if (s->pending[0].skip) {
		s->pending[0].skip--;
		return 0;
	}
	s->n_pending--;
	for (i = 0; i + 1 < IH_SCAN_PENDING_MAX; i++)
		s->pending[i] = s->pending[i + 1];
	return ih_scan_value(s, a, hit);
}

/* Inside find -exec … : the first word is the program, ';' or "{} +" ends it. */
static inline int ih_scan_until(struct ih_scan *s, struct ih_scan_text a)
{
	const struct ih_rule_entry *rule = &s->t->rules[s->until];

	if (a.len == 1 && (IH_SCAN_BYTE(a, 0) == ';' || (IH_SCAN_BYTE(a, 0) == '+' && s->braces))) {
		s->until = IH_SCAN_NONE;
		s->n_pending = 0;
		return 0;
	}
	s->braces = a.len == 2 && IH_SCAN_BYTE(a, 0) == '{' && IH_SCAN_BYTE(a, 1) == '}';
	if (s->n_pending == 0) { /* used as "inside", the program's name was seen */
		s->n_pending = 1;
		s->hit = (struct ih_scan_hit){ s->until, rule->name, 0, a.len };
		ih_scan_note(s, rule);
	}
	return 0;
}

/**
 * ih_scan_argument() - read one argument
 *
 * Return: 0, or -1 when it cannot be told what it means; see s->why. s->hit.rule tells whether the
 * argument has text that a rule applies to. After s->state is IH_SCAN_STOPPED nothing more is
 * read.
 */
static inline int ih_scan_argument(struct ih_scan *s, struct ih_scan_text a)
{
	__u32 first = s->first;

	s->hit.rule = IH_SCAN_NONE;
	if (s->state == IH_SCAN_STOPPED)
		return 0;
	if (s->until != IH_SCAN_NONE)
		return ih_scan_until(s, a);
	if (s->n_pending) {
		const struct ih_rule_entry *rule = &s->t->rules[s->pending[0].rule];

		if (rule->shape != IH_SHAPE_MAYBE || a.len == 0 || IH_SCAN_BYTE(a, 0) != '-')
			return ih_scan_pending(s, a);
		s->n_pending = 0;
	}
	s->first = 0;
	if (ih_scan_is_option(s, a))
		return ih_scan_option(s, a);
	if (first && (s->t->grammars[s->grammar].style & IH_STYLE_BARE))
		return ih_scan_unclear(s, IH_SCAN_WHY_OPTION, 0, a.len);
	return ih_scan_operand(s, a);
}

/* After the last argument. Return: 0, or -1 when a value is missing. */
static inline int ih_scan_end(struct ih_scan *s)
{
	const struct ih_rule_entry *rule;

	if (s->state == IH_SCAN_STOPPED)
		return s->why ? -1 : 0;
	if (s->until != IH_SCAN_NONE)
		return ih_scan_unclear(s, IH_SCAN_WHY_END, 0, 0);
	if (s->n_pending == 0)
		return 0;
	rule = &s->t->rules[s->pending[0].rule];
	if (rule->shape == IH_SHAPE_NEXT || rule->shape == IH_SHAPE_MAYBE)
		return 0;
	return ih_scan_unclear(s, IH_SCAN_WHY_END, 0, 0);
}

/**
 * ih_scan_mode() - how code reaches the program, once everything was read
 * @ret_ending: the rule that said so when nothing else did, or IH_SCAN_NONE
 */
static inline enum ih_mode ih_scan_mode(const struct ih_scan *s, __u32 *ret_ending)
{
	const struct ih_grammar_entry *g = &s->t->grammars[s->grammar];
	enum ih_mode typed = s->flags & IH_FLAG_TTY ? IH_MODE_INTERACTIVE : IH_MODE_STDIN;
	enum ih_mode mode = IH_MODE_UNCLEAR;
	__u32 i;

	*ret_ending = IH_SCAN_NONE;
	if (s->why)
		return IH_MODE_UNCLEAR;
	if (s->flags & IH_FLAG_INFO)
		return IH_MODE_NONE;
	if (s->flags & (IH_FLAG_REPL | IH_FLAG_STDIN)) {
		mode = typed;
	} else if (s->seen & IH_SEEN_INLINE) {
		mode = IH_MODE_INLINE;
	} else if (s->seen & IH_SEEN_MODULE) {
		mode = IH_MODE_MODULE;
	} else if (s->seen & IH_SEEN_SCRIPT) {
		mode = IH_MODE_SCRIPT;
	} else if (s->seen & IH_SEEN_COMMAND) {
		mode = IH_MODE_PROGRAM;
	} else {
		for (i = 0; i < IH_GRAMMAR_SLOTS_MAX && i < g->n_endings; i++) {
			const struct ih_rule_entry *rule = &s->t->rules[g->first_ending + i];

			if (!ih_scan_applies(rule, s->flags))
				continue;
			*ret_ending = g->first_ending + i;
			mode = rule->mode == IH_MODE_STDIN ? typed : (enum ih_mode)rule->mode;
			break;
		}
	}
	/* Shells that behave as interactive ignore -n. */
	if ((s->flags & IH_FLAG_CHECK) && !(s->flags & IH_FLAG_INTERACTIVE) &&
	    mode != IH_MODE_UNCLEAR)
		return IH_MODE_NONE;
	return mode;
}
