/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Supervisor, confinement, exec. */
#include "wrapper/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "wrapper/kernel.h"

static void say_lost(const struct ih_confine_report *report, void (*notes)(const char *sentence))
{
	for (int s = 0; notes && s < IH_STEP_MAX_; s++)
		if (report->lost[s].text[0])
			notes(report->lost[s].text);
}

int ih_launch(const struct ih_launch *l, void (*notes)(const char *sentence), struct ih_diag *diag)
{
	struct ih_confine_report report;
	struct ih_confine confine = l->confine;
	int r;

	if (l->tree) {
		/* Without the filter a child could leave the supervisor (CLONE_UNTRACED). */
		confine.demand[IH_STEP_SECCOMP] = IH_DEMAND_REQUIRED;
		r = ih_tree_enter(l->tree, diag);
		if (r < 0)
			return r;
	}
	r = ih_confine(&confine, &report, diag);
	say_lost(&report, notes);
	if (r < 0)
		return r;

	/* By descriptor: what was judged is what runs, whatever its name means by now. */
	(void)syscall(SYS_execveat, l->program, "", l->argv, l->envp, AT_EMPTY_PATH);
	return ih_fail(diag, -errno, "cannot run '%s': %s", l->name, strerror(errno));
}

static int add_tree(char ***trees, size_t *n, const char *root, const char *tree)
{
	char **more = realloc(*trees, (*n + 2) * sizeof(**trees));
	_free_ char *joined = NULL;

	if (!more)
		return -ENOMEM;
	*trees = more;
	more[*n] = NULL;
	if (asprintf(&joined, "%s%s", root ? root : "", tree) < 0) {
		joined = NULL;
		return -ENOMEM;
	}
	/* Landlock follows no "..", and a rule below a link is a rule below where it leads. */
	more[*n] = realpath(joined, NULL);
	/* A tree that is not there, or not for us, vouches for nothing. */
	if (!more[*n])
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ELOOP
			       ? 0
			       : -errno;
	more[++*n] = NULL;
	return 0;
}

static int add_provider(char ***trees, size_t *n, const struct ih_provider *p)
{
	int r = 0;

	switch (p->kind) {
	case IH_PROVIDER_NIX:
		return add_tree(trees, n, p->root, p->store ? p->store : "/nix/store");
	case IH_PROVIDER_PATHS:
		for (size_t i = 0; i < p->n_trees && r == 0; i++)
			r = add_tree(trees, n, NULL, p->trees[i]);
		return r;
	case IH_PROVIDER_SEAL:
		/* a seal speaks of objects of a store, which lies at the same place */
		return add_tree(trees, n, p->root, p->store ? p->store : "/nix/store");
	default:
		return 0;
	}
}

int ih_execute_trees(const struct ih_provider *providers, size_t n, char ***ret)
{
	char **trees = NULL;
	size_t count = 0;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = add_provider(&trees, &count, &providers[i]);
	if (r < 0) {
		ih_execute_trees_free(trees);
		return r;
	}
	*ret = trees;
	return (int)count;
}

void ih_execute_trees_free(char **trees)
{
	for (char **t = trees; t && *t; t++)
		free(*t);
	free(trees);
}

int ih_execve_check(int fd, const char *name, struct ih_diag *diag)
{
	struct stat st;

	if (syscall(SYS_execveat, fd, "", NULL, NULL, AT_EMPTY_PATH | IH_AT_EXECVE_CHECK) == 0)
		return 0;
	switch (errno) {
	case EACCES:
		/*
		 * Says a missing x bit, which is no reason, or a noexec mount, Landlock or another
		 * LSM, which are. (The kernel gives one errno for all of them.)
		 */
		if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & 0111) ||
		    faccessat(fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) < 0)
			return 0;
		return ih_fail(
			diag, -EACCES,
			"the kernel forbids executing '%s' (noexec mount, Landlock or another "
			"security module)",
			name);
	case EPERM:
		return ih_fail(diag, -EPERM, "a security module forbids executing '%s'", name);
	case ETXTBSY:
		return ih_fail(
			diag, -ETXTBSY,
			"'%s' is open for writing, so what was checked need not be what is read",
			name);
	default:
		return 0; /* EINVAL: before Linux 6.14 */
	}
}
