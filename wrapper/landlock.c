/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Landlock by raw system calls (glibc has no wrappers). Landlock can only allow, so "everywhere but
 * here" is said by walking from / towards each tree and allowing what lies beside the way.
 */
#include "wrapper/landlock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "wrapper/kernel.h"

#define WRITES                                                           \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |     \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |   \
	 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)
#define ON_FILES \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | IH_LANDLOCK_FS_TRUNCATE)
#define DEPTH_MAX   32
#define ENTRIES_MAX 65536

struct walk {
	int ruleset;
	uint64_t writes; /* what is granted beside the way, as far as this ABI knows it */
	const struct ih_landlock_trees *named;
	char **trees; /* canonical; NULL for one that is not there, or where nobody asks */
	size_t n_trees;
	struct ih_diag *lost;
	size_t n_entries;
	bool is_mighty; /* file permissions do not keep this process from writing into the trees */
};

int ih_landlock_abi(void)
{
	long r = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return r < 0 ? -errno : (int)r;
}

static int grant(int ruleset, int fd, uint64_t access)
{
	struct landlock_path_beneath_attr attr = {
		.allowed_access = access,
		.parent_fd = fd,
	};

	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &attr, 0) < 0)
		return -errno;
	return 0;
}

/* Is @path one of @trees, or below one? As the names are written: no link is followed. */
static bool is_within(const char *path, const char *const *trees, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(trees[i]);

		if (strncmp(trees[i], path, len) == 0 && (path[len] == '\0' || path[len] == '/'))
			return true;
	}
	return false;
}

/* Does one of the trees begin at @path, or lie below it? */
static bool leads_to_tree(const struct walk *w, const char *path, bool *ret_is_tree)
{
	size_t len = strlen(path);
	bool below = false;

	*ret_is_tree = false;
	for (size_t i = 0; i < w->n_trees; i++) {
		if (!w->trees[i] || strncmp(w->trees[i], path, len) != 0)
			continue;
		if (w->trees[i][len] == '\0')
			*ret_is_tree = true;
		if (w->trees[i][len] == '/')
			below = true;
	}
	return below || *ret_is_tree;
}

/*
 * Where the walk ends though a tree lies below: /proc and /sys/kernel hold switches with which root
 * has the kernel run a program of its choice (core_pattern, modprobe, uevent_helper), and
 * /proc/PID/mem, with which a process rewrites code that was mapped from a verified file.
 */
static bool is_kept_closed(const char *path)
{
	return strcmp(path, "/proc") == 0 || strcmp(path, "/sys/kernel") == 0;
}

static bool is_walked(const struct walk *w, const char *path)
{
	bool is_tree;

	return strcmp(path, "/sys") == 0 || strcmp(path, "/dev") == 0 ||
	       leads_to_tree(w, path, &is_tree);
}

/* /dev/sda lies below every file on it, /dev/mem below everything. */
static bool is_raw_device(const char *path, const struct stat *st)
{
	static const char *const memory[] = { "/dev/mem", "/dev/kmem", "/dev/port", "/dev/kvm" };

	if (S_ISBLK(st->st_mode))
		return true;
	if (!S_ISCHR(st->st_mode))
		return false;
	for (size_t i = 0; i < IH_ARRAY_SIZE(memory); i++)
		if (strcmp(path, memory[i]) == 0)
			return true;
	return false;
}

/* Read by the system call: opendir() maps and unmaps memory for it. */
struct listing {
	int dir; /* owned by who opened it */
	ssize_t n;
	char bytes[2048] __attribute__((aligned(__alignof__(struct dirent64))));
};

static int walk_directory(struct walk *w, int dir, const char *path, unsigned int depth,
			  struct ih_diag *diag);

/* Lists @path, which is '/' or lies on the way to a tree. */
static int walk_path(struct walk *w, const char *path, unsigned int depth, struct ih_diag *diag)
{
	_close_ int dir = open(*path ? path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0 && (errno == ENOENT || errno == EACCES))
		return 0;
	if (dir < 0)
		return ih_fail(diag, -errno, "cannot list '%s/': %s", path, strerror(errno));
	return walk_directory(w, dir, path, depth, diag);
}

static int grant_writes(struct walk *w, int fd, const char *path, bool is_directory,
			struct ih_diag *diag)
{
	uint64_t access = is_directory ? w->writes : w->writes & ON_FILES;
	int r = grant(w->ruleset, fd, access);

	if (r < 0)
		return ih_fail(diag, r, "cannot add a Landlock rule for '%s': %s", path,
			       strerror(-r));
	return 0;
}

/* A directory on the way to a tree, when file permissions do not keep us out of that. */
static int walk_towards(struct walk *w, int fd, const char *path, unsigned int depth,
			struct ih_diag *diag)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return ih_fail(diag, -errno, "cannot stat '%s': %s", path, strerror(errno));
	/*
	 * Others may make names here (/tmp), and programs count on it; so granting only what is
	 * there today would break them. The tree keeps its file permissions.
	 */
	if ((st.st_mode & S_IWOTH) && strcmp(path, "/dev") != 0) {
		(void)ih_fail(w->lost, 0,
			      "the trusted tree below '%s' is guarded against writes by its file "
			      "permissions only, for everybody may make files in that directory",
			      path);
		return grant_writes(w, fd, path, /* is_directory= */ true, diag);
	}
	return walk_path(w, path, depth + 1, diag);
}

/* What the directory said it was; O_DIRECTORY makes sure of it without another look. */
static int open_entry(int dir, const struct dirent64 *e)
{
	int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC | (e->d_type == DT_DIR ? O_DIRECTORY : 0);
	int fd = openat(dir, e->d_name, flags);

	return fd < 0 ? -errno : fd;
}

/*
 * Nothing that a rule would open: what file permissions keep this process from writing, or a tree.
 * A directory can hold what it may write; a file is what it is.
 */
static bool needs_no_rule(const struct walk *w, int dir, const struct dirent64 *e, const char *path)
{
	bool is_tree;

	if (is_kept_closed(path))
		return true;
	if (w->is_mighty) {
		(void)leads_to_tree(w, path, &is_tree);
		return is_tree;
	}
	if (e->d_type == DT_REG)
		return faccessat(dir, e->d_name, W_OK, AT_EACCESS) < 0;
	return is_within(path, w->named->names, w->named->n);
}

static int walk_entry(struct walk *w, int dir, const struct dirent64 *e, const char *path,
		      unsigned int depth, struct ih_diag *diag)
{
	_close_ int fd = -EBADF;
	struct stat st = { .st_mode = e->d_type == DT_DIR ? S_IFDIR : S_IFREG };

	if (needs_no_rule(w, dir, e, path))
		return 0;
	fd = open_entry(dir, e);
	if (fd == -ENOENT || fd == -EACCES || fd == -ENXIO || fd == -ENOTDIR)
		return 0; /* nothing there to grant, or not any more: closed is the safe side */
	if (fd < 0)
		return ih_fail(diag, fd, "cannot open '%s' for a Landlock rule: %s", path,
			       strerror(-fd));
	/* Who may put a device in a file's place has the device already. */
	if (e->d_type != DT_DIR && e->d_type != DT_REG && fstat(fd, &st) < 0)
		return ih_fail(diag, -errno, "cannot stat '%s': %s", path, strerror(errno));
	if (S_ISLNK(st.st_mode) || is_raw_device(path, &st))
		return 0;

	if (S_ISDIR(st.st_mode) && w->is_mighty && is_walked(w, path))
		return walk_towards(w, fd, path, depth, diag);
	return grant_writes(w, fd, path, S_ISDIR(st.st_mode), diag);
}

/* @path, a '/' and @name. False when that is too long for a name. */
static bool join(char ret[PATH_MAX], size_t len, const char *name)
{
	size_t tail = strlen(name);

	if (len + tail + 2 > PATH_MAX)
		return false;
	ret[len] = '/';
	memcpy(ret + len + 1, name, tail + 1);
	return true;
}

/* The entries of one read. @name holds the directory's path, without a '/' at its end. */
static int walk_entries(struct walk *w, struct listing *l, char name[PATH_MAX], unsigned int depth,
			struct ih_diag *diag)
{
	const size_t len = strlen(name);
	int r = 0;

	for (ssize_t at = 0; r == 0 && at < l->n;) {
		const struct dirent64 *e = (const struct dirent64 *)(l->bytes + at);

		at += e->d_reclen;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (e->d_type == DT_LNK || e->d_type == DT_BLK)
			continue;
		if (++w->n_entries > ENTRIES_MAX)
			return ih_fail(diag, -E2BIG, "'%s' has too many entries for Landlock rules",
				       name);
		if (!join(name, len, e->d_name))
			continue;
		r = walk_entry(w, l->dir, e, name, depth, diag);
		name[len] = '\0';
	}
	return r;
}

static int walk_directory(struct walk *w, int dir, const char *path, unsigned int depth,
			  struct ih_diag *diag)
{
	struct listing l = { .dir = dir };
	char name[PATH_MAX];
	int r = 0;

	if (depth > DEPTH_MAX)
		return ih_fail(diag, -ELOOP, "the way to '%s' is too deep for Landlock rules",
			       path);
	memcpy(name, path, strlen(path) + 1);
	while (r == 0) {
		l.n = syscall(SYS_getdents64, dir, l.bytes, sizeof(l.bytes));
		if (l.n == 0)
			return 0;
		if (l.n < 0)
			return ih_fail(diag, -errno, "cannot list '%s/': %s", path,
				       strerror(errno));
		r = walk_entries(w, &l, name, depth, diag);
	}
	return r;
}

/* A tree that is not there, or not for us, vouches for nothing. */
static bool is_absent(int error)
{
	return error == ENOENT || error == ENOTDIR || error == EACCES || error == ELOOP;
}

/* Where each tree really lies: a rule beside a link is not one beside what it leads to. */
static int find_trees(struct walk *w, const char *const *trees, size_t n, struct ih_diag *diag)
{
	w->trees = calloc(n + 1, sizeof(*w->trees));
	if (!w->trees)
		return ih_fail(diag, -ENOMEM, "no memory for Landlock rules");
	w->n_trees = n;
	for (size_t i = 0; i < n; i++) {
		w->trees[i] = realpath(trees[i], NULL);
		if (!w->trees[i] && !is_absent(errno))
			return ih_fail(diag, -errno, "cannot find the trusted tree '%s': %s",
				       trees[i], strerror(errno));
	}
	return 0;
}

static void forget_trees(struct walk *w)
{
	for (size_t i = 0; i < w->n_trees; i++)
		free(w->trees[i]);
	free(w->trees);
}

/*
 * Trees belong to root, and only root can write them; so for others the permissions are guard
 * enough, and a rule for every file of /dev and /etc would be hundreds of system calls for nothing.
 */
static bool is_mighty(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { { 0 } };
	const __u32 past_permissions = 1U << CAP_DAC_OVERRIDE | 1U << CAP_FOWNER | 1U << CAP_CHOWN |
				       1U << CAP_SETUID;

	return geteuid() == 0 || getuid() == 0 || syscall(SYS_capget, &h, d) < 0 ||
	       (d[0].permitted & past_permissions);
}

/*
 * Where /usr is merged, /bin is a link into a tree that has its rule already. Should what the link
 * names be another link, to somewhere else, less may be executed for it, not more.
 */
static bool is_covered(const struct ih_landlock_trees *t, size_t i)
{
	char target[PATH_MAX] = "/";
	ssize_t len;

	if (strrchr(t->names[i], '/') != t->names[i])
		return false;
	len = readlink(t->names[i], target + 1, sizeof(target) - 2);
	if (len <= 0)
		return false;
	target[1 + len] = '\0';
	return !strstr(target, "/.") && is_within(target + (target[1] == '/'), t->names, i);
}

static int grant_execute(int ruleset, const struct ih_landlock_trees *t, struct ih_diag *diag)
{
	for (size_t i = 0; i < t->n_programs; i++) {
		_close_ int fd = -EBADF;
		int r;

		if (is_covered(t, i))
			continue;
		fd = openat(AT_FDCWD, t->names[i], O_PATH | O_CLOEXEC);
		if (fd < 0 && is_absent(errno))
			continue;
		if (fd < 0)
			return ih_fail(diag, -errno, "cannot open '%s' for a Landlock rule: %s",
				       t->names[i], strerror(errno));
		r = grant(ruleset, fd, LANDLOCK_ACCESS_FS_EXECUTE);
		if (r < 0)
			return ih_fail(diag, r, "cannot add a Landlock rule for '%s': %s",
				       t->names[i], strerror(-r));
	}
	return 0;
}

/* Best effort by ABI, newest first; each step says what the kernel below it loses. */
static uint64_t known_writes(int abi, struct ih_diag *lost)
{
	uint64_t writes = WRITES;

	switch (abi) {
	default:
	case 3:
		writes |= IH_LANDLOCK_FS_TRUNCATE;
		/* fall through */
	case 2:
		writes |= LANDLOCK_ACCESS_FS_REFER;
		break;
	case 1:
		break;
	}
	if (abi < 3)
		(void)ih_fail(lost, 0,
			      "Landlock of this kernel (ABI %d) cannot forbid truncating "
			      "files in trusted trees; Linux 6.2 can",
			      abi);
	if (abi < 2)
		(void)ih_fail(lost, 0,
			      "Landlock of this kernel (ABI 1) forbids moving files from one "
			      "directory to another; Linux 5.19 allows it");
	return writes;
}

/* Rules for what lies outside of the trees, and for execution in them. */
static int fill(struct walk *w, const struct ih_landlock_trees *trees, struct ih_diag *diag)
{
	int r = trees->execute_anywhere ? 0 : grant_execute(w->ruleset, trees, diag);

	/* Whom file permissions keep out of the trees has no use for their names. */
	if (r == 0 && w->is_mighty)
		r = find_trees(w, trees->names, trees->n, diag);
	if (r == 0)
		r = walk_path(w, "", 0, diag); /* names below begin with its '/' */
	forget_trees(w);
	return r;
}

int ih_landlock_restrict(const struct ih_landlock_trees *trees, struct ih_diag *lost,
			 struct ih_diag *diag)
{
	struct walk w = { .named = trees, .lost = lost, .is_mighty = is_mighty() };
	struct landlock_ruleset_attr attr = { 0 };
	_close_ int ruleset = -EBADF;
	int abi, r;

	abi = ih_landlock_abi();
	if (abi < 0)
		return ih_fail(diag, abi, "this kernel has no Landlock: %s", strerror(-abi));
	if (trees->n > IH_LANDLOCK_TREES_MAX)
		return ih_fail(diag, -E2BIG, "more than %d trusted trees", IH_LANDLOCK_TREES_MAX);

	w.writes = known_writes(abi, lost);
	attr.handled_access_fs = w.writes |
				 (trees->execute_anywhere ? 0 : LANDLOCK_ACCESS_FS_EXECUTE);
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (ruleset < 0)
		return ih_fail(diag, -errno, "cannot make a Landlock ruleset: %s", strerror(errno));
	w.ruleset = ruleset;

	r = fill(&w, trees, diag);
	if (r < 0)
		return r;
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return ih_fail(diag, -errno, "cannot enter the Landlock rules: %s",
			       strerror(errno));
	return 0;
}
