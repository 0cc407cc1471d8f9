/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The first phase: follow references, look rows up, check signatures. The look-up is under a lock,
 * the check, which costs about ten times as much, is not: so all cores check while the closure
 * grows, and nothing but the closure is kept of a row.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "integrity/content_address.h"
#include "integrity/verify_priv.h"

#define KEYS_SHOWN 8

struct found {
	struct ih_closure_object *object;
	struct ih_store_object *row;
	char path[PATH_MAX];
};

static int look_up(struct ih_verify *v, struct found *f, struct ih_diag *diag)
{
	int r;

	if (v->db)
		r = ih_store_db_object(v->db, f->path, &f->row, diag);
	else
		r = ih_fail(diag, -ENOENT, "'%s' cannot be looked up: %s", f->path, v->no_db.text);
	if (r == -ENOENT && v->narinfos) {
		r = ih_narinfos_find(v->narinfos, v->options.dir, f->object->base, &f->row, diag);
		if (r == 0)
			f->object->flags |= IH_OBJECT_NARINFO;
	}
	if (r == -ENOENT && v->db)
		return ih_fail(diag, r, "'%s' is not in the database", f->path);
	return r;
}

/* What the seal says of an object was signed with it: nothing else is needed. */
static bool find_sealed(struct ih_verify *v, struct ih_closure_object *o)
{
	const struct ih_seal_object *sealed;
	ssize_t at;

	if (!v->by_seal)
		return false;
	at = ih_seal_find_object(v->options.seal, o->base);
	if (at < 0)
		return false;
	sealed = ih_seal_object(v->options.seal, (size_t)at);
	memcpy(o->nar_hash, sealed->nar_hash, sizeof(o->nar_hash));
	o->nar_size = sealed->nar_size;
	o->flags |= IH_OBJECT_KNOWN | IH_OBJECT_SIGNED | IH_OBJECT_SEALED;
	return true;
}

/*
 * The seal of another root (an older generation, mostly) still says what lies on the disk for the
 * objects that both have: the row's signed hash is the hash that was sealed.
 */
static bool is_frozen_by_seal(const struct ih_verify *v, const struct ih_closure_object *o)
{
	const struct ih_seal_object *sealed;
	ssize_t at;

	if (!v->options.seal)
		return false;
	at = ih_seal_find_object(v->options.seal, o->base);
	if (at < 0)
		return false;
	sealed = ih_seal_object(v->options.seal, (size_t)at);
	return sealed->nar_size && sealed->nar_size == o->nar_size &&
	       memcmp(sealed->nar_hash, o->nar_hash, sizeof(o->nar_hash)) == 0;
}

static int add_references(struct ih_verify *v, const struct ih_store_object *row)
{
	size_t skip = strlen(v->options.dir) + 1;

	if (v->options.no_references)
		return 0;
	for (size_t i = 0; i < row->n_refs; i++) {
		const char *base = row->refs[i] + skip;
		uint32_t number;
		int r;

		r = ih_closure_add(v->closure, base, strlen(base), &number);
		if (r < 0)
			return r;
	}
	return 0;
}

/* With the lock held. Return: 1 with the next object, 0 when there is none. */
static int find_next(struct ih_verify *v, struct found *f)
{
	struct ih_diag diag = { 0 };
	int r;

	*f = (struct found){ 0 };
	if (v->next_find >= ih_closure_size(v->closure) || ih_verify_is_over(v))
		return 0;
	f->object = ih_closure_object(v->closure, v->next_find++);
	(void)snprintf(f->path, sizeof(f->path), "%s/%s", v->options.dir, f->object->base);
	if (find_sealed(v, f->object))
		return 1;

	r = look_up(v, f, &diag);
	if (r < 0) {
		ih_verify_problem(v, f->object, IH_PROBLEM_DATABASE, "%s", diag.text);
		return r == -ENOMEM ? r : 1;
	}
	memcpy(f->object->nar_hash, f->row->nar_hash.bytes, sizeof(f->object->nar_hash));
	f->object->nar_size = f->row->nar_size;
	f->object->flags |= IH_OBJECT_KNOWN;
	if (is_frozen_by_seal(v, f->object))
		f->object->flags |= IH_OBJECT_SEALED;
	r = add_references(v, f->row);
	if (r == -E2BIG)
		ih_verify_problem(v, f->object, IH_PROBLEM_DATABASE,
				  "'%s' leads to more than %d objects", f->path, IH_CLOSURE_MAX);
	return r == -ENOMEM ? r : 1;
}

static void remember_signers(const struct ih_verify *v, struct ih_closure_object *o,
			     const struct ih_signers *signers)
{
	const struct ih_keys *keys = v->options.keys;

	for (size_t s = 0; s < signers->n; s++)
		for (size_t k = 0; k < keys->n && k < 64; k++)
			if (signers->names[s] == keys->list[k].name)
				o->signers |= UINT64_C(1) << k;
}

static void complain_of_signatures(struct ih_verify *v, const struct found *f,
				   const struct ih_signers *s)
{
	unsigned int needed = v->options.sigs_needed;

	if (s->bad)
		ih_verify_problem(
			v, f->object, IH_PROBLEM_SIGNATURE,
			"'%s' has %zu of %u signatures by distinct trusted keys; %zu under a "
			"trusted name do not fit its hash, size and references",
			f->path, s->distinct, needed, s->bad);
	else if (s->unknown)
		ih_verify_problem(
			v, f->object, IH_PROBLEM_SIGNATURE,
			"'%s' has %zu of %u signatures by distinct trusted keys; %zu are by "
			"keys that are not trusted",
			f->path, s->distinct, needed, s->unknown);
	else
		ih_verify_problem(v, f->object, IH_PROBLEM_SIGNATURE,
				  "'%s' has %zu of %u signatures by distinct trusted keys", f->path,
				  s->distinct, needed);
}

/* The claim is held against the content here, so that it counts also without the second phase. */
static void check_claim(struct ih_verify *v, const struct found *f, const struct ih_signers *s)
{
	struct ih_nar_source source = { .dirfd = v->store_fd,
					.name = f->object->base,
					.shown = f->path };
	struct ih_diag diag = { 0 };
	int r;

	r = ih_ca_check(v->options.dir, &source, f->row, &diag);
	if (r == 0) {
		f->object->flags |= IH_OBJECT_ADDRESSED;
		return;
	}
	complain_of_signatures(v, f, s);
	if (r == -EBADMSG)
		ih_verify_problem(v, f->object, IH_PROBLEM_CONTENT, "%s", diag.text);
	else
		ih_verify_problem(v, f->object, IH_PROBLEM_IO, "%s", diag.text);
}

static void check_row(struct ih_verify *v, const struct found *f)
{
	const char *names[KEYS_SHOWN];
	struct ih_signers signers = { .names = names, .max = KEYS_SHOWN };
	struct ih_text fingerprint = { 0 };
	int r;

	r = ih_store_fingerprint(f->row, &fingerprint);
	if (r == 0)
		r = ih_signatures_check(v->options.keys, f->row->signatures, fingerprint.data,
					fingerprint.len, &signers);
	ih_text_done(&fingerprint);
	if (r == -ENOMEM || r == -EIO)
		return ih_verify_fatal(v, r);
	remember_signers(v, f->object, &signers);
	if (signers.distinct >= v->options.sigs_needed)
		f->object->flags |= IH_OBJECT_SIGNED;
	else if (f->row->ca && v->options.accept_content_addressed)
		check_claim(v, f, &signers);
	else
		complain_of_signatures(v, f, &signers);
}

void ih_verify_find(void *shared, size_t thread)
{
	struct ih_verify *v = shared;
	struct found f;
	int r;

	for (;;) {
		(void)pthread_mutex_lock(&v->lock);
		r = find_next(v, &f);
		if (r < 0)
			ih_verify_fatal(v, r);
		(void)pthread_mutex_unlock(&v->lock);
		if (r <= 0)
			break;
		if (f.row && !v->options.no_trust)
			check_row(v, &f);
		if (v->options.no_contents)
			f.object->flags |= IH_OBJECT_DONE;
		ih_store_object_free(f.row);
		if (thread == 0)
			ih_verify_tell(v, true);
	}
}
