/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The walk. */
#include "integrity/tree_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/text.h"

#define ENTRIES_MAX 1000000
#define MASK	    (STATX_BASIC_STATS | STATX_MNT_ID)

struct walk {
	const char *shown;
	int (*visit)(void *user, const struct ih_tree_node *node);
	void *user;
	struct ih_diag *diag;
	struct ih_text path;
	uint64_t mount;
	unsigned int depth;
};

static int fail(struct walk *w, int error, const char *what)
{
	return ih_fail(w->diag, error, "cannot %s '%s%s%s': %s", what, w->shown,
		       w->path.len ? "/" : "", ih_text_get(&w->path), strerror(-error));
}

/* A name, and what the directory claims that it is: DT_UNKNOWN or one of its kind. */
struct name {
	char *text;
	unsigned char type;
};

static int visit_node(struct walk *w, int dirfd, const struct name *name);

static int by_bytes(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return strcmp(x->text, y->text);
}

static void free_names(struct name *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i].text);
	free(names);
}

static int add_name(struct name **names, size_t *n, size_t *size, const struct dirent *e)
{
	if (*n == *size) {
		size_t more = *size ? *size * 2 : 32;
		struct name *grown = realloc(*names, more * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		*names = grown;
		*size = more;
	}
	(*names)[*n] = (struct name){ strdup(e->d_name), e->d_type };
	return (*names)[*n].text ? (void)(*n)++, 0 : -ENOMEM;
}

static int read_names(DIR *d, struct name **ret, size_t *ret_n)
{
	struct name *names = NULL;
	size_t n = 0, size = 0;
	struct dirent *e;
	int r = 0;

	while (r == 0 && (errno = 0, e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		r = n < ENTRIES_MAX ? add_name(&names, &n, &size, e) : -E2BIG;
	}
	if (r == 0 && errno)
		r = -errno;
	if (r < 0) {
		free_names(names, n);
		return r;
	}
	if (n)
		qsort(names, n, sizeof(*names), by_bytes);
	*ret = names;
	*ret_n = n;
	return 0;
}

/* Takes @fd over. */
static int visit_entries(struct walk *w, int fd)
{
	size_t n = 0, len = w->path.len;
	struct name *names = NULL;
	DIR *d;
	int r;

	d = fdopendir(fd);
	if (!d) {
		(void)close(fd);
		return fail(w, -errno, "list");
	}
	r = w->depth < IH_TREE_DEPTH_MAX ? read_names(d, &names, &n) : -ELOOP;
	if (r < 0)
		r = fail(w, r, "list");
	w->depth++;
	for (size_t i = 0; i < n && r == 0; i++) {
		r = ih_text_addf(&w->path, "%s%s", len ? "/" : "", names[i].text);
		if (r == 0)
			r = visit_node(w, dirfd(d), &names[i]);
		w->path.len = len;
		if (w->path.data)
			w->path.data[len] = '\0';
	}
	w->depth--;
	free_names(names, n);
	(void)closedir(d);
	return r;
}

static int visit_link(struct walk *w, int dirfd, const char *name, struct ih_tree_node *node)
{
	char target[PATH_MAX];
	ssize_t len;

	len = readlinkat(dirfd, name, target, sizeof(target) - 1);
	if (len < 0)
		return fail(w, -errno, "read the link");
	target[len] = '\0';
	node->target = target;
	return w->visit(w->user, node);
}

static int open_it(struct walk *w, int dirfd, const char *name, struct ih_tree_node *node)
{
	node->fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (node->fd < 0)
		return fail(w, -errno, "open");
	if (statx(node->fd, "", AT_EMPTY_PATH, MASK, &node->st) < 0)
		return fail(w, -errno, "look at");
	return 0;
}

static int refuse_odd(struct walk *w, const struct ih_tree_node *node)
{
	if (S_ISREG(node->st.stx_mode) || S_ISDIR(node->st.stx_mode) || S_ISLNK(node->st.stx_mode))
		return 0;
	return fail(w, -EINVAL, "take up (no file, directory or link)");
}

/*
 * What the directory says is a file is opened at once, which saves a call for each of them; only
 * root can make a device of it meanwhile. Everything else is looked at first: opening a device can
 * be an act.
 */
static int open_node(struct walk *w, int dirfd, const struct name *name, struct ih_tree_node *node)
{
	int r;

	if (name->type != DT_REG && name->type != DT_DIR) {
		if (statx(dirfd, name->text, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, MASK,
			  &node->st) < 0)
			return fail(w, -errno, "look at");
		r = refuse_odd(w, node);
		if (r < 0 || S_ISLNK(node->st.stx_mode))
			return r;
	}
	r = open_it(w, dirfd, name->text, node);
	return r < 0 ? r : refuse_odd(w, node);
}

static int visit_node(struct walk *w, int dirfd, const struct name *name)
{
	struct ih_tree_node node = { .fd = -EBADF, .path = ih_text_get(&w->path) };
	_close_ int fd = -EBADF;
	int r;

	r = open_node(w, dirfd, name, &node);
	fd = node.fd;
	if (r < 0)
		return r;
	if (!(node.st.stx_mask & STATX_MNT_ID) || node.st.stx_mnt_id != w->mount)
		return fail(w, -EXDEV, "enter");
	if (S_ISLNK(node.st.stx_mode))
		return visit_link(w, dirfd, name->text, &node);
	r = w->visit(w->user, &node);
	if (r == 0 && S_ISDIR(node.st.stx_mode))
		r = visit_entries(w, TAKE_FD(fd));
	return r;
}

int ih_tree_walk(int dirfd, const char *name, const char *shown,
		 int (*visit)(void *user, const struct ih_tree_node *node), void *user,
		 struct ih_diag *diag)
{
	struct walk w = { .shown = shown, .visit = visit, .user = user, .diag = diag };
	struct name top = { (char *)name, DT_UNKNOWN };
	struct statx st;
	int r;

	if (statx(dirfd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
		return fail(&w, -errno, "look at the directory of");
	w.mount = st.stx_mnt_id;
	r = visit_node(&w, dirfd, &top);
	ih_text_done(&w.path);
	return r;
}
