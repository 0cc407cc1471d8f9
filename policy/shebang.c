/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* load_script() of fs/binfmt_script.c, step by step. */
#include "policy/shebang.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

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
