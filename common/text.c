/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Growing strings, strict numbers, shell quoting. */
#include "common/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int grow(struct ih_text *t, size_t more)
{
	size_t need, size;
	char *data;

	if (t->oom || __builtin_add_overflow(t->len, more, &need) ||
	    __builtin_add_overflow(need, 1, &need)) {
		t->oom = true;
		return -ENOMEM;
	}
	if (need <= t->size)
		return 0;

	size = t->size ? t->size : 64;
	while (size < need)
		if (__builtin_mul_overflow(size, 2, &size))
			size = need;

	data = realloc(t->data, size);
	if (!data) {
		t->oom = true;
		return -ENOMEM;
	}
	t->data = data;
	t->size = size;
	return 0;
}

int ih_text_add(struct ih_text *t, const void *bytes, size_t len)
{
	int r;

	r = grow(t, len);
	if (r < 0)
		return r;
	if (len)
		memcpy(t->data + t->len, bytes, len);
	t->len += len;
	t->data[t->len] = '\0';
	return 0;
}

int ih_text_addf(struct ih_text *t, const char *format, ...)
{
	va_list args;
	int n, r;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		return -EINVAL;

	r = grow(t, (size_t)n);
	if (r < 0)
		return r;
	va_start(args, format);
	(void)vsnprintf(t->data + t->len, (size_t)n + 1, format, args);
	va_end(args);
	t->len += (size_t)n;
	return 0;
}

static bool is_plain(const unsigned char *s, size_t len)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_-+=./,:@%^";

	if (!len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!s[i] || !strchr(plain, s[i]))
			return false;
	return true;
}

/* C1 control characters count too: a terminal in UTF-8 mode takes U+009B for "escape [". */
static bool is_printable(const unsigned char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] < ' ' || s[i] == 0x7f || (s[i] == 0xc2 && i + 1 < len && s[i + 1] < 0xa0))
			return false;
	return ih_is_utf8(s, len);
}

int ih_text_quote(struct ih_text *t, const void *bytes, size_t len)
{
	const unsigned char *s = bytes;
	int r = 0;

	if (is_plain(s, len))
		return ih_text_add(t, s, len);

	if (is_printable(s, len)) {
		r = ih_text_add(t, "'", 1);
		for (size_t i = 0; i < len && !r; i++)
			r = s[i] == '\'' ? ih_text_add(t, "'\\''", 4) : ih_text_add(t, s + i, 1);
		return r ? r : ih_text_add(t, "'", 1);
	}

	r = ih_text_add(t, "$'", 2);
	for (size_t i = 0; i < len && !r; i++) {
		if (s[i] == '\'' || s[i] == '\\')
			r = ih_text_addf(t, "\\%c", s[i]);
		else if (s[i] == '\n')
			r = ih_text_add(t, "\\n", 2);
		else if (s[i] < ' ' || s[i] >= 0x7f)
			r = ih_text_addf(t, "\\x%02x", s[i]);
		else
			r = ih_text_add(t, s + i, 1);
	}
	return r ? r : ih_text_add(t, "'", 1);
}

const char *ih_text_get(const struct ih_text *t)
{
	return t->data ? t->data : "";
}

void ih_text_done(struct ih_text *t)
{
	free(t->data);
	*t = (struct ih_text){ 0 };
}

int ih_parse_u64(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;

	if (!text || !*text)
		return -EINVAL;
	for (const char *c = text; *c; c++) {
		if (*c < '0' || *c > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*c - '0'), &n))
			return -ERANGE;
	}
	if (n > max)
		return -ERANGE;

	*ret = n;
	return 0;
}

/* Bytes of the sequence that starts at @s, or 0 when it is malformed. */
static size_t utf8_sequence(const unsigned char *s, size_t left)
{
	size_t n = s[0] < 0x80	 ? 1
		   : s[0] < 0xc2 ? 0
		   : s[0] < 0xe0 ? 2
		   : s[0] < 0xf0 ? 3
		   : s[0] < 0xf5 ? 4
				 : 0;

	if (!n || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

bool ih_is_utf8(const void *text, size_t len)
{
	const unsigned char *s = text;

	for (size_t i = 0; i < len;) {
		size_t n = utf8_sequence(s + i, len - i);

		if (!n)
			return false;
		i += n;
	}
	return true;
}
