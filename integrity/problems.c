/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of what is wrong with an object. */
#include "integrity/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(struct ih_problems *p, const char *text)
{
	char **list;
	char *copy;

	p->total++;
	if (p->n >= IH_PROBLEMS_MAX)
		return;
	list = realloc(p->list, (p->n + 1) * sizeof(*list));
	if (!list)
		return;
	p->list = list;
	copy = strdup(text);
	if (copy)
		p->list[p->n++] = copy;
}

void ih_problem(struct ih_problems *p, enum ih_problem_kind kind, const char *format, ...)
{
	char text[IH_DIAG_MAX];
	struct ih_diag clean;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)ih_fail(&clean, 0, "%s", text);
	p->kinds |= kind;
	add(p, clean.text);
}

void ih_problems_append(struct ih_problems *to, const struct ih_problems *from)
{
	for (size_t i = 0; i < from->n; i++)
		add(to, from->list[i]);
	to->total += from->total - from->n;
	to->kinds |= from->kinds;
}

void ih_problems_done(struct ih_problems *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->list[i]);
	free(p->list);
	*p = (struct ih_problems){ 0 };
}
