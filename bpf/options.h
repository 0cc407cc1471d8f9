/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Strings of options in variables (NODE_OPTIONS, PERL5OPT): cut into words as the programs cut them
 * (policy/split.c), each of which is read by the grammar.
 */
#pragma once

#include "bpf/reading.h"

/* Which of an option string's flags stay with the program as a whole. */
#define CARRIED_FLAGS	 (~((1U << IH_FLAG_OWN_SHIFT) - 1) | IH_FLAG_REPL | IH_FLAG_INTERACTIVE)
#define OPTION_WORDS_MAX 256

static __always_inline void put_byte(struct ih_reading *r, char c)
{
	IH_SCAN_BYTE(&r->scan, r->out) = c;
	r->out++;
	r->in_word = 1;
}

/* Does the first word of MAKEFLAGS hold a '='? */
static int equals_byte(__u32 index, struct ih_reading **context)
{
	struct ih_reading *r = *context;
	char c = r->rest[index & (IH_SCAN_TEXT_MAX - 1)];

	if (c == ' ' || c == '\t') {
		if (r->in_word)
			return 1;
	} else {
		r->in_word = 1;
		r->has_equals |= c == '=';
	}
	return 0;
}

/* A byte of quotes, of either kind or of one. Return: 1 when it was dealt with. */
static __always_inline int quoted_byte(struct ih_reading *r, __u32 how, char c)
{
	if (how == IH_SPLITTING_QUOTES) {
		if (r->quote && c == (char)r->quote) {
			r->quote = 0;
			return 1;
		}
		if (!r->quote && (c == '"' || c == '\'')) {
			r->quote = (__u8)c;
			r->in_word = 1;
			return 1;
		}
	}
	if (how == IH_SPLITTING_NODE && c == '"') {
		r->quote = !r->quote;
		return 1;
	}
	return 0;
}

static __always_inline int is_blank(__u32 how, char c)
{
	return how == IH_SPLITTING_NODE ? c == ' ' : ih_text_is_space((__u8)c);
}

/* Return: 1 at the end of a word. */
static int cut_byte(__u32 index, struct ih_reading **context)
{
	struct ih_reading *r = *context;
	__u32 how = r->separators;
	char c = r->rest[r->cut_at & (IH_SCAN_TEXT_MAX - 1)];

	if (r->cut_at >= r->rest_len)
		return 1;
	r->cut_at++;
	if (r->escaped) {
		r->escaped = 0;
		put_byte(r, c);
		return 0;
	}
	if (c == '\\' && (how == IH_SPLITTING_MAKE || (how == IH_SPLITTING_NODE && r->quote))) {
		r->escaped = 1;
		return 0;
	}
	if (quoted_byte(r, how, c))
		return 0;
	if (!r->quote && is_blank(how, c))
		return r->in_word ? 1 : 0;
	if (!r->in_word && c != '-' && (how == IH_SPLITTING_DASHED || r->adding))
		put_byte(r, '-');
	r->adding = 0;
	put_byte(r, c);
	return 0;
}

/* The next word becomes scan.text. Return: 0 when there is none. */
__attribute__((noinline)) int ih_read_word(struct ih_reading *r)
{
	struct ih_reading *context = r;

	if (!r)
		return 0;
	r->out = 0;
	r->in_word = 0;
	bpf_loop(IH_SCAN_TEXT_MAX, cut_byte, &context, 0);
	r->scan.text.len = r->out;
	IH_SCAN_BYTE(&r->scan, r->out) = 0;
	return r->in_word;
}

static int word_step(__u32 index, struct ih_reading **context)
{
	struct ih_reading *r = *context;

	if (r->scan.state == IH_SCAN_STOPPED || !ih_read_word(r))
		return 1;
	if (index == OPTION_WORDS_MAX - 1)
		r->unclear = 1;
	if (ih_scan_read(&r->scan) < 0)
		return 1;
	read_hit(r);
	return 0;
}

/* Until 6.12 an empty string is 0 bytes long with its end, later 1 (strncpy_from_user_nofault() of
 * mm/maccess.c). Without a branch, which the verifier would follow twice. */
static __always_inline long with_end(long n)
{
	long some = (n | -n) >> 63;

	asm volatile("" : "+r"(some));
	return n + some + 1;
}

/* The string itself, and how it is cut. Return: 0 when there is nothing in it. */
__attribute__((noinline)) int ih_read_options(struct ih_reading *r, __u32 number)
{
	const struct ih_tables *t = ih_tables_now();
	struct ih_reading *context = r;
	const struct ih_rule_entry *rule;
	long n;

	if (!r || !t)
		return 0;
	number &= OPTION_STRINGS_MAX - 1;
	n = bpf_probe_read_user_str(r->rest, sizeof(r->rest), (void *)r->options[number].at);
	n = with_end(n);
	if (n <= 0 || n == sizeof(r->rest)) {
		r->unclear = 1;
		return 0;
	}
	rule = IH_SCAN_RULE(t, r->options[number].rule);
	r->rest_len = (__u32)n - 1;
	r->cut_at = 0;
	r->quote = 0;
	r->escaped = 0;
	r->has_equals = 0;
	r->in_word = 0;
	r->adding = 0;
	if (rule->splitting == IH_SPLITTING_MAKE) {
		bpf_loop(r->rest_len & (IH_SCAN_TEXT_MAX - 1), equals_byte, &context, 0);
		r->adding = !r->has_equals;
	}
	r->separators = rule->splitting;
	r->variable = 1;
	ih_scan_reset(&r->scan, rule->target ? rule->target : r->grammar, IH_FLAG_ENVIRONMENT);
	return 1;
}

__attribute__((noinline)) int ih_read_options_end(struct ih_reading *r)
{
	if (!r)
		return 0;
	if (ih_scan_end(&r->scan) < 0 || r->scan.why || r->quote || r->escaped)
		r->unclear = 1;
	r->carried |= r->scan.flags & CARRIED_FLAGS;
	r->variable = 0;
	return 0;
}

/* In the first pass: strings of options, and what other variables say about the program. */
__attribute__((noinline)) int ih_find_options(struct ih_reading *r, __u32 at)
{
	const struct ih_tables *t = ih_tables_now();
	const struct ih_rule_entry *rule;
	__u32 n;

	if (!r || !t)
		return 0;
	rule = IH_SCAN_RULE(t, IH_SCAN_SLOT(t, at)->rule);
	if (!ih_scan_applies(rule, r->scan.flags & IH_FLAG_TTY))
		return 0;
	r->carried |= rule->set & CARRIED_FLAGS;
	if (rule->role != IH_ROLE_OPTIONS)
		return 0;
	n = r->n_options;
	if (n >= OPTION_STRINGS_MAX) {
		r->unclear = 1;
		return 0;
	}
	r->options[n].at = r->at + r->name + 1;
	r->options[n].rule = IH_SCAN_SLOT(t, at)->rule;
	r->n_options = n + 1;
	return 0;
}
