/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Policies: what is refused has a sentence; what is taken ends in a rule that denies, can be judged
 * by, linted and compiled, and comes back from the compiled form as it was.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/compiled.h"
#include "policy/explain.h"
#include "policy/lint.h"
#include "policy/policy.h"
#include "tests/fuzz/fuzz.h"

static void ignore_finding(const struct ih_lint_finding *finding, void *data)
{
	if (!finding->sentence[0])
		abort();
}

static void judge(const struct ih_policy *p)
{
	struct ih_text text = { 0 };

	for (unsigned int mode = 0; mode <= IH_MODE_MAX_; mode++) {
		struct ih_facts f = { .mode = (uint8_t)mode,
				      .program = IH_TRUST_OWNED,
				      .flags = mode * 0x1357u };
		struct ih_answer a = ih_policy_decide(p, &f);

		if (a.reason >= IH_REASON_MAX_ || ih_explain(p, &f, &a, NULL, &text) < 0)
			abort();
		if (a.verdict != IH_DENY && !ih_policy_rule(p, &a)->given)
			abort();
	}
	ih_text_done(&text);
}

static void compile(const struct ih_policy *p)
{
	struct ih_text one = { 0 }, two = { 0 };
	struct ih_policy *again = NULL;

	if (ih_policy_compile(p, &one, NULL) < 0 ||
	    ih_policy_from_compiled("again", one.data, one.len, &again, NULL) < 0 ||
	    ih_policy_compile(again, &two, NULL) < 0)
		abort();
	if (one.len != two.len || memcmp(one.data, two.data, one.len))
		abort();
	ih_policy_free(again);
	ih_text_done(&one);
	ih_text_done(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ih_policy *p = NULL;
	struct ih_diag diag = { 0 };

	if (ih_policy_parse("input", (const char *)data, size, NULL, &p, &diag) < 0) {
		if (!diag.text[0])
			abort();
		return 0;
	}
	if (!p->n_rules || !p->rules[p->n_rules - 1].is_end ||
	    p->rules[p->n_rules - 1].verdict != IH_DENY)
		abort();
	judge(p);
	if (p->n_rules < 64)
		(void)ih_policy_lint(p, NULL, ignore_finding, NULL);
	compile(p);
	ih_policy_free(p);
	return 0;
}
