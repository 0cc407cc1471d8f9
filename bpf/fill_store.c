/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nix stores: what is good is found by integrity/verify, or was found by stage 2 and still has the
 * change time that it had then. Files are then opened once more for the kernel's side; one that
 * changed in between is left out.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "bpf/fill_priv.h"
#include "common/cleanup.h"
#include "common/text.h"
#include "integrity/nix_conf.h"
#include "integrity/tree_walk.h"
#include "integrity/verified_set.h"
#include "integrity/verify.h"

/* What was found good, by either way. */
struct good {
	struct ih_fill *fill;
	const struct ih_verified_set *set;
	struct ih_verified_file *files; /* sorted */
	size_t n;
	const char *base; /* the object that is walked */
	uint64_t owner;
	enum ih_trust_class trust;
};

static const char *store_dir(const struct ih_provider *p)
{
	return p->store ? p->store : "/nix/store";
}

static int open_store(const struct ih_provider *p)
{
	struct ih_text path = { 0 };
	int fd;

	if (ih_text_addf(&path, "%s%s", p->root ? p->root : "", store_dir(p)) < 0)
		return -ENOMEM;
	fd = open(path.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = fd < 0 ? -errno : fd;
	ih_text_done(&path);
	return fd;
}

static int compare(const void *a, const void *b)
{
	const struct ih_verified_file *x = a, *y = b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

static bool holds(const struct good *g, const struct statx *st)
{
	struct ih_verified_file want = {
		.inode = st->stx_ino, .device = ih_gate_device(st->stx_dev_major, st->stx_dev_minor)
	};
	const struct ih_verified_file *found;

	if (g->set)
		return ih_verified_set_holds(g->set, st);
	found = bsearch(&want, g->files, g->n, sizeof(want), compare);
	return found &&
	       found->ctime_ns == st->stx_ctime.tv_sec * 1000000000LL + st->stx_ctime.tv_nsec;
}

/* Of the object itself the name is what follows "<hash>-". */
static const char *name_of(const struct good *g, const char *path)
{
	const char *slash = strrchr(path, '/'), *dash;

	if (slash)
		return slash + 1;
	if (*path)
		return path;
	dash = strchr(g->base, '-');
	return dash ? dash + 1 : g->base;
}

static int visit(void *user, const struct ih_tree_node *node)
{
	struct good *g = user;

	if (g->fill->stop && *g->fill->stop)
		return -ECANCELED;
	if (!S_ISREG(node->st.stx_mode) || !holds(g, &node->st))
		return 0;
	(void)ih_fill_put(g->fill, node->fd, name_of(g, node->path), g->trust, g->owner);
	return 0;
}

static void take_object(struct good *g, const struct ih_provider *p, int store, const char *base)
{
	struct ih_text path = { 0 };
	struct ih_diag diag;
	int r;

	if (ih_text_addf(&path, "%s/%s", store_dir(p), base) < 0)
		return;
	g->base = base;
	g->owner = ih_catalog_owner(path.data);
	r = ih_tree_walk(store, base, path.data, visit, g, &diag);
	if (r < 0 && r != -ECANCELED)
		ih_fill_note(g->fill, "not all of '%s' is vouched for: %s", path.data, diag.text);
	g->fill->objects++;
	ih_text_done(&path);
}

/* Return: 0 when the set is there and was used. */
static int take_set(struct ih_fill *f, const struct ih_provider *p, int store)
{
	_cleanup_(ih_cleanup_verified_set) struct ih_verified_set *set = NULL;
	struct good g = { .fill = f };
	struct ih_diag diag;
	int r;

	if (!f->use_verified || access(IH_FILL_VERIFIED, F_OK) < 0)
		return -ENOENT;
	r = ih_verified_set_read(IH_FILL_VERIFIED, &set, &diag);
	if (r < 0) {
		ih_fill_note(f, "what stage 2 verified cannot be used, all is verified again: %s",
			     diag.text);
		return r;
	}
	if (ih_verified_set_header(set)->sigs_needed < p->sigs_needed) {
		ih_fill_note(f, "stage 2 asked for fewer signatures than the policy does: all is "
				"verified again");
		return -EKEYREJECTED;
	}
	g.set = set;
	for (size_t i = 0; i < ih_verified_set_header(set)->n_objects; i++) {
		g.trust = (enum ih_trust_class)ih_verified_set_object(set, i)->trust;
		take_object(&g, p, store, ih_verified_set_object_name(set, i));
	}
	return 0;
}

static int read_keys(const struct ih_fill *f, const struct ih_provider *p, struct ih_keys *keys)
{
	struct ih_diag diag;

	for (size_t i = 0; i < p->n_keys; i++) {
		int r = ih_keys_add_list(keys, p->keys[i], &diag);

		if (r == -ENOMEM)
			return r;
		if (r < 0)
			ih_fill_note(f, "%s", diag.text);
	}
	if (p->keys_from && ih_keys_from(p->keys_from, keys, &diag) < 0)
		ih_fill_note(f, "%s", diag.text);
	return 0;
}

/* "/run/current-system" → "/nix/store/…"; nothing when it leads into no store. */
static void add_root(const struct ih_provider *p, struct ih_verify *v, const char *name)
{
	const char *root = p->root ? p->root : "";
	struct ih_text path = { 0 };
	struct ih_diag diag;
	char *real;

	if (ih_text_addf(&path, "%s%s", root, name) < 0)
		return;
	real = realpath(path.data, NULL);
	if (real && strncmp(real, root, strlen(root)) == 0)
		(void)ih_verify_add(v, real + strlen(root), &diag);
	free(real);
	ih_text_done(&path);
}

static void note_bad(struct ih_fill *f, const struct ih_verify *v)
{
	const struct ih_closure *c = ih_verify_closure(v);

	for (size_t i = 0; i < ih_closure_size(c); i++) {
		const struct ih_closure_object *o = ih_closure_object(c, i);

		if (ih_verify_object_result(v, o) == 0)
			continue;
		f->bad++;
		ih_fill_note(f, "not vouched for: %s",
			     o->problems && o->problems->n ? o->problems->list[0] : o->base);
	}
}

static int take_verified(struct ih_fill *f, const struct ih_provider *p, int store,
			 const struct ih_verify *v)
{
	const struct ih_closure *c = ih_verify_closure(v);
	const struct ih_verified_file *files;
	struct good g = { .fill = f };

	files = ih_verify_files(v, &g.n);
	g.files = calloc(g.n + 1, sizeof(*files));
	if (!g.files)
		return -ENOMEM;
	if (g.n)
		memcpy(g.files, files, g.n * sizeof(*files));
	qsort(g.files, g.n, sizeof(*files), compare);
	for (size_t i = 0; i < ih_closure_size(c); i++) {
		const struct ih_closure_object *o = ih_closure_object(c, i);

		g.trust = o->flags & IH_OBJECT_SEALED ? IH_TRUST_SEALED : IH_TRUST_VERIFIED;
		if (ih_verify_object_result(v, o) == 0)
			take_object(&g, p, store, o->base);
	}
	free(g.files);
	return 0;
}

static struct ih_verify_options options_of(const struct ih_provider *p, const struct ih_keys *keys,
					   const char *database)
{
	return (struct ih_verify_options){
		.root = p->root ? p->root : "",
		.dir = store_dir(p),
		.database = database,
		.keys = keys,
		.sigs_needed = p->sigs_needed,
		.accept_content_addressed = p->accept_content_addressed,
		.want_files = true,
		.owner = p->owner,
	};
}

/* @object: one object's closure, NULL for the roots. */
static int verify(struct ih_fill *f, const struct ih_provider *p, const char *object,
		  uint64_t deadline_ns, struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_verify) struct ih_verify *v = NULL;
	struct ih_text database = { 0 };
	struct ih_verify_options options;
	struct ih_keys keys = { 0 };
	_close_ int store = open_store(p);
	int r = store < 0 ? store : read_keys(f, p, &keys);

	if (r == 0 && p->database)
		r = ih_text_addf(&database, "%s%s", p->root ? p->root : "", p->database);
	options = options_of(p, &keys, database.data);
	options.deadline_ns = deadline_ns;
	if (r == 0)
		r = ih_verify_new(&options, &v, diag);
	if (r == 0 && object)
		r = ih_verify_add(v, object, diag);
	else if (r == 0 && f->all)
		r = ih_verify_add_all(v, diag);
	for (size_t i = 0; i < f->n_roots && r == 0 && !object; i++)
		add_root(p, v, f->roots[i]);
	if (r == 0)
		r = ih_verify_run(v, diag);
	if (r == 0)
		r = take_verified(f, p, store, v);
	if (r == 0)
		note_bad(f, v);
	if (r == 0 && object &&
	    ih_verify_object_result(v, ih_closure_object(ih_verify_closure(v), 0)))
		r = ih_fail(diag, -EACCES, "'%s' is not what was signed", object);
	ih_verify_free(TAKE_PTR(v));
	ih_text_done(&database);
	ih_keys_done(&keys);
	return r;
}

int ih_fill_store(struct ih_fill *f, const struct ih_provider *p)
{
	_close_ int store = open_store(p);
	struct ih_diag diag = { 0 };
	int r;

	if (store < 0)
		return 0; /* the profiles list a store that most machines have not */
	if (take_set(f, p, store) == 0)
		return 0;
	if (!f->n_roots && !f->all)
		return 0;
	r = verify(f, p, NULL, 0, &diag);
	if (r < 0)
		ih_fill_note(f, "the store '%s' is not vouched for: %s", store_dir(p), diag.text);
	return r == -ENOMEM ? r : 0;
}

int ih_fill_object(struct ih_fill *f, const char *object, uint64_t deadline_ns,
		   struct ih_diag *diag)
{
	int r = -ENOENT;

	for (size_t i = 0; i < f->n_providers && r != 0; i++) {
		const struct ih_provider *p = &f->providers[i];
		size_t len = strlen(store_dir(p));

		if (p->kind == IH_PROVIDER_NIX && strncmp(object, store_dir(p), len) == 0 &&
		    object[len] == '/')
			r = verify(f, p, object, deadline_ns, diag);
	}
	return r == -ENOENT
		       ? ih_fail(diag, r, "'%s' lies in no store that the policy names", object)
		       : r;
}
