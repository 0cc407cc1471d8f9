/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Looks at text that counts only under a condition (enum ih_test), byte by byte, with all state in
 * one struct: what a loop in user space and bpf_loop() in the kernel can both do. None of the
 * machines parses a language in full; where one is not sure, the text counts. Text that can only
 * compute (sed, awk, SQL) has its machines in common/abi/text_pure.h.
 */
#pragma once

#include "common/abi/grammar.h"

/* Not a test of the grammars: "-Foo::Bar=x", of which perl -M makes "no Foo::Bar". */
#define IH_TEXT_MODULE_NAME 0x40
/* Nor is this: to a shell a program by its path, and plain words; it starts that and no more. */
#define IH_TEXT_COMMAND	    0x42

struct ih_text_state {
	__u8 test;  /* enum ih_test */
	__u8 state; /* of the machine; zero at the start */
	__u8 found; /* it counts, whatever follows */
	__u8 first, last;
	__u8 print;  /* awk: a '>' would redirect; sed: the state to come back to */
	__u8 shadow; /* awk: what was found if a '/' divides */
	__u8 delimiter, parts, bracket;
	__u8 pad[2];
	__u32 n;    /* bytes so far */
	__u32 word; /* … of the word that is being read */
	__u32 hash;
	__u64 window; /* the last eight bytes */
};

static inline __u32 ih_text_hash(__u32 hash, __u8 c)
{
	return (hash ^ c) * 16777619u;
}

#define IH_TEXT_HASH_START 2166136261u

static inline int ih_text_is_name(__u8 c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

static inline int ih_text_is_space(__u8 c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline int ih_text_is_word(__u8 c)
{
	return ih_text_is_name(c) || (c >= '+' && c <= '/') || c == ':' || c == '@' || c == '%' ||
	       c == '=';
}

/* $(…) and $[…]; ${ …;} and ${|…} run commands in ksh and bash 5.3; ${x@P}, ${!x} and ${x[$(…)]}
 * lead to other text. Plain ${NAME} and $NAME do not. */
static inline void ih_text_expansion(struct ih_text_state *t, __u8 c)
{
	if (t->state == 2) {
		if (ih_text_is_name(c)) {
			t->word++;
			return;
		}
		if (c != '}' || !t->word)
			t->found = 1;
		t->state = 0;
		return;
	}
	if (c == '`' || (t->state == 1 && (c == '(' || c == '[')))
		t->found = 1;
	t->word = 0;
	if (t->state == 1 && c == '{')
		t->state = 2;
	else
		t->state = c == '$';
}

/* "() {" */
static inline void ih_text_function(struct ih_text_state *t)
{
	if (t->n == 4 && (__u32)t->window == 0x2829207bu)
		t->found = 1;
}

/* A pattern between delimiters: what stands between them is plain. */
static inline void ih_text_pattern(struct ih_text_state *t)
{
	__u8 c = t->last;

	if (t->n < 3 || (t->first != '/' && t->first != '"' && t->first != '\''))
		return;
	if (!ih_text_is_name(c) && !(c == ' ' || c == ',' || c == ':' || c == ';' || c == '|') &&
	    !(c == '+' || c == '*' || c == '.' || c == '^' || c == '-') &&
	    !(c == '\\' || c == '[' || c == ']' || c == '=' || c == '\t' || c == '#'))
		t->found = 1;
}

/* A file is named with its place ('/') or its kind (".whl"), an address with ':' or '@' (PEP 508).
 */
static inline void ih_text_package(struct ih_text_state *t, __u8 c)
{
	if (!ih_text_is_name(c) && !(c == '.' || c == '-' || c == ',' || c == '[' || c == ']') &&
	    !(c == '<' || c == '>' || c == '=' || c == '!' || c == '~'))
		t->found = 1;
}

static inline int ih_text_is_archive(const struct ih_text_state *t)
{
	__u64 end = t->window | 0x2020202020202020ULL; /* in small letters */
	__u32 four = (__u32)end, three = four & 0xffffff;

	return (t->n > 3 && (three == 0x2e677au || three == 0x2e787au)) ||   /* .gz .xz */
	       (t->n > 4 && (four == 0x2e77686cu || four == 0x2e7a6970u)) || /* .whl .zip */
	       (t->n > 4 && (four == 0x2e746172u || four == 0x2e627a32u)) || /* .tar .bz2 */
	       (t->n > 4 && (four == 0x2e74677au || four == 0x2e74627au)) || /* .tgz .tbz */
	       (t->n > 4 && four == 0x2e74787au) ||			     /* .txz */
	       (t->n > 5 && (end & 0xffffffffffULL) == 0x2e6c7a6d61ULL);     /* .lzma */
}

/* What begins with the name of a function that runs something counts; $ and ( stand before it. */
static inline void ih_text_make(struct ih_text_state *t, __u8 c)
{
	if ((c == '(' || c == '{') && t->last == '$') {
		t->state = 1;
		t->word = 0;
		t->hash = IH_TEXT_HASH_START;
		return;
	}
	if (!t->state || (!t->word && ih_text_is_space(c)))
		return;
	t->hash = ih_text_hash(t->hash, c);
	t->word++;
	switch (t->hash) {
	case 0x11e1fc01u: /* shell */
	case 0x08d22e0fu: /* eval */
	case 0x91dd00d3u: /* guile */
	case 0xaaea5743u: /* file */
	case 0xe60759e9u: /* load */
	case 0xb3f184a9u: /* call */
	case 0xb75f8759u: /* foreach */
	case 0x506b03fau: /* let */
		t->found = 1;
	}
	if (t->word > 7)
		t->state = 0;
}

/* Options of less that only change how it looks. '$' ends an option's value: another follows. */
static inline void ih_text_less(struct ih_text_state *t, __u8 c)
{
	if (c == '+' || c == '!' || c == '`')
		t->found = 1;
	if (c == ' ' || c == '\t' || c == '$') {
		t->word = 0;
		return;
	}
	t->word++;
	if (t->word == 1)
		t->state = 0;
	if (t->word <= 2 && c == '-')
		t->state++;
	if (t->state == 2 && t->word > 2) {
		if (t->word == 3 && c == 'l') /* --lesskey-src and its abbreviations */
			t->found = 1;
	} else if (c == 'k') {
		t->found = 1;
	}
}

/* lesspipe, as distributions set it: "| /usr/bin/lesspipe %s". */
static inline void ih_text_lesspipe(struct ih_text_state *t, __u8 c)
{
	if (t->state == 0 && (c == '|' || c == '-' || c == ' '))
		return;
	if (t->state <= 1 && (ih_text_is_name(c) || c == '/' || c == '.' || c == '-')) {
		t->state = 1;
		if (c == '/') {
			t->word = 0;
			t->bracket = 0;
			return;
		}
		if (t->word < 8 && c != (__u8)(0x6c65737370697065ULL >> (56 - 8 * t->word)))
			t->bracket = 1;
		t->word++;
		return;
	}
	t->state = 2;
	if (t->parts >= 6 || c != (__u8)(0x202573202573ULL >> (40 - 8 * t->parts)))
		t->found = 1;
	t->parts++;
}

#include "common/abi/text_pure.h"

static inline void ih_text_begin(struct ih_text_state *t, __u8 test)
{
	__builtin_memset(t, 0, sizeof(*t));
	t->test = test;
	t->hash = IH_TEXT_HASH_START;
}

static inline void ih_text_simple(struct ih_text_state *t, __u8 c)
{
	switch (t->test) {
	case IH_TEST_WORDS:
		t->found |= !ih_text_is_word(c) && c != ' ';
		break;
	case IH_TEST_WORD:
		t->found |= !ih_text_is_word(c);
		break;
	case IH_TEST_ASSIGNMENT:
		t->found |= !ih_text_is_word(c) || (t->state && c == '/');
		t->state |= c == '=';
		break;
	case IH_TEST_NUMBER:
	case IH_TEST_CURSOR:
		t->found |= c < '0' || c > '9';
		break;
	case IH_TEST_DOTTED:
		t->found |= t->state && c == '.';
		t->state |= c == ':';
		break;
	case IH_TEST_TRANSPORT:
		t->found |= c == ':' && t->last == ':';
		break;
	case IH_TEXT_MODULE_NAME:
		if (t->state || (t->n == 1 && c == '-'))
			break;
		if (c == '=' && t->word)
			t->state = 1;
		else if (ih_text_is_name(c) || c == ':')
			t->word++;
		else
			t->found = 1;
		break;
	case IH_TEXT_COMMAND:
		t->found |= (t->n == 1 && c != '/') || (!ih_text_is_word(c) && c != ' ');
		break;
	case IH_TEST_LINKER:
		t->found |= c == '@' || (t->window & 0xffffffffffULL) == 0x2d706c7567ULL;
		break;
	}
}

/* The next byte. */
static inline void ih_text_step(struct ih_text_state *t, __u8 c)
{
	t->n++;
	t->window = t->window << 8 | c;
	if (t->n == 1)
		t->first = c;
	switch (t->test) {
	case IH_TEST_EXPANSION:
		ih_text_expansion(t, c);
		break;
	case IH_TEST_FUNCTION:
		ih_text_function(t);
		break;
	case IH_TEST_PATTERN:
		ih_text_pattern(t);
		break;
	case IH_TEST_MAKE:
		ih_text_make(t, c);
		break;
	case IH_TEST_PACKAGE:
		ih_text_package(t, c);
		break;
	case IH_TEST_LESS:
		ih_text_less(t, c);
		break;
	case IH_TEST_LESSPIPE:
		ih_text_lesspipe(t, c);
		break;
	case IH_TEST_SED:
		ih_text_sed(t, c);
		break;
	case IH_TEST_AWK:
		ih_text_awk(t, c);
		break;
	case IH_TEST_SQL:
		ih_text_sql(t, c);
		break;
	default:
		ih_text_simple(t, c);
	}
	t->last = c;
}

/**
 * ih_text_counts() - the answer, after the last byte
 *
 * Return: 1 when the text counts as what its rule's role says: a word that is none, a number that
 * is none, code that can do more than compute; 0 when there is nothing in it.
 */
static inline int ih_text_counts(const struct ih_text_state *t)
{
	switch (t->test) {
	case IH_TEST_EXPANSION:
		return t->found || t->state == 2;
	case IH_TEST_NUMBER:
	case IH_TEXT_COMMAND:
		return t->found || t->n == 0;
	case IH_TEST_TRUE:
		return t->n > 1 || (t->n == 1 && t->first != '0');
	case IH_TEST_PATTERN:
		if (t->n == 0 || (t->first != '/' && t->first != '"' && t->first != '\''))
			return 0;
		return t->found || (t->n > 1 && t->last != t->first);
	case IH_TEXT_MODULE_NAME:
		return t->found || !t->word;
	case IH_TEST_PIPE:
		return t->first == '|' || t->first == '!';
	case IH_TEST_AT_NAME:
		return t->n > 1 && t->first == '@';
	case IH_TEST_AT_FILE:
		return t->first == '@';
	case IH_TEST_JAVA:
		return t->n > 5 && (t->window & 0xffffffffffULL) == 0x2e6a617661ULL;
	case IH_TEST_PACKAGE:
		return t->found || t->n == 0 || ih_text_is_archive(t);
	case IH_TEST_LESSPIPE:
		return t->found || t->bracket || t->word < 8 ||
		       (t->state == 2 && t->parts != 3 && t->parts != 6);
	case IH_TEST_SED:
		return t->found || !ih_text_sed_may_end(t);
	case IH_TEST_AWK:
		return t->found || !ih_text_awk_may_end(t);
	case IH_TEST_WORDS:
	case IH_TEST_WORD:
	case IH_TEST_ASSIGNMENT:
	case IH_TEST_CURSOR:
	case IH_TEST_DOTTED:
	case IH_TEST_TRANSPORT:
	case IH_TEST_LINKER:
	case IH_TEST_FUNCTION:
	case IH_TEST_MAKE:
	case IH_TEST_LESS:
	case IH_TEST_SQL:
		return t->found;
	default:
		return 1;
	}
}
