/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The environment that a judged command would get: ours, or none, with changes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define IH_ENVIRONMENT_CHANGES_MAX 4096

struct ih_environment {
	bool clear;	      /* begin with nothing */
	const char **changes; /* "NAME=VALUE", or "NAME" to take it out; not owned */
	size_t n_changes;
};

/* Return: 0, -EINVAL without a name, -E2BIG, -ENOMEM. */
int ih_environment_add(struct ih_environment *e, const char *change);

/* NULL-terminated; the caller frees the array, not what it points to. NULL: no memory. */
char **ih_environment_make(const struct ih_environment *e);

void ih_environment_done(struct ih_environment *e);
