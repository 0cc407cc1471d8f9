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

#include "common/abi/scan_find.h"

IH_SCAN_PART int ih_scan_applies(const struct ih_rule_entry *rule, __u32 flags)
{
	return (rule->must & ~flags) == 0 && (rule->must_not & flags) == 0;
}

IH_SCAN_PART void ih_scan_enter(struct ih_scan *s, __u32 grammar)
{
	s->grammar = grammar;
	s->slot = 0;
	s->state = IH_SCAN_OPTIONS;
	s->first = 1;
}

/* Text that counts only under a condition: whoever looks at it sets what was seen. */
IH_SCAN_PART int ih_scan_is_filtered(const struct ih_rule_entry *rule)
{
	return rule->test != IH_TEST_NONE && rule->test != IH_TEST_SED &&
	       rule->test != IH_TEST_AWK && rule->test != IH_TEST_SQL;
}

/* What meeting a rule's text means for the invocation as a whole. */
IH_SCAN_PART void ih_scan_note(struct ih_scan *s, const struct ih_rule_entry *rule)
{
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

IH_SCAN_PART void ih_scan_proceed(struct ih_scan *s, const struct ih_rule_entry *rule)
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
IH_SCAN_PART __u32 ih_scan_key(const struct ih_scan *s, __u32 offset, __u32 len)
{
	__u32 i;

	for (i = 0; i <= IH_SCAN_NAME_MAX && i < len; i++) {
		char c = IH_SCAN_BYTE(s, offset + i);

		if (c == '=' || c == ' ' || c == '\t')
			break;
	}
	return i;
}

/* One step down a table of keys: s->hit becomes the key's rule and its value. Return: 0 or -1. */
IH_SCAN_FUNCTION int ih_scan_key_step(struct ih_scan *s, __u32 table)
{
	const struct ih_tables *t = s ? IH_SCAN_TABLES(s) : 0;
	const struct ih_rule_entry *rule;
	__u32 key;
	int at;

	if (!t)
		return -1;
	key = ih_scan_key(s, s->hit.offset, s->hit.len);
	ih_scan_ask_for(s, table, IH_SCOPE_KEY, s->hit.offset, key);
	at = ih_scan_find(s);
	if (at < 0)
		at = ih_scan_find_prefix(s);
	if (at < 0)
		return ih_scan_unclear(s, IH_SCAN_WHY_KEY, s->hit.offset, key);
	if (key < s->hit.len)
		key++;
	s->hit.rule = IH_SCAN_SLOT(t, at)->rule;
	s->hit.name = IH_SCAN_SLOT(t, at)->name;
	rule = IH_SCAN_RULE(t, s->hit.rule);
	if (!(rule->bits & IH_RULE_WHOLE)) {
		s->hit.offset += key;
		s->hit.len -= key;
	}
	s->flags = (s->flags | rule->set) & ~rule->clear;
	return 0;
}

/* A module or sub-command may select what the rest means. Return: 0 or -1. */
IH_SCAN_FUNCTION int ih_scan_select(struct ih_scan *s, __u32 table, __u32 must)
{
	const struct ih_tables *t = s ? IH_SCAN_TABLES(s) : 0;
	const struct ih_rule_entry *chosen;
	int at;

	if (!t)
		return -1;
	ih_scan_ask_for(s, table, IH_SCOPE_KEY, s->hit.offset, s->hit.len);
	at = ih_scan_find(s);
	if (at < 0)
		at = ih_scan_find_prefix(s);
	if (at < 0) {
		if (must)
			return ih_scan_unclear(s, IH_SCAN_WHY_KEY, s->hit.offset, s->hit.len);
		s->state = IH_SCAN_STOPPED;
		return 0;
	}
	chosen = IH_SCAN_RULE(t, IH_SCAN_SLOT(t, at)->rule);
	s->flags = (s->flags | chosen->set) & ~chosen->clear;
	if (chosen->role == IH_ROLE_UNCLEAR)
		return ih_scan_unclear(s, IH_SCAN_WHY_RULE, s->hit.offset, s->hit.len);
	if (chosen->role == IH_ROLE_INFO)
		ih_scan_note(s, chosen);
	if (chosen->then == IH_THEN_GRAMMAR)
		ih_scan_proceed(s, chosen);
	else
		s->state = IH_SCAN_STOPPED;
	return 0;
}

/* The text that belongs to a rule is known: it stands in s->met. */
IH_SCAN_FUNCTION int ih_scan_value(struct ih_scan *s)
{
	const struct ih_tables *t = s ? IH_SCAN_TABLES(s) : 0;
	const struct ih_rule_entry *rule, *outer;
	__u32 depth;

	if (!t)
		return -1;
	s->hit = s->met;
	outer = rule = IH_SCAN_RULE(t, s->hit.rule);
	for (depth = 0; depth < IH_SCAN_KEYS_MAX && rule->role == IH_ROLE_KEYED; depth++) {
		if (ih_scan_key_step(s, rule->target) < 0)
			return -1;
		rule = IH_SCAN_RULE(t, s->hit.rule);
	}
	if ((rule->bits & IH_RULE_DASH_STDIN) && s->hit.len == 1 &&
	    IH_SCAN_BYTE(s, s->hit.offset) == '-') {
		s->flags |= IH_FLAG_STDIN;
		s->hit.rule = IH_SCAN_NONE;
		ih_scan_proceed(s, rule);
		return 0;
	}
	if (rule->role == IH_ROLE_UNCLEAR)
		return ih_scan_unclear(s, IH_SCAN_WHY_RULE, s->hit.offset, s->hit.len);
	ih_scan_note(s, rule);
	if (rule->bits & IH_RULE_SELECTS)
		return ih_scan_select(s, rule->target, rule->role == IH_ROLE_SUBCOMMAND);
	if (rule->role == IH_ROLE_HARMLESS)
		s->hit.rule = IH_SCAN_NONE;
	ih_scan_proceed(s, rule == outer || rule->then != IH_THEN_GO_ON ? rule : outer);
	return 0;
}

/* The rule in s->met wants its value from the next argument. */
IH_SCAN_PART int ih_scan_ask(struct ih_scan *s, __u32 skip)
{
	__u32 n = s->n_pending;

	if (n >= IH_SCAN_PENDING_MAX)
		return ih_scan_unclear(s, IH_SCAN_WHY_PENDING, 0, 0);
	s->pending[n].rule = s->met.rule;
	s->pending[n].name = s->met.name;
	s->pending[n].skip = skip;
	s->n_pending = n + 1;
	return 0;
}

/* An option without a value. */
IH_SCAN_PART int ih_scan_bare(struct ih_scan *s, const struct ih_rule_entry *rule)
{
	if (rule->role == IH_ROLE_CLEAR)
		s->hit = s->met;
	if (rule->role == IH_ROLE_UNCLEAR)
		return ih_scan_unclear(s, IH_SCAN_WHY_RULE, 0, 0);
	ih_scan_note(s, rule);
	ih_scan_proceed(s, rule);
	return 0;
}

IH_SCAN_PART int ih_scan_bad_value(struct ih_scan *s)
{
	return ih_scan_unclear(s, IH_SCAN_WHY_VALUE, 0, s->text.len);
}

/*
 * An option was met by its whole name; s->met says which, and where its value begins when
 * @attached. Options that clear the environment or read stdin have no text: met.len is 0.
 */
IH_SCAN_PART int ih_scan_take(struct ih_scan *s, int attached)
{
	const struct ih_tables *t = s ? IH_SCAN_TABLES(s) : 0;
	const struct ih_rule_entry *rule;

	if (!t)
		return -1;
	rule = IH_SCAN_RULE(t, s->met.rule);
	if (!ih_scan_applies(rule, s->flags))
		return ih_scan_bad_value(s);
	s->flags = (s->flags | rule->set) & ~rule->clear;
	switch (rule->shape) {
	case IH_SHAPE_NONE:
		return attached ? ih_scan_bad_value(s) : ih_scan_bare(s, rule);
	case IH_SHAPE_ATTACHED:
	case IH_SHAPE_NUMBER:
	case IH_SHAPE_CHAR:
		if (!attached)
			s->met.len = 0;
		return ih_scan_value(s);
	case IH_SHAPE_REQUIRED:
		return attached ? ih_scan_value(s) : ih_scan_ask(s, 0);
	case IH_SHAPE_EQUALS:
		return attached ? ih_scan_value(s) : ih_scan_bad_value(s);
	case IH_SHAPE_UNTIL:
		s->until = s->met.rule;
		s->braces = 0;
		return 0;
	default:
		return attached ? ih_scan_bad_value(s)
				: ih_scan_ask(s, rule->shape == IH_SHAPE_PAIR);
	}
}

/* Digits from @i on; perl's -0xHH too. */
IH_SCAN_PART __u32 ih_scan_digits(const struct ih_scan *s, __u32 i)
{
	__u32 start = i, n;
	int hex = i > 0 && i < s->text.len && IH_SCAN_BYTE(s, i - 1) == '0' &&
		  ih_scan_lower((__u8)IH_SCAN_BYTE(s, i)) == 'x';

	if (hex)
		i++;
	for (n = 0; n < IH_SCAN_NAME_MAX && i < s->text.len; n++, i++) {
		__u8 c = ih_scan_lower((__u8)IH_SCAN_BYTE(s, i));

		if (!((c >= '0' && c <= '9') || (hex && c >= 'a' && c <= 'f')))
			break;
	}
	return i - start;
}

/* One letter of a cluster at @i. Return: where to go on, 0 when the argument is used up, or -1. */
IH_SCAN_FUNCTION int ih_scan_letter(struct ih_scan *s, __u32 i)
{
	const struct ih_tables *t = s ? IH_SCAN_TABLES(s) : 0;
	__u32 shape;
	int at;

	if (!t)
		return -1;
	ih_scan_ask_for_letter(s, s->bare ? '-' : IH_SCAN_BYTE(s, 0), IH_SCAN_BYTE(s, i));
	at = ih_scan_find(s);
	if (at < 0)
		return ih_scan_unclear(s, IH_SCAN_WHY_OPTION, i, 1);
	s->met.rule = IH_SCAN_SLOT(t, at)->rule;
	s->met.name = IH_SCAN_SLOT(t, at)->name;
	s->met.offset = i + 1;
	s->met.len = s->text.len - i - 1;
	shape = IH_SCAN_RULE(t, s->met.rule)->shape;
	/* Without a dash every letter's value is one of the next arguments: tar xfI a.tar prog. */
	if (shape == IH_SHAPE_NONE || shape == IH_SHAPE_NEXT || s->bare) {
		if (ih_scan_take(s, 0) < 0)
			return -1;
		return s->state == IH_SCAN_STOPPED ? 0 : (int)i + 1;
	}
	if (shape == IH_SHAPE_NUMBER)
		s->met.len = ih_scan_digits(s, s->met.offset);
	else if (shape == IH_SHAPE_CHAR)
		s->met.len = s->met.len ? 1 : 0;
	else
		return ih_scan_take(s, s->met.len > 0) < 0 ? -1 : 0;
	i = s->met.offset + s->met.len;
	if (ih_scan_take(s, 1) < 0)
		return -1;
	return s->state == IH_SCAN_STOPPED ? 0 : (int)i;
}

IH_SCAN_PART int ih_scan_cluster(struct ih_scan *s, __u32 i)
{
	__u32 n;

	if (!s)
		return -1;
	for (n = 0; n < IH_SCAN_CLUSTER_MAX && i < s->text.len; n++) {
		int next = ih_scan_letter(s, i);

		if (next <= 0)
			return next;
		i = (__u32)next;
	}
	return i < s->text.len ? ih_scan_unclear(s, IH_SCAN_WHY_OPTION, i, 1) : 0;
}

IH_SCAN_PART __u32 ih_scan_equals(const struct ih_scan *s, __u32 max)
{
	__u32 i;

	for (i = 0; i < max && i < s->text.len; i++)
		if (IH_SCAN_BYTE(s, i) == '=')
			break;
	return i;
}

/* Names an option that was found, its value from @offset on. */
IH_SCAN_PART void ih_scan_met(struct ih_scan *s, const struct ih_grammar_slot *slot, __u32 offset)
{
	s->met.rule = slot->rule;
	s->met.name = slot->name;
	s->met.offset = offset;
	s->met.len = s->text.len - offset;
}

/* By whole name: --name, --name=value, -name, "-", "--". Return: 1 when it was one, 0 or -1. */
IH_SCAN_FUNCTION int ih_scan_whole(struct ih_scan *s)
{
	const struct ih_tables *t = s ? IH_SCAN_TABLES(s) : 0;
	__u32 style, name, len;
	int dashes, at;

	if (!t)
		return -1;
	len = name = s->text.len;
	style = IH_SCAN_GRAM(t, s->grammar)->style;
	dashes = len > 2 && IH_SCAN_BYTE(s, 0) == '-' && IH_SCAN_BYTE(s, 1) == '-';
	ih_scan_ask_for(s, s->grammar, IH_SCOPE_OPTION, 0, len);
	at = ih_scan_find(s);
	if (at < 0 && ((dashes && (style & IH_STYLE_LONG)) || (style & IH_STYLE_WORD_EQUALS))) {
		name = ih_scan_equals(s, IH_SCAN_NAME_MAX + 1);
		s->q.len = name;
		if (name < len)
			at = ih_scan_find(s);
	}
	if (at >= 0) {
		ih_scan_met(s, IH_SCAN_SLOT(t, at), name < len ? name + 1 : len);
		return ih_scan_take(s, name < len) < 0 ? -1 : 1;
	}
	s->q.len = len;
	at = ih_scan_find_prefix(s);
	if (at < 0)
		return 0;
	ih_scan_met(s, IH_SCAN_SLOT(t, at), s->prefix);
	return ih_scan_take(s, 1) < 0 ? -1 : 1;
}

/* -5 where a program takes any number: the rule is called "-#". Return: 1 when it was one. */
IH_SCAN_PART int ih_scan_number(struct ih_scan *s)
{
	const struct ih_tables *t = s ? IH_SCAN_TABLES(s) : 0;
	int at;

	if (!t)
		return -1;
	if (s->text.len < 2 || IH_SCAN_BYTE(s, 1) == 'x' || ih_scan_digits(s, 1) != s->text.len - 1)
		return 0;
	ih_scan_ask_for_letter(s, IH_SCAN_BYTE(s, 0), '#');
	at = ih_scan_find(s);
	if (at < 0)
		return 0;
	return ih_scan_bare(s, IH_SCAN_RULE(t, IH_SCAN_SLOT(t, at)->rule)) < 0 ? -1 : 1;
}

IH_SCAN_PART int ih_scan_option(struct ih_scan *s)
{
	const struct ih_tables *t = s ? IH_SCAN_TABLES(s) : 0;
	int dashes, r;
	__u32 len;

	if (!t)
		return -1;
	len = s->text.len;
	if ((s->flags & IH_FLAG_STRICT_ORDER) && (s->flags & IH_FLAG_OPERAND))
		return ih_scan_unclear(s, IH_SCAN_WHY_ORDER, 0, len);
	r = ih_scan_whole(s);
	if (r == 0)
		r = ih_scan_number(s);
	if (r != 0)
		return r < 0 ? -1 : 0;
	dashes = len >= 2 && IH_SCAN_BYTE(s, 0) == '-' && IH_SCAN_BYTE(s, 1) == '-';
	if (dashes && len == 2) { /* without a rule of its own it ends the options */
		s->state = IH_SCAN_OPERANDS;
		return 0;
	}
	if (!dashes && len >= 2 && (IH_SCAN_GRAM(t, s->grammar)->style & IH_STYLE_CLUSTER))
		return ih_scan_cluster(s, 1);
	return ih_scan_unclear(s, IH_SCAN_WHY_OPTION, 0, len);
}

IH_SCAN_PART int ih_scan_is_option(struct ih_scan *s)
{
	const struct ih_tables *t = s ? IH_SCAN_TABLES(s) : 0;
	__u32 style, len;
	char first;

	if (!t || s->text.len == 0 || s->state != IH_SCAN_OPTIONS)
		return 0;
	len = s->text.len;
	style = IH_SCAN_GRAM(t, s->grammar)->style;
	first = IH_SCAN_BYTE(s, 0);
	if (first != '-' && !(first == '+' && (style & IH_STYLE_PLUS)))
		return 0;
	if (len == 1) {
		ih_scan_ask_for(s, s->grammar, IH_SCOPE_OPTION, 0, 1);
		return ih_scan_find(s) >= 0;
	}
	return !(len == 2 && IH_SCAN_BYTE(s, 1) == '-' && (style & IH_STYLE_ENDLESS));
}

IH_SCAN_PART int ih_scan_has_equals(const struct ih_scan *s)
{
	__u32 at = ih_scan_equals(s, IH_SCAN_EQUALS_MAX);

	return at > 0 && at < IH_SCAN_EQUALS_MAX && at < s->text.len;
}

/* An operand falls into slot @slot of the grammar. Return: 1 when it does not, 0 or -1. */
IH_SCAN_FUNCTION int ih_scan_slot(struct ih_scan *s, __u32 index)
{
	const struct ih_tables *t = s ? IH_SCAN_TABLES(s) : 0;
	const struct ih_rule_entry *rule;

	if (!t)
		return -1;
	rule = IH_SCAN_RULE(t, index);
	if (!ih_scan_applies(rule, s->final ? s->final : s->flags))
		return 1;
	if (rule->role == IH_ROLE_ASSIGNMENT && !ih_scan_has_equals(s))
		return 1;
	s->flags = (s->flags | rule->set | IH_FLAG_OPERAND) & ~rule->clear;
	if (!(rule->bits & IH_RULE_REPEAT) && rule->role != IH_ROLE_ASSIGNMENT)
		s->slot++;
	if (rule->role == IH_ROLE_ARGUMENTS) {
		s->state = IH_SCAN_STOPPED;
		return 0;
	}
	s->met.rule = index;
	s->met.name = rule->name;
	s->met.offset = 0;
	s->met.len = s->text.len;
	return ih_scan_value(s);
}

/*
 * In the first walk an operand leaves no trace in the flags that slots are chosen by: "sed p" would
 * else look as if the script had been given before "p" came.
 */
#define IH_SCAN_TRACES (IH_FLAG_CODE | IH_FLAG_SCRIPT | IH_FLAG_COMMAND)

IH_SCAN_PART int ih_scan_operand(struct ih_scan *s)
{
	const struct ih_tables *t = s ? IH_SCAN_TABLES(s) : 0;
	const struct ih_grammar_entry *g;
	__u32 n, before;
	int r;

	if (!t)
		return -1;
	g = IH_SCAN_GRAM(t, s->grammar);
	if (!(g->style & IH_STYLE_PERMUTE))
		s->state = IH_SCAN_OPERANDS;
	before = s->flags;
	for (n = 0; n < IH_GRAMMAR_SLOTS_MAX && s->slot < g->n_slots; n++, s->slot++) {
		r = ih_scan_slot(s, g->first_slot + s->slot);
		if (r > 0)
			continue;
		if (!s->final)
			s->flags &= ~(IH_SCAN_TRACES & ~before);
		return r;
	}
	return ih_scan_unclear(s, IH_SCAN_WHY_OPERAND, 0, s->text.len);
}

/* A value that an earlier option asked for. */
IH_SCAN_PART int ih_scan_pending(struct ih_scan *s)
{
	__u32 i;

	if (s->pending[0].skip) {
		s->pending[0].skip--;
		return 0;
	}
	s->met.rule = s->pending[0].rule;
	s->met.name = s->pending[0].name;
	s->met.offset = 0;
	s->met.len = s->text.len;
	s->n_pending--;
	for (i = 0; i + 1 < IH_SCAN_PENDING_MAX; i++)
		s->pending[i] = s->pending[i + 1];
	return ih_scan_value(s);
}

/* Inside find -exec … : the first word is the program, ';' or "{} +" ends it. */
IH_SCAN_PART int ih_scan_until(struct ih_scan *s, const struct ih_tables *t)
{
	const struct ih_rule_entry *rule = IH_SCAN_RULE(t, s->until);

	if (s->text.len == 1 &&
	    (IH_SCAN_BYTE(s, 0) == ';' || (IH_SCAN_BYTE(s, 0) == '+' && s->braces))) {
		s->until = IH_SCAN_NONE;
		s->n_pending = 0;
		return 0;
	}
	s->braces = s->text.len == 2 && IH_SCAN_BYTE(s, 0) == '{' && IH_SCAN_BYTE(s, 1) == '}';
	if (s->n_pending == 0) { /* used as "inside", the program's name was seen */
		s->n_pending = 1;
		s->hit.rule = s->until;
		s->hit.name = rule->name;
		s->hit.offset = 0;
		s->hit.len = s->text.len;
		ih_scan_note(s, rule);
	}
	return 0;
}

/* Does the next argument belong to an option that came before? */
IH_SCAN_PART int ih_scan_is_awaited(struct ih_scan *s, const struct ih_tables *t)
{
	if (!s->n_pending)
		return 0;
	if (IH_SCAN_RULE(t, s->pending[0].rule)->shape != IH_SHAPE_MAYBE || s->text.len == 0 ||
	    IH_SCAN_BYTE(s, 0) != '-')
		return 1;
	s->n_pending = 0;
	return 0;
}

/**
 * ih_scan_read() - read one argument: s->text
 *
 * Return: 0, or -1 when it cannot be told what it means; see s->why. s->hit.rule tells whether the
 * argument has text that a rule applies to. After s->state is IH_SCAN_STOPPED nothing more is
 * read.
 */
IH_SCAN_FUNCTION int ih_scan_read(struct ih_scan *s)
{
	const struct ih_tables *t = s ? IH_SCAN_TABLES(s) : 0;
	__u32 first;

	if (!s)
		return -1;
	s->hit.rule = IH_SCAN_NONE;
	if (!t)
		return ih_scan_unclear(s, IH_SCAN_WHY_TABLES, 0, 0);
	if (s->state == IH_SCAN_STOPPED)
		return 0;
	if (s->until != IH_SCAN_NONE)
		return ih_scan_until(s, t);
	if (ih_scan_is_awaited(s, t))
		return ih_scan_pending(s);
	first = s->first;
	s->first = 0;
	if (ih_scan_is_option(s))
		return ih_scan_option(s);
	if (first && s->text.len > 0 && (IH_SCAN_GRAM(t, s->grammar)->style & IH_STYLE_BARE)) {
		int r;

		s->bare = 1;
		r = ih_scan_cluster(s, 0);
		s->bare = 0;
		return r;
	}
	return ih_scan_operand(s);
}

/* After the last argument. Return: 0, or -1 when a value is missing. */
IH_SCAN_FUNCTION int ih_scan_end(struct ih_scan *s)
{
	const struct ih_tables *t = s ? IH_SCAN_TABLES(s) : 0;
	__u32 shape;

	if (!t)
		return -1;
	if (s->state == IH_SCAN_STOPPED)
		return s->why ? -1 : 0;
	if (s->until != IH_SCAN_NONE)
		return ih_scan_unclear(s, IH_SCAN_WHY_END, 0, 0);
	if (s->n_pending == 0)
		return 0;
	shape = IH_SCAN_RULE(t, s->pending[0].rule)->shape;
	if (shape == IH_SHAPE_NEXT || shape == IH_SHAPE_MAYBE)
		return 0;
	return ih_scan_unclear(s, IH_SCAN_WHY_END, 0, 0);
}

/* What a program does when nothing on its command line says: the first ending that applies. */
IH_SCAN_PART enum ih_mode ih_scan_ending(struct ih_scan *s, const struct ih_tables *t,
					 enum ih_mode typed)
{
	const struct ih_grammar_entry *g = IH_SCAN_GRAM(t, s->grammar);
	__u32 i;

	for (i = 0; i < IH_GRAMMAR_SLOTS_MAX && i < g->n_endings; i++) {
		const struct ih_rule_entry *rule = IH_SCAN_RULE(t, g->first_ending + i);

		if (!ih_scan_applies(rule, s->flags))
			continue;
		s->ending = g->first_ending + i;
		return rule->mode == IH_MODE_STDIN ? typed : (enum ih_mode)rule->mode;
	}
	return IH_MODE_UNCLEAR;
}

/**
 * ih_scan_mode() - how code reaches the program, once everything was read
 *
 * s->ending is the rule that said so when nothing else did, or IH_SCAN_NONE.
 * Return: enum ih_mode.
 */
IH_SCAN_FUNCTION int ih_scan_mode(struct ih_scan *s)
{
	const struct ih_tables *t = s ? IH_SCAN_TABLES(s) : 0;
	enum ih_mode typed, mode;

	if (!t)
		return IH_MODE_UNCLEAR;
	s->ending = IH_SCAN_NONE;
	if (s->why)
		return IH_MODE_UNCLEAR;
	if (s->flags & IH_FLAG_INFO)
		return IH_MODE_NONE;
	typed = s->flags & IH_FLAG_TTY ? IH_MODE_INTERACTIVE : IH_MODE_STDIN;
	if (s->flags & (IH_FLAG_REPL | IH_FLAG_STDIN))
		mode = typed;
	else if (s->seen & IH_SEEN_INLINE)
		mode = IH_MODE_INLINE;
	else if (s->seen & IH_SEEN_MODULE)
		mode = IH_MODE_MODULE;
	else if (s->seen & IH_SEEN_SCRIPT)
		mode = IH_MODE_SCRIPT;
	else if (s->seen & IH_SEEN_COMMAND)
		mode = IH_MODE_PROGRAM;
	else
		mode = ih_scan_ending(s, t, typed);
	/* Shells that behave as interactive ignore -n. */
	if ((s->flags & IH_FLAG_CHECK) && !(s->flags & IH_FLAG_INTERACTIVE) &&
	    mode != IH_MODE_UNCLEAR)
		return IH_MODE_NONE;
	return mode;
}

#ifndef IH_SCAN_IN_KERNEL

IH_SCAN_PART void ih_scan_start(struct ih_scan *s, const struct ih_tables *t, __u32 grammar,
				__u32 flags)
{
	*s = (struct ih_scan){ .t = t };
	ih_scan_reset(s, grammar, flags);
}

/* ih_scan_read() of a given text. */
IH_SCAN_PART int ih_scan_argument(struct ih_scan *s, struct ih_scan_text text)
{
	s->text = text;
	return ih_scan_read(s);
}

#endif
