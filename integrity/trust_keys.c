/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keys of a provider that checks signatures. */
#include <errno.h>

#include "integrity/nix_conf.h"
#include "integrity/trust_priv.h"

int ih_provider_keys(const struct ih_provider *p, struct ih_keys *keys, struct ih_problems *faults)
{
	struct ih_diag diag;
	int r;

	for (size_t i = 0; i < p->n_keys; i++) {
		r = ih_keys_add_list(keys, p->keys[i], &diag);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			ih_problem(faults, IH_PROBLEM_SIGNATURE, "%s", diag.text);
	}
	if (p->keys_from && ih_keys_from(p->keys_from, keys, &diag) < 0)
		ih_problem(faults, IH_PROBLEM_SIGNATURE, "%s", diag.text);
	return 0;
}
