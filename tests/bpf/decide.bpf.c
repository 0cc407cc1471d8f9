/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * common/abi/decide.h as a BPF program, so that the test beside it can ask the kernel's verifier
 * whether it is acceptable and the kernel's interpreter or JIT whether it answers as user space
 * does. Attached to nothing: run by BPF_PROG_TEST_RUN.
 */
#include "bpf/kernel.h"

#include <bpf/bpf_helpers.h>

#include "common/abi/decide.h"

struct question {
	struct ih_facts facts;
	__u32 n;
	__u32 pad_;
	struct ih_answer answer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IH_RULES_MAX);
	__type(key, __u32);
	__type(value, struct ih_rule);
} rules SEC(".maps");

struct walk {
	struct ih_facts facts;
	struct ih_decision decision;
};

static long step(__u32 i, struct walk *w)
{
	struct ih_rule *rule = bpf_map_lookup_elem(&rules, &i);

	return !rule || ih_decide_step(&w->decision, &w->facts, rule, i + 1);
}

SEC("syscall")
int decide(struct question *q)
{
	struct walk w = { .facts = q->facts };

	if (ih_decide_begin(&w.decision, &w.facts)) {
		bpf_loop(q->n < IH_RULES_MAX ? q->n : IH_RULES_MAX, step, &w, 0);
		ih_decide_end(&w.decision, &w.facts);
	}
	q->answer = w.decision.answer;
	return 0;
}

char LICENSE[] SEC("license") = "GPL"; /* LGPL-2.1-or-later may be taken as GPL */
