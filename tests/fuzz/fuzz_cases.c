/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables of expected answers, commands with assumed files included: whatever argv and environment
 * they hold, each case is answered.
 */
#include <stdlib.h>

#include "policy/policy_test.h"
#include "tests/fuzz/fuzz.h"

static void ignore_case(const struct ih_policy_case *c, const struct ih_answer *answer,
			const char *problem, void *data)
{
	if (!c->name || answer->reason >= IH_REASON_MAX_)
		abort();
	if (answer->verdict != IH_DENY && !answer->rule)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ih_policy *policy;
	struct ih_policy_test test = { .report = ignore_case };
	struct ih_diag diag = { 0 };
	size_t failed;

	if (!policy && ih_policy_profile("server", &policy, NULL) < 0)
		abort();
	test.policy = policy;
	test.grammars = ih_grammars_builtin();
	if (ih_policy_test(&test, "input", (const char *)data, size, &failed, &diag) < 0 &&
	    !diag.text[0])
		abort();
	return 0;
}
