/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is asked of a policy that was read, in whichever form. Needs no JSON. */
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

#include "policy/policy_priv.h"

void ih_policy_free(struct ih_policy *policy)
{
	if (!policy)
		return;
	ih_arena_free(policy->arena);
	free(policy);
}

/* Questions */

static unsigned int place(char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; name && i < n; i++)
		if (!strcmp(list[i], name))
			return (unsigned int)i + 1;
	return 0;
}

unsigned int ih_policy_interpreter(const struct ih_policy *policy, const char *name)
{
	return place(policy->interpreters, policy->n_interpreters, name);
}

unsigned int ih_policy_unit(const struct ih_policy *policy, const char *name)
{
	return place(policy->units, policy->n_units, name);
}

const struct ih_env_treatment *ih_policy_environment(const struct ih_policy *policy,
						     const char *name)
{
	for (size_t i = 1; name && i < policy->n_environment; i++)
		if (!strcmp(policy->environment[i].interpreter, name))
			return &policy->environment[i];
	return &policy->environment[0];
}

bool ih_env_keeps(const struct ih_env_treatment *t, const char *variable, size_t len)
{
	for (size_t i = 0; i < t->n_keep; i++) {
		const char *keep = t->keep[i];
		size_t n = strcspn(keep, "*");

		if (keep[n] ? n <= len && !memcmp(keep, variable, n)
			    : n == len && !memcmp(keep, variable, n))
			return true;
	}
	return false;
}
