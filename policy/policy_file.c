/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies in either form, JSON or compiled. What takes the compiled form alone uses compiled.c. */
#include "policy/compiled.h"

#include <string.h>

#include "common/cleanup.h"

int ih_policy_from_bytes(const char *name, const char *data, size_t len,
			 const struct ih_policy_names *names, struct ih_policy **ret,
			 struct ih_diag *diag)
{
	size_t magic = strlen(IH_COMPILED_MAGIC);

	if (len >= magic && !memcmp(data, IH_COMPILED_MAGIC, magic))
		return ih_policy_from_compiled(name, data, len, ret, diag);
	return ih_policy_parse(name, data, len, names, ret, diag);
}

int ih_policy_file(int dirfd, const char *path, const struct ih_policy_names *names,
		   struct ih_policy **ret, struct ih_diag *diag)
{
	_free_ char *data = NULL;
	size_t len;
	int r = ih_policy_read_owned(dirfd, path, &data, &len, diag);

	return r < 0 ? r : ih_policy_from_bytes(path, data, len, names, ret, diag);
}
