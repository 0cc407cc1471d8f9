/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The walk; judges nothing but who could lead it elsewhere. */
#include "integrity/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "common/cleanup.h"
#include "common/statx.h"
#include "common/text.h"

#define PROC_NAME_SIZE 64

static int walk_text(struct ih_walk *w, const char *text, struct ih_diag *diag);

static int fill_step(int fd, struct ih_step *s)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_BASIC_STATS | STATX_MNT_ID, &st) <
	    0)
		return -errno;
	if (!(st.stx_mask & STATX_MNT_ID))
		return -EOPNOTSUPP; /* before 5.8 mounts cannot be told apart */
	s->device = makedev(st.stx_dev_major, st.stx_dev_minor);
	s->inode = st.stx_ino;
	s->mount = st.stx_mnt_id;
	s->uid = st.stx_uid;
	s->mode = st.stx_mode;
	s->links = st.stx_nlink;
	s->ctime_ns = st.stx_ctime.tv_sec * 1000000000LL + st.stx_ctime.tv_nsec;
	return 0;
}

static void drop_steps(struct ih_walk *w, size_t n)
{
	while (w->n > n) {
		struct ih_step *s = &w->steps[--w->n];

		if (s->fd >= 0)
			(void)close(s->fd);
		free(s->name);
	}
}

void ih_walk_done(struct ih_walk *w)
{
	drop_steps(w, 0);
	free(w->unstable);
	w->unstable = NULL;
}

const struct ih_step *ih_walk_end(const struct ih_walk *w)
{
	return &w->steps[w->n - 1];
}

char *ih_walk_name(const struct ih_walk *w, size_t n)
{
	struct ih_text t = { 0 };

	for (size_t i = 1; i < n; i++) {
		(void)ih_text_add(&t, "/", 1);
		(void)ih_text_add(&t, w->steps[i].name, strlen(w->steps[i].name));
	}
	if (n == 1)
		(void)ih_text_add(&t, "/", 1);
	if (t.oom) {
		ih_text_done(&t);
		return NULL;
	}
	return t.data;
}

/*
 * In a directory that others can write, names can be replaced; in a sticky one (/tmp) not those of
 * others. But a user may mount on a directory of his own there, so a mount does not count.
 */
bool ih_step_is_stable(const struct ih_step *parent, const struct ih_step *child)
{
	if (parent->uid != 0)
		return false;
	if (!(parent->mode & 0022))
		return true;
	return parent->mode & S_ISVTX && child->uid == 0 && child->mount == parent->mount;
}

/* Remembers the first place where somebody else could have a say. */
static void note_stability(struct ih_walk *w, const struct ih_step *parent,
			   const struct ih_step *child, const char *name)
{
	_free_ char *place = NULL;
	struct ih_text t = { 0 };

	if (w->unstable || ih_step_is_stable(parent, child))
		return;
	place = ih_walk_name(w, w->n);
	if (parent->uid != 0)
		(void)ih_text_addf(&t, "user %u can change where '%s' in '%s' leads", parent->uid,
				   name, place ? place : "");
	else
		(void)ih_text_addf(&t, "others than root can change where '%s' in '%s' leads", name,
				   place ? place : "");
	w->unstable = t.data;
}

static int push(struct ih_walk *w, struct ih_step *s, const char *name)
{
	if (w->n >= IH_WALK_DEPTH_MAX)
		return -ENAMETOOLONG;
	s->name = strdup(name);
	if (!s->name)
		return -ENOMEM;
	w->steps[w->n++] = *s;
	s->fd = -EBADF;
	s->name = NULL;
	return 0;
}

static int push_root(struct ih_walk *w)
{
	struct ih_step s = { .fd = -EBADF };
	int r;

	if (w->n) {
		drop_steps(w, 1);
		return 0;
	}
	s.fd = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = s.fd < 0 ? -errno : fill_step(s.fd, &s);
	if (r == 0)
		r = push(w, &s, "");
	if (s.fd >= 0)
		(void)close(s.fd);
	return r;
}

/* The kernel's own links: what they show is a text for people, what they lead to is a file. */
static bool is_magic(const struct ih_step *parent, const char *target)
{
	struct statfs fs;

	return (target[0] == '/' || strchr(target, ':')) && fstatfs(parent->fd, &fs) == 0 &&
	       fs.f_type == PROC_SUPER_MAGIC;
}

static bool is_same(const struct ih_step *a, const struct ih_step *b)
{
	return a->device == b->device && a->inode == b->inode;
}

/* Goes to where @fd's name leads and makes sure that it is @fd. */
static int walk_to_fd(struct ih_walk *w, int fd, const char *proc, struct ih_diag *diag)
{
	struct ih_step want = { .fd = -EBADF };
	char name[PATH_MAX];
	ssize_t len;
	int r;

	len = readlink(proc, name, sizeof(name) - 1);
	if (len < 0)
		return ih_fail(diag, -errno, "cannot read '%s': %s", proc, strerror(errno));
	name[len] = '\0';
	r = fill_step(fd, &want);
	if (r < 0)
		return ih_fail(diag, r, "cannot look at '%s': %s", name, strerror(-r));
	if (name[0] != '/' || !want.links)
		return ih_fail(diag, -ESTALE, "'%s' has no name in the file system", name);
	r = push_root(w);
	if (r == 0)
		r = walk_text(w, name, diag);
	if (r < 0)
		return r;
	if (!is_same(ih_walk_end(w), &want))
		return ih_fail(diag, -ESTALE,
			       "'%s' is no longer the file that is open: it was moved, replaced or "
			       "mounted over",
			       name);
	return 0;
}

static void proc_name(int fd, char *ret)
{
	(void)snprintf(ret, PROC_NAME_SIZE, "/proc/self/fd/%d", fd);
}

static int follow_magic(struct ih_walk *w, const char *name, struct ih_diag *diag)
{
	char proc[PROC_NAME_SIZE];
	_close_ int fd = -EBADF;

	fd = openat(ih_walk_end(w)->fd, name, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return ih_fail(diag, -errno, "cannot follow '%s': %s", name, strerror(errno));
	proc_name(fd, proc);
	return walk_to_fd(w, fd, proc, diag);
}

static int follow(struct ih_walk *w, const struct ih_step *link, const char *name,
		  struct ih_diag *diag)
{
	char target[PATH_MAX];
	ssize_t len;
	int r;

	if (++w->n_links > IH_WALK_LINKS_MAX)
		return ih_fail(diag, -ELOOP, "more than %d symbolic links", IH_WALK_LINKS_MAX);
	len = readlinkat(link->fd, "", target, sizeof(target) - 1);
	if (len <= 0)
		return ih_fail(diag, len ? -errno : -ENOENT, "cannot read the link '%s'", name);
	target[len] = '\0';
	if (is_magic(ih_walk_end(w), target))
		return follow_magic(w, name, diag);
	if (target[0] == '/') {
		r = push_root(w);
		if (r < 0)
			return r;
	}
	return walk_text(w, target, diag);
}

static int fail_at(const struct ih_walk *w, int error, const char *name, struct ih_diag *diag)
{
	_free_ char *place = ih_walk_name(w, w->n);

	return ih_fail(diag, error, "cannot open '%s' in '%s': %s", name, place ? place : "",
		       strerror(-error));
}

static int walk_component(struct ih_walk *w, const char *name, struct ih_diag *diag)
{
	const struct ih_step *at = ih_walk_end(w);
	struct ih_step s = { .fd = -EBADF };
	int r;

	if (!S_ISDIR(at->mode))
		return fail_at(w, -ENOTDIR, name, diag);
	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0) {
		drop_steps(w, w->n > 1 ? w->n - 1 : 1);
		return 0;
	}
	s.fd = openat(at->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	r = s.fd < 0 ? -errno : fill_step(s.fd, &s);
	if (r < 0) {
		(void)fail_at(w, r, name, diag);
	} else {
		note_stability(w, at, &s, name);
		if (S_ISLNK(s.mode))
			r = follow(w, &s, name, diag);
		else if ((r = push(w, &s, name)) < 0)
			(void)fail_at(w, r, name, diag);
	}
	if (s.fd >= 0)
		(void)close(s.fd);
	return r;
}

static int walk_text(struct ih_walk *w, const char *text, struct ih_diag *diag)
{
	char name[NAME_MAX + 1];
	int r = 0;

	if (!*text)
		return ih_fail(diag, -ENOENT, "an empty name leads nowhere");
	while (r == 0) {
		size_t len;

		text += strspn(text, "/");
		len = strcspn(text, "/");
		if (!len)
			break;
		if (len > NAME_MAX)
			return ih_fail(diag, -ENAMETOOLONG, "a name is longer than %d bytes",
				       NAME_MAX);
		memcpy(name, text, len);
		name[len] = '\0';
		text += len;
		r = walk_component(w, name, diag);
	}
	/* "file/" asks for a directory */
	if (r == 0 && text[-1] == '/' && !S_ISDIR(ih_walk_end(w)->mode))
		return fail_at(w, -ENOTDIR, "", diag);
	return r;
}

static int walk_start(struct ih_walk *w, int dirfd, struct ih_diag *diag)
{
	char proc[PROC_NAME_SIZE];
	_close_ int here = -EBADF;

	if (dirfd != AT_FDCWD) {
		proc_name(dirfd, proc);
		return walk_to_fd(w, dirfd, proc, diag);
	}
	here = openat(AT_FDCWD, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (here < 0)
		return ih_fail(diag, -errno, "cannot open the working directory: %s",
			       strerror(errno));
	proc_name(here, proc);
	return walk_to_fd(w, here, proc, diag);
}

static void reset(struct ih_walk *w)
{
	w->n = 0;
	w->n_links = 0;
	w->unstable = NULL;
}

int ih_walk_path(int dirfd, const char *path, struct ih_walk *ret, struct ih_diag *diag)
{
	int r;

	reset(ret);
	if (strlen(path) >= PATH_MAX)
		return ih_fail(diag, -ENAMETOOLONG, "the name is longer than %d bytes",
			       PATH_MAX - 1);
	r = path[0] == '/' ? push_root(ret) : walk_start(ret, dirfd, diag);
	if (r < 0)
		return r;
	return walk_text(ret, path, diag);
}

int ih_walk_fd(int fd, struct ih_walk *ret, struct ih_diag *diag)
{
	char proc[PROC_NAME_SIZE];

	reset(ret);
	proc_name(fd, proc);
	return walk_to_fd(ret, fd, proc, diag);
}

int ih_walk_open(const struct ih_walk *w)
{
	const struct ih_step *end = ih_walk_end(w);
	struct ih_step now = { .fd = -EBADF };
	_close_ int fd = -EBADF;
	int r, parent = w->n > 1 ? w->steps[w->n - 2].fd : end->fd;
	const char *name = w->n > 1 ? end->name : ".";
	int flags = O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;

	/* Devices and FIFOs are not opened: that may act on them, and they are untrusted anyway. */
	if (S_ISREG(end->mode) || S_ISDIR(end->mode))
		fd = openat(parent, name, O_RDONLY | flags);
	if (fd < 0)
		fd = openat(parent, name, O_PATH | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	r = fill_step(fd, &now);
	if (r < 0)
		return r;
	return is_same(end, &now) ? TAKE_FD(fd) : -ESTALE;
}
