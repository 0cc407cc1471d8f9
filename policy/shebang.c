/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * load_script() of fs/binfmt_script.c, step by step; and the lines behind it that nix-shell reads.
 */
#include "policy/shebang.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "policy/pure.h"
#include "policy/split.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *from, const char *end)
{
	while (from < end && is_blank(*from))
		from++;
	return from;
}

/* First blank or NUL, or @end. */
static const char *find_end_of_word(const char *from, const char *end)
{
	while (from < end && *from && !is_blank(*from))
		from++;
	return from;
}

/* First line feed before any NUL, or NULL. */
static const char *find_line_feed(const char *buf, const char *end)
{
	for (; buf < end && *buf; buf++)
		if (*buf == '\n')
			return buf;
	return NULL;
}

int ih_shebang_parse(const void *head, size_t len, struct ih_shebang *ret, struct ih_diag *diag)
{
	char buf[IH_SHEBANG_MAX] = { 0 };
	const char *last = buf + sizeof(buf) - 1; /* a line without end may use no more */
	const char *end, *name, *stop, *argument;

	if (len < 2 || memcmp(head, "#!", 2) != 0)
		return -ENOENT;
	memcpy(buf, head, len < sizeof(buf) ? len : sizeof(buf));

	end = find_line_feed(buf, buf + sizeof(buf));
	if (!end) {
		name = skip_blanks(buf + 2, last);
		if (find_end_of_word(name, last) == last)
			return ih_fail(diag, -ENOEXEC,
				       "the '#!' line is longer than %d bytes, and so its "
				       "interpreter's name may be cut off",
				       IH_SHEBANG_MAX - 1);
		end = last;
	}
	while (end > buf + 2 && is_blank(end[-1]))
		end--;
	name = skip_blanks(buf + 2, end);
	stop = find_end_of_word(name, end);
	if (name == stop)
		return ih_fail(diag, -ENOEXEC, "the '#!' line names no interpreter");

	*ret = (struct ih_shebang){ 0 };
	memcpy(ret->interpreter, name, (size_t)(stop - name));
	argument = stop < end && *stop ? skip_blanks(stop, end) : end;
	memcpy(ret->argument, argument, strnlen(argument, (size_t)(end - argument)));
	return 0;
}

/* The words behind "#! nix-shell " of one line, or NULL. */
static const char *nix_words(const char *line, const char *end)
{
	static const char name[] = "nix-shell";
	const size_t len = sizeof(name) - 1;

	if (end - line < 2 || memcmp(line, "#!", 2) != 0)
		return NULL;
	line = skip_blanks(line + 2, end);
	if ((size_t)(end - line) <= len || memcmp(line, name, len) != 0 || !is_blank(line[len]))
		return NULL;
	return line + len;
}

/* The last -i of one line's words. */
static int nix_line(const char *line, const char *end, char ret[IH_SHEBANG_MAX],
		    struct ih_diag *diag)
{
	const char *from = nix_words(line, end);
	_free_ char **words = NULL;
	int n, i;

	if (!from)
		return 0;
	n = ih_split(IH_SPLITTING_QUOTES, from, (size_t)(end - from), NULL, &words);
	if (n < 0)
		return ih_fail(diag, n, "the words of a '#! nix-shell' line cannot be told");
	for (i = 0; i < n; i++) {
		const char *name = words[i + 1];

		if (strcmp(words[i], "-i") != 0 && strcmp(words[i], "--interpreter") != 0)
			continue;
		if (!name || !ih_is_plain_words(name, strlen(name)) ||
		    strlen(name) >= IH_SHEBANG_MAX)
			return ih_fail(diag, -EBADMSG,
				       "a '#! nix-shell' line names no interpreter behind '%s'",
				       words[i]);
		memcpy(ret, name, strlen(name) + 1);
		i++;
	}
	return 0;
}

int ih_shebang_nix_shell(const char *text, size_t len, char ret[IH_SHEBANG_MAX],
			 struct ih_diag *diag)
{
	const char *end = text + len, *line, *stop;

	ret[0] = '\0';
	if (len > IH_SHEBANG_NIX_MAX)
		return ih_fail(diag, -EFBIG, "the script of nix-shell is longer than %d bytes",
			       IH_SHEBANG_NIX_MAX);
	if (len < 2 || memcmp(text, "#!", 2) != 0)
		return -ENOENT;
	for (line = memchr(text, '\n', len); line; line = stop < end ? stop : NULL) {
		int r;

		line++;
		stop = memchr(line, '\n', (size_t)(end - line));
		stop = stop ? stop : end;
		r = nix_line(line, stop, ret, diag);
		if (r < 0)
			return r;
	}
	return ret[0] ? 0 : -ENOENT;
}
