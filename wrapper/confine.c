/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps of confinement and their order. */
#include "wrapper/confine.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "common/cleanup.h"
#include "wrapper/caps.h"
#include "wrapper/filter.h"
#include "wrapper/kernel.h"
#include "wrapper/landlock.h"

static int no_new_privs(const struct ih_confine *c, struct ih_diag *lost, struct ih_diag *diag)
{
	(void)c;
	(void)lost;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) < 0)
		return ih_fail(diag, -errno, "cannot set no_new_privs: %s", strerror(errno));
	return 0;
}

static int no_core(const struct ih_confine *c, struct ih_diag *lost, struct ih_diag *diag)
{
	const struct rlimit none = { 0, 0 };

	(void)c;
	(void)lost;
	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return ih_fail(diag, -errno, "cannot forbid core files: %s", strerror(errno));
	return 0;
}

static int capabilities(const struct ih_confine *c, struct ih_diag *lost, struct ih_diag *diag)
{
	(void)c;
	(void)lost;
	return ih_caps_drop(diag);
}

/* A bit goes with its lock, or a script could clear it; both need no capability (Linux 6.14). */
static int securebits(const struct ih_confine *c, struct ih_diag *lost, struct ih_diag *diag)
{
	unsigned long bits = IH_SECBIT_EXEC_RESTRICT_FILE | IH_SECBIT_EXEC_RESTRICT_FILE_LOCKED;
	int old;

	if (c->deny_interactive)
		bits |= IH_SECBIT_EXEC_DENY_INTERACTIVE | IH_SECBIT_EXEC_DENY_INTERACTIVE_LOCKED;
	old = prctl(PR_GET_SECUREBITS, 0UL, 0UL, 0UL, 0UL);
	if (old < 0)
		return ih_fail(diag, -errno, "cannot read the securebits: %s", strerror(errno));
	if (((unsigned long)old & bits) == bits)
		return 0;
	if (prctl(PR_SET_SECUREBITS, (unsigned long)old | bits, 0UL, 0UL, 0UL) == 0)
		return 0;
	/* EPERM is how a kernel before 6.14 says that it does not know these bits. */
	if (errno != EPERM && errno != EINVAL)
		return ih_fail(diag, -errno, "cannot set the securebits: %s", strerror(errno));
	return ih_fail(
		lost, -EOPNOTSUPP,
		"this kernel has no SECBIT_EXEC_RESTRICT_FILE, so interpreters that check what "
		"they run are not asked to; Linux 6.14 has it");
}

static int landlock(const struct ih_confine *c, struct ih_diag *lost, struct ih_diag *diag)
{
	const struct ih_landlock_trees trees = {
		.names = c->trees,
		.n = c->n_trees,
		.n_programs = c->n_trees - c->n_code_trees,
		.execute_anywhere = c->execute_anywhere,
	};
	int r = ih_landlock_restrict(&trees, lost, diag);

	if (r != -ENOSYS && r != -EOPNOTSUPP)
		return r;
	return ih_fail(
		lost, -EOPNOTSUPP,
		"this kernel has no Landlock, so files outside the trusted trees are kept from "
		"running by the gate alone, and root may write into the trees; boot with "
		"lsm=landlock,… or CONFIG_SECURITY_LANDLOCK");
}

static int mdwe(const struct ih_confine *c, struct ih_diag *lost, struct ih_diag *diag)
{
	(void)c;
	if (prctl(IH_PR_SET_MDWE, IH_MDWE_REFUSE_EXEC_GAIN, 0UL, 0UL, 0UL) == 0)
		return 0;
	/* Already on answers EPERM to a change only; ENOTSUPP (524) is an architecture without it.
	 */
	if (errno == EINVAL || errno == 524)
		return ih_fail(
			lost, -EOPNOTSUPP,
			"this kernel has no memory-deny-write-execute, so a process may write "
			"code into its memory and run it; Linux 6.3 has it");
	return ih_fail(diag, -errno, "cannot set memory-deny-write-execute: %s", strerror(errno));
}

static int seccomp(const struct ih_confine *c, struct ih_diag *lost, struct ih_diag *diag)
{
	const struct ih_filter filter = { .trace_exec = c->trace_exec };
	int r = ih_filter_load(&filter, diag);

	if (r != -ENOSYS && r != -EINVAL)
		return r;
	return ih_fail(
		lost, -EOPNOTSUPP,
		"this kernel has no seccomp filters, so ptrace, io_uring, memfd and mounts are "
		"not kept away; it needs CONFIG_SECCOMP_FILTER");
}

/* In the order in which they are taken. */
static const struct {
	enum ih_step step;
	const char *name;
	int (*take)(const struct ih_confine *c, struct ih_diag *lost, struct ih_diag *diag);
} steps[] = {
	{ IH_STEP_NO_NEW_PRIVILEGES, "no-new-privileges", no_new_privs },
	{ IH_STEP_CORE_DUMPS, "core-dumps", no_core },
	{ IH_STEP_CAPABILITIES, "capabilities", capabilities },
	{ IH_STEP_SECUREBITS, "securebits", securebits },
	{ IH_STEP_LANDLOCK, "landlock", landlock },
	{ IH_STEP_WRITE_XOR_EXECUTE, "write-xor-execute", mdwe },
	{ IH_STEP_SECCOMP, "seccomp", seccomp },
};

static enum ih_demand demand_of(const struct ih_confine *c, enum ih_step step)
{
	return step == IH_STEP_NO_NEW_PRIVILEGES ? IH_DEMAND_REQUIRED : c->demand[step];
}

int ih_confine(const struct ih_confine *c, struct ih_confine_report *ret, struct ih_diag *diag)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < IH_ARRAY_SIZE(steps); i++) {
		struct ih_diag *lost = &ret->lost[steps[i].step];
		enum ih_demand demand = demand_of(c, steps[i].step);
		int r;

		if (demand == IH_DEMAND_OFF)
			continue;
		r = steps[i].take(c, lost, diag);
		if (r == -EOPNOTSUPP && lost->text[0] && demand == IH_DEMAND_WANTED)
			continue;
		if (r == -EOPNOTSUPP && lost->text[0])
			return ih_fail(diag, r, "not confined: %s; the policy requires this step",
				       lost->text);
		if (r < 0)
			return ih_fail_within(diag, r, "not confined");
		ret->done |= 1U << steps[i].step;
	}
	return 0;
}

const char *ih_confine_name(enum ih_step step)
{
	for (size_t i = 0; i < IH_ARRAY_SIZE(steps); i++)
		if (steps[i].step == step)
			return steps[i].name;
	return NULL;
}
