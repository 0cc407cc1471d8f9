/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A policy's answer to facts: common/abi/decide.h with the policy's rules. Adds no judgement. */
#include "policy/policy.h"

struct ih_answer ih_policy_decide(const struct ih_policy *policy, const struct ih_facts *facts)
{
	return ih_decide(facts, policy->rules, (__u32)policy->n_rules);
}

enum ih_trust_class ih_policy_least_source(const struct ih_policy *policy)
{
	__u8 least = IH_TRUST_SEALED;

	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct ih_rule *r = &policy->rules[i];

		if (r->verdict == IH_ALLOW && r->sources_min > IH_TRUST_UNTRUSTED &&
		    r->sources_min < least)
			least = r->sources_min;
	}
	return (enum ih_trust_class)least;
}

const struct ih_rule_info *ih_policy_rule(const struct ih_policy *policy,
					  const struct ih_answer *answer)
{
	if (!answer->rule || answer->rule > policy->n_rules)
		return NULL;
	return &policy->info[answer->rule - 1];
}
