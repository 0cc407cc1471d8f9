/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ihard-exec: `ihard run` without a command line of its own, small and static, to stand in an
 * interpreter's place. Under its own name it runs the command that follows; under any other the
 * name decides which interpreter it stands for. Reads a compiled policy, parses no JSON. Linked
 * twice: see exec_peer.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "policy/compiled.h"
#include "wrapper/exec_peer.h"
#include "wrapper/kernel.h"
#include "wrapper/run.h"
#include "wrapper/shim.h"

#define POLICY_FILE "/etc/ihard/policy.bin"
#define STACK_USED  (60UL << 10) /* the kernel maps 128 KiB of it at exec */

struct arguments {
	const char *policy, *shims, *as;
	bool outer;
	int argc;
	char **argv;
	char **all; /* as main() got them */
};

static void note(const char *sentence)
{
	fprintf(stderr, "ihard-exec: %s\n", sentence);
}

/*
 * Options only under our own name, and only before "--": under an interpreter's name every word is
 * the interpreter's.
 */
static int parse(int argc, char **argv, struct arguments *a)
{
	const char *slash = argc ? strrchr(argv[0], '/') : NULL;
	const char *name = argc ? (slash ? slash + 1 : argv[0]) : "";
	int i = 1;

	*a = (struct arguments){ .policy = POLICY_FILE, .shims = IH_SHIM_FILE, .all = argv };
	if (strcmp(name, "ihard-exec") != 0 && strcmp(name, IH_EXEC_FULL) != 0) {
		a->as = name;
		a->argc = argc;
		a->argv = argv;
		return argc ? 0 : -EINVAL;
	}
	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (strcmp(argv[i], "--gate=outer") == 0)
			a->outer = true;
		else if (strncmp(argv[i], "--policy=", 9) == 0)
			a->policy = argv[i] + 9;
		else if (strncmp(argv[i], "--shims=", 8) == 0)
			a->shims = argv[i] + 8;
		else if (strncmp(argv[i], "--as=", 5) == 0)
			a->as = argv[i] + 5;
		else
			return -EINVAL;
	}
	a->argc = argc - i;
	a->argv = argv + i;
	return a->argc > 0 ? 0 : -EINVAL;
}

/* No policy of the machine's own: the built-in profile. One that cannot be used: the same, and a
 * sentence. */
static int open_policy(const struct arguments *a, struct ih_policy **ret, struct ih_diag *diag)
{
	struct ih_diag why = { "" };
	int r = ih_policy_load(AT_FDCWD, a->policy, ret, &why);

	if (r == 0)
		return 0;
	if (strcmp(a->policy, POLICY_FILE) != 0)
		return ih_fail(diag, r, "%s", why.text);
	if (r != -ENOENT)
		note(why.text);
	return ih_policy_profile(IH_PROFILE_DEFAULT, ret, diag);
}

static int run(struct arguments *a, struct ih_diag *diag)
{
	struct ih_session session = { .grammars = ih_grammars_builtin() };
	struct ih_event_sink sink = ih_events_journal_later();
	struct ih_run run = {
		.session = &session,
		.argc = a->argc,
		.argv = a->argv,
		.envp = environ,
		.events = &sink,
		.note = note,
	};
	_free_ char *program = NULL;
	int r;

	r = open_policy(a, &session.policy, diag);
	if (r == 0)
		run.tree = !a->outer && session.policy->confinement[IH_STEP_TREE] != IH_DEMAND_OFF;
	if (r == 0 && ih_exec_is_short(session.policy, run.tree))
		r = ih_exec_hand_over(a->all, diag);
	if (r == 0 && a->as)
		r = ih_shim_find(a->shims, a->as, &program, diag);
	if (r == 0)
		r = ih_trust_open(session.policy->providers, session.policy->n_providers,
				  &session.trust, diag);
	if (r < 0)
		return IH_EXIT_RUN_FAILED;
	run.program = program;
	r = ih_run(&run, diag);
	if (r == IH_RUN_ELSEWHERE) {
		(void)ih_exec_hand_over(a->all, diag);
		r = IH_EXIT_RUN_FAILED;
	}
	ih_events_close(&sink);
	ih_trust_free(session.trust);
	ih_policy_free(session.policy);
	return r;
}

/* A descriptor 0, 1 or 2 that is closed would be given to the next file that is opened. */
static void fill_standard_descriptors(void)
{
	int fd = STDIN_FILENO;

	while (fd <= STDERR_FILENO && fcntl(fd, F_GETFD) >= 0)
		fd++;
	if (fd > STDERR_FILENO)
		return;

	do
		fd = open("/dev/null", O_RDWR | O_NOCTTY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		(void)close(fd);
}

/*
 * Paths on the stack make this a deep one, and a fault for each of its pages takes longer than all
 * of them at once. Where the kernel cannot, they come one by one.
 */
static void fill_stack(void)
{
	const uintptr_t here = (uintptr_t)__builtin_frame_address(0) & ~(uintptr_t)4095;

	(void)madvise((void *)(here - STACK_USED), STACK_USED, IH_MADV_POPULATE_WRITE);
}

int main(int argc, char **argv)
{
	struct ih_diag diag = { "" };
	struct arguments a;
	int r;

	fill_stack();
	fill_standard_descriptors();
	if (parse(argc, argv, &a) < 0) {
		fprintf(stderr,
			"usage: ihard-exec [--policy=FILE] [--gate=outer] [--shims=FILE --as=NAME] "
			"[--] PROGRAM [ARG…]\n");
		return IH_EXIT_RUN_FAILED;
	}
	r = run(&a, &diag);
	note(diag.text);
	return r;
}
