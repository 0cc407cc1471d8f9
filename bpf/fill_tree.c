/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trees that only root can write. The tree's own place is judged by integrity/trust; below it each
 * directory and file is held against the same question by its descriptor: could others write it?
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpf/fill_priv.h"
#include "common/cleanup.h"
#include "common/dir.h"

struct walk {
	struct ih_fill *fill;
	struct ih_trust *trust;
	uint64_t owner;
	unsigned int depth;
};

static bool is_roots(const struct statx *st)
{
	return st->stx_uid == 0 && !(st->stx_mode & 0022);
}

/* Something else may be mounted here: integrity/trust knows what it is. */
static bool is_in_place(struct walk *w, int fd, const struct statx *st)
{
	struct ih_evidence evidence;
	bool is;

	if (!(st->stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return true;
	is = ih_trust_fd(w->trust, fd, &evidence) == 0 && evidence.trust >= IH_TRUST_OWNED;
	if (!is)
		ih_fill_note(w->fill, "what is mounted in a tree is not vouched for: %s",
			     evidence.reason ? evidence.reason : "it cannot be looked at");
	ih_evidence_done(&evidence);
	return is;
}

static void walk(struct walk *w, int dir);

/* Takes the descriptor. A directory that others can write is not gone into: what lies in it could
 * be replaced. What cannot be opened is not vouched for, and nothing else comes of it. */
static void visit(struct walk *w, int fd, const char *name)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) < 0 || !is_roots(&st) ||
	    !is_in_place(w, fd, &st)) {
		(void)close(fd);
		return;
	}
	if (S_ISDIR(st.stx_mode) && w->depth < IH_FILL_DEPTH_MAX) {
		w->depth++;
		walk(w, fd);
		w->depth--;
		return;
	}
	if (S_ISREG(st.stx_mode))
		(void)ih_fill_put(w->fill, fd, name, IH_TRUST_OWNED, w->owner);
	(void)close(fd);
}

/* Takes the descriptor. */
static void walk(struct walk *w, int dir)
{
	const struct dirent *entry;
	_closedir_ DIR *d = NULL;
	int r;

	r = ih_dir_open(dir, &d);
	while (r == 0 && (!w->fill->stop || !*w->fill->stop) &&
	       (entry = ih_dir_next(d, &r)) != NULL) {
		int fd;

		if (entry->d_type != DT_DIR && entry->d_type != DT_REG &&
		    entry->d_type != DT_UNKNOWN)
			continue;
		fd = openat(dirfd(d), entry->d_name,
			    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd >= 0)
			visit(w, fd, entry->d_name);
	}
}

int ih_fill_tree(struct ih_fill *f, struct ih_trust *trust, const char *tree)
{
	struct walk w = { .fill = f, .trust = trust, .owner = ih_catalog_owner(tree) };
	struct ih_evidence evidence;
	int fd = -EBADF, r;

	r = ih_trust_path(trust, AT_FDCWD, tree, &fd, &evidence);
	if (r == 0 && evidence.trust >= IH_TRUST_OWNED) {
		const char *slash = evidence.path ? strrchr(evidence.path, '/') : NULL;

		visit(&w, TAKE_FD(fd), slash ? slash + 1 : tree);
	} else if (r == 0) {
		ih_fill_note(f, "nothing in '%s' is vouched for: %s", tree, evidence.reason);
	}
	if (fd >= 0)
		(void)close(fd);
	ih_evidence_done(&evidence);
	return r == -ENOMEM ? r : 0;
}
