/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finds require 'x', require("x") and require[[x]] in Lua text, and identifiers in Java text. No
 * parser: for Lua it looks at what stands behind each 'require'.
 */
#include "policy/required.h"

#include <string.h>

static const char *skip_to_string(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '(' || (*p >= '\t' && *p <= '\r')))
		p++;
	return p;
}

/* What stands between quotes, or in [[ ]]. Return: its end, or NULL. */
static const char *string_at(const char **from, const char *end)
{
	const char *p = *from;

	if (p < end && (*p == '"' || *p == '\'')) {
		*from = p + 1;
		return memchr(p + 1, *p, (size_t)(end - p - 1));
	}
	if (end - p > 2 && p[0] == '[' && p[1] == '[') {
		*from = p + 2;
		return memchr(p + 2, ']', (size_t)(end - p - 2));
	}
	return NULL;
}

static bool is_identifier(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static bool next_identifier(struct ih_required *r, char ret[IH_REQUIRED_NAME_MAX])
{
	const char *from;
	size_t len;

	while (r->at < r->end) {
		while (r->at < r->end && !is_identifier(*r->at))
			r->at++;
		from = r->at;
		while (r->at < r->end && is_identifier(*r->at))
			r->at++;
		len = (size_t)(r->at - from);
		if (len == 0 || len >= IH_REQUIRED_NAME_MAX)
			continue;
		memcpy(ret, from, len);
		ret[len] = '\0';
		return true;
	}
	return false;
}

static bool next_require(struct ih_required *r, char ret[IH_REQUIRED_NAME_MAX])
{
	static const char word[] = "require";

	while (r->at < r->end) {
		const char *from = memmem(r->at, (size_t)(r->end - r->at), word, sizeof(word) - 1);
		const char *stop;
		size_t len, i;

		if (!from)
			break;
		r->at = from + sizeof(word) - 1;
		from = skip_to_string(r->at, r->end);
		stop = string_at(&from, r->end);
		len = stop ? (size_t)(stop - from) : 0;
		if (len == 0 || len >= IH_REQUIRED_NAME_MAX || memchr(from, '\0', len))
			continue;
		for (i = 0; i < len; i++)
			ret[i] = (char)(from[i] == '.' ? '/' : from[i]);
		ret[len] = '\0';
		return true;
	}
	return false;
}

bool ih_required_next(struct ih_required *r, char ret[IH_REQUIRED_NAME_MAX])
{
	return r->style == IH_REQUIRED_JAVA ? next_identifier(r, ret) : next_require(r, ret);
}
