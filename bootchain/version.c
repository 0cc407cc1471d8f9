/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Versions as boot loaders order them, and the patterns of loader.conf. Only ASCII counts: the
 * loader compares UTF-16 units and treats everything else as a separator.
 */
#include "bootchain/version.h"

#include <stddef.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_version(char c)
{
	return is_digit(c) || is_alpha(c) || c == '~' || c == '-' || c == '^' || c == '.';
}

static int compare(long a, long b)
{
	return (a > b) - (a < b);
}

/* One separator: the string that has it is older; both having it step over it. */
static int step_separator(const char **a, const char **b, char separator)
{
	bool in_a = **a == separator;
	bool in_b = **b == separator;

	if (in_a != in_b)
		return in_a ? -1 : 1;
	if (in_a) {
		(*a)++;
		(*b)++;
	}
	return 0;
}

/* By length, then by text: numbers of any length without reading their value. */
static int step_digits(const char **a, const char **b)
{
	size_t la = strspn(*a, "0123456789");
	size_t lb = strspn(*b, "0123456789");
	size_t za = strspn(*a, "0");
	size_t zb = strspn(*b, "0");
	int r;

	r = compare(la != 0, lb != 0);
	if (r == 0)
		r = compare((long)(la - za), (long)(lb - zb));
	if (r == 0)
		r = strncmp(*a + za, *b + zb, la - za);
	*a += la;
	*b += lb;
	return r;
}

static size_t alpha_length(const char *s)
{
	size_t n = 0;

	while (is_alpha(s[n]))
		n++;
	return n;
}

static int step_letters(const char **a, const char **b)
{
	size_t la = alpha_length(*a);
	size_t lb = alpha_length(*b);
	int r;

	r = strncmp(*a, *b, la < lb ? la : lb);
	if (r == 0)
		r = compare((long)la, (long)lb);
	*a += la;
	*b += lb;
	return r;
}

static int step_segment(const char **a, const char **b)
{
	int r;

	r = step_separator(a, b, '-');
	if (r == 0)
		r = step_separator(a, b, '^');
	if (r == 0)
		r = step_separator(a, b, '.');
	if (r != 0)
		return r;

	if (is_digit(**a) || is_digit(**b))
		return step_digits(a, b);
	return step_letters(a, b);
}

int ih_version_compare(const char *a, const char *b)
{
	int r;

	a = a ? a : "";
	b = b ? b : "";
	for (;;) {
		while (*a && !is_version(*a))
			a++;
		while (*b && !is_version(*b))
			b++;

		/* Before the end is looked at: "1~rc" is older than "1". */
		r = step_separator(&a, &b, '~');
		if (r != 0)
			return r;
		if (!*a || !*b)
			return compare(*a != 0, *b != 0);

		r = step_segment(&a, &b);
		if (r != 0)
			return r;
	}
}

/* The character at *p, with its escape taken off; false at the end of the pattern. */
static bool set_member(const char **p)
{
	if (**p == '\\')
		(*p)++;
	return **p != '\0';
}

/*
 * A set, *p behind its '['. The first character is never the end of the set, ranges do not
 * chain ("[a-c-f]" is "[-abcf]"). Leaves *p on the ']'.
 * Return: 1 in the set, 0 not in it, -1 when it has no end.
 */
static int match_set(const char **p, char c)
{
	bool match = false;
	bool first = true;
	bool can_range = false;
	char low = '\0';

	for (;; (*p)++, first = false) {
		if (**p == ']' && !first)
			return match;
		if (**p == '-' && can_range && (*p)[1] != ']') {
			(*p)++;
			if (!set_member(p))
				return -1;
			if (low <= c && c <= **p)
				match = true;
			can_range = false;
			continue;
		}
		if (!set_member(p))
			return -1;
		low = **p;
		can_range = true;
		if (c == low)
			match = true;
	}
}

/* A pattern up to its next '*' or its end. *star is where the '*' stood, NULL at the end. */
static bool match_simple(const char *p, const char *t, const char **star, const char **rest)
{
	*star = NULL;
	for (;; p++, t++) {
		switch (*p) {
		case '*':
			*star = p + strspn(p, "*");
			*rest = t;
			return true;
		case '\0':
			return *t == '\0';
		case '?':
			if (!*t)
				return false;
			break;
		case '[':
			p++;
			if (!*t || match_set(&p, *t) != 1)
				return false;
			break;
		case '\\':
			p++;
			if (!*p || *p != *t)
				return false;
			break;
		default:
			if (*p != *t)
				return false;
		}
	}
}

bool ih_glob_match(const char *pattern, const char *text)
{
	const char *star, *rest;

	if (!match_simple(pattern, text, &star, &rest))
		return false;
	while (star) {
		pattern = star;
		text = rest;
		/* The first place where the next piece fits is as good as any later one. */
		while (!match_simple(pattern, text, &star, &rest)) {
			if (!*text)
				return false;
			text++;
		}
	}
	return true;
}
