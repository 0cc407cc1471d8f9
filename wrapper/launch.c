/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Supervisor, confinement, exec. */
#include "wrapper/launch.h"

#include <errno.h>
#include <fcntl.h>
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

static const char *store_of(const struct ih_provider *p)
{
	return p->store ? p->store : "/nix/store";
}

/* A store below another root has a name that stands nowhere in the policy. */
static int add_store(struct ih_trees *t, const struct ih_provider *p)
{
	size_t head = p->root ? strlen(p->root) : 0, tail = strlen(store_of(p));
	char *joined;

	if (!head) {
		t->names[t->n++] = store_of(p);
		return 0;
	}
	joined = malloc(head + tail + 1);
	if (!joined)
		return -ENOMEM;
	memcpy(joined, p->root, head);
	memcpy(joined + head, store_of(p), tail + 1);
	t->owned[t->n_owned++] = joined;
	t->names[t->n++] = joined;
	return 0;
}

static size_t n_programs(const struct ih_provider *p)
{
	return p->kind == IH_PROVIDER_PATHS ? p->n_trees - p->n_code_trees : 0;
}

int ih_execute_trees(const struct ih_provider *providers, size_t n, struct ih_trees *ret)
{
	struct ih_trees t = { 0 };
	size_t max = n + 1;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		max += providers[i].n_trees;
	t.names = calloc(max, sizeof(*t.names));
	t.owned = calloc(n + 1, sizeof(*t.owned));
	if (!t.names || !t.owned)
		r = -ENOMEM;
	for (size_t i = 0; i < n && r == 0; i++) {
		const struct ih_provider *p = &providers[i];

		/* A seal speaks of objects of a store, which lies at the same place. */
		if (p->kind == IH_PROVIDER_NIX || p->kind == IH_PROVIDER_SEAL)
			r = add_store(&t, p);
		for (size_t k = 0; k < n_programs(p); k++)
			t.names[t.n++] = p->trees[k];
	}
	for (size_t i = 0; i < n && r == 0; i++)
		for (size_t k = n_programs(&providers[i]);
		     providers[i].kind == IH_PROVIDER_PATHS && k < providers[i].n_trees; k++) {
			t.names[t.n++] = providers[i].trees[k];
			t.n_code++;
		}
	*ret = t;
	return r;
}

void ih_execute_trees_done(struct ih_trees *t)
{
	for (size_t i = 0; i < t->n_owned; i++)
		free(t->owned[i]);
	free(t->names);
	free(t->owned);
	*t = (struct ih_trees){ 0 };
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
