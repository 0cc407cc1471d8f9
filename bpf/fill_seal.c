/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Seals: their lists say where to look, and integrity/trust says of each file that is found whether
 * it is what was sealed. A seal that cannot be trusted so leads to files that are not vouched for.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "bpf/fill_priv.h"
#include "common/cleanup.h"
#include "common/dir.h"
#include "common/text.h"
#include "integrity/seal.h"

struct ask {
	struct ih_fill *fill;
	struct ih_trust *trust;
	const char *name; /* of the object or tree itself */
	uint64_t owner;
	unsigned int depth, bad;
	struct ih_diag first;
};

static void walk(struct ask *a, int dir);

static void ask_about(struct ask *a, int fd, const char *name)
{
	struct ih_evidence e;

	if (ih_trust_fd(a->trust, fd, &e) == 0 && e.trust >= IH_TRUST_OWNED)
		(void)ih_fill_put(a->fill, fd, name, e.trust, a->owner);
	else if (!a->bad++)
		(void)ih_fail(&a->first, 0, "%s", e.reason ? e.reason : "it cannot be looked at");
	ih_evidence_done(&e);
}

/* Takes the descriptor. */
static void visit(struct ask *a, int fd, const char *name)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && a->depth < IH_FILL_DEPTH_MAX) {
		a->depth++;
		walk(a, fd);
		a->depth--;
		return;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		ask_about(a, fd, name);
	(void)close(fd);
}

/* Takes the descriptor. */
static void walk(struct ask *a, int dir)
{
	const struct dirent *entry;
	_closedir_ DIR *d = NULL;
	int r;

	r = ih_dir_open(dir, &d);
	while (r == 0 && (!a->fill->stop || !*a->fill->stop) &&
	       (entry = ih_dir_next(d, &r)) != NULL) {
		int fd;

		fd = openat(dirfd(d), entry->d_name,
			    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd >= 0)
			visit(a, fd, entry->d_name);
	}
}

static void take_object(struct ask *a, const struct ih_provider *p, const char *name)
{
	const char *store = p->store ? p->store : "/nix/store";
	struct ih_text path = { 0 }, logical = { 0 };
	const char *dash = strchr(name, '-');
	int fd = -EBADF;

	if (name[0] == '/')
		(void)ih_text_addf(&path, "%s", name);
	else
		(void)ih_text_addf(&path, "%s%s/%s", p->root ? p->root : "", store, name);
	(void)ih_text_addf(&logical, "%s%s%s", name[0] == '/' ? "" : store,
			   name[0] == '/' ? "" : "/", name);
	a->owner = ih_catalog_owner(ih_text_get(&logical));
	a->bad = 0;
	if (!path.oom && !logical.oom)
		fd = open(path.data, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0)
		visit(a, fd, name[0] != '/' && dash ? dash + 1 : name);
	a->fill->objects += fd >= 0;
	if (a->bad) {
		a->fill->bad++;
		ih_fill_note(a->fill, "%u files of '%s' are not vouched for: %s", a->bad,
			     ih_text_get(&path), a->first.text);
	}
	ih_text_done(&path);
	ih_text_done(&logical);
}

static void take_seal(struct ask *a, const struct ih_provider *p, const char *path)
{
	_cleanup_(ih_cleanup_seal) struct ih_seal *seal = NULL;
	struct ih_diag diag;

	if (ih_seal_read(AT_FDCWD, path, &seal, &diag) < 0) {
		ih_fill_note(a->fill, "%s", diag.text);
		return;
	}
	for (size_t i = 0; i < ih_seal_header(seal)->n_objects; i++)
		take_object(a, p, ih_seal_string(seal, ih_seal_object(seal, i)->name_at));
}

int ih_fill_seals(struct ih_fill *f, struct ih_trust *trust, const struct ih_provider *p)
{
	struct ask a = { .fill = f, .trust = trust };

	for (size_t i = 0; i < p->n_seals; i++) {
		const struct dirent *entry;
		_closedir_ DIR *d = NULL;
		int r;

		r = ih_dir_openat(AT_FDCWD, p->seals[i], 0, &d);
		if (r < 0)
			take_seal(&a, p, p->seals[i]);
		while (r == 0 && (entry = ih_dir_next(d, &r)) != NULL) {
			struct ih_text path = { 0 };

			if (ih_seal_is_name(entry->d_name) &&
			    ih_text_addf(&path, "%s/%s", p->seals[i], entry->d_name) == 0)
				take_seal(&a, p, path.data);
			ih_text_done(&path);
		}
	}
	return 0;
}
