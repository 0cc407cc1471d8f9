/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fs-verity, and what lies where. */
#include "integrity/seal_disk.h"

#include <errno.h>
#include <limits.h>
#include <linux/fsverity.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#define BLOCK_SIZE_VERITY 4096
#define DIGEST_SIZE	  32
#define CAPABILITY_MAX	  64 /* bytes of security.capability; 24 today */

/* The digest by which the kernel holds every page of a file. Return: 0, -ENODATA: not frozen so. */
static int measure(int fd, uint8_t digest[DIGEST_SIZE])
{
	union {
		struct fsverity_digest d;
		char space[sizeof(struct fsverity_digest) + 64];
	} u = { .d = { .digest_size = 64 } };

	if (ioctl(fd, FS_IOC_MEASURE_VERITY, &u.d) < 0)
		return errno == ENOTTY || errno == EOPNOTSUPP ? -ENODATA : -errno;
	if (u.d.digest_algorithm != FS_VERITY_HASH_ALG_SHA256 || u.d.digest_size != DIGEST_SIZE)
		return -ENODATA;
	memcpy(digest, u.d.digest, DIGEST_SIZE);
	return 0;
}

static uint32_t type_of(const struct statx *st)
{
	return S_ISREG(st->stx_mode)   ? IH_SEAL_FILE
	       : S_ISDIR(st->stx_mode) ? IH_SEAL_DIRECTORY
				       : IH_SEAL_LINK;
}

/* File capabilities in base 16, "" when there are none; an ACL is -EOPNOTSUPP. */
static int read_rights(int fd, char text[2 * CAPABILITY_MAX + 1])
{
	uint8_t value[CAPABILITY_MAX];
	ssize_t len;

	text[0] = '\0';
	if (flistxattr(fd, NULL, 0) == 0) /* one call instead of two, for nearly every file */
		return 0;
	len = fgetxattr(fd, "system.posix_acl_access", NULL, 0);
	if (len >= 0)
		return -EOPNOTSUPP;
	if (errno != ENODATA && errno != EOPNOTSUPP)
		return -errno;
	len = fgetxattr(fd, "security.capability", value, sizeof(value));
	if (len < 0)
		return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -errno;
	for (ssize_t i = 0; i < len; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", value[i]);
	return 0;
}

struct freezer {
	const struct ih_seal_place *place;
	struct ih_diag *diag;
};

static int freeze_node(void *user, const struct ih_tree_node *n)
{
	struct fsverity_enable_arg arg = {
		.version = 1,
		.hash_algorithm = FS_VERITY_HASH_ALG_SHA256,
		.block_size = BLOCK_SIZE_VERITY,
	};
	const struct freezer *f = user;
	int error;

	if (!S_ISREG(n->st.stx_mode))
		return 0;
	if (ioctl(n->fd, FS_IOC_ENABLE_VERITY, &arg) == 0 || errno == EEXIST)
		return 0;
	error = errno == ENOTTY ? -EOPNOTSUPP : -errno;
	return ih_fail(f->diag, error, "cannot enable fs-verity on '%s%s%s': %s%s", f->place->shown,
		       *n->path ? "/" : "", n->path, strerror(-error),
		       error == -EOPNOTSUPP ? ". ext4 needs 'tune2fs -O verity' once" : "");
}

int ih_seal_freeze(const struct ih_seal_place *place, struct ih_diag *diag)
{
	struct freezer f = { .place = place, .diag = diag };

	return ih_tree_walk(place->dirfd, place->name, place->shown, freeze_node, &f, diag);
}

int ih_seal_writable(const char *path, struct ih_diag *diag)
{
	unsigned long flags = MS_REMOUNT | MS_BIND;
	struct statvfs st;

	if (statvfs(path, &st) < 0)
		return ih_fail(diag, -errno, "cannot look at '%s': %s", path, strerror(errno));
	if (!(st.f_flag & ST_RDONLY))
		return 0;
	flags |= (st.f_flag & ST_NOSUID ? MS_NOSUID : 0) | (st.f_flag & ST_NODEV ? MS_NODEV : 0);
	/* The flags of a mount are those of one namespace: they propagate nowhere. */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, path, NULL, flags, NULL) < 0)
		return ih_fail(diag, -errno,
			       "'%s' is mounted read-only, and cannot be made writable for this "
			       "process: %s",
			       path, strerror(errno));
	return 0;
}

struct describer {
	const struct ih_seal_place *place;
	struct ih_seal_builder *builder;
	struct ih_diag *diag;
};

static int fill_entry(const struct ih_tree_node *n, struct ih_seal_entry *e, char *rights)
{
	int r = 0;

	*e = (struct ih_seal_entry){
		.size = S_ISREG(n->st.stx_mode) ? n->st.stx_size : 0,
		.mode = n->st.stx_mode,
		.uid = n->st.stx_uid,
		.gid = n->st.stx_gid,
		.type = type_of(&n->st),
	};
	rights[0] = '\0';
	if (n->fd >= 0)
		r = read_rights(n->fd, rights);
	return r;
}

static int describe_node(void *user, const struct ih_tree_node *n)
{
	char rights[2 * CAPABILITY_MAX + 1];
	const struct describer *d = user;
	struct ih_seal_entry e;
	int r;

	r = fill_entry(n, &e, rights);
	if (r == 0 && e.type == IH_SEAL_FILE)
		r = measure(n->fd, e.digest);
	if (r == 0)
		r = ih_seal_add_entry(d->builder, &e, n->path, n->target ? n->target : rights);
	if (r < 0)
		return ih_fail(d->diag, r, "cannot seal '%s%s%s': %s", d->place->shown,
			       *n->path ? "/" : "", n->path,
			       r == -ENODATA	  ? "it is not frozen by fs-verity with SHA-256"
			       : r == -EOPNOTSUPP ? "it has an access control list"
						  : strerror(-r));
	return 0;
}

int ih_seal_describe(const struct ih_seal_place *place, struct ih_seal_builder *b,
		     struct ih_diag *diag)
{
	struct describer d = { .place = place, .builder = b, .diag = diag };

	return ih_tree_walk(place->dirfd, place->name, place->shown, describe_node, &d, diag);
}

struct checker {
	const struct ih_seal *seal;
	const struct ih_seal_place *place;
	size_t next, end; /* entries that were not met yet */
	size_t prefix;	  /* bytes of their paths that lead to the place */
	struct ih_problems *problems;
	void (*seen)(void *user, const struct statx *st);
	void *user;
	bool bad, thawed;
};

static void __attribute__((format(printf, 3, 4)))
blame(struct checker *c, const char *path, const char *format, ...)
{
	char text[IH_DIAG_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	c->bad = true;
	ih_problem(c->problems, IH_PROBLEM_CONTENT, "'%s%s%s' %s", c->place->shown,
		   *path ? "/" : "", path, text);
}

static void compare_owner(struct checker *c, const struct ih_seal_entry *e,
			  const struct ih_tree_node *n)
{
	if (e->mode != n->st.stx_mode)
		blame(c, n->path, "has mode %06o, sealed was %06o", n->st.stx_mode, e->mode);
	if (e->uid != n->st.stx_uid || e->gid != n->st.stx_gid)
		blame(c, n->path, "belongs to %u:%u, sealed was %u:%u", n->st.stx_uid,
		      n->st.stx_gid, e->uid, e->gid);
}

static int compare_file(struct checker *c, const struct ih_seal_entry *e,
			const struct ih_tree_node *n)
{
	uint8_t digest[DIGEST_SIZE];
	int r;

	if (e->size != n->st.stx_size) {
		blame(c, n->path, "has %llu bytes, sealed were %llu",
		      (unsigned long long)n->st.stx_size, (unsigned long long)e->size);
		return 0;
	}
	r = measure(n->fd, digest);
	if (r == -ENODATA) {
		c->thawed = true;
		return 0;
	}
	if (r == 0 && memcmp(digest, e->digest, DIGEST_SIZE) != 0)
		blame(c, n->path, "has another fs-verity digest than the one that was sealed");
	return r;
}

static int compare_node(struct checker *c, const struct ih_seal_entry *e,
			const struct ih_tree_node *n)
{
	const char *target = ih_seal_string(c->seal, e->target_at);
	char rights[2 * CAPABILITY_MAX + 1] = "";
	int r = 0;

	if (e->type != type_of(&n->st)) {
		blame(c, n->path, "is of another kind than what was sealed");
		return 0;
	}
	compare_owner(c, e, n);
	if (e->type == IH_SEAL_LINK) {
		if (strcmp(target, n->target) != 0)
			blame(c, n->path, "leads to '%s', sealed was '%s'", n->target, target);
		return 0;
	}
	r = read_rights(n->fd, rights);
	if (r == -EOPNOTSUPP)
		blame(c, n->path, "has an access control list");
	else if (r < 0)
		return r;
	else if (strcmp(rights, target) != 0)
		blame(c, n->path, "has other file capabilities than what was sealed");
	return e->type == IH_SEAL_FILE ? compare_file(c, e, n) : 0;
}

/* The path of an entry from the place on. */
static const char *path_of(const struct checker *c, size_t entry)
{
	const char *path = ih_seal_string(c->seal, ih_seal_entry(c->seal, entry)->path_at);

	path += c->prefix;
	return c->prefix && *path ? path + 1 : path;
}

static void name_missing(struct checker *c, const char *path)
{
	while (c->next < c->end) {
		const char *sealed = path_of(c, c->next);

		if (path && ih_seal_compare_paths(sealed, path) >= 0)
			return;
		blame(c, sealed, "is missing");
		c->next++;
	}
}

static int check_node(void *user, const struct ih_tree_node *n)
{
	struct checker *c = user;
	const struct ih_seal_entry *e;
	int r;

	if (c->seen)
		c->seen(c->user, &n->st);
	name_missing(c, n->path);
	if (c->next >= c->end || strcmp(path_of(c, c->next), n->path) != 0) {
		blame(c, n->path, "was not there when it was sealed");
		return 0;
	}
	e = ih_seal_entry(c->seal, c->next++);
	r = compare_node(c, e, n);
	if (r < 0)
		ih_problem(c->problems, IH_PROBLEM_IO, "cannot look into '%s%s%s': %s",
			   c->place->shown, *n->path ? "/" : "", n->path, strerror(-r));
	return r;
}

static int check(struct checker *c)
{
	const struct ih_seal_place *place = c->place;
	struct ih_diag diag = { 0 };
	size_t before = c->problems->total;
	int r;

	r = ih_tree_walk(place->dirfd, place->name, place->shown, check_node, c, &diag);
	if (r < 0) {
		if (c->problems->total == before)
			ih_problem(c->problems,
				   r == -EINVAL || r == -EXDEV ? IH_PROBLEM_CONTENT : IH_PROBLEM_IO,
				   "%s", diag.text);
		return r;
	}
	name_missing(c, NULL);
	return c->bad ? -EBADMSG : c->thawed;
}

int ih_seal_check(const struct ih_seal *s, size_t object, const struct ih_seal_place *place,
		  void (*seen)(void *user, const struct statx *st), void *user,
		  struct ih_problems *problems)
{
	const struct ih_seal_object *o = ih_seal_object(s, object);
	struct checker c = {
		.seal = s,
		.place = place,
		.next = o->first_entry,
		.end = (size_t)o->first_entry + o->n_entries,
		.problems = problems,
		.seen = seen,
		.user = user,
	};

	return check(&c);
}

/* In the order of paths what lies below a directory follows it without a gap. */
static size_t end_of(const struct ih_seal *s, size_t entry, size_t prefix)
{
	const struct ih_seal_entry *e = ih_seal_entry(s, entry);
	const struct ih_seal_object *o = ih_seal_object(s, e->object);
	const char *top = ih_seal_string(s, e->path_at);
	size_t end = (size_t)o->first_entry + o->n_entries, at;

	for (at = entry + 1; at < end && prefix; at++) {
		const char *path = ih_seal_string(s, ih_seal_entry(s, at)->path_at);

		if (strncmp(path, top, prefix) != 0 || path[prefix] != '/')
			return at;
	}
	return end;
}

int ih_seal_check_below(const struct ih_seal *s, size_t entry, const struct ih_seal_place *place,
			void (*seen)(void *user, const struct statx *st), void *user,
			struct ih_problems *problems)
{
	size_t prefix = strlen(ih_seal_string(s, ih_seal_entry(s, entry)->path_at));
	struct checker c = {
		.seal = s,
		.place = place,
		.next = entry,
		.end = end_of(s, entry, prefix),
		.prefix = prefix,
		.problems = problems,
		.seen = seen,
		.user = user,
	};

	return check(&c);
}
