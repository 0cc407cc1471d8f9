/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text: growing strings, strict numbers, words made safe for a terminal.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A string that grows. All zero is empty; after a failed allocation it stays failed (oom). */
struct ih_text {
	char *data; /* NUL-terminated once something was added; NULL before */
	size_t len; /* bytes, without the NUL */
	size_t size;
	bool oom;
};

/* Add bytes, or a formatted string. Return 0 or -ENOMEM; the text is unchanged on failure. */
int ih_text_add(struct ih_text *t, const void *bytes, size_t len);
int ih_text_addf(struct ih_text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * ih_text_quote() - add bytes as one word that a shell reads back unchanged
 *
 * Plain words stay plain; others get '…', or $'…' where control characters or bytes that are not
 * UTF-8 would reach the terminal.
 */
int ih_text_quote(struct ih_text *t, const void *bytes, size_t len);

/* "" instead of NULL when nothing was added. */
const char *ih_text_get(const struct ih_text *t);

void ih_text_done(struct ih_text *t);

/**
 * ih_parse_u64() - a whole decimal number: digits only, no sign, no space, no overflow
 * Return: 0, -EINVAL or -ERANGE (also when above @max).
 */
int ih_parse_u64(const char *text, uint64_t max, uint64_t *ret);

/* True when @text of @len bytes is well-formed UTF-8 (RFC 3629). */
bool ih_is_utf8(const void *text, size_t len);
