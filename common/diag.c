/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one sentence that travels up with a negative errno. */
#include "common/diag.h"

#include <stdio.h>
#include <string.h>

static void clean(char *text, int wanted)
{
	if (wanted >= IH_DIAG_MAX)
		memcpy(text + IH_DIAG_MAX - sizeof("…"), "…", sizeof("…"));
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
}

int ih_fail(struct ih_diag *diag, int error, const char *format, ...)
{
	va_list args;
	int n;

	if (!diag)
		return error;

	va_start(args, format);
	n = vsnprintf(diag->text, sizeof(diag->text), format, args);
	va_end(args);
	clean(diag->text, n);
	return error;
}

int ih_fail_within(struct ih_diag *diag, int error, const char *format, ...)
{
	struct ih_diag inner;
	va_list args;
	int n, m = 0;

	if (!diag)
		return error;

	inner = *diag;
	va_start(args, format);
	n = vsnprintf(diag->text, sizeof(diag->text), format, args);
	va_end(args);
	if (n >= 0 && n < IH_DIAG_MAX)
		m = snprintf(diag->text + n, sizeof(diag->text) - (size_t)n, ": %s", inner.text);
	clean(diag->text, n + m);
	return error;
}
