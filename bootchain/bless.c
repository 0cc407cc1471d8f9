/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Marking boot entries. Decides in ih_bless_plan(), acts in ih_bless(). */
#include "bootchain/bless.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/dir.h"
#include "common/fd.h"

#define COMPARE_CHUNK (64U << 10)

static int target_name(const char *booted, enum ih_mark mark, uint32_t tries, char *ret)
{
	struct ih_count c;
	int r = ih_count_parse(booted, &c);

	if (r < 0)
		return r;
	switch (mark) {
	case IH_MARK_GOOD:
		return ih_count_rename(booted, IH_COUNT_GOOD, 0, ret);
	case IH_MARK_BAD:
		return ih_count_rename(booted, IH_COUNT_BAD, 0, ret);
	case IH_MARK_ARM:
		return ih_count_rename(booted, IH_COUNT_ARM, tries, ret);
	case IH_MARK_INDETERMINATE:
		if (!c.counted || c.left == 0)
			return -EINVAL;
		memcpy(ret, booted, strlen(booted) + 1);
		return 0;
	case IH_MARK_NONE:
		break;
	}
	return -EINVAL;
}

static int find_name(const struct ih_variant *variants, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcasecmp(variants[i].name, name) == 0)
			return (int)i;
	return -ENOENT;
}

static int find_state(const struct ih_variant *variants, size_t n, enum ih_entry_state state)
{
	struct ih_count c;
	size_t i;

	for (i = 0; i < n; i++)
		if (ih_count_parse(variants[i].name, &c) == 0 && ih_count_state(&c) == state)
			return (int)i;
	return -ENOENT;
}

int ih_bless_source(const char *booted, const char *target, enum ih_mark mark,
		    const struct ih_variant *variants, size_t n)
{
	int i = find_name(variants, n, booted);

	if (i < 0)
		i = find_name(variants, n, target);
	if (i < 0)
		i = find_state(variants, n, IH_ENTRY_BAD);
	if (i < 0)
		i = find_state(variants, n, IH_ENTRY_GOOD);
	if (i < 0 && n > 0 && mark == IH_MARK_ARM)
		i = 0;
	return i;
}

static void step(struct ih_bless_plan *plan, enum ih_bless_act act, const char *from,
		 const char *to)
{
	struct ih_bless_step *s = &plan->steps[plan->n++];

	s->act = act;
	memcpy(s->from, from, strlen(from) + 1);
	memcpy(s->to, to, strlen(to) + 1);
}

int ih_bless_plan(const char *booted, enum ih_mark mark, uint32_t tries,
		  const struct ih_variant *variants, size_t n, struct ih_bless_plan *ret)
{
	struct ih_bless_plan plan = { 0 };
	int source, target;
	size_t i;
	int r;

	r = target_name(booted, mark, tries, plan.target);
	if (r < 0)
		return r;
	if (n > IH_VARIANTS_MAX)
		return -E2BIG;
	source = ih_bless_source(booted, plan.target, mark, variants, n);
	if (source < 0 && n == 0)
		return source;
	if (source < 0) {
		memcpy(plan.target, variants[0].name, sizeof(plan.target));
		plan.armed_since = true;
		*ret = plan;
		return 0;
	}
	target = find_name(variants, n, plan.target);

	if (target < 0)
		step(&plan, IH_BLESS_RENAME, variants[source].name, plan.target);
	else if (target != source && variants[target].same)
		step(&plan, IH_BLESS_REMOVE, variants[source].name, "");
	else if (target != source)
		step(&plan, IH_BLESS_REPLACE, variants[source].name, variants[target].name);
	for (i = 0; i < n; i++) {
		if ((int)i == source || (int)i == target)
			continue;
		if (variants[i].same)
			step(&plan, IH_BLESS_REMOVE, variants[i].name, "");
		else
			plan.left++;
	}
	*ret = plan;
	return 0;
}

/* Doing */

/* "/EFI/Linux/x+2-1.efi" → folder, name. */
static int split_path(const char *path, char folder[64], const char **ret_name,
		      struct ih_diag *diag)
{
	static const char *const folders[] = { IH_TYPE1_DIR, IH_TYPE2_DIR };
	struct ih_count unused;
	size_t i;

	for (i = 0; i < IH_ARRAY_SIZE(folders); i++) {
		size_t len = strlen(folders[i]);

		if (path[0] == '/' && strncasecmp(path + 1, folders[i], len) == 0 &&
		    path[1 + len] == '/' && ih_count_parse(path + 2 + len, &unused) == 0) {
			(void)snprintf(folder, 64, "%s", folders[i]);
			*ret_name = path + 2 + len;
			return 0;
		}
	}
	return ih_fail(diag, -EINVAL, "'%s' is not the path of a boot entry in %s or %s", path,
		       IH_TYPE1_DIR, IH_TYPE2_DIR);
}

/* Equal bytes, without holding either file in memory. */
static int same_content(int dirfd, const char *a, const char *b, bool *ret)
{
	_close_ int fa = ih_open_beneath(dirfd, a, O_RDONLY);
	_close_ int fb = ih_open_beneath(dirfd, b, O_RDONLY);
	_free_ char *chunk = malloc((size_t)2 * COMPARE_CHUNK);
	uint64_t at = 0;
	ssize_t n, m;

	if (fa < 0 || fb < 0)
		return fa < 0 ? fa : fb;
	if (!chunk)
		return -ENOMEM;
	do {
		n = ih_pread_full(fa, chunk, COMPARE_CHUNK, at);
		m = ih_pread_full(fb, chunk + COMPARE_CHUNK, COMPARE_CHUNK, at);
		if (n < 0 || m < 0)
			return (int)(n < 0 ? n : m);
		*ret = n == m && memcmp(chunk, chunk + COMPARE_CHUNK, (size_t)n) == 0;
		at += (uint64_t)n;
	} while (*ret && n == COMPARE_CHUNK);
	return 0;
}

static int list_variants(int dirfd, const char *name, struct ih_variant *variants, size_t *ret_n)
{
	_closedir_ DIR *d = NULL;
	const struct dirent *e;
	size_t n = 0;
	int r;

	r = ih_dir_openat(dirfd, ".", 0, &d);
	while (r == 0 && (e = ih_dir_next(d, &r)) != NULL) {
		if (e->d_type == DT_DIR || !ih_count_same_entry(name, e->d_name))
			continue;
		if (n == IH_VARIANTS_MAX)
			return -E2BIG;
		(void)snprintf(variants[n].name, sizeof(variants[n].name), "%s", e->d_name);
		variants[n++].same = false;
	}
	*ret_n = n;
	return r;
}

static int compare_variants(int dirfd, int source, struct ih_variant *variants, size_t n)
{
	size_t i;
	int r;

	for (i = 0; i < n && source >= 0; i++) {
		if ((int)i == source)
			continue;
		r = same_content(dirfd, variants[source].name, variants[i].name, &variants[i].same);
		/* What cannot be read is not the same: it is replaced, or it stays. */
		if (r < 0)
			variants[i].same = false;
		if (r == -ENOMEM)
			return r;
	}
	return 0;
}

/* Renames, and refuses to replace also where the file system cannot do that by itself. */
static int rename_noreplace(int dirfd, const char *from, const char *to)
{
	if (renameat2(dirfd, from, dirfd, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (faccessat(dirfd, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return renameat(dirfd, from, dirfd, to) == 0 ? 0 : -errno;
}

static int do_step(int dirfd, const struct ih_bless_step *s)
{
	switch (s->act) {
	case IH_BLESS_RENAME:
		return rename_noreplace(dirfd, s->from, s->to);
	case IH_BLESS_REPLACE:
		return renameat(dirfd, s->from, dirfd, s->to) == 0 ? 0 : -errno;
	case IH_BLESS_REMOVE:
		return unlinkat(dirfd, s->from, 0) == 0 ? 0 : -errno;
	}
	return -EINVAL;
}

static int run_plan(int dirfd, const struct ih_bless_plan *plan, struct ih_diag *diag)
{
	size_t i;
	int r;

	for (i = 0; i < plan->n; i++) {
		r = do_step(dirfd, &plan->steps[i]);
		if (r == -EEXIST)
			r = -EBUSY;
		if (r < 0)
			return ih_fail(diag, r, "cannot %s '%s'%s%s%s: %s",
				       plan->steps[i].act == IH_BLESS_REMOVE ? "remove" : "rename",
				       plan->steps[i].from, plan->steps[i].to[0] ? " to '" : "",
				       plan->steps[i].to, plan->steps[i].to[0] ? "'" : "",
				       strerror(-r));
		/* A copy is removed only when the name that stays is on disk. */
		if (fsync(dirfd) < 0)
			return ih_fail(diag, -errno, "cannot write the folder of '%s' to disk: %s",
				       plan->target, strerror(errno));
	}
	if (plan->n && syncfs(dirfd) < 0)
		return ih_fail(diag, -errno, "cannot write the boot partition to disk: %s",
			       strerror(errno));
	return 0;
}

/* Which partition: the one with the booted name itself, else the first with any file of it. */
static int find_partition(const struct ih_boot_dirs *dirs, const char *folder, const char *name,
			  struct ih_variant *variants, size_t *ret_n, size_t *ret_dir, int *ret_fd)
{
	int found = -ENOENT;
	size_t i, n;
	int r;

	for (i = 0; i < dirs->n; i++) {
		_close_ int fd = ih_open_beneath(dirs->dirs[i].fd, folder, O_RDONLY | O_DIRECTORY);

		if (fd == -ENOENT)
			continue;
		if (fd < 0)
			return fd;
		r = list_variants(fd, name, variants, &n);
		if (r < 0)
			return r;
		if (n == 0 || (found == 0 && find_name(variants, n, name) < 0))
			continue;
		if (*ret_fd >= 0)
			(void)close(*ret_fd);
		*ret_fd = TAKE_FD(fd);
		*ret_dir = i;
		found = 0;
		if (find_name(variants, n, name) >= 0)
			break;
	}
	if (found < 0)
		return found;
	return list_variants(*ret_fd, name, variants, ret_n);
}

int ih_bless(const struct ih_boot_dirs *dirs, const char *path, enum ih_mark mark, uint32_t tries,
	     struct ih_bless_result *ret, struct ih_diag *diag)
{
	_free_ struct ih_variant *variants = calloc(IH_VARIANTS_MAX, sizeof(*variants));
	char target[IH_ENTRY_NAME_MAX + 1];
	_close_ int fd = -EBADF;
	const char *name;
	size_t n = 0, at = 0;
	int r;

	if (!variants)
		return ih_fail(diag, -ENOMEM, "out of memory");
	r = split_path(path, ret->folder, &name, diag);
	if (r < 0)
		return r;
	r = target_name(name, mark, tries, target);
	if (r < 0)
		return ih_fail(diag, r, "'%s' cannot be marked so: %s", name,
			       mark == IH_MARK_INDETERMINATE ? "it has no tries left"
							     : strerror(-r));
	r = find_partition(dirs, ret->folder, name, variants, &n, &at, &fd);
	if (r == 0)
		r = compare_variants(fd, ih_bless_source(name, target, mark, variants, n), variants,
				     n);
	if (r == 0)
		r = ih_bless_plan(name, mark, tries, variants, n, &ret->plan);
	if (r < 0)
		return ih_fail(diag, r, "cannot find the file of boot entry '%s' on %s: %s", name,
			       dirs->n > 1 ? "either boot partition" : dirs->dirs[0].path,
			       strerror(-r));
	ret->dir = &dirs->dirs[at];
	return run_plan(fd, &ret->plan, diag);
}

int ih_bless_state(const struct ih_boot_dirs *dirs, const char *path, enum ih_entry_state *ret,
		   struct ih_diag *diag)
{
	_free_ struct ih_variant *variants = calloc(IH_VARIANTS_MAX, sizeof(*variants));
	_close_ int fd = -EBADF;
	char folder[64], good[IH_ENTRY_NAME_MAX + 1];
	const char *name;
	size_t n = 0, at = 0;
	int r;

	if (!variants)
		return ih_fail(diag, -ENOMEM, "out of memory");
	r = split_path(path, folder, &name, diag);
	if (r < 0)
		return r;
	r = find_partition(dirs, folder, name, variants, &n, &at, &fd);
	if (r < 0)
		return ih_fail(diag, r, "cannot find the file of boot entry '%s': %s", name,
			       strerror(-r));
	*ret = IH_ENTRY_BAD;
	if (find_name(variants, n, name) >= 0 ||
	    find_state(variants, n, IH_ENTRY_INDETERMINATE) >= 0)
		*ret = IH_ENTRY_INDETERMINATE;
	else if (ih_count_rename(name, IH_COUNT_GOOD, 0, good) == 0 &&
		 find_name(variants, n, good) >= 0)
		*ret = IH_ENTRY_GOOD;
	return 0;
}

/* The last init= of a command line, as the kernel takes it. */
static struct ih_text find_init(const char *cmdline)
{
	struct ih_text init = { 0 };
	const char *p = cmdline;

	while (*p) {
		size_t len;

		p += strspn(p, " \t\n");
		len = strcspn(p, " \t\n");
		if (len > 5 && strncmp(p, "init=", 5) == 0) {
			ih_text_done(&init);
			(void)ih_text_add(&init, p + 5, len - 5);
		}
		p += len;
	}
	return init;
}

bool ih_bless_is_running(const struct ih_entry *entry, const char *cmdline)
{
	struct ih_text wanted = find_init(entry->options ? entry->options : "");
	struct ih_text running = find_init(cmdline);
	bool same;

	same = !wanted.data || strcmp(wanted.data, ih_text_get(&running)) == 0;
	ih_text_done(&wanted);
	ih_text_done(&running);
	return same;
}
