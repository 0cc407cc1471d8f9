/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The phase between: objects that are in a seal are held against it. Those that fit are done and no
 * data was read; those that are not frozen stay for the last phase, which reads them.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "integrity/seal_disk.h"
#include "integrity/verify_priv.h"

struct job {
	struct ih_verify *v;
	struct ih_closure_object *object;
	uint32_t number;
	struct ih_verify_files files;
};

static void seen(void *user, const struct statx *st)
{
	struct job *j = user;

	ih_verify_remember_object(j->object, st);
	ih_verify_remember(j->v, &j->files, j->number, st);
}

static void check(struct job *j, size_t sealed)
{
	struct ih_verify *v = j->v;
	struct ih_problems problems = { 0 }, *kept;
	char path[PATH_MAX];
	struct ih_seal_place place = { v->store_fd, j->object->base, path };
	size_t before = j->files.n;
	int r;

	(void)snprintf(path, sizeof(path), "%s/%s", v->options.dir, j->object->base);
	r = ih_seal_check(v->options.seal, sealed, &place, seen, j, &problems);
	if (r == 0)
		j->object->flags |= IH_OBJECT_HASHED | IH_OBJECT_DONE;
	else
		j->files.n = before; /* seen again when it is read, or not good */
	if (r < 0) {
		j->object->flags |= IH_OBJECT_DONE;
		kept = ih_closure_problems(j->object);
		if (kept)
			ih_problems_append(kept, &problems);
		else
			ih_verify_fatal(v, -ENOMEM);
	}
	ih_problems_done(&problems);
}

void ih_verify_sealed(void *shared, size_t thread)
{
	struct ih_verify *v = shared;
	struct job j = { .v = v };
	size_t n = ih_closure_size(v->closure);

	while (!ih_verify_is_over(v)) {
		size_t at = __atomic_fetch_add(&v->next_sealed, 1, __ATOMIC_RELAXED);
		ssize_t sealed;

		if (at >= n)
			break;
		j.object = ih_closure_object(v->closure, at);
		j.number = (uint32_t)at;
		if (!(j.object->flags & IH_OBJECT_SEALED))
			continue;
		sealed = ih_seal_find_object(v->options.seal, j.object->base);
		if (sealed < 0 ||
		    ih_seal_object(v->options.seal, (size_t)sealed)->flags & IH_SEAL_OBJECT_FULL)
			continue;
		check(&j, (size_t)sealed);
	}
	ih_verify_hand_over(v, &j.files);
}
