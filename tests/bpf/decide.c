/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * decide OBJECT POLICY: the kernel's answers equal user space's, for every profile and a policy
 * that uses every condition, 20,000 made-up facts each. Speaks TAP; skipped where nobody may load
 * BPF.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "common/fd.h"
#include "policy/policy.h"
#include "policy/words.h"

#include "tests/bpf/object.h"

#define TRIES 20000

struct question { /* as in decide.bpf.c */
	struct ih_facts facts;
	__u32 n;
	__u32 pad_;
	struct ih_answer answer;
};

static __u64 next(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Mostly facts that can be, some that cannot. */
static struct ih_facts make_facts(__u64 *state)
{
	static const __u32 uids[] = { 0, 1, 33, 999, 1000, 1001, 59999, 60000, 65534 };

	return (struct ih_facts){
		.mode = (__u8)(next(state) % (IH_MODE_MAX_ + 1)),
		.provenance = (__u8)(next(state) % IH_PROVENANCE_MAX_),
		.program = (__u8)(next(state) % IH_TRUST_MAX_),
		.sources = (__u8)(next(state) % IH_TRUST_MAX_),
		.n_sources = (__u16)(next(state) % 3),
		.interpreter = (__u16)(next(state) % 64 ? next(state) % 4 : next(state)),
		.unit = (__u32)(next(state) % 3),
		.gid = (__u32)(next(state) % 12),
		.uid = uids[next(state) % (sizeof(uids) / sizeof(uids[0]))],
		.flags = next(state) % 2 ? 0 : (__u32)(1u << next(state) % 24),
	};
}

static int fill(int map, const struct ih_policy *p)
{
	for (__u32 i = 0; i < p->n_rules; i++)
		if (bpf_map_update_elem(map, &i, &p->rules[i], BPF_ANY) < 0)
			return -errno;
	return 0;
}

/* Return: how many answers differ, or a negative errno. */
static int compare(int program, const struct ih_policy *p, unsigned int *allowed)
{
	__u64 state = 0x9e3779b97f4a7c15ull;
	int differ = 0;

	for (unsigned int i = 0; i < TRIES; i++) {
		struct question q = { .facts = make_facts(&state), .n = (__u32)p->n_rules };
		struct ih_answer want = ih_policy_decide(p, &q.facts);
		LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &q, .ctx_size_in = sizeof(q));

		if (bpf_prog_test_run_opts(program, &opts) < 0)
			return -errno;
		*allowed += want.verdict == IH_ALLOW;
		if (!memcmp(&q.answer, &want, sizeof(want)))
			continue;
		if (differ++ < 5)
			printf("# mode %s: kernel %s (%s), here %s (%s)\n",
			       ih_mode_name(q.facts.mode), ih_verdict_name(q.answer.verdict),
			       ih_reason_name(q.answer.reason), ih_verdict_name(want.verdict),
			       ih_reason_name(want.reason));
	}
	return differ;
}

static int test_policy(int number, const struct ih_policy *p, int program, int map)
{
	unsigned int allowed = 0;
	int r = fill(map, p);

	if (r == 0)
		r = compare(program, p, &allowed);
	printf("%s %d - %s: %d answers, %u of them allow\n", r ? "not ok" : "ok", number, p->name,
	       TRIES, allowed);
	if (r < 0)
		printf("# %s\n", strerror(-r));
	return r;
}

static int test_profiles(int number, int program, int map)
{
	struct ih_policy *p = NULL;
	int bad = 0;

	for (size_t i = 0; ih_profile_name(i); i++) {
		if (ih_policy_profile(ih_profile_name(i), &p, NULL) < 0)
			return 1;
		bad |= test_policy(number++, p, program, map);
		ih_policy_free(p);
	}
	return bad;
}

static int test_file(int number, const char *path, int program, int map)
{
	struct ih_policy *p = NULL;
	struct ih_diag diag = { 0 };
	char *text = NULL;
	size_t len = 0;
	int r = ih_read_file(AT_FDCWD, path, IH_POLICY_SIZE_MAX, &text, &len, &diag);

	if (r == 0)
		r = ih_policy_parse("every condition", text, len, NULL, &p, &diag);
	if (r == 0)
		r = test_policy(number, p, program, map);
	else
		printf("not ok %d - %s\n", number, diag.text);
	ih_policy_free(p);
	free(text);
	return r;
}

static int test_object(struct bpf_object *object, char **paths, int n)
{
	int program = bpf_program__fd(bpf_object__find_program_by_name(object, "decide"));
	int map = bpf_map__fd(bpf_object__find_map_by_name(object, "rules"));
	int bad;

	printf("1..6\nok 1 - the verifier takes it\n");
	bad = test_profiles(2, program, map);
	bad |= test_file(6, paths[n - 1], program, map);
	return bad ? 1 : 0;
}

int main(int argc, char **argv)
{
	return argc != 3 ? 2 : ih_test_object(argv[1], test_object, argv + 2, argc - 2);
}
