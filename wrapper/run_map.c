/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Code that a running program takes in: libraries that it maps, memory that it writes and then
 * executes. Judged in the supervisor, by the image that the process is. Code that an interpreter
 * reads is no memory that is executed, and is not seen here.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/statx.h"
#include "wrapper/run_priv.h"

/* A note of an image; all zero may do nothing. */
#define CLASS 0xffU	 /* enum ih_trust_class that its libraries need */
#define OPEN  (1U << 8)	 /* its rule asks nothing of code: neither do we */
#define JIT   (1U << 9)	 /* makes code of its own */
#define TOLD  (1U << 10) /* somebody was told that it tried to */

/* What a rule asks of code: of the program, and of the files that an interpreter takes. */
static uint32_t least_of(const struct ih_rule *rule, enum ih_mode mode)
{
	const bool has_sources = mode != IH_MODE_PROGRAM && mode != IH_MODE_NONE;

	if (rule->program_min <= IH_TRUST_UNTRUSTED ||
	    (has_sources && rule->sources_min <= IH_TRUST_UNTRUSTED))
		return OPEN;
	return rule->sources_min > rule->program_min ? rule->sources_min : rule->program_min;
}

/*
 * What its rule asks of code holds for its libraries, too. The loader (`ld.so program`) is one
 * image with what it loads.
 */
uint32_t ih_run_memory(const struct ih_run *run, const struct ih_judgement *j)
{
	const struct ih_policy *policy = run->session->policy;
	const __u16 number = j->answers[0].rule;
	const struct ih_rule *rule =
		number && number <= policy->n_rules ? &policy->rules[number - 1] : NULL;
	uint32_t memory = (uint32_t)ih_policy_least_source(policy);

	if (rule)
		memory = least_of(rule, j->gathered.hops[0].mode);
	for (size_t i = 0; i < j->gathered.n_hops; i++)
		if (j->gathered.hops[i].grammar && ih_grammar_has_jit(j->gathered.hops[i].grammar))
			memory |= JIT;
	return memory;
}

/* Programs that can do without (PCRE's compiler in grep) try at each start, and go on: who refuses
 * them says so in an event only. */
static void refuse_written(const struct ih_run *run, const struct ih_map *map, uint32_t *memory,
			   struct ih_diag *audited)
{
	char buffer[1024];
	const char *program = ih_run_asking(map->pid, buffer, sizeof(buffer));
	struct ih_diag why;

	if (*memory & TOLD)
		return;
	*memory |= TOLD;
	program = program ? program : "a program";
	(void)ih_fail(&why, 0,
		      "'%s' may not execute memory that can be written: nothing says that it "
		      "compiles code of its own",
		      program);
	ih_run_memory_event(run, map->pid, "memory", NULL, why.text);
	if (run->audit)
		(void)ih_fail(audited, 0,
			      "would be denied: %s; style \"jit\" in a grammar for it would allow "
			      "it, or \"write_xor_execute\": \"off\" in the policy",
			      why.text);
}

static void refuse_file(const struct ih_run *run, const struct ih_map *map, const char *program,
			const struct ih_evidence *e, struct ih_diag *why)
{
	struct ih_diag sentence;

	(void)ih_fail(why, 0, "'%s' may not take in '%s' as code: %s", program, e->path,
		      e->reason ? e->reason : "what it is could not be found out");
	ih_run_memory_event(run, map->pid, "map", e->path, why->text);
	if (!run->audit)
		return;
	sentence = *why;
	(void)ih_fail(why, 0,
		      "would be denied: %s; a trust provider that vouches for the file would allow "
		      "it, or a rule for '%s' with \"sources\": \"any\" and \"program\": \"any\"",
		      sentence.text, program);
}

static struct ih_run_mapped *place_of(struct ih_run *run, const struct statx *st, uint64_t device)
{
	return &run->mapped[(st->stx_ino ^ device) & (IH_RUN_MAPPED - 1)];
}

/* The class of the file, from what is remembered of it where it has not changed since. */
static enum ih_trust_class class_of(struct ih_run *run, int fd, struct ih_evidence *e)
{
	struct ih_run_mapped now = { 0 }, *seen;
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) < 0)
		return IH_TRUST_UNKNOWN;
	now.device = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor;
	now.inode = st.stx_ino;
	now.ctime_ns = st.stx_ctime.tv_sec * 1000000000LL + st.stx_ctime.tv_nsec;
	seen = place_of(run, &st, now.device);
	if (seen->trust && seen->device == now.device && seen->inode == now.inode &&
	    seen->ctime_ns == now.ctime_ns)
		return seen->trust;
	if (ih_trust_fd(run->session->trust, fd, e) < 0)
		return IH_TRUST_UNKNOWN;
	now.trust = e->trust;
	if (e->trust > IH_TRUST_UNTRUSTED && e->ctime_ns == now.ctime_ns)
		*seen = now;
	return e->trust;
}

static bool is_good_file(struct ih_run *run, const struct ih_map *map, uint32_t *memory,
			 struct ih_diag *why)
{
	const unsigned int least = *memory & CLASS ? *memory & CLASS : IH_TRUST_MAX_;
	struct ih_evidence e = { 0 };
	char buffer[1024];
	const char *program;

	if (map->fd >= 0 && class_of(run, map->fd, &e) >= least) {
		ih_evidence_done(&e);
		return true;
	}
	program = ih_run_asking(map->pid, buffer, sizeof(buffer));
	program = program ? program : "a program";
	if (map->fd < 0) {
		(void)ih_fail(why, 0, "cannot see what '%s' would execute: %s", program,
			      strerror(-map->fd));
	} else if (e.path) {
		refuse_file(run, map, program, &e, why);
	} else {
		/* A file without a name, that libraries make to write what they then execute. */
		refuse_written(run, map, memory, why);
	}
	ih_evidence_done(&e);
	return false;
}

static bool is_good(struct ih_run *run, const struct ih_map *map, uint32_t *memory,
		    struct ih_diag *why)
{
	const bool is_file = map->fd != -EBADF;
	const bool is_strict = run->session->policy->confinement[IH_STEP_WRITE_XOR_EXECUTE] !=
			       IH_DEMAND_OFF;

	if (*memory & OPEN)
		return true;
	if (is_strict && (map->is_written || !is_file) && !(*memory & JIT)) {
		refuse_written(run, map, memory, why);
		return false;
	}
	return !is_file || is_good_file(run, map, memory, why);
}

void ih_run_map(void *context, const struct ih_map *map, uint32_t *memory,
		struct ih_tree_verdict *ret)
{
	struct ih_run *run = context;

	ret->allow = is_good(run, map, memory, &ret->sentence) || run->audit;
}
