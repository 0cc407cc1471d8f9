/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A policy's answer to facts: common/abi/decide.h with the policy's rules. Adds no judgement. */
#include "policy/policy.h"

struct ih_answer ih_policy_decide(const struct ih_policy *policy, const struct ih_facts *facts)
{
	return ih_decide(facts, policy->rules, (__u32)policy->n_rules);
}

const struct ih_rule_info *ih_policy_rule(const struct ih_policy *policy,
					  const struct ih_answer *answer)
{
	if (!answer->rule || answer->rule > policy->n_rules)
		return NULL;
	return &policy->info[answer->rule - 1];
}
