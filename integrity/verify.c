/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One verification from its options to its result; the phases are in verify_find.c and _hash.c. */
#include "integrity/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/fd.h"
#include "common/pool.h"
#include "common/text.h"
#include "integrity/verify_priv.h"

#define TELL_EVERY_NS  (100 * 1000 * 1000)
#define READERS	       16 /* threads while the disk is what is waited for */
#define DIRECT_THREADS 6  /* each asks for much at a time, and waits for directories only */
#define DATABASE       "/nix/var/nix/db/db.sqlite"

uint64_t ih_verify_now_ns(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

void ih_verify_fatal(struct ih_verify *v, int error)
{
	int none = 0;

	(void)__atomic_compare_exchange_n(&v->error, &none, error, false, __ATOMIC_RELAXED,
					  __ATOMIC_RELAXED);
}

void ih_verify_problem(struct ih_verify *v, struct ih_closure_object *o, enum ih_problem_kind kind,
		       const char *format, ...)
{
	struct ih_problems *problems = ih_closure_problems(o);
	char text[IH_DIAG_MAX];
	va_list args;

	if (!problems)
		return ih_verify_fatal(v, -ENOMEM);
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ih_problem(problems, kind, "%s", text);
}

bool ih_verify_is_over(struct ih_verify *v)
{
	if (v->options.deadline_ns && ih_verify_now_ns() >= v->options.deadline_ns)
		__atomic_store_n(&v->expired, true, __ATOMIC_RELAXED);
	return __atomic_load_n(&v->error, __ATOMIC_RELAXED) ||
	       __atomic_load_n(&v->expired, __ATOMIC_RELAXED);
}

void ih_verify_tell(struct ih_verify *v, bool finding)
{
	struct ih_verify_progress p = { .finding = finding };
	uint64_t now;

	if (!v->options.progress)
		return;
	/* Any thread may be the last that works; two at once would write over each other. */
	if (__atomic_test_and_set(&v->telling, __ATOMIC_ACQUIRE))
		return;
	now = ih_verify_now_ns();
	if (now - v->last_progress_ns < TELL_EVERY_NS) {
		__atomic_clear(&v->telling, __ATOMIC_RELEASE);
		return;
	}
	v->last_progress_ns = now;
	p.elapsed_ns = now - v->started_ns;
	p.objects = finding ? v->next_find : __atomic_load_n(&v->objects, __ATOMIC_RELAXED);
	p.objects_total = finding ? ih_closure_size(v->closure) : v->n_order;
	p.bytes = __atomic_load_n(&v->bytes, __ATOMIC_RELAXED);
	p.bytes_total = v->bytes_total;
	v->options.progress(v->options.user, &p);
	__atomic_clear(&v->telling, __ATOMIC_RELEASE);
}

static int64_t nanoseconds(const struct statx_timestamp *t)
{
	return t->tv_sec * INT64_C(1000000000) + t->tv_nsec;
}

void ih_verify_remember_object(struct ih_closure_object *o, const struct statx *st)
{
	if (o->inode)
		return;
	o->inode = st->stx_ino;
	o->device = st->stx_dev_major << 20 | st->stx_dev_minor;
	o->ctime_ns = nanoseconds(&st->stx_ctime);
}

void ih_verify_remember(struct ih_verify *v, struct ih_verify_files *files, uint32_t object,
			const struct statx *st)
{
	if (!v->options.want_files || !S_ISREG(st->stx_mode))
		return;
	if (files->n == files->size) {
		size_t size = files->size ? files->size * 2 : 1024;
		struct ih_verified_file *list = realloc(files->list, size * sizeof(*list));

		if (!list)
			return ih_verify_fatal(v, -ENOMEM);
		files->list = list;
		files->size = size;
	}
	files->list[files->n++] = (struct ih_verified_file){
		.inode = st->stx_ino,
		.ctime_ns = nanoseconds(&st->stx_ctime),
		.device = st->stx_dev_major << 20 | st->stx_dev_minor,
		.object = object,
		.mode = st->stx_mode,
	};
}

void ih_verify_hand_over(struct ih_verify *v, struct ih_verify_files *files)
{
	struct ih_verified_file *list;

	(void)pthread_mutex_lock(&v->lock);
	list = realloc(v->files.list, (v->files.n + files->n + 1) * sizeof(*list));
	if (list) {
		if (files->n)
			memcpy(list + v->files.n, files->list, files->n * sizeof(*list));
		v->files.list = list;
		v->files.n += files->n;
	} else {
		ih_verify_fatal(v, -ENOMEM);
	}
	(void)pthread_mutex_unlock(&v->lock);
	free(files->list);
	*files = (struct ih_verify_files){ 0 };
}

static void open_database(struct ih_verify *v)
{
	char path[PATH_MAX];
	const char *name = v->options.database;

	if (!name) {
		int n = snprintf(path, sizeof(path), "%s" DATABASE, v->options.root);

		if (n < 0 || (size_t)n >= sizeof(path)) {
			(void)ih_fail(&v->no_db, -ENAMETOOLONG, "the root's name is too long");
			return;
		}
		name = path;
	}
	if (ih_store_db_open(name, v->options.dir, &v->db, &v->no_db) < 0)
		v->db = NULL;
}

static int open_store(struct ih_verify *v, struct ih_diag *diag)
{
	char path[PATH_MAX];
	int n;

	n = snprintf(path, sizeof(path), "%s%s", v->options.root, v->options.dir);
	if (n < 0 || (size_t)n >= sizeof(path))
		return ih_fail(diag, -ENAMETOOLONG, "the root's name is too long");
	v->store_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->store_fd < 0)
		return ih_fail(diag, -errno, "cannot open the store '%s': %s", path,
			       strerror(errno));
	return 0;
}

static int check_options(const struct ih_verify_options *o, struct ih_diag *diag)
{
	if (o->no_contents && o->no_trust)
		return ih_fail(diag, -EINVAL, "neither contents nor trust are to be verified");
	if (!o->no_trust && !o->keys->n)
		return ih_fail(diag, -EINVAL,
			       "no public keys are trusted. Give some, or ask for contents only");
	if (!o->no_trust && o->sigs_needed > o->keys->n)
		return ih_fail(diag, -EINVAL,
			       "%u signatures are needed, but only %zu keys are trusted",
			       o->sigs_needed, o->keys->n);
	return ih_store_dir_check(o->dir, diag);
}

int ih_verify_new(const struct ih_verify_options *options, struct ih_verify **ret,
		  struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_verify) struct ih_verify *v = NULL;
	int r;

	r = check_options(options, diag);
	if (r < 0)
		return r;
	v = calloc(1, sizeof(*v));
	if (!v)
		return ih_fail(diag, -ENOMEM, "no memory for a verification");
	v->options = *options;
	v->store_fd = -EBADF;
	(void)pthread_mutex_init(&v->lock, NULL);
	(void)pthread_cond_init(&v->reserve, NULL);
	if (!v->options.sigs_needed)
		v->options.sigs_needed = 1;

	r = ih_closure_new(&v->closure);
	if (r < 0)
		return ih_fail(diag, r, "no memory for a verification");
	r = open_store(v, diag);
	if (r == 0 && options->narinfo)
		r = ih_narinfos_open(options->narinfo, &v->narinfos, diag);
	if (r < 0)
		return r;
	open_database(v);

	*ret = TAKE_PTR(v);
	return 0;
}

void ih_verify_free(struct ih_verify *v)
{
	if (!v)
		return;
	ih_closure_free(v->closure);
	ih_store_db_free(v->db);
	ih_narinfos_free(v->narinfos);
	ih_problems_done(&v->problems);
	if (v->store_fd >= 0)
		(void)close(v->store_fd);
	(void)pthread_cond_destroy(&v->reserve);
	(void)pthread_mutex_destroy(&v->lock);
	free(v->order);
	free(v->files.list);
	free(v);
}

/* "<object>/../../../bin/sh" names another file than the object's. */
static bool leaves(const char *below)
{
	while (*below) {
		size_t len;

		below += strspn(below, "/");
		len = strcspn(below, "/");
		if (len == 2 && below[0] == '.' && below[1] == '.')
			return true;
		below += len;
	}
	return false;
}

static const char *root_of(const struct ih_seal *s)
{
	return ih_seal_string(s, ih_seal_object(s, ih_seal_header(s)->root_object)->name_at);
}

/*
 * A seal is of a whole closure, so that with its root come all of its objects, and no row is asked
 * for. Of another root it may have only a part: see is_frozen_by_seal().
 */
static int add_sealed(struct ih_verify *v, const char *base)
{
	const struct ih_seal *s = v->options.seal;
	uint32_t number;
	int r = 0;

	if (!s || strcmp(root_of(s), base) != 0)
		return 0;
	v->by_seal = true;
	if (v->options.no_references)
		return 0;
	for (size_t i = 0; i < ih_seal_header(s)->n_objects && r >= 0; i++) {
		const char *name = ih_seal_string(s, ih_seal_object(s, i)->name_at);

		r = ih_store_base_is_valid(name, strlen(name))
			    ? ih_closure_add(v->closure, name, strlen(name), &number)
			    : -EBADMSG;
	}
	return r < 0 ? r : 0;
}

int ih_verify_add(struct ih_verify *v, const char *path, struct ih_diag *diag)
{
	size_t dir = strlen(v->options.dir), len;
	uint32_t number;
	const char *base;
	int r;

	base = path + dir + 1;
	if (strncmp(path, v->options.dir, dir) != 0 || path[dir] != '/')
		return ih_fail(diag, -EINVAL, "'%s' is not in the store '%s'", path,
			       v->options.dir);
	len = strcspn(base, "/");
	if (!ih_store_base_is_valid(base, len))
		return ih_fail(diag, -EINVAL, "'%s' is no path of a store object", path);
	if (leaves(base + len))
		return ih_fail(diag, -EINVAL, "'%s' leads out of its store object", path);
	r = ih_closure_add(v->closure, base, len, &number);
	if (r > 0)
		r = add_sealed(v, ih_closure_object(v->closure, number)->base);
	if (r < 0)
		return ih_fail(diag, r, "cannot take '%s' up: %s", path, strerror(-r));
	return 0;
}

static int add_row(void *user, struct ih_store_object *o, const char *path,
		   const struct ih_diag *bad)
{
	struct ih_verify *v = user;
	uint32_t number;
	int r = 0;

	if (o)
		r = ih_closure_add(v->closure, o->base, strlen(o->base), &number);
	else
		ih_problem(&v->problems, IH_PROBLEM_DATABASE, "%s", bad->text);
	ih_store_object_free(o);
	return r < 0 ? r : 0;
}

int ih_verify_add_all(struct ih_verify *v, struct ih_diag *diag)
{
	if (!v->db)
		return ih_fail(diag, -ENOENT, "the objects of the store cannot be listed: %s",
			       v->no_db.text);
	return ih_store_db_each(v->db, add_row, v, diag);
}

static int prepare_hashing(struct ih_verify *v)
{
	int r;

	r = ih_closure_largest_first(v->closure, IH_OBJECT_KNOWN, IH_OBJECT_DONE, &v->order,
				     &v->n_order);
	if (r < 0)
		return r;
	for (size_t i = 0; i < v->n_order; i++) {
		uint64_t size = ih_closure_object(v->closure, v->order[i])->nar_size;

		if (__builtin_add_overflow(v->bytes_total, size, &v->bytes_total))
			v->bytes_total = UINT64_MAX;
	}
	v->next_hash = v->threads;
	return 0;
}

/* What nobody came to look at is a problem, never a pass. */
static void name_unfinished(struct ih_verify *v)
{
	for (size_t i = 0; i < ih_closure_size(v->closure); i++) {
		struct ih_closure_object *o = ih_closure_object(v->closure, i);

		if (o->flags & IH_OBJECT_DONE || o->problems)
			continue;
		ih_verify_problem(
			v, o, IH_PROBLEM_IO, "'%s/%s' was not verified: %s", v->options.dir,
			o->base, v->expired ? "the time limit came first" : "the run was given up");
	}
}

/* Reading and hashing: by a thread a core, and by more for whoever has to wait for the disk. */
static void hash_all(struct ih_verify *v)
{
	size_t all = v->threads;
	int r;

	if (!v->options.threads && all < READERS)
		all = READERS;
	if (v->options.direct && !v->options.threads)
		v->threads = all = DIRECT_THREADS;
	v->cold = v->options.direct; /* which needs no looking for */
	r = prepare_hashing(v);
	if (r < 0)
		return ih_verify_fatal(v, r);
	ih_pool_run(all, ih_verify_hash, v);
}

int ih_verify_run(struct ih_verify *v, struct ih_diag *diag)
{
	if (v->ran)
		return ih_fail(diag, -EALREADY, "a verification runs once");
	v->started_ns = v->last_progress_ns = ih_verify_now_ns();
	v->threads = v->options.threads ? v->options.threads : ih_pool_cores();
	if (v->threads > IH_POOL_MAX)
		v->threads = IH_POOL_MAX;

	ih_pool_run(v->options.no_trust ? 1 : v->threads, ih_verify_find, v);
	if (!v->error && v->options.seal && !v->options.no_contents)
		ih_pool_run(v->threads, ih_verify_sealed, v);
	if (!v->error && !v->options.no_contents)
		hash_all(v);
	name_unfinished(v);
	v->ended_ns = ih_verify_now_ns();
	v->ran = true;
	if (v->error)
		return ih_fail(diag, v->error, "the verification was given up: %s",
			       strerror(-v->error));
	return 0;
}

static unsigned int result_of_kinds(unsigned int kinds)
{
	unsigned int result = 0;

	if (kinds & (IH_PROBLEM_CONTENT | IH_PROBLEM_METADATA))
		result |= IH_VERIFY_CORRUPT;
	if (kinds & IH_PROBLEM_SIGNATURE)
		result |= IH_VERIFY_UNTRUSTED;
	if (kinds & (IH_PROBLEM_DATABASE | IH_PROBLEM_IO))
		result |= IH_VERIFY_OTHER;
	return result;
}

/* Only what was found good passes: that no problem is known is not enough. */
static bool is_verified(const struct ih_verify *v, const struct ih_closure_object *o)
{
	if (!v->ran || v->error || !(o->flags & IH_OBJECT_KNOWN) || !(o->flags & IH_OBJECT_DONE))
		return false;
	if (!v->options.no_trust && !(o->flags & (IH_OBJECT_SIGNED | IH_OBJECT_ADDRESSED)))
		return false;
	if (!v->options.no_contents && !(o->flags & IH_OBJECT_HASHED))
		return false;
	return !o->problems;
}

unsigned int ih_verify_object_result(const struct ih_verify *v, const struct ih_closure_object *o)
{
	unsigned int result = o->problems ? result_of_kinds(o->problems->kinds) : 0;

	if (!is_verified(v, o) && !result)
		result = IH_VERIFY_OTHER;
	return result;
}

unsigned int ih_verify_result(const struct ih_verify *v)
{
	unsigned int result = result_of_kinds(v->problems.kinds);

	if (!v->ran || v->error || !ih_closure_size(v->closure))
		result |= IH_VERIFY_OTHER; /* nothing verified is no pass either */
	for (size_t i = 0; i < ih_closure_size(v->closure); i++)
		result |= ih_verify_object_result(v, ih_closure_object(v->closure, i));
	return result;
}

const struct ih_closure *ih_verify_closure(const struct ih_verify *v)
{
	return v->closure;
}

const struct ih_problems *ih_verify_problems(const struct ih_verify *v)
{
	return &v->problems;
}

const char *ih_verify_note(const struct ih_verify *v)
{
	return v->db ? ih_store_db_note(v->db) : v->no_db.text;
}

uint64_t ih_verify_bytes(const struct ih_verify *v)
{
	return v->bytes;
}

uint64_t ih_verify_elapsed_ns(const struct ih_verify *v)
{
	return v->ended_ns - v->started_ns;
}

const struct ih_verified_file *ih_verify_files(const struct ih_verify *v, size_t *ret_n)
{
	*ret_n = v->files.n;
	return v->files.list;
}

static int by_base(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* An object's line in the digest; its hash is found again by name, since names were sorted. */
static int add_line(const struct ih_verify *v, struct ih_hash *h, const char *base)
{
	struct ih_digest nar = { .algo = IH_HASH_SHA256 };
	char line[PATH_MAX + IH_DIGEST_TEXT_SIZE], text[IH_DIGEST_TEXT_SIZE];
	uint32_t number;
	int n;

	n = ih_closure_add(v->closure, base, strlen(base), &number);
	if (n < 0)
		return n;
	memcpy(nar.bytes, ih_closure_object(v->closure, number)->nar_hash, IH_SHA256_SIZE);
	ih_digest_print(&nar, text);
	n = snprintf(line, sizeof(line), "%s/%s %s\n", v->options.dir, base, text);
	return n < 0 ? -EINVAL : ih_hash_add(h, line, (size_t)n);
}

int ih_verify_digest(const struct ih_verify *v, uint8_t digest[IH_SHA256_SIZE])
{
	_cleanup_(ih_cleanup_hash) struct ih_hash *h = NULL;
	size_t n = ih_closure_size(v->closure);
	_free_ const char **bases = NULL;
	struct ih_digest d;
	int r;

	bases = malloc((n + 1) * sizeof(*bases));
	if (!bases)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		bases[i] = ih_closure_object(v->closure, i)->base;
	qsort(bases, n, sizeof(*bases), by_base);

	r = ih_hash_new(IH_HASH_SHA256, &h);
	for (size_t i = 0; i < n && r == 0; i++)
		r = add_line(v, h, bases[i]);
	if (r == 0)
		r = ih_hash_end(h, &d);
	if (r == 0)
		memcpy(digest, d.bytes, IH_SHA256_SIZE);
	return r;
}
