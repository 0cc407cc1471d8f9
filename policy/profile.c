/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The built-in profiles, compiled when ihard is built: no program parses JSON for them at run time.
 */
#include "policy/policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "policy/compiled.h"

#include "profiles_compiled.inc"

int ih_policy_profile(const char *profile, struct ih_policy **ret, struct ih_diag *diag)
{
	struct ih_text names = { 0 };
	int r;

	for (size_t i = 0; i < sizeof(compiled) / sizeof(compiled[0]); i++)
		if (!strcmp(compiled[i].name, profile))
			return ih_policy_from_image(compiled[i].name, compiled[i].bytes,
						    compiled[i].len, ret, diag);

	for (size_t i = 0; ih_profile_name(i); i++)
		(void)ih_text_addf(&names, "%s%s", i ? ", " : "", ih_profile_name(i));
	r = ih_fail(diag, -ENOENT, "there is no built-in profile '%s'; there are %s", profile,
		    ih_text_get(&names));
	ih_text_done(&names);
	return r;
}
