/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ihard-exec-full: goes the whole way itself. */
#include <errno.h>

#include "wrapper/exec_peer.h"

bool ih_exec_is_short(const struct ih_policy *policy, bool tree)
{
	(void)policy;
	(void)tree;
	return false;
}

int ih_exec_hand_over(char **argv, struct ih_diag *diag)
{
	(void)argv;
	return ih_fail(diag, -ENOEXEC, "there is no fuller program than '%s'", IH_EXEC_FULL);
}
