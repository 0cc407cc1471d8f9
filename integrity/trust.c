/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks the providers; what each of them believes is in trust_nix.c, trust_paths.c, trust_seal.c. */
#include "integrity/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/statx.h"
#include "common/text.h"
#include "integrity/trust_priv.h"

struct ih_trust {
	struct opened {
		const struct ih_trust_ops *ops;
		enum ih_provider_kind kind;
		void *state;
	} * list;
	size_t n;
	bool has_elsewhere;
};

static const char *const class_names[IH_TRUST_MAX_] = {
	[IH_TRUST_UNKNOWN] = "unknown", [IH_TRUST_UNTRUSTED] = "untrusted",
	[IH_TRUST_STORE] = "store",	[IH_TRUST_OWNED] = "owned",
	[IH_TRUST_SIGNED] = "signed",	[IH_TRUST_VERIFIED] = "verified",
	[IH_TRUST_SEALED] = "sealed",
};

const char *ih_trust_class_name(enum ih_trust_class c)
{
	return class_names[(unsigned int)c < IH_TRUST_MAX_ ? c : IH_TRUST_UNKNOWN];
}

int ih_place_find(const struct ih_place *p, const struct ih_walk *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (p->inode && w->steps[i].device == p->device && w->steps[i].inode == p->inode)
			return (int)i;
	return -ENOENT;
}

void ih_place_locate(const char *path, struct ih_place *ret)
{
	struct ih_walk w;

	if (path[0] != '/')
		return;
	if (ih_walk_path(AT_FDCWD, path, &w, NULL) == 0) {
		ret->device = ih_walk_end(&w)->device;
		ret->inode = ih_walk_end(&w)->inode;
	}
	ih_walk_done(&w);
}

void ih_walk_find_mounts(const struct ih_walk *w, size_t from, const char *whose,
			 struct ih_problems *problems)
{
	for (size_t i = from + 1; i < w->n; i++) {
		_free_ char *name = NULL;

		if (w->steps[i].mount == w->steps[i - 1].mount)
			continue;
		name = ih_walk_name(w, i + 1);
		ih_problem(problems, IH_PROBLEM_METADATA,
			   "'%s' is not the %s own: another file system is mounted over it",
			   name ? name : "", whose);
	}
}

int ih_trust_open(const struct ih_provider *providers, size_t n, struct ih_trust **ret,
		  struct ih_diag *diag)
{
	struct ih_trust *t = calloc(1, sizeof(*t));
	int r = 0;

	if (!t)
		return ih_fail(diag, -ENOMEM, "no memory for the trust providers");
	t->list = calloc(n + 1, sizeof(*t->list));
	if (!t->list)
		r = -ENOMEM;
	for (size_t i = 0; i < n && r == 0; i++) {
		unsigned int kind = providers[i].kind;
		struct opened *o = &t->list[t->n];

		if (kind >= IH_PROVIDER_MAX_ || !ih_trust_kinds[kind])
			continue; /* vouches for nothing */
		o->ops = ih_trust_kinds[kind];
		o->kind = providers[i].kind;
		r = o->ops->open(&providers[i], &o->state);
		if (r == 0)
			t->n++;
	}
	if (r < 0) {
		ih_trust_free(t);
		return ih_fail(diag, r, "no memory for the trust providers");
	}

	*ret = t;
	return 0;
}

void ih_trust_free(struct ih_trust *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		t->list[i].ops->free(t->list[i].state);
	free(t->list);
	free(t);
}

bool ih_trust_has_elsewhere(const struct ih_trust *t)
{
	return t->has_elsewhere;
}

static void judgement_done(struct ih_judgement *j)
{
	for (size_t i = 0; i < j->n_signers; i++)
		free(j->signers[i]);
	ih_problems_done(&j->problems);
	free(j->object);
	free(j->reason);
	*j = (struct ih_judgement){ 0 };
}

void ih_evidence_done(struct ih_evidence *e)
{
	for (size_t i = 0; i < e->n_problems; i++)
		free(e->problems[i]);
	for (size_t i = 0; i < e->n_signers; i++)
		free(e->signers[i]);
	free(e->problems);
	free(e->path);
	free(e->object);
	free(e->reason);
	free(e->unstable);
	*e = (struct ih_evidence){ 0 };
}

/* Nothing is known, and this is why. Keeps the sentence short of memory, too: reason may be NULL.
 */
static int unknown(struct ih_evidence *e, const struct ih_diag *diag, int error)
{
	e->trust = IH_TRUST_UNKNOWN;
	free(e->reason);
	e->reason = strdup(diag->text);
	return error;
}

static void untrusted(struct ih_judgement *j, const char *path, const char *what)
{
	j->trust = IH_TRUST_UNTRUSTED;
	ih_problem(&j->problems, IH_PROBLEM_METADATA, "'%s' %s", path, what);
}

static const char *odd_type(const struct ih_step *end)
{
	switch (end->mode & S_IFMT) {
	case S_IFREG:
		return end->links ? NULL : "was deleted";
	case S_IFDIR:
		return NULL;
	case S_IFIFO:
		return "is a FIFO, whose content nobody can vouch for";
	case S_IFSOCK:
		return "is a socket, whose content nobody can vouch for";
	default:
		return "is a device, whose content nobody can vouch for";
	}
}

/* The best answer; among equals the first provider's that speaks for the file. */
static int ask_all(struct ih_trust *t, const struct ih_walk *w, struct ih_judgement *best,
		   enum ih_provider_kind *kind)
{
	int r = 0;

	for (size_t i = 0; i < t->n && r == 0; i++) {
		struct ih_judgement j = { 0 };

		r = t->list[i].ops->judge(t->list[i].state, w, &j);
		t->has_elsewhere |= j.elsewhere;
		if (r == 0 && j.mine && (!best->mine || j.trust > best->trust)) {
			struct ih_judgement old = *best;

			*best = j;
			j = old;
			*kind = t->list[i].kind;
		}
		judgement_done(&j);
	}
	return r;
}

static int note_more(struct ih_problems *p)
{
	char **list;
	struct ih_text t = { 0 };

	if (p->total <= p->n)
		return 0;
	list = realloc(p->list, (p->n + 1) * sizeof(*list));
	if (!list || ih_text_addf(&t, "and %zu more problems", p->total - p->n) < 0)
		return -ENOMEM;
	p->list = list;
	p->list[p->n++] = t.data;
	return 0;
}

/* Moves a judgement into the evidence; the reason is the first problem when there is one. */
static int report(struct ih_judgement *j, struct ih_evidence *e)
{
	if (note_more(&j->problems) < 0)
		return -ENOMEM;
	e->trust = j->trust;
	e->object = TAKE_PTR(j->object);
	e->problems = TAKE_PTR(j->problems.list);
	e->n_problems = j->problems.n;
	j->problems.n = 0;
	memcpy(e->signers, j->signers, sizeof(e->signers));
	e->n_signers = j->n_signers;
	j->n_signers = 0;
	e->reason = e->n_problems ? strdup(e->problems[0]) : TAKE_PTR(j->reason);
	return e->reason ? 0 : -ENOMEM;
}

static int judge(struct ih_trust *t, const struct ih_walk *w, struct ih_evidence *e)
{
	const struct ih_step *end = ih_walk_end(w);
	const char *odd = odd_type(end);
	struct ih_judgement j = { 0 };
	int r = 0;

	e->path = ih_walk_name(w, w->n);
	if (w->unstable)
		e->unstable = strdup(w->unstable);
	if (!e->path || (w->unstable && !e->unstable))
		return -ENOMEM;
	e->device = end->device;
	e->inode = end->inode;
	e->ctime_ns = end->ctime_ns;
	if (odd)
		untrusted(&j, e->path, odd);
	else
		r = ask_all(t, w, &j, &e->provider);
	if (r == 0 && !odd && !j.mine)
		untrusted(&j, e->path,
			  "lies in no store and in no directory that the policy trusts");
	if (r == 0)
		r = report(&j, e);
	judgement_done(&j);
	return r;
}

/* What was judged is what is open, and did not change while it was judged. */
static int bind(int fd, struct ih_evidence *e)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) < 0)
		return -errno;
	if (e->ctime_ns == st.stx_ctime.tv_sec * 1000000000LL + st.stx_ctime.tv_nsec)
		return 0;
	return -ESTALE;
}

static int finish(struct ih_trust *t, const struct ih_walk *w, int fd, struct ih_evidence *e)
{
	struct ih_diag diag;
	int r;

	r = judge(t, w, e);
	if (r < 0)
		return unknown(e, &diag, ih_fail(&diag, r, "no memory to judge a file"));
	r = bind(fd, e);
	if (r == -ESTALE)
		(void)ih_fail(&diag, r, "'%s' was changed while it was looked at", e->path);
	else if (r < 0)
		(void)ih_fail(&diag, r, "cannot look at '%s': %s", e->path, strerror(-r));
	return r < 0 ? unknown(e, &diag, r == -ESTALE ? 0 : r) : 0;
}

int ih_trust_path(struct ih_trust *t, int dirfd, const char *path, int *ret_fd,
		  struct ih_evidence *ret)
{
	_close_ int fd = -EBADF;
	struct ih_walk w;
	struct ih_diag diag = { "" };
	int r;

	*ret = (struct ih_evidence){ 0 };
	r = ih_walk_path(dirfd, path, &w, &diag);
	if (r == 0) {
		fd = ih_walk_open(&w);
		if (fd < 0)
			r = ih_fail(&diag, fd, "cannot open '%s': %s", path, strerror(-fd));
	}
	r = r < 0 ? unknown(ret, &diag, r) : finish(t, &w, fd, ret);
	ih_walk_done(&w);
	if (r == 0 && ret_fd)
		*ret_fd = TAKE_FD(fd);
	return r;
}

int ih_trust_fd(struct ih_trust *t, int fd, struct ih_evidence *ret)
{
	struct ih_walk w;
	struct ih_diag diag = { "" };
	struct ih_judgement j = { 0 };
	int r;

	*ret = (struct ih_evidence){ 0 };
	r = ih_walk_fd(fd, &w, &diag);
	if (r == -ESTALE ||
	    r == -ENOENT) { /* deleted, memfd, pipe, replaced: nobody vouches for it */
		j.trust = IH_TRUST_UNTRUSTED;
		ih_problem(&j.problems, IH_PROBLEM_METADATA, "%s", diag.text);
		r = report(&j, ret);
		judgement_done(&j);
	} else {
		r = r < 0 ? unknown(ret, &diag, r) : finish(t, &w, fd, ret);
	}
	ih_walk_done(&w);
	return r;
}
