/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The second phase: read and hash every object that is known, the largest first, so that no core
 * is left with a huge one at the end.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "common/text.h"
#include "integrity/lanes.h"
#include "integrity/verify_priv.h"

#define ODD_MAX	    4	/* file names kept of one object that may have been changed */
#define LOOK_PIECES 32	/* between two looks at what came from the disk */
#define COLD_SHARE  8	/* one part in so many from the disk is cold */
#define SECTOR	    512 /* what ru_inblock counts (Linux, kernel/sys.c) */
#define SPARES	    2	/* one a lane */

/* One object that a lane is at. */
struct job {
	struct ih_verify *v;
	struct thread *thread;
	struct ih_closure_object *object;
	uint32_t number;
	struct ih_problems problems;
	char path[PATH_MAX];
	struct ih_text odd; /* files whose time is not the one that Nix gives */
	size_t n_odd;
};

struct thread {
	struct ih_verify *v;
	size_t number;
	bool had_first;
	unsigned int pieces;
	struct ih_nar *spares[SPARES]; /* to be used again */
	struct ih_verify_files files;
};

/*
 * Called for every node as it is opened, before it is read: a change after that moves the change
 * time, and what is remembered no longer fits.
 */
static void seen(void *user, const char *path, const struct statx *st)
{
	struct job *j = user;

	ih_verify_remember_object(j->object, st);
	ih_verify_remember(j->v, &j->thread->files, j->number, st);
	/* Nix sets every modification time to 1 (0 in old stores). */
	if (st->stx_mtime.tv_sec > 1 && ++j->n_odd <= ODD_MAX)
		(void)ih_text_addf(&j->odd, "%s'%s'", j->n_odd > 1 ? ", " : "", path);
}

static bool take_unclaimed(struct ih_verify *v, size_t *ret)
{
	for (size_t i = 0; i < v->threads && i < v->n_order; i++)
		if (!__atomic_exchange_n(&v->given[i], true, __ATOMIC_RELAXED)) {
			*ret = i;
			return true;
		}
	return false;
}

/*
 * Each thread begins with one of the largest; only then are second lanes filled, so that two large
 * objects are not both left to one core.
 */
static bool take(struct thread *t, size_t *ret)
{
	struct ih_verify *v = t->v;

	if (ih_verify_is_over(v))
		return false;
	if (!t->had_first) {
		t->had_first = true;
		if (t->number < v->n_order &&
		    !__atomic_exchange_n(&v->given[t->number], true, __ATOMIC_RELAXED)) {
			*ret = t->number;
			return true;
		}
	}
	*ret = __atomic_fetch_add(&v->next_hash, 1, __ATOMIC_RELAXED);
	return *ret < v->n_order || take_unclaimed(v, ret);
}

static struct ih_nar *take_spare(struct thread *t)
{
	for (size_t i = 0; i < SPARES; i++)
		if (t->spares[i])
			return TAKE_PTR(t->spares[i]);
	return NULL;
}

static void keep_spare(struct thread *t, struct ih_nar *nar)
{
	for (size_t i = 0; i < SPARES; i++)
		if (!t->spares[i]) {
			t->spares[i] = nar;
			return;
		}
	ih_nar_free(nar);
}

static int begin_job(struct job *j, struct ih_nar **ret)
{
	_cleanup_(ih_cleanup_nar) struct ih_nar *spare = take_spare(j->thread);
	const struct ih_verify_options *options = &j->v->options;
	struct ih_nar_source source = {
		.dirfd = j->v->store_fd,
		.name = j->object->base,
		.shown = j->path,
		.metadata = true,
		.owner = options->owner,
		.direct = options->direct,
		.copied = __atomic_load_n(&j->v->cold, __ATOMIC_RELAXED),
		.seen = seen,
		.user = j,
	};
	int n, r;

	n = snprintf(j->path, sizeof(j->path), "%s/%s", options->dir, j->object->base);
	if (n < 0 || (size_t)n >= sizeof(j->path))
		return -ENAMETOOLONG;
	if (!spare)
		return ih_nar_new(&source, &j->problems, ret);
	r = ih_nar_restart(spare, &source, &j->problems);
	if (r == 0)
		*ret = TAKE_PTR(spare);
	return r;
}

static bool next(void *user, struct ih_lane_job *ret)
{
	struct thread *t = user;
	struct job *j;
	size_t at;

	if (!take(t, &at))
		return false;
	j = calloc(1, sizeof(*j));
	if (!j) {
		ih_verify_fatal(t->v, -ENOMEM);
		return false;
	}
	j->v = t->v;
	j->thread = t;
	j->number = t->v->order[at];
	j->object = ih_closure_object(t->v->closure, j->number);
	if (begin_job(j, &ret->nar) < 0) {
		ih_verify_fatal(t->v, -ENOMEM);
		free(j);
		return false;
	}
	ret->cookie = j;
	return true;
}

/* What can be told about where an object differs: the archive's hash alone does not say. */
static void name_suspects(struct job *j)
{
	if (!j->n_odd)
		return;
	ih_problem(&j->problems, IH_PROBLEM_CONTENT,
		   "'%s': %s%s was modified after Nix made it, by its time of modification",
		   j->path, ih_text_get(&j->odd), j->n_odd > ODD_MAX ? " and others" : "");
}

static void compare(struct job *j, uint64_t size, const struct ih_digest *found)
{
	struct ih_closure_object *o = j->object;
	struct ih_digest wanted = { .algo = IH_HASH_SHA256 };
	char a[IH_DIGEST_TEXT_SIZE], b[IH_DIGEST_TEXT_SIZE];

	memcpy(wanted.bytes, o->nar_hash, sizeof(o->nar_hash));
	if (size == o->nar_size && memcmp(found->bytes, wanted.bytes, IH_SHA256_SIZE) == 0) {
		o->flags |= IH_OBJECT_HASHED;
		return;
	}
	ih_digest_print(&wanted, a);
	ih_digest_print(found, b);
	if (size != o->nar_size)
		ih_problem(&j->problems, IH_PROBLEM_CONTENT,
			   "'%s' was modified: expected %" PRIu64 " bytes with hash '%s', found "
			   "%" PRIu64 " bytes with hash '%s'",
			   j->path, o->nar_size, a, size, b);
	else
		ih_problem(&j->problems, IH_PROBLEM_CONTENT,
			   "'%s' was modified: expected hash '%s', found '%s'", j->path, a, b);
	name_suspects(j);
}

static void keep_problems(struct job *j)
{
	struct ih_problems *kept;

	if (!j->problems.total)
		return;
	kept = ih_closure_problems(j->object);
	if (!kept)
		return ih_verify_fatal(j->v, -ENOMEM);
	ih_problems_append(kept, &j->problems);
}

static void done(void *user, const struct ih_lane_job *job, int error,
		 const struct ih_digest *digest)
{
	struct thread *t = user;
	struct job *j = job->cookie;

	if (!error)
		compare(j, ih_nar_size(job->nar), digest);
	else if (error != -ECANCELED && !j->problems.total)
		ih_problem(&j->problems, IH_PROBLEM_IO, "cannot read '%s': %s", j->path,
			   strerror(-error));
	keep_problems(j);
	if (error != -ECANCELED)
		j->object->flags |= IH_OBJECT_DONE;
	(void)__atomic_add_fetch(&t->v->objects, 1, __ATOMIC_RELAXED);
	ih_problems_done(&j->problems);
	ih_text_done(&j->odd);
	keep_spare(t, job->nar);
	free(j);
	ih_verify_tell(t->v, false);
}

/*
 * What comes from the disk is waited for, and a core that waits hashes nothing: when much does,
 * the threads in reserve are let in. When all is cached they would only be in each other's way.
 */
static void look_for_disk(struct thread *t)
{
	struct ih_verify *v = t->v;
	struct rusage use;

	if (++t->pieces % LOOK_PIECES || __atomic_load_n(&v->cold, __ATOMIC_RELAXED))
		return;
	if (getrusage(RUSAGE_SELF, &use) < 0 ||
	    (uint64_t)use.ru_inblock * SECTOR <
		    __atomic_load_n(&v->bytes, __ATOMIC_RELAXED) / COLD_SHARE)
		return;
	(void)pthread_mutex_lock(&v->lock);
	__atomic_store_n(&v->cold, true, __ATOMIC_RELAXED);
	(void)pthread_cond_broadcast(&v->reserve);
	(void)pthread_mutex_unlock(&v->lock);
}

/* False when all was done without the reserve. */
static bool wait_in_reserve(struct ih_verify *v)
{
	bool ended;

	(void)pthread_mutex_lock(&v->lock);
	while (!v->cold && !v->no_more)
		(void)pthread_cond_wait(&v->reserve, &v->lock);
	ended = v->no_more;
	(void)pthread_mutex_unlock(&v->lock);
	return !ended;
}

static void dismiss_reserve(struct ih_verify *v)
{
	(void)pthread_mutex_lock(&v->lock);
	v->no_more = true;
	(void)pthread_cond_broadcast(&v->reserve);
	(void)pthread_mutex_unlock(&v->lock);
}

static bool stop(void *user, size_t piece)
{
	struct thread *t = user;

	(void)__atomic_add_fetch(&t->v->bytes, piece, __ATOMIC_RELAXED);
	look_for_disk(t);
	ih_verify_tell(t->v, false);
	return ih_verify_is_over(t->v);
}

void ih_verify_hash(void *shared, size_t number)
{
	struct ih_verify *v = shared;
	struct thread t = { .v = v, .number = number, .had_first = number >= v->threads };
	struct ih_lanes lanes = {
		.next = next,
		.done = done,
		.stop = stop,
		.user = &t,
		.one_stream = v->options.one_stream,
	};

	/*
	 * A table of descriptors that nobody shares needs no lock to open and no count to read. The
	 * caller keeps its own: other threads of its may want what it opens. Where a filter
	 * refuses, all stays shared.
	 */
	if (number)
		(void)unshare(CLONE_FILES);
	if (number >= v->threads && !wait_in_reserve(v))
		return;
	ih_lanes_run(&lanes);
	dismiss_reserve(v);
	for (size_t i = 0; i < SPARES; i++)
		ih_nar_free(t.spares[i]);
	ih_verify_hand_over(v, &t.files);
}
