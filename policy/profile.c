/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The built-in profiles: policy/profiles/<name>.json, put into the library by embed.py. */
#include "policy/policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/policy_priv.h"

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

int ih_policy_profile(const char *profile, struct ih_policy **ret, struct ih_diag *diag)
{
	struct ih_text names = { 0 };
	char name[IH_POLICY_NAME_MAX + 16];
	const char *text;
	size_t len;
	int r;

	text = ih_profile_text(profile, &len);
	if (text) {
		(void)snprintf(name, sizeof(name), "profile '%s'", profile);
		return ih_policy_parse(name, text, len, NULL, ret, diag);
	}
	for (size_t i = 0; ih_profile_name(i); i++)
		(void)ih_text_addf(&names, "%s%s", i ? ", " : "", ih_profile_name(i));
	r = ih_fail(diag, -ENOENT, "there is no built-in profile '%s'; there are %s", profile,
		    ih_text_get(&names));
	ih_text_done(&names);
	return r;
}
