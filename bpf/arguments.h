/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads argv and the environment as they lie on a stack: strings, one behind the other. Decides
 * nothing; args.bpf.c does, and tests/bpf/arguments.bpf.c holds this against user space.
 */
#pragma once

#include "bpf/options.h"

#define STEPS_MAX 16384 /* strings, and 4 KiB parts of long ones; more is cut off */

/* What standard input is; 0: something to read from. */
#define IH_STDIN_TTY   1
#define IH_STDIN_EMPTY 2
#define IH_STDIN_FILE  3

/* The program whose variables count: parts and tables belong to their file's. */
static __always_inline __u32 owner_of(const struct ih_tables *t, const struct ih_scan *s)
{
	return IH_SCAN_GRAM(t, s->grammar)->parent & (IH_TABLES_GRAMMARS - 1);
}

/* What the variable with the name's length in r->name carries. */
__attribute__((noinline)) int ih_judge_variable(struct ih_reading *r)
{
	const struct ih_tables *t = ih_tables_now();
	const struct ih_rule_entry *rule;
	struct ih_scan *s;
	__u32 grammar;
	int at;

	if (!r || !t)
		return -1;
	s = &r->scan;
	grammar = r->stage == IH_STAGE_VARIABLES ? r->grammar : owner_of(t, s);
	/* What only prints about itself reads no variables of its own, but is loaded all the same.
	 */
	if (s->flags & IH_FLAG_INFO)
		grammar = 0;
	at = ih_scan_variable(s, grammar, r->name);
	if (at < 0)
		return 0;
	if (r->stage == IH_STAGE_VARIABLES)
		return ih_find_options(r, (__u32)at);
	rule = IH_SCAN_RULE(t, IH_SCAN_SLOT(t, at)->rule);
	if (!ih_scan_applies(rule, s->flags))
		return 0;
	if (rule->role == IH_ROLE_OPTIONS) {
		r->unclear |= grammar != r->grammar; /* of a program that argv led to */
		return 0;
	}
	r->common = s->q.grammar == 0;
	r->variable = 1;
	r->begin = r->name + 1;
	r->length = s->text.len - r->begin;
	(void)ih_read_found(r, IH_SCAN_SLOT(t, at)->rule);
	r->variable = 0;
	r->common = 0;
	return 0;
}

static __always_inline bool is_posixly_correct(const struct ih_scan *s)
{
	const char name[] = "POSIXLY_CORRECT";
	bool same = true;

	for (__u32 i = 0; i < sizeof(name) - 1; i++)
		same &= IH_SCAN_BYTE(s, i) == name[i];
	return same;
}

/* In a function of its own, so that the verifier forgets how long the name was. */
__attribute__((noinline)) int ih_read_variable(struct ih_reading *r)
{
	__u32 name;

	if (!r)
		return -1;
	name = ih_scan_equals(&r->scan, ENV_NAME_MAX);
	r->name = name;
	if (name == 15 && r->stage == IH_STAGE_VARIABLES && is_posixly_correct(&r->scan))
		r->carried |= IH_FLAG_STRICT_ORDER;
	if (name == 0 || name >= ENV_NAME_MAX || name + 1 >= r->scan.text.len)
		return 0; /* no name that any rule has, or an empty value */
	return ih_judge_variable(r);
}

#define ARGV0_MAX  256
#define APPLET_MAX 64

/* argv[0] of a multi-call program is the first word of its command line, without a directory.
 * Return: 1 when it is to be read as such. */
__attribute__((noinline)) int ih_read_name(struct ih_reading *r)
{
	__u32 begin = 0, len, i;
	struct ih_scan *s;

	if (!r)
		return -1;
	s = &r->scan;
	if (IH_SCAN_BYTE(s, 0) == '-')
		s->flags |= IH_FLAG_LOGIN;
	if (r->first)
		return 0;
	len = s->text.len;
	for (i = 0; i < ARGV0_MAX; i++) {
		__u32 here = -(is_same((__u8)IH_SCAN_BYTE(s, i), '/') & is_below(i, len));

		begin = (begin & ~here) | ((i + 1) & here);
	}
	if (len > ARGV0_MAX || len - begin > APPLET_MAX)
		return ih_scan_unclear(s, IH_SCAN_WHY_OPERAND, 0, 0);
	for (i = 0; i < APPLET_MAX; i++)
		IH_SCAN_BYTE(s, i) = IH_SCAN_BYTE(s, begin + i);
	s->text.len = len - begin;
	s->state = IH_SCAN_OPERANDS;
	return 1;
}

static __always_inline void read_string(struct ih_reading *r)
{
	if (r->number >= r->argc) {
		(void)ih_read_variable(r);
		return;
	}
	if (r->stage == IH_STAGE_VARIABLES || (r->number == 0 && ih_read_name(r) <= 0))
		return;
	if (r->scan.state == IH_SCAN_STOPPED)
		return;
	(void)ih_scan_read(&r->scan); /* scan.why says when it is unclear */
	if (r->stage == IH_STAGE_ALL)
		read_hit(r);
}

/* One string of the new stack, or 4 KiB of one. Return: 1 ends the loop. */
static int step(__u32 index, struct ih_reading **context)
{
	struct ih_reading *r = *context;
	long n;

	if (r->at >= r->end || r->failed)
		return 1;
	if (r->stage == IH_STAGE_FLAGS && r->number >= r->argc)
		return 1;
	if (r->skipping)
		n = bpf_probe_read_user_str(r->rest, sizeof(r->rest), (void *)r->at);
	else
		n = bpf_probe_read_user_str(r->scan.text.bytes, IH_SCAN_TEXT_MAX, (void *)r->at);
	n = with_end(n);
	if (n <= 0) {
		r->failed = 1;
		return 1;
	}
	if (r->passing) {
		r->passing -= n < IH_SCAN_TEXT_MAX;
	} else if (!r->skipping) {
		r->scan.text.len = (__u32)n - 1;
		read_string(r);
		r->number++;
	}
	r->skipping = n == IH_SCAN_TEXT_MAX;
	r->at += r->skipping ? n - 1 : n;
	return 0;
}

/* One walk over the new stack; @final says what operands mean. */
static __always_inline void walk(struct ih_reading *r, __u32 stage, __u32 flags, __u32 final)
{
	struct ih_reading *context = r;

	r->at = r->start;
	r->number = 0;
	r->skipping = 0;
	r->passing = r->before;
	r->stage = stage;
	ih_scan_reset(&r->scan, r->grammar, flags);
	r->scan.final = final;
	bpf_loop(STEPS_MAX, step, &context, 0);
	if (r->at < r->end && stage != IH_STAGE_FLAGS)
		r->failed = 1;
}

static __always_inline void read_option_strings(struct ih_reading *r)
{
	struct ih_reading *context = r;

	for (__u32 i = 0; i < OPTION_STRINGS_MAX; i++) {
		if (i >= r->n_options || !ih_read_options(r, i))
			continue;
		bpf_loop(OPTION_WORDS_MAX, word_step, &context, 0);
		(void)ih_read_options_end(r);
	}
}

/* A multi-call program called by another name than its own. */
static __always_inline bool is_called_otherwise(const struct ih_tables *t, __u32 grammar)
{
	const struct ih_grammar_entry *g = IH_SCAN_GRAM(t, grammar);

	return (g->style & IH_STYLE_MULTI) && g->n_slots &&
	       IH_SCAN_RULE(t, g->first_slot)->role == IH_ROLE_SUBCOMMAND;
}

/* The script, or all names when none is that: until they were opened nothing untrusted is. */
__attribute__((noinline)) int ih_read_awaited(struct ih_reading *r)
{
	__u32 main;

	if (!r)
		return 0;
	main = r->main ? r->main : ~0u;
	r->code.left = r->code.n == 255 ? 255 : 0;
	for (__u32 i = 0; i < IH_CODE_NAMES_MAX; i++) {
		__u32 awaited = r->code.names[i] ? main >> i & 1 : 0;

		r->code.names[i] |= awaited * IH_CODE_AWAITED;
		if (r->code.left != 255)
			r->code.left += awaited;
	}
	return 0;
}

/* What was read is what code.bpf.c goes by. A check looks at the main code only: what is loaded
 * beside it runs all the same. */
__attribute__((noinline)) int ih_read_done(struct ih_reading *r, __u32 mode)
{
	bool awaits;

	if (!r)
		return 0;
	awaits = mode == IH_MODE_SCRIPT && (r->code.n || !r->n_descriptors);
	r->code.by_itself = awaits && !r->code.n;
	r->code.phase = awaits ? IH_PHASE_START : IH_PHASE_RUN;
	/* What lies in a folder that nobody vouches for bears any name (FPATH, NODE_PATH). */
	if (r->outside && (mode == IH_MODE_SCRIPT || mode == IH_MODE_MODULE ||
			   mode == IH_MODE_INLINE || mode == IH_MODE_STDIN)) {
		r->code.phase = IH_PHASE_START;
		r->code.left = 255;
	}
	if (mode != IH_MODE_NONE || !(r->scan.flags & IH_FLAG_CHECK))
		return 0;
	r->code.phase = IH_PHASE_CHECK;
	for (__u32 i = 0; i < IH_CODE_NAMES_MAX; i++)
		if (r->main >> i & 1)
			r->code.names[i] = 0;
	return 0;
}

__attribute__((noinline)) int ih_read_begin(struct ih_reading *r)
{
	if (!r)
		return 0;
	__builtin_memset(&r->code, 0, sizeof(r->code));
	r->facts = 0;
	r->failed = 0;
	r->n_options = 0;
	r->carried = 0;
	r->unclear = 0;
	r->variable = 0;
	r->pure = 0;
	r->impure = 0;
	r->command = 0;
	r->main = 0;
	r->is_folder = 0;
	r->common = 0;
	r->outside = 0;
	r->n_descriptors = 0;
	return 0;
}

/* Extra inline text outweighs a script and standard input, unless it is only checked. */
static __always_inline __u8 mode_of(struct ih_reading *r)
{
	__u8 mode;

	if (r->failed || r->unclear)
		return IH_MODE_UNCLEAR;
	mode = (__u8)ih_scan_mode(&r->scan);
	if (mode == IH_MODE_UNCLEAR || mode == IH_MODE_INTERACTIVE ||
	    (mode == IH_MODE_NONE && (r->scan.flags & IH_FLAG_CHECK)))
		return mode;
	return r->scan.seen & IH_SEEN_INLINE ? IH_MODE_INLINE : mode;
}

/* @kind: of standard input, IH_STDIN_…. Return: enum ih_mode. */
static __always_inline __u8 read_arguments(struct ih_reading *r, const struct ih_tables *t,
					   __u32 kind)
{
	__u32 flags = kind == IH_STDIN_TTY ? IH_FLAG_TTY : 0;
	__u8 mode;

	(void)ih_read_begin(r);
	r->first = !is_called_otherwise(t, r->grammar);
	walk(r, IH_STAGE_VARIABLES, flags, 0);
	read_option_strings(r);
	flags |= r->carried;
	walk(r, IH_STAGE_FLAGS, flags, 0);
	walk(r, IH_STAGE_ALL, flags, r->scan.flags | IH_FLAG_FINAL);
	if (r->failed)
		r->facts |= IH_FACT_CUT_OFF;
	mode = mode_of(r);
	if (mode == IH_MODE_INLINE && r->pure && !r->impure)
		r->facts |= IH_FACT_PURE;
	if (mode == IH_MODE_STDIN && kind == IH_STDIN_EMPTY)
		mode = IH_MODE_NONE;
	(void)ih_read_awaited(r);
	(void)ih_read_done(r, mode);
	return mode;
}
