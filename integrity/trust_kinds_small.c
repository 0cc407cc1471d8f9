/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In place of trust_kinds.c, for ihard-exec: the kinds that need no outside library. Of a Nix store
 * only the place is known. A file in it is vouched for by nobody here, and ih_trust_has_elsewhere()
 * tells that another program could. Seals vouch for nothing here: whoever has them in its policy
 * does not come here (wrapper/exec_small.c).
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "integrity/trust_priv.h"

static int open_elsewhere(const struct ih_provider *p, void **ret)
{
	struct ih_place *place = calloc(1, sizeof(*place));
	char path[PATH_MAX];
	struct stat st;

	if (!place)
		return -ENOMEM;
	if (snprintf(path, sizeof(path), "%s%s", p->root ? p->root : "",
		     p->store ? p->store : "/nix/store") < (int)sizeof(path) &&
	    stat(path, &st) == 0) {
		place->device = st.st_dev;
		place->inode = st.st_ino;
	}
	*ret = place;
	return 0;
}

static int judge_elsewhere(void *state, const struct ih_walk *w, struct ih_judgement *ret)
{
	if (ih_place_find(state, w) < 0)
		return 0;
	ret->mine = true;
	ret->elsewhere = true;
	ret->trust = IH_TRUST_UNTRUSTED;
	ih_problem(&ret->problems, IH_PROBLEM_SIGNATURE,
		   "a file of the store, whose signatures this program cannot check");
	return 0;
}

static const struct ih_trust_ops elsewhere = { open_elsewhere, judge_elsewhere, free };

const struct ih_trust_ops *const ih_trust_kinds[IH_PROVIDER_MAX_] = {
	[IH_PROVIDER_NIX] = &elsewhere,
	[IH_PROVIDER_PATHS] = &ih_trust_paths,
};
