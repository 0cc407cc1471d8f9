/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the values of a JSON text stand: start, end, line, parent. Values themselves are json-c's
 * business (json.c); this knows brackets, strings and the spelling of words, and refuses what
 * json-c lets through: raw control characters, NUL, half surrogates, NaN, "01".
 */
#include "common/json_priv.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct scan {
	struct ih_json_doc *doc;
	struct ih_diag *diag;
	size_t at;
	uint32_t line;
	size_t line_start;
	uint32_t room; /* in doc->nodes */
	uint32_t open; /* innermost container, or IH_JSON_NO_PARENT */
	unsigned int depth;
	uint32_t key_at; /* where the last key began */
	bool want_key;
};

static int scan_fail(struct scan *s, const char *problem)
{
	return ih_fail(s->diag, -EBADMSG, "%s: line %u, column %zu: %s", s->doc->name, s->line,
		       s->at - s->line_start + 1, problem);
}

static void count_line(struct scan *s)
{
	s->line++;
	s->line_start = s->at + 1;
}

static int add_node(struct scan *s, enum ih_json_type type)
{
	struct ih_json_doc *doc = s->doc;
	struct ih_json_node *nodes;
	uint32_t room;

	if (doc->n_nodes == IH_JSON_VALUES_MAX)
		return scan_fail(s, "too many values");
	if (doc->n_nodes == s->room) {
		room = s->room ? s->room * 2 : 64;
		nodes = reallocarray(doc->nodes, room, sizeof(*nodes));
		if (!nodes)
			return ih_fail(s->diag, -ENOMEM, "%s: out of memory", doc->name);
		doc->nodes = nodes;
		s->room = room;
	}
	doc->nodes[doc->n_nodes] = (struct ih_json_node){ .start = (uint32_t)s->at,
							  .line = s->line,
							  .parent = s->open,
							  .type = type,
							  .key_at = s->key_at };
	if (s->open != IH_JSON_NO_PARENT)
		doc->nodes[s->open].n++;
	doc->n_nodes++;
	return 0;
}

static unsigned int hex4(const char *p)
{
	unsigned int n = 0;

	for (int i = 0; i < 4; i++) {
		char c = p[i];

		n = n << 4 | (unsigned int)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return n;
}

/* At the 'u' of an escape that json-c accepted. json-c turns a lone surrogate into U+FFFD. */
static int scan_unicode(struct scan *s)
{
	const char *p = s->doc->text + s->at;
	size_t left = s->doc->len - s->at;
	unsigned int c;

	if (left < 5)
		return scan_fail(s, "the text ends in an escape");
	c = hex4(p + 1);
	if (!c)
		return scan_fail(s, "a string holds NUL");
	if (c >= 0xdc00 && c < 0xe000)
		return scan_fail(s, "half of a surrogate pair");
	s->at += 4;
	if (c < 0xd800 || c >= 0xdc00)
		return 0;
	if (left < 11 || p[5] != '\\' || p[6] != 'u')
		return scan_fail(s, "half of a surrogate pair");
	c = hex4(p + 7);
	if (c < 0xdc00 || c >= 0xe000)
		return scan_fail(s, "half of a surrogate pair");
	s->at += 6;
	return 0;
}

/* From the opening quote to the closing one. */
static int scan_string(struct scan *s)
{
	const char *text = s->doc->text;
	int r;

	for (s->at++; s->at < s->doc->len && text[s->at] != '"'; s->at++) {
		if ((unsigned char)text[s->at] < ' ')
			return scan_fail(s, "a control character in a string must be escaped");
		if (text[s->at] != '\\')
			continue;
		if (++s->at == s->doc->len)
			return scan_fail(s, "the text ends in an escape");
		if (text[s->at] != 'u')
			continue;
		r = scan_unicode(s);
		if (r < 0)
			return r;
	}
	return s->at < s->doc->len ? 0 : scan_fail(s, "the text ends in a string");
}

static size_t count_digits(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] >= '0' && text[n] <= '9')
		n++;
	return n;
}

/* RFC 8259 section 6; json-c takes "01", "1." and "Infinity" in places. */
static bool is_number(const char *text, size_t len)
{
	size_t i = 0, n;

	if (i < len && text[i] == '-')
		i++;
	n = count_digits(text + i, len - i);
	if (!n || (n > 1 && text[i] == '0'))
		return false;
	i += n;
	if (i < len && text[i] == '.') {
		n = count_digits(text + i + 1, len - i - 1);
		if (!n)
			return false;
		i += n + 1;
	}
	if (i < len && (text[i] == 'e' || text[i] == 'E')) {
		i++;
		if (i < len && (text[i] == '+' || text[i] == '-'))
			i++;
		n = count_digits(text + i, len - i);
		if (!n)
			return false;
		i += n;
	}
	return i == len;
}

/* Leaves s->at on the last byte of the word. */
static int scan_word(struct scan *s)
{
	const char *word = s->doc->text + s->at;
	size_t len = strcspn(word, ",:]}[{\"/ \t\r\n"); /* the copy of the text ends in NUL */
	enum ih_json_type type;
	int r;

	if ((len == 4 && !memcmp(word, "true", 4)) || (len == 5 && !memcmp(word, "false", 5)))
		type = IH_JSON_BOOL;
	else if (len == 4 && !memcmp(word, "null", 4))
		type = IH_JSON_NULL;
	else if (is_number(word, len))
		type = IH_JSON_NUMBER;
	else
		return scan_fail(s, "unexpected character");

	r = add_node(s, type);
	if (r < 0)
		return r;
	s->at += len - 1;
	return 0;
}

static int scan_open(struct scan *s, enum ih_json_type type)
{
	int r;

	if (++s->depth > IH_JSON_DEPTH_MAX)
		return scan_fail(s, "nested too deeply");
	r = add_node(s, type);
	if (r < 0)
		return r;
	s->open = s->doc->n_nodes - 1;
	s->want_key = type == IH_JSON_OBJECT;
	return 0;
}

static int scan_close(struct scan *s)
{
	if (s->open == IH_JSON_NO_PARENT)
		return scan_fail(s, "unexpected character");
	s->doc->nodes[s->open].end = (uint32_t)s->at + 1;
	s->open = s->doc->nodes[s->open].parent;
	s->depth--;
	s->want_key = false;
	return 0;
}

static int scan_quote(struct scan *s)
{
	int r;

	if (s->want_key) {
		s->key_at = (uint32_t)s->at;
		return scan_string(s);
	}
	r = add_node(s, IH_JSON_STRING);
	return r < 0 ? r : scan_string(s);
}

static int scan_token(struct scan *s)
{
	bool is_value = false;
	int r = 0;

	switch (s->doc->text[s->at]) {
	case '\n':
		count_line(s);
		break;
	case ' ':
	case '\t':
	case '\r':
		break;
	case ',':
		s->want_key = s->open != IH_JSON_NO_PARENT &&
			      s->doc->nodes[s->open].type == IH_JSON_OBJECT;
		break;
	case ':':
		s->want_key = false;
		break;
	case '{':
		return scan_open(s, IH_JSON_OBJECT);
	case '[':
		return scan_open(s, IH_JSON_ARRAY);
	case '}':
	case ']':
		return scan_close(s);
	case '"':
		is_value = !s->want_key;
		r = scan_quote(s);
		break;
	default:
		is_value = true;
		r = scan_word(s);
	}
	if (!r && is_value)
		s->doc->nodes[s->doc->n_nodes - 1].end = (uint32_t)s->at + 1;
	return r;
}

int ih_json_index(struct ih_json_doc *doc, struct ih_diag *diag)
{
	struct scan s = { .doc = doc, .diag = diag, .line = 1, .open = IH_JSON_NO_PARENT };
	int r;

	for (; s.at < doc->len; s.at++) {
		r = scan_token(&s);
		if (r < 0)
			return r;
	}
	if (s.open != IH_JSON_NO_PARENT || !doc->n_nodes)
		return scan_fail(&s, "the text ends too early");
	return 0;
}
