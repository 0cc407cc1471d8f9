/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cuts option strings as the programs do. One pass over the text; words are written into one block
 * behind their pointers.
 */
#include "policy/split.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct cutter {
	const char *text, *end;
	char *const *envp;
	char **words;
	char *out, *out_end;
	int n;
	bool inside; /* a word has begun */
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static int begin(struct cutter *c)
{
	if (c->inside)
		return 0;
	if (c->n == IH_SPLIT_WORDS_MAX)
		return -E2BIG;
	c->words[c->n++] = c->out;
	c->inside = true;
	return 0;
}

static int put(struct cutter *c, char byte)
{
	int r = begin(c);

	if (r < 0)
		return r;
	if (c->out + 1 >= c->out_end)
		return -E2BIG;
	*c->out++ = byte;
	return 0;
}

static void finish(struct cutter *c)
{
	if (c->inside)
		*c->out++ = '\0';
	c->inside = false;
}

static int cut_plain(struct cutter *c)
{
	int r = 0;

	for (; c->text < c->end && r == 0; c->text++) {
		if (is_blank(*c->text))
			finish(c);
		else
			r = put(c, *c->text);
	}
	return r;
}

/* perl and ruby put the dash that a word lacks. */
static int cut_dashed(struct cutter *c)
{
	int r = 0;

	for (; c->text < c->end && r == 0; c->text++) {
		if (is_blank(*c->text)) {
			finish(c);
			continue;
		}
		if (!c->inside && *c->text != '-')
			r = put(c, '-');
		if (r == 0)
			r = put(c, *c->text);
	}
	return r;
}

/* JDK: either kind of quotes, no escapes; an open quote is refused by the launcher. */
static int cut_quotes(struct cutter *c)
{
	char quote = 0;
	int r = 0;

	for (; c->text < c->end && r == 0; c->text++) {
		char byte = *c->text;

		if (quote && byte == quote)
			quote = 0;
		else if (!quote && (byte == '"' || byte == '\'')) {
			quote = byte;
			r = begin(c);
		} else if (!quote && is_blank(byte))
			finish(c);
		else
			r = put(c, byte);
	}
	return r < 0 ? r : quote ? -EBADMSG : 0;
}

/* node: blanks are U+0020 only, "…" groups, backslash escapes inside quotes. */
static int cut_node(struct cutter *c)
{
	bool quoted = false;
	int r = 0;

	for (; c->text < c->end && r == 0; c->text++) {
		char byte = *c->text;

		if (byte == '\\' && quoted) {
			if (++c->text == c->end)
				return -EBADMSG;
			r = put(c, *c->text);
		} else if (byte == ' ' && !quoted) {
			finish(c);
		} else if (byte == '"') {
			quoted = !quoted;
		} else {
			r = put(c, byte);
		}
	}
	return r < 0 ? r : quoted ? -EBADMSG : 0;
}

/* libiberty's buildargv(): a backslash keeps what follows it, in quotes, too; an open quote ends
 * with the text. */
static int cut_response(struct cutter *c)
{
	char quote = 0;
	int r = 0;

	for (; c->text < c->end && r == 0; c->text++) {
		char byte = *c->text;

		if (byte == '\\') {
			r = begin(c);
			if (r == 0 && c->text + 1 < c->end)
				r = put(c, *++c->text);
		} else if (quote && byte == quote) {
			quote = 0;
		} else if (!quote && (byte == '"' || byte == '\'')) {
			quote = byte;
			r = begin(c);
		} else if (!quote && is_blank(byte)) {
			finish(c);
		} else {
			r = put(c, byte);
		}
	}
	return r;
}

static const char *variable(char *const *envp, const char *name, size_t len)
{
	for (; envp && *envp; envp++)
		if (strncmp(*envp, name, len) == 0 && (*envp)[len] == '=')
			return *envp + len + 1;
	return NULL;
}

/* ${NAME}, the only form that env -S knows. */
static int put_variable(struct cutter *c)
{
	const char *name = c->text + 2, *close, *value;
	int r;

	if (c->end - c->text < 3 || c->text[1] != '{')
		return -EBADMSG;
	close = memchr(name, '}', (size_t)(c->end - name));
	if (!close || close == name)
		return -EBADMSG;
	value = variable(c->envp, name, (size_t)(close - name));
	c->text = close;
	if (!value)
		return 0;
	r = begin(c);
	for (; *value && r == 0; value++)
		r = put(c, *value);
	return r;
}

/* A backslash outside single quotes. Return: 1 at \c, which ends the string. */
static int put_escape(struct cutter *c, bool double_quoted)
{
	static const char from[] = "fnrtv#$\"'\\", to[] = "\f\n\r\t\v#$\"'\\";
	const char *p;

	if (++c->text >= c->end)
		return -EBADMSG;
	if (*c->text == '_') {
		if (double_quoted)
			return put(c, ' ');
		finish(c);
		return 0;
	}
	if (*c->text == 'c')
		return double_quoted ? -EBADMSG : 1;
	p = strchr(from, *c->text);
	return p && *p ? put(c, to[p - from]) : -EBADMSG;
}

static int cut_env(struct cutter *c)
{
	bool dq = false, sq = false;
	int r = 0;

	for (; c->text < c->end && r == 0; c->text++) {
		char byte = *c->text;

		if (byte == '\'' && !dq) {
			sq = !sq;
			r = begin(c);
		} else if (byte == '"' && !sq) {
			dq = !dq;
			r = begin(c);
		} else if (sq && byte == '\\' && c->text + 1 < c->end &&
			   (c->text[1] == '\\' || c->text[1] == '\'')) {
			r = put(c, *++c->text);
		} else if (!sq && byte == '\\') {
			r = put_escape(c, dq);
		} else if (!sq && byte == '$') {
			r = put_variable(c);
		} else if (!sq && !dq && is_blank(byte)) {
			finish(c);
		} else if (!c->inside && !sq && !dq && byte == '#') {
			break;
		} else {
			r = put(c, byte);
		}
	}
	if (r < 0)
		return r;
	return dq || sq ? -EBADMSG : 0;
}

/* MAKEFLAGS: blanks, backslash keeps; a first word without '=' is letters that lost their dash. */
static int cut_make(struct cutter *c)
{
	const char *p = c->text;
	int r = 0;

	while (p < c->end && is_blank(*p))
		p++;
	if (p < c->end && *p != '-' && !memchr(p, '=', strcspn(p, " \t")))
		r = put(c, '-');
	for (c->text = p; c->text < c->end && r == 0; c->text++) {
		if (*c->text == '\\' && c->text + 1 < c->end)
			r = put(c, *++c->text);
		else if (is_blank(*c->text))
			finish(c);
		else
			r = put(c, *c->text);
	}
	return r;
}

/* What ${NAME} can add at most. */
static size_t room(enum ih_splitting how, const char *text, size_t len, char *const *envp)
{
	size_t total = 2 * len + 3, longest = 0, dollars = 0, i;

	if (how != IH_SPLITTING_ENV)
		return total;
	for (i = 0; i < len; i++)
		dollars += text[i] == '$';
	for (; dollars && envp && *envp; envp++) {
		size_t n = strlen(*envp);

		longest = n > longest ? n : longest;
	}
	return dollars > 64 ? total : total + dollars * longest;
}

int ih_split(enum ih_splitting how, const char *text, size_t len, char *const *envp, char ***ret)
{
	static int (*const cut[IH_SPLITTING_MAX_])(struct cutter *) = {
		[IH_SPLITTING_SPACES] = cut_plain,	[IH_SPLITTING_QUOTES] = cut_quotes,
		[IH_SPLITTING_NODE] = cut_node,		[IH_SPLITTING_ENV] = cut_env,
		[IH_SPLITTING_MAKE] = cut_make,		[IH_SPLITTING_DASHED] = cut_dashed,
		[IH_SPLITTING_RESPONSE] = cut_response,
	};
	size_t n_words = len / 2 + 2 < IH_SPLIT_WORDS_MAX ? len / 2 + 2 : IH_SPLIT_WORDS_MAX;
	size_t size = (n_words + 1) * sizeof(char *) + room(how, text, len, envp);
	struct cutter c = { .text = text, .end = text + len, .envp = envp };
	int r;

	c.words = malloc(size);
	if (!c.words)
		return -ENOMEM;
	c.out = (char *)(c.words + n_words + 1);
	c.out_end = (char *)c.words + size;
	r = cut[how](&c);
	if (r < 0) {
		free(c.words);
		return r;
	}
	finish(&c);
	c.words[c.n] = NULL;
	*ret = c.words;
	return c.n;
}
