/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The scanner's state, and looking up names in the tables of common/abi/grammar.h. The walk itself
 * is common/abi/scan.h.
 *
 * The same text is compiled into a BPF program (IH_SCAN_IN_KERNEL). There each function is
 * verified on its own, so functions take the struct and a few numbers, and leave results in the
 * struct; tables and text are arrays of fixed size whose indices are masked.
 */
#pragma once

#include "common/abi/grammar.h"

#ifdef IH_SCAN_IN_KERNEL

#define IH_SCAN_FUNCTION    __attribute__((noinline)) /* verified on its own; 8 frames at most */
#define IH_SCAN_PART	    static __always_inline
#define IH_SCAN_CLUSTER_MAX 128	 /* letters of one cluster; more is unclear */
#define IH_SCAN_EQUALS_MAX  256	 /* where a NAME=VALUE must have its '=' */
#define IH_SCAN_TEXT_MAX    4096 /* bytes of one argument that are looked at */

struct ih_scan_text {
	char bytes[IH_SCAN_TEXT_MAX];
	__u32 len; /* may be more than what is in bytes */
};

#define IH_SCAN_BYTE(s, i) ((s)->text.bytes[(i) & (IH_SCAN_TEXT_MAX - 1)])

#else

#define IH_SCAN_FUNCTION    static inline
#define IH_SCAN_PART	    static inline
#define IH_SCAN_CLUSTER_MAX 131072 /* MAX_ARG_STRLEN */
#define IH_SCAN_EQUALS_MAX  131072

struct ih_scan_text {
	const char *bytes;
	__u32 len;
};

#define IH_SCAN_BYTE(s, i)   ((s)->text.bytes[i])
#define IH_SCAN_TABLES(s)    ((s)->t)
#define IH_SCAN_RULE(t, i)   (&(t)->rules[i])
#define IH_SCAN_GRAM(t, i)   (&(t)->grammars[i])
#define IH_SCAN_SLOT(t, i)   (&(t)->slots[i])
#define IH_SCAN_STRING(t, i) ((t)->strings[i])

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
	IH_SCAN_WHY_TABLES,  /* there are no tables */
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

/* What is looked up: a part of the text, or two spelled bytes. */
struct ih_scan_query {
	__u32 grammar;
	__u32 offset, len;
	__u8 scope;   /* enum ih_scope */
	__u8 spelled; /* the name is letter[], not in the text */
	char letter[2];
};

struct ih_scan {
#ifndef IH_SCAN_IN_KERNEL
	const struct ih_tables *t;
#endif
	struct ih_scan_text text; /* the argument that is being read */
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
	__u32 braces; /* its last word was "{}", so that "+" ends it */
	__u32 bare;   /* a cluster without its dash is being read */
	__u32 first;  /* no argument was read by this grammar yet */
	__u32 why, why_offset, why_len;
	struct ih_scan_hit hit; /* what the caller sees of this argument */
	struct ih_scan_hit met; /* the option or operand that is being dealt with */
	struct ih_scan_query q;
	__u32 prefix; /* length of what ih_scan_find_prefix() found, without its '*' */
	__u32 ending; /* rule that ih_scan_mode() took, or IH_SCAN_NONE */
};

IH_SCAN_PART void ih_scan_reset(struct ih_scan *s, __u32 grammar, __u32 flags)
{
	s->grammar = grammar;
	s->slot = 0;
	s->flags = flags;
	s->final = 0;
	s->state = IH_SCAN_OPTIONS;
	s->seen = 0;
	s->n_pending = 0;
	s->until = IH_SCAN_NONE;
	s->braces = 0;
	s->bare = 0;
	s->first = 1;
	s->why = IH_SCAN_WHY_NOTHING;
	s->hit.rule = IH_SCAN_NONE;
	s->ending = IH_SCAN_NONE;
}

IH_SCAN_PART int ih_scan_unclear(struct ih_scan *s, enum ih_scan_why why, __u32 offset, __u32 len)
{
	s->why = why;
	s->why_offset = offset;
	s->why_len = len;
	s->state = IH_SCAN_STOPPED;
	return -1;
}

IH_SCAN_PART __u8 ih_scan_lower(__u8 byte)
{
	return byte >= 'A' && byte <= 'Z' ? (__u8)(byte + ('a' - 'A')) : byte;
}

/* How names are compared: as they are, without case, or '_' as '-' behind a leading "--". */
struct ih_scan_folding {
	__u32 nocase, dashes; /* 0 or 1 */
};

IH_SCAN_PART struct ih_scan_folding ih_scan_folding(__u32 style, __u8 scope)
{
	return (struct ih_scan_folding){
		.nocase = scope == IH_SCOPE_KEY && (style & IH_STYLE_NOCASE),
		.dashes = scope == IH_SCOPE_OPTION && (style & IH_STYLE_FOLD),
	};
}

/* Without a branch, for each one in a loop doubles what a verifier has to walk. */
IH_SCAN_PART __u8 ih_scan_fold(__u8 byte, struct ih_scan_folding how)
{
	__u32 is_upper = ((__u32)byte - 'A' - 26) >> 31 & ~(((__u32)byte - 'A') >> 31) & 1;
	__u32 is_underscore = (((__u32)byte ^ '_') - 1) >> 31;

	byte = (__u8)(byte + (is_upper & how.nocase) * ('a' - 'A'));
	return (__u8)(byte - (is_underscore & how.dashes) * ('_' - '-'));
}

/* Is the slot's spelling the name that is looked up, a '*' appended when @star? */
IH_SCAN_PART int ih_scan_same(const struct ih_scan *s, const struct ih_tables *t, __u32 at,
			      __u32 star)
{
	const struct ih_grammar_slot *slot = IH_SCAN_SLOT(t, at);
	struct ih_scan_folding how;
	__u32 i, len = s->q.len, name = slot->name;

	if (slot->grammar != s->q.grammar || slot->scope != s->q.scope || slot->len != len + star)
		return 0;
	how = ih_scan_folding(IH_SCAN_GRAM(t, slot->grammar)->style, slot->scope);
	if (s->q.spelled)
		return IH_SCAN_STRING(t, name) == s->q.letter[0] &&
		       IH_SCAN_STRING(t, name + 1) == s->q.letter[1];
	for (i = 0; i < IH_SCAN_NAME_MAX && i < len; i++)
		if ((__u8)IH_SCAN_STRING(t, name + i) !=
		    ih_scan_fold((__u8)IH_SCAN_BYTE(s, s->q.offset + i), how))
			return 0;
	return !star || IH_SCAN_STRING(t, name + len) == '*';
}

/* Return: the slot with this hash and the name that is looked up, or -1. No two known names share
 * a hash (grammar_write.c refuses them), so the first slot that has it is the only one. */
IH_SCAN_FUNCTION int ih_scan_probe(struct ih_scan *s, __u64 hash, __u32 star)
{
	const struct ih_tables *t = s ? IH_SCAN_TABLES(s) : 0;
	__u32 i, at = 0;

	if (!t)
		return -1;
	for (i = 0; i < IH_GRAMMAR_PROBES_MAX; i++) {
		at = (__u32)(hash + i) & (t->n_slots - 1);
		if (i > t->probes || IH_SCAN_SLOT(t, at)->hash == 0)
			return -1;
		if (IH_SCAN_SLOT(t, at)->hash == hash)
			return ih_scan_same(s, t, at, star) ? (int)at : -1;
	}
	return -1;
}

/* Return: the slot of the exact name in s->q, or -1. */
IH_SCAN_FUNCTION int ih_scan_find(struct ih_scan *s)
{
	const struct ih_tables *t = s ? IH_SCAN_TABLES(s) : 0;
	struct ih_scan_folding how;
	__u32 i, len;
	__u64 hash;

	if (!t)
		return -1;
	len = s->q.len;
	hash = ih_hash_scope(s->q.grammar, s->q.scope);
	if (s->q.spelled) {
		hash = ih_hash_byte(hash, (__u8)s->q.letter[0]);
		return ih_scan_probe(s, ih_hash_byte(hash, (__u8)s->q.letter[1]), 0);
	}
	if (len > IH_SCAN_NAME_MAX)
		return -1;
	how = ih_scan_folding(IH_SCAN_GRAM(t, s->q.grammar)->style, s->q.scope);
	for (i = 0; i < IH_SCAN_NAME_MAX && i < len; i++)
		hash = ih_hash_byte(hash,
				    ih_scan_fold((__u8)IH_SCAN_BYTE(s, s->q.offset + i), how));
	return ih_scan_probe(s, hash, 0);
}

/* Return: the slot of the longest "prefix*" that fits the name in s->q, or -1; s->prefix. */
IH_SCAN_FUNCTION int ih_scan_find_prefix(struct ih_scan *s)
{
	const struct ih_tables *t = s ? IH_SCAN_TABLES(s) : 0;
	struct ih_scan_folding how;
	const struct ih_grammar_entry *g;
	int best = -1, at;
	__u64 hash, lengths;
	__u32 i, len;

	if (!t)
		return -1;
	g = IH_SCAN_GRAM(t, s->q.grammar);
	lengths = (__u64)g->prefixes[1] << 32 | g->prefixes[0];
	if (!lengths)
		return -1;
	len = s->q.len;
	how = ih_scan_folding(IH_SCAN_GRAM(t, s->q.grammar)->style, s->q.scope);
	hash = ih_hash_scope(s->q.grammar, s->q.scope);
	for (i = 0; i < IH_SCAN_PREFIX_MAX && i <= len; i++) {
		s->q.len = i;
		at = lengths >> i & 1 ? ih_scan_probe(s, ih_hash_byte(hash, '*'), 1) : -1;
		if (at >= 0) {
			best = at;
			s->prefix = i;
		}
		if (i < len)
			hash = ih_hash_byte(
				hash, ih_scan_fold((__u8)IH_SCAN_BYTE(s, s->q.offset + i), how));
	}
	s->q.len = len;
	return best;
}

IH_SCAN_PART void ih_scan_ask_for(struct ih_scan *s, __u32 grammar, enum ih_scope scope,
				  __u32 offset, __u32 len)
{
	s->q.grammar = grammar;
	s->q.scope = (__u8)scope;
	s->q.spelled = 0;
	s->q.offset = offset;
	s->q.len = len;
}

/* Two bytes that do not stand together in the text: a cluster's "-x". */
IH_SCAN_PART void ih_scan_ask_for_letter(struct ih_scan *s, char first, char second)
{
	ih_scan_ask_for(s, s->grammar, IH_SCOPE_OPTION, 0, 2);
	s->q.spelled = 1;
	s->q.letter[0] = first;
	s->q.letter[1] = second;
}

/**
 * ih_scan_variable() - the rule that a variable falls under; s->text is "NAME=value"
 * @name_len: of NAME
 *
 * A program's own rules go before those that apply to all (grammar 0), and whole names before
 * prefixes: make's "*" takes every variable, but LD_PRELOAD stays what it is.
 * Return: a slot, or -1 when the variable means nothing.
 */
IH_SCAN_PART int ih_scan_variable(struct ih_scan *s, __u32 grammar, __u32 name_len)
{
	int at;

	if (!s)
		return -1;
	ih_scan_ask_for(s, grammar, IH_SCOPE_VARIABLE, 0, name_len);
	at = ih_scan_find(s);
	if (at >= 0)
		return at;
	s->q.grammar = 0;
	at = ih_scan_find(s);
	if (at >= 0)
		return at;
	s->q.grammar = grammar;
	at = ih_scan_find_prefix(s);
	if (at >= 0)
		return at;
	s->q.grammar = 0;
	return ih_scan_find_prefix(s);
}
