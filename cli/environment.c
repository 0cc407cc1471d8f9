/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Our own environment with changes. Pure but for reading environ. */
#include "cli/environment.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/verbs.h"

/* A variable of ours as whoever called `ihard` had it. */
static char *as_it_was(char *entry)
{
	size_t len = strlen(IH_SET_ASIDE);

	return strncmp(entry, IH_SET_ASIDE, len) ? entry : entry + len;
}

static bool names_same(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return strcspn(b, "=") == len && !strncmp(a, b, len);
}

int ih_environment_add(struct ih_environment *e, const char *change)
{
	const char **more;

	if (!*change || *change == '=')
		return -EINVAL;
	if (e->n_changes == IH_ENVIRONMENT_CHANGES_MAX)
		return -E2BIG;
	more = realloc(e->changes, (e->n_changes + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	e->changes = more;
	e->changes[e->n_changes++] = change;
	return 0;
}

/* Is the variable of @entry changed by a change from index @from on? */
static bool is_changed(const struct ih_environment *e, const char *entry, size_t from)
{
	for (size_t i = from; i < e->n_changes; i++)
		if (names_same(e->changes[i], entry))
			return true;
	return false;
}

char **ih_environment_make(const struct ih_environment *e)
{
	size_t ours = 0, n = 0;
	char **made;

	while (!e->clear && environ && environ[ours])
		ours++;
	made = calloc(ours + e->n_changes + 1, sizeof(*made));
	if (!made)
		return NULL;
	for (size_t i = 0; i < ours; i++)
		if (!is_changed(e, as_it_was(environ[i]), 0))
			made[n++] = as_it_was(environ[i]);
	for (size_t i = 0; i < e->n_changes; i++)
		if (strchr(e->changes[i], '=') && !is_changed(e, e->changes[i], i + 1))
			made[n++] = (char *)(uintptr_t)e->changes[i];
	return made;
}

void ih_environment_done(struct ih_environment *e)
{
	free(e->changes);
	*e = (struct ih_environment){ 0 };
}
