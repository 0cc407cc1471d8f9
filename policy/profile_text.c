/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The built-in profiles as text: policy/profiles/<name>.json, put into the library by embed.py. */
#include "policy/policy.h"

#include <stddef.h>
#include <string.h>

#include "profiles.inc"

const char *ih_profile_name(size_t i)
{
	return i < sizeof(profiles) / sizeof(profiles[0]) ? profiles[i].name : NULL;
}

const char *ih_profile_text(const char *profile, size_t *len)
{
	for (size_t i = 0; ih_profile_name(i); i++) {
		if (strcmp(profiles[i].name, profile))
			continue;
		if (len)
			*len = profiles[i].len;
		return (const char *)profiles[i].text;
	}
	return NULL;
}
