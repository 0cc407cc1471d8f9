/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One reading of a command line and an environment, and what is made of its words: the kernel's
 * side of policy/invocation_sources.c and policy/invocation_environ.c. Each function is global, so
 * that it is verified once; loops over bytes are bpf_loop()s over a machine whose state lies in the
 * map, so that one step is all that is verified of them.
 */
#pragma once

#include "bpf/judge.h"
#include "bpf/tables.h"

#include "common/abi/scan.h"
#include "common/abi/text.h"

#define OPTION_STRINGS_MAX 4 /* variables with options that are read; more is unclear */
#define DESCRIPTORS_MAX	   4 /* that are named as files of code; more is unclear */
#define DESCRIPTOR_DIGITS  5
#define DESCRIPTOR_MAIN	   (1U << 31) /* in a descriptor's number: it is the script */
#define ENV_NAME_MAX	   80

#define TEMPLATE	  (1 << 16) /* elements hold a '?', and are folders */
#define NAME_OF_TEMPLATE  2
#define FOLDER_EMPTY_HERE 2 /* an empty element is the working directory */
#define IH_HASH_UPWARD	  ih_hash_byte(ih_hash_byte(IH_HASH_START, '.'), '.')

#define IH_TEXT_SUBSTITUTION 0x41 /* is there a '$' or a '`'? */

enum ih_stage {
	IH_STAGE_VARIABLES = 0, /* option strings are found */
	IH_STAGE_FLAGS,		/* the first walk over argv */
	IH_STAGE_ALL,		/* the second one, and the environment */
};

struct ih_option_string {
	__u64 at; /* its text on the new stack */
	__u32 rule;
	__u32 pad;
};

/* Too large for the stack, so it lives with the task. */
struct ih_reading {
	struct ih_scan scan;
	char rest[IH_SCAN_TEXT_MAX]; /* what is skipped of a long string; a string of options */
	struct ih_text_state text;
	struct ih_code_state code;
	struct ih_option_string options[OPTION_STRINGS_MAX];
	__u64 start, at, end; /* the new stack */
	__u64 hash;	      /* of a file's name so far */
	__u64 whole;	      /* of a folder's whole path so far */
	__u32 argc, number;   /* of arguments; of the string at hand */
	__u32 first;	      /* where the walk begins: 0 when argv[0] is a word (busybox) */
	__u32 stage;	      /* enum ih_stage */
	__u32 skipping, failed;
	__u32 before; /* strings that stand before the words: an interpreter, its argument */
	__u32 passing;
	__u32 facts; /* IH_FACT_… */
	__u32 name;  /* length of the variable's name at hand */
	__u32 n_options;
	__u32 grammar; /* that it began with */
	__u32 carried; /* flags that option strings leave behind */
	__u32 unclear;
	__u32 variable;	    /* what is looked at came from the environment */
	__u32 pure, impure; /* code that can only compute; other code */
	__u32 by_table;	    /* handed to a shell from somebody's crontab */
	__u32 command;	    /* code that only starts a program by its path */
	__u32 main;	    /* names in code that are what the invocation is all about */
	__u32 adding, is_main, in_name;
	__u32 is_folder, some, inside, upward; /* of an element of a path list */
	__u32 common;  /* a variable that all programs know: native code comes from such folders */
	__u32 outside; /* a folder of code was given that lies in no tree that is trusted */
	__u32 begin, length; /* in scan.text, of what is looked at */
	__u32 separators;    /* of a list, a byte each; TEMPLATE */
	__u32 rest_len, cut_at, out, quote, escaped, has_equals, in_word;
	__u32 n_descriptors;
	__u32 descriptors[DESCRIPTORS_MAX];
};

struct ih_map_reading {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ih_reading);
};
struct ih_map_reading ih_readings SEC(".maps");

/* 1 or 0, in a way that the compiler does not make a branch of again. */
static __always_inline __u32 is_same(__u32 a, __u32 b)
{
	__u32 same = ((a ^ b) - 1) >> 31;

	asm volatile("" : "+r"(same));
	return same;
}

/* For @b up to 2^31. */
static __always_inline __u32 is_below(__u32 a, __u32 b)
{
	__u32 below = ((a - b) & ~a) >> 31;

	asm volatile("" : "+r"(below));
	return below;
}

static int text_byte(__u32 index, struct ih_reading **context)
{
	struct ih_reading *r = *context;
	__u8 c = (__u8)IH_SCAN_BYTE(&r->scan, r->begin + index);

	if (r->text.test == IH_TEXT_SUBSTITUTION)
		r->text.found |= c == '$' || c == '`';
	else
		ih_text_step(&r->text, c);
	return r->text.found ? 1 : 0;
}

/* Does the text at r->begin count under @test? What is longer than the kernel reads does. */
__attribute__((noinline)) int ih_read_test(struct ih_reading *r, __u32 test)
{
	struct ih_reading *context = r;

	if (!r)
		return 1;
	ih_text_begin(&r->text, (__u8)test);
	if (r->scan.text.len >= IH_SCAN_TEXT_MAX - 1)
		return test != IH_TEST_AT_FILE && test != IH_TEST_AT_NAME && test != IH_TEST_PIPE;
	bpf_loop(r->length & (IH_SCAN_TEXT_MAX - 1), text_byte, &context, 0);
	return test == IH_TEXT_SUBSTITUTION ? r->text.found : ih_text_counts(&r->text);
}

static __always_inline void end_name(struct ih_reading *r)
{
	__u32 n = r->code.n;

	if (!r->in_name || r->in_name & NAME_OF_TEMPLATE) {
		r->in_name = 0;
		return;
	}
	r->in_name = 0;
	if (n >= IH_CODE_NAMES_MAX) {
		r->code.n = 255; /* opens nothing untrusted, ever */
		return;
	}
	r->code.names[n] = ih_name_hash(r->hash);
	r->main |= (r->is_main & 1) << n;
	r->code.n = (__u8)(n + 1);
}

/* Does what was read so far name a tree that is trusted? A ".." leads out of it again. */
static __always_inline void look_inside(struct ih_reading *r)
{
	struct ih_tree_key key = { .hash = r->whole, .slot = ih_slot_now() };

	r->inside |= bpf_map_lookup_elem(&ih_trees, &key) != NULL;
	r->upward |= r->hash == IH_HASH_UPWARD;
}

/* A list of a hundred trusted folders is none of anybody's business. */
__attribute__((noinline)) int ih_end_folder(struct ih_reading *r)
{
	if (!r)
		return 0;
	if (r->some) {
		look_inside(r);
		if (r->inside && !r->upward)
			r->in_name = 0;
		else
			r->outside = 1;
	} else {
		r->outside |= r->is_folder & FOLDER_EMPTY_HERE;
	}
	return 0;
}

static __always_inline void begin_element(struct ih_reading *r)
{
	r->hash = IH_HASH_START;
	r->whole = IH_HASH_START;
	r->some = 0;
	r->inside = 0;
	r->upward = 0;
}

static int name_byte(__u32 index, struct ih_reading **context)
{
	struct ih_reading *r = *context;
	__u8 c = (__u8)IH_SCAN_BYTE(&r->scan, r->begin + index);
	__u32 low = r->separators & 0xff, high = r->separators >> 8 & 0xff;

	if (c && (c == low || c == high)) {
		if (r->is_folder)
			(void)ih_end_folder(r);
		end_name(r);
		begin_element(r);
		return 0;
	}
	if (c == '/') {
		if (r->is_folder)
			look_inside(r);
		r->in_name &= NAME_OF_TEMPLATE;
		r->hash = IH_HASH_START;
	} else {
		r->in_name |= c == '?' && (r->separators & TEMPLATE) ? NAME_OF_TEMPLATE : 1;
		r->hash = ih_hash_byte(r->hash, c);
	}
	r->whole = ih_hash_byte(r->whole, c);
	r->some = 1;
	return 0;
}

/* The text at r->begin names files of code, or folders of it that could be files. */
__attribute__((noinline)) int ih_read_names(struct ih_reading *r)
{
	struct ih_reading *context = r;

	if (!r)
		return 0;
	begin_element(r);
	r->in_name = 0;
	bpf_loop(r->length & (IH_SCAN_TEXT_MAX - 1), name_byte, &context, 0);
	if (r->scan.text.len >= IH_SCAN_TEXT_MAX - 1) {
		r->code.n = 255;
		r->outside |= r->is_folder & 1;
		return 0;
	}
	if (r->is_folder)
		(void)ih_end_folder(r);
	end_name(r);
	return 0;
}

static __always_inline void found_inline(struct ih_reading *r)
{
	if (r->variable) {
		r->facts |= IH_FACT_ENV_CODE;
		return;
	}
	r->scan.seen |= IH_SEEN_INLINE;
	r->impure = 1;
}

static __always_inline void found_names(struct ih_reading *r, __u32 is_main)
{
	r->is_main = is_main;
	r->impure |= !r->variable;
	(void)ih_read_names(r);
}

/* Is @n bytes of @name how the text at r->begin begins? 1 or 0. */
static __always_inline __u32 begins(const struct ih_reading *r, const char *name, __u32 n)
{
	__u32 same = is_below(n - 1, r->length);

	for (__u32 i = 0; i < n; i++)
		same &= is_same((__u8)IH_SCAN_BYTE(&r->scan, r->begin + i), (__u8)name[i]);
	return same;
}

#define BEGINS(r, name) begins((r), (name), sizeof(name) - 1)

static __always_inline void add_descriptor(struct ih_reading *r, __u32 number)
{
	__u32 n = r->n_descriptors;

	if (n >= DESCRIPTORS_MAX) {
		r->unclear = 1;
		return;
	}
	r->descriptors[n & (DESCRIPTORS_MAX - 1)] = number | (r->is_main ? DESCRIPTOR_MAIN : 0);
	r->n_descriptors = n + 1;
}

/* Up to DESCRIPTOR_DIGITS digits, @at bytes into the text. */
static __always_inline void read_number(struct ih_reading *r, __u32 at)
{
	__u32 number = 0, digits = 0, live = 1;

	for (__u32 i = 0; i < DESCRIPTOR_DIGITS; i++) {
		__u32 c = (__u32)(__u8)IH_SCAN_BYTE(&r->scan, r->begin + at + i) - '0';

		live &= is_below(c, 10);
		number += live * (number * 9 + c);
		digits += live;
	}
	at += digits;
	/* perl takes /dev/fd/7/name for descriptor 7; to others it is a name in a folder, which is
	 * no file */
	if (digits && (at == r->length || IH_SCAN_BYTE(&r->scan, r->begin + at) == '/'))
		add_descriptor(r, number);
	else
		r->unclear = 1;
}

/* A name that stands for a descriptor. perl, awk and ksh read from it and open nothing, so that it
 * is judged with the arguments. Return: 1 when it was one. */
__attribute__((noinline)) int ih_read_descriptor(struct ih_reading *r)
{
	__u32 at;

	if (!r)
		return 0;
	if (r->length == 10 && BEGINS(r, "/dev/stdin")) {
		add_descriptor(r, 0);
		return 1;
	}
	at = BEGINS(r, "/dev/fd/") * 8 + BEGINS(r, "/proc/self/fd/") * 14 +
	     BEGINS(r, "/proc/thread-self/fd/") * 21;
	if (!at || at == r->length)
		return 0;
	read_number(r, at);
	return 1;
}

static __always_inline void found_code_file(struct ih_reading *r, __u32 is_main)
{
	r->is_main = is_main;
	if (ih_read_descriptor(r))
		r->impure |= !r->variable;
	else
		found_names(r, is_main);
}

static __always_inline void found_folders(struct ih_reading *r, const struct ih_rule_entry *rule)
{
	r->is_folder = rule->bits & IH_RULE_EMPTY_HERE ? 1 | FOLDER_EMPTY_HERE : 1;
	found_names(r, 0);
	r->is_folder = 0;
}

static __always_inline bool is_pure_test(__u32 test)
{
	return test == IH_TEST_SED || test == IH_TEST_AWK || test == IH_TEST_SQL;
}

/* Code in the text itself, unless it is "@file". */
static __always_inline void found_code(struct ih_reading *r, __u32 test)
{
	if (test == IH_TEST_AT_FILE && ih_read_test(r, test)) {
		r->begin++;
		r->length--;
		found_names(r, 0);
		return;
	}
	if (!r->variable && is_pure_test(test) && !ih_read_test(r, test)) {
		r->scan.seen |= IH_SEEN_INLINE;
		r->pure = 1;
		return;
	}
	if (!r->variable && r->by_table && test == IH_TEST_NONE &&
	    !ih_read_test(r, IH_TEXT_COMMAND)) {
		r->scan.seen |= IH_SEEN_INLINE;
		r->command = 1;
		return;
	}
	found_inline(r);
}

static __always_inline void found_file(struct ih_reading *r, const struct ih_rule_entry *rule)
{
	/* A shell expands BASH_ENV and ENV before it opens them. */
	if (rule->test == IH_TEST_EXPANSION && ih_read_test(r, IH_TEXT_SUBSTITUTION))
		found_inline(r);
	else
		found_code_file(r, 0);
}

static __always_inline void found_script(struct ih_reading *r, const struct ih_rule_entry *rule)
{
	if (rule->test == IH_TEST_WORD && ih_read_test(r, IH_TEST_WORD)) {
		found_inline(r);
		return;
	}
	r->scan.seen |= IH_SEEN_SCRIPT;
	found_code_file(r, 1);
}

static __always_inline void found_module(struct ih_reading *r, const struct ih_rule_entry *rule)
{
	r->impure |= !r->variable;
	if (rule->test == IH_TEST_JAVA && ih_read_test(r, IH_TEST_JAVA)) {
		r->scan.seen |= IH_SEEN_SCRIPT;
		found_names(r, 1);
		return;
	}
	r->scan.seen |= IH_SEEN_MODULE;
}

static int slash_byte(__u32 index, struct ih_reading **context)
{
	struct ih_reading *r = *context;

	r->in_name |= IH_SCAN_BYTE(&r->scan, r->begin + index) == '/';
	return r->in_name ? 1 : 0;
}

/* node --import data:text/javascript,… */
static __always_inline bool is_data_url(const struct ih_reading *r)
{
	const char name[] = "data:";
	bool same = r->length > sizeof(name) - 1;

	for (__u32 i = 0; i < sizeof(name) - 1; i++)
		same &= IH_SCAN_BYTE(&r->scan, r->begin + i) == name[i];
	return same;
}

/* A module's name, or a file's: with a '/', or a '.' in front. */
static __always_inline void found_required(struct ih_reading *r)
{
	struct ih_reading *context = r;

	if (is_data_url(r)) {
		found_inline(r);
		return;
	}
	r->impure |= !r->variable;
	r->in_name = IH_SCAN_BYTE(&r->scan, r->begin) == '.';
	bpf_loop(r->length & (IH_SCAN_TEXT_MAX - 1), slash_byte, &context, 0);
	if (r->in_name)
		found_names(r, 0);
}

/* Return: 1 when the text is something, 0 when nothing is left to do. */
static __always_inline int counts(struct ih_reading *r, const struct ih_rule_entry *rule)
{
	switch (rule->test) {
	case IH_TEST_NUMBER:
	case IH_TEST_LINKER:
		if (ih_read_test(r, rule->test))
			r->unclear = 1;
		return 0;
	case IH_TEST_LESS:
		if (ih_read_test(r, rule->test))
			found_inline(r);
		return 0;
	case IH_TEST_WORDS:
		if (rule->role == IH_ROLE_PROGRAM) {
			if (ih_read_test(r, rule->test))
				found_inline(r);
			return 0;
		}
		return ih_read_test(r, rule->test);
	case IH_TEST_NONE:
	case IH_TEST_SED:
	case IH_TEST_AWK:
	case IH_TEST_SQL:
	case IH_TEST_AT_FILE:
	case IH_TEST_JAVA:
	case IH_TEST_REQUIRED:
		return 1;
	default:
		return ih_read_test(r, rule->test);
	}
}

/* A key in a variable (GIT_CONFIG_KEY_0) whose value stands in another one. */
__attribute__((noinline)) int ih_read_key(struct ih_reading *r, __u32 table)
{
	const struct ih_tables *t = ih_tables_now();
	struct ih_scan *s;
	int at;

	if (!r || !t)
		return 0;
	s = &r->scan;
	ih_scan_ask_for(s, table, IH_SCOPE_KEY, r->begin, ih_scan_key(s, r->begin, r->length));
	at = ih_scan_find(s);
	if (at < 0)
		at = ih_scan_find_prefix(s);
	if (at < 0 || IH_SCAN_RULE(t, IH_SCAN_SLOT(t, at)->rule)->role != IH_ROLE_HARMLESS)
		r->unclear = 1;
	return 0;
}

/* perl -Mlib=/folder: a module that is handed code. Return: 1 when r->begin names it now. */
__attribute__((noinline)) int ih_read_import(struct ih_reading *r, __u32 table)
{
	const struct ih_tables *t = ih_tables_now();
	const struct ih_rule_entry *rule;
	__u32 dash, key;
	int at;

	if (!r || !t || !table)
		return 0;
	dash = IH_SCAN_BYTE(&r->scan, r->begin) == '-';
	key = ih_scan_key(&r->scan, r->begin + dash, r->length - dash);
	if (r->begin + dash + key >= r->begin + r->length)
		return 0;
	ih_scan_ask_for(&r->scan, table, IH_SCOPE_KEY, r->begin + dash, key);
	at = ih_scan_find(&r->scan);
	if (at < 0)
		return 0;
	rule = IH_SCAN_RULE(t, IH_SCAN_SLOT(t, at)->rule);
	if (rule->role == IH_ROLE_UNCLEAR)
		r->unclear = 1;
	if (rule->role != IH_ROLE_PATH && rule->role != IH_ROLE_FILE)
		return 0;
	r->begin += dash + key + 1;
	r->length -= dash + key + 1;
	r->separators = (__u32)rule->separator[1] << 8 | rule->separator[0];
	r->is_folder = rule->role == IH_ROLE_PATH;
	r->is_main = 0;
	return 1;
}

/* What the text at r->begin is by rule @index: ih_reader_found() of user space. Programs and native
 * code are judged when they are started and mapped, modules when they are opened. */
__attribute__((noinline)) int ih_read_found(struct ih_reading *r, __u32 index)
{
	const struct ih_tables *t = ih_tables_now();
	const struct ih_rule_entry *rule;

	if (!r || !t)
		return 0;
	rule = IH_SCAN_RULE(t, index);
	r->separators = (__u32)rule->separator[1] << 8 | rule->separator[0];
	if (rule->bits & IH_RULE_TEMPLATE)
		r->separators |= TEMPLATE;
	if (rule->role == IH_ROLE_HARMLESS)
		return 0;
	if (rule->role != IH_ROLE_FILE && rule->role != IH_ROLE_SCRIPT && !counts(r, rule))
		return 0;
	switch (rule->role) {
	case IH_ROLE_UNCLEAR:
		r->unclear = 1;
		break;
	case IH_ROLE_SCRIPT:
		found_script(r, rule);
		break;
	case IH_ROLE_INLINE:
	case IH_ROLE_SHELL:
		found_code(r, rule->test);
		break;
	case IH_ROLE_MODULE:
		found_module(r, rule);
		break;
	case IH_ROLE_FILE:
		found_file(r, rule);
		break;
	case IH_ROLE_REQUIRE:
		found_required(r);
		break;
	case IH_ROLE_PATH:
		if (!r->common) /* what is mapped is judged then */
			found_folders(r, rule);
		break;
	case IH_ROLE_CONFIG:
		found_names(r, 0);
		break;
	case IH_ROLE_PASTED:
		r->impure = 1;
		if (ih_read_test(r, IH_TEXT_MODULE_NAME))
			found_inline(r);
		else if (ih_read_import(r, rule->target))
			(void)ih_read_names(r);
		r->is_folder = 0;
		break;
	case IH_ROLE_SPLIT: /* env runs, and what it starts is judged in its turn */
		r->scan.seen |= IH_SEEN_COMMAND;
		break;
	case IH_ROLE_COMMAND:
		r->code.inner = r->before + r->number;
		break;
	case IH_ROLE_LIBRARY:
	case IH_ROLE_PROGRAM:
		r->impure |= !r->variable;
		break;
	case IH_ROLE_KEYED:
		if (r->variable)
			(void)ih_read_key(r, rule->target);
		break;
	}
	return 0;
}

/* What the scanner met in the argument at hand. */
static __always_inline void read_hit(struct ih_reading *r)
{
	__u32 rule = r->scan.hit.rule;

	if (rule == IH_SCAN_NONE)
		return;
	r->begin = r->scan.hit.offset;
	r->length = r->scan.hit.len;
	(void)ih_read_found(r, rule);
}
