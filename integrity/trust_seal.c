/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Seals: a file is sealed when a seal that enough distinct trusted keys signed says that it lies at
 * this place with this type, mode, owner and fs-verity digest, and the kernel holds its pages to
 * that digest. No file is read for that. Store objects that are not frozen are read and held to the
 * hash that the seal has of them, and are then verified, not sealed.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/dir.h"
#include "common/text.h"
#include "integrity/hash.h"
#include "integrity/nar.h"
#include "integrity/seal_disk.h"
#include "integrity/trust_priv.h"
#include "integrity/verdicts.h"

#define SEALS_MAX 256

struct one {
	struct ih_seal *seal;
	struct ih_place tree; /* where its tree is now; nothing when it is of store objects */
	bool is_tree;
	const char *signers[IH_EVIDENCE_KEYS_MAX];
	size_t n_signers;
};

struct seals {
	const struct ih_provider *provider;
	const char *dir; /* logical store directory */
	struct ih_place store;
	struct ih_keys keys;
	struct ih_problems faults; /* bad keys; seals that cannot be read or trusted */
	bool loaded;
	struct one *list; /* newest first */
	size_t n;
	struct ih_verdicts verdicts; /* of objects that were read */
};

/* A file on its way to a judgement. */
struct sought {
	struct seals *seals;
	const struct one *one;
	const struct ih_walk *walk;
	size_t base; /* the step that is the tree, or the object in the store */
	size_t object;
	char path[PATH_MAX]; /* below it */
};

static void seals_free(void *state)
{
	struct seals *s = state;

	for (size_t i = 0; i < s->n; i++)
		ih_seal_free(s->list[i].seal);
	free(s->list);
	ih_verdicts_done(&s->verdicts);
	ih_problems_done(&s->faults);
	ih_keys_done(&s->keys);
	free(s);
}

static int seals_open(const struct ih_provider *provider, void **ret)
{
	struct seals *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->provider = provider;
	s->dir = provider->store ? provider->store : "/nix/store";
	r = ih_provider_keys(provider, &s->keys, &s->faults);
	if (r < 0) {
		seals_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

static int add(struct seals *s, const char *path, struct ih_diag *diag)
{
	const struct ih_provider *p = s->provider;
	struct ih_signers signers = { .max = IH_EVIDENCE_KEYS_MAX };
	struct one *one = &s->list[s->n];
	const char *name;
	int r;

	if (s->n == SEALS_MAX)
		return ih_fail(diag, -E2BIG, "more than %d seals: '%s' is left out", SEALS_MAX,
			       path);
	r = ih_seal_read(AT_FDCWD, path, &one->seal, diag);
	if (r < 0)
		return r;
	r = ih_seal_check_trust(one->seal, &s->keys, p->sigs_needed, p->generation_floor, diag);
	if (r < 0) {
		ih_seal_free(TAKE_PTR(one->seal));
		return ih_fail_within(diag, r, "'%s'", path);
	}
	signers.names = one->signers;
	(void)ih_seal_signers(one->seal, &s->keys, &signers);
	one->n_signers = signers.n;
	name = ih_seal_string(one->seal, ih_seal_object(one->seal, 0)->name_at);
	one->is_tree = name[0] == '/';
	if (one->is_tree)
		ih_place_locate(name, &one->tree);
	s->n++;
	return 0;
}

/* What is wrong with one seal is a fault of the provider, and the others count. */
static int add_directory(struct seals *s, const char *path, int fd, struct ih_diag *why)
{
	struct ih_diag diag = { 0 };
	_closedir_ DIR *d = NULL;
	const struct dirent *e;
	int r;

	r = ih_dir_open(fd, &d);
	while (r == 0 && (e = ih_dir_next(d, &r)) != NULL) {
		struct ih_text file = { 0 };

		if (!ih_seal_is_name(e->d_name))
			continue;
		if (ih_text_addf(&file, "%s/%s", path, e->d_name) < 0 ||
		    add(s, file.data, &diag) < 0)
			ih_problem(&s->faults, IH_PROBLEM_SIGNATURE, "%s", diag.text);
		ih_text_done(&file);
	}
	return r < 0 ? ih_fail(why, r, "cannot list '%s': %s", path, strerror(-r)) : 0;
}

static int newest_first(const void *a, const void *b)
{
	const struct one *x = a, *y = b;
	uint64_t m = ih_seal_header(x->seal)->generation, n = ih_seal_header(y->seal)->generation;

	return m < n ? 1 : m > n ? -1 : 0;
}

/* When the first file is asked for: a seal is large, and who only lints a policy needs none. */
static int load(struct seals *s)
{
	const struct ih_provider *p = s->provider;
	struct ih_text path = { 0 };
	struct ih_diag diag = { 0 };

	if (s->loaded)
		return 0;
	s->loaded = true;
	s->list = calloc(SEALS_MAX + 1, sizeof(*s->list));
	if (!s->list)
		return -ENOMEM;
	if (ih_text_addf(&path, "%s%s", p->root ? p->root : "", s->dir) == 0)
		ih_place_locate(path.data, &s->store);
	ih_text_done(&path);
	for (size_t i = 0; i < p->n_seals; i++) {
		int fd = open(p->seals[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if ((fd < 0 ? add(s, p->seals[i], &diag)
			    : add_directory(s, p->seals[i], fd, &diag)) < 0)
			ih_problem(&s->faults, IH_PROBLEM_SIGNATURE, "%s", diag.text);
	}
	qsort(s->list, s->n, sizeof(*s->list), newest_first);
	return 0;
}

static int path_below(struct sought *k)
{
	size_t len = 0;

	k->path[0] = '\0';
	for (size_t i = k->base + 1; i < k->walk->n; i++) {
		int n = snprintf(k->path + len, sizeof(k->path) - len, "%s%s", len ? "/" : "",
				 k->walk->steps[i].name);

		if (n < 0 || (size_t)n >= sizeof(k->path) - len)
			return -ENAMETOOLONG;
		len += (size_t)n;
	}
	return 0;
}

/* The seal that speaks for this file: of a tree the newest, so that an old one brings nothing back.
 */
static bool find(struct sought *k)
{
	struct seals *s = k->seals;
	int store = ih_place_find(&s->store, k->walk);

	for (size_t i = 0; i < s->n; i++) {
		const struct one *one = &s->list[i];
		ssize_t object = -1;
		int base = store + 1;

		if (one->is_tree) {
			base = ih_place_find(&one->tree, k->walk);
			object = 0;
		} else if (store >= 0 && (size_t)base < k->walk->n) {
			object = ih_seal_find_object(one->seal, k->walk->steps[base].name);
		}
		if (base >= 0 && object >= 0) {
			k->one = one;
			k->base = (size_t)base;
			k->object = (size_t)object;
			return path_below(k) == 0;
		}
	}
	return false;
}

/* The directories on the way: what they are called is bound by the entry, this is the rest. */
static void check_way(const struct sought *k, struct ih_problems *problems)
{
	const struct ih_seal *s = k->one->seal;
	char path[PATH_MAX];
	size_t len = 0;

	(void)snprintf(path, sizeof(path), "%s", k->path);
	for (size_t i = k->base; i + 1 < k->walk->n; i++) {
		const struct ih_step *step = &k->walk->steps[i];
		_free_ char *name = ih_walk_name(k->walk, i + 1);
		ssize_t at;

		path[len] = '\0';
		at = ih_seal_find_entry(s, k->object, path);
		if (at < 0)
			ih_problem(problems, IH_PROBLEM_CONTENT,
				   "'%s' was not there when it was sealed", name ? name : "");
		else if (ih_seal_entry(s, (size_t)at)->mode != step->mode ||
			 ih_seal_entry(s, (size_t)at)->uid != step->uid)
			ih_problem(problems, IH_PROBLEM_METADATA,
				   "'%s' has mode %06o and owner %u, sealed were %06o and %u",
				   name ? name : "", step->mode, step->uid,
				   ih_seal_entry(s, (size_t)at)->mode,
				   ih_seal_entry(s, (size_t)at)->uid);
		path[len] = k->path[len];
		len += len ? 1 : 0;
		len += strcspn(k->path + len, "/");
	}
}

struct same {
	const struct ih_step *end;
	bool is_first, differs;
};

/* What is held against the seal is what was walked to, and not what was put there since. */
static void see(void *user, const struct statx *st)
{
	struct same *s = user;

	if (!s->is_first)
		return;
	s->is_first = false;
	s->differs = st->stx_ino != s->end->inode;
}

/* Return: as ih_seal_check(). */
static int hold(const struct sought *k, const char *shown, struct ih_problems *problems)
{
	const struct ih_step *end = ih_walk_end(k->walk);
	struct same same = { .end = end, .is_first = true };
	struct ih_seal_place place = { .name = end->name, .shown = shown };
	ssize_t entry = ih_seal_find_entry(k->one->seal, k->object, k->path);
	int r;

	if (entry < 0) {
		ih_problem(problems, IH_PROBLEM_CONTENT, "'%s' was not there when it was sealed",
			   shown);
		return -EBADMSG;
	}
	if (k->walk->n < 2) /* "/" itself lies in nothing */
		return -EBADMSG;
	place.dirfd = k->walk->steps[k->walk->n - 2].fd;
	r = ih_seal_check_below(k->one->seal, (size_t)entry, &place, see, &same, problems);
	if (r >= 0 && same.differs) {
		ih_problem(problems, IH_PROBLEM_CONTENT, "'%s' was replaced while it was looked at",
			   shown);
		r = -EBADMSG;
	}
	return r;
}

/* Read a store object and hold it to the hash in the seal. */
static void read_object(const struct sought *k, struct ih_verdict *v)
{
	const struct ih_seal_object *o = ih_seal_object(k->one->seal, k->object);
	_free_ char *shown = ih_walk_name(k->walk, k->base + 1);
	struct ih_nar_source source = {
		.dirfd = k->walk->steps[k->base - 1].fd,
		.name = k->walk->steps[k->base].name,
		.shown = shown ? shown : "",
		.metadata = true,
		.owner = k->seals->provider->owner,
	};
	struct ih_digest d;
	uint64_t size;
	int r;

	r = ih_nar_digest(&source, &v->problems, &d, &size);
	if (r < 0 && !v->problems.total)
		ih_problem(&v->problems, IH_PROBLEM_IO, "cannot hash '%s': %s", source.shown,
			   strerror(-r));
	if (r == 0 && (size != o->nar_size || memcmp(d.bytes, o->nar_hash, IH_SHA256_SIZE) != 0))
		ih_problem(&v->problems, IH_PROBLEM_CONTENT,
			   "the content of '%s' was changed since it was sealed", source.shown);
	v->trust = v->problems.total ? IH_TRUST_UNTRUSTED : IH_TRUST_VERIFIED;
}

static int judge_by_reading(struct sought *k, struct ih_judgement *ret)
{
	const struct ih_step *top = &k->walk->steps[k->base];
	struct ih_verdict *v = ih_verdicts_find(&k->seals->verdicts, top->name);

	if (!v || !ih_verdict_is_current(v, top, ih_walk_end(k->walk))) {
		v = ih_verdicts_renew(&k->seals->verdicts, top->name);
		if (!v)
			return -ENOMEM;
		ih_verdict_begin(v, top);
		read_object(k, v);
	}
	ret->trust = v->trust;
	ih_problems_append(&ret->problems, &v->problems);
	return 0;
}

static int explain(const struct sought *k, const char *shown, struct ih_judgement *ret)
{
	struct ih_text t = { 0 };

	(void)ih_text_addf(&t, "'%s' is what ", shown);
	for (size_t i = 0; i < k->one->n_signers; i++)
		(void)ih_text_addf(&t, "%s'%s'", i ? ", " : "", k->one->signers[i]);
	(void)ih_text_addf(&t, " sealed, generation %llu%s",
			   (unsigned long long)ih_seal_header(k->one->seal)->generation,
			   ret->trust == IH_TRUST_SEALED
				   ? ""
				   : "; its object is not all frozen, and was read");
	if (t.oom) {
		ih_text_done(&t);
		return -ENOMEM;
	}
	ret->reason = t.data;
	return 0;
}

static int take_signers(const struct one *one, struct ih_judgement *ret)
{
	for (size_t i = 0; i < one->n_signers; i++) {
		ret->signers[i] = strdup(one->signers[i]);
		if (!ret->signers[i])
			return -ENOMEM;
		ret->n_signers++;
	}
	return 0;
}

static int judge_sought(struct sought *k, struct ih_judgement *ret)
{
	const struct ih_seal_object *o = ih_seal_object(k->one->seal, k->object);
	_free_ char *shown = ih_walk_name(k->walk, k->walk->n);
	int r = 1;

	ret->object = k->one->is_tree ? ih_walk_name(k->walk, k->base + 1) : NULL;
	if (!k->one->is_tree &&
	    asprintf(&ret->object, "%s/%s", k->seals->dir, k->walk->steps[k->base].name) < 0)
		ret->object = NULL;
	if (!shown || !ret->object)
		return -ENOMEM;
	ih_walk_find_mounts(k->walk, k->base, "seal's", &ret->problems);
	if (!(o->flags & IH_SEAL_OBJECT_FULL)) {
		check_way(k, &ret->problems);
		r = hold(k, shown, &ret->problems);
	}
	ret->trust = r == 0 && !ret->problems.total ? IH_TRUST_SEALED : IH_TRUST_UNTRUSTED;
	if (r == 1 && !ret->problems.total && o->nar_size) {
		r = judge_by_reading(k, ret);
		if (r < 0)
			return r;
	} else if (r == 1) {
		ih_problem(&ret->problems, IH_PROBLEM_CONTENT,
			   "'%s' is not frozen by fs-verity any more", shown);
	}
	if (ret->problems.total || ret->trust < IH_TRUST_VERIFIED) {
		ret->trust = IH_TRUST_UNTRUSTED;
		return 0;
	}
	r = take_signers(k->one, ret);
	return r < 0 ? r : explain(k, shown, ret);
}

/* No seal speaks for the file. Silence would hide why, where a seal might have. */
static void judge_unsealed(struct seals *s, const struct ih_walk *w, struct ih_judgement *ret)
{
	_free_ char *shown = ih_walk_name(w, w->n);

	if (ih_place_find(&s->store, w) < 0 && !s->faults.total)
		return;
	ret->mine = true;
	ret->trust = IH_TRUST_UNTRUSTED;
	ih_problem(&ret->problems, IH_PROBLEM_SIGNATURE, "no seal that is trusted has '%s'",
		   shown ? shown : "");
	ih_problems_append(&ret->problems, &s->faults);
}

static int seals_judge(void *state, const struct ih_walk *w, struct ih_judgement *ret)
{
	struct sought *k = calloc(1, sizeof(*k));
	struct seals *s = state;
	int r;

	if (!k)
		return -ENOMEM;
	k->seals = s;
	k->walk = w;
	r = load(s);
	if (r == 0 && find(k)) {
		ret->mine = true;
		r = judge_sought(k, ret);
	} else if (r == 0) {
		judge_unsealed(s, w, ret);
	}
	free(k);
	return r;
}

const struct ih_trust_ops ih_trust_seal = { seals_open, seals_judge, seals_free };
