/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is watched and what is not: whole file systems are; an inode about which the answer cannot
 * change is ignored until its content does (the kernel forgets the mark with the first write).
 */
#include "bpf/fanotify_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "integrity/mounts.h"

#ifndef FAN_MARK_EVICTABLE
#define FAN_MARK_EVICTABLE 0x00000200 /* Linux 5.19: does not hold the inode in memory */
#endif
#define QUESTIONS	 (FAN_OPEN_EXEC_PERM | FAN_OPEN_PERM)
#define MOUNTS_BYTES_MAX (16U << 20)

/* Hold no files that could be executed or read as code. */
static const char *const empty_types[] = {
	"proc",	      "sysfs",	 "cgroup",     "cgroup2", "devpts",   "mqueue",	  "bpf",
	"tracefs",    "debugfs", "securityfs", "pstore",  "configfs", "efivarfs", "binfmt_misc",
	"rpc_pipefs", "nsfs",	 "selinuxfs",  "fusectl", "smackfs",  "autofs",
};

static bool is_empty_type(const char *type)
{
	for (size_t i = 0; i < IH_ARRAY_SIZE(empty_types); i++)
		if (strcmp(type, empty_types[i]) == 0)
			return true;
	return false;
}

/* Device nodes are opened to be asked about, which for a watchdog or a tape is an act of its own:
 * of their file system only execs are of interest. */
static int mark(struct ih_fan *fan, const char *root, const char *where, const char *type)
{
	uint64_t mask = strcmp(type, "devtmpfs") == 0 ? FAN_OPEN_EXEC_PERM : QUESTIONS;
	char path[2 * PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s%s", root, where);
	return fanotify_mark(fan->fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, mask, AT_FDCWD, path) < 0
		       ? -errno
		       : 0;
}

/* "36 35 98:0 /root /mount/point rw,noatime master:1 - ext4 /dev/root rw" (proc(5)) */
static int mark_line(struct ih_fan *fan, const char *root, char *line, struct ih_diag *diag)
{
	char where[PATH_MAX], type[64];
	const char *dash = strstr(line, " - ");
	int r;

	if (!dash || sscanf(line, "%*s %*s %*s %*s %4095s", where) != 1 ||
	    sscanf(dash + 3, "%63s", type) != 1 || is_empty_type(type))
		return 0;
	ih_mount_unescape(where);
	r = mark(fan, root, where, type);
	if (r == 0 || r == -ENOENT) /* hidden below another mount, or gone */
		return 0;
	return ih_fail(diag, r, "cannot watch the %s file system on '%s': %s", type, where,
		       strerror(-r));
}

static int watch_only(struct ih_fan *fan, struct ih_diag *diag)
{
	for (const char *const *at = fan->options.watch; *at; at++) {
		int r = mark(fan, "", *at, "");

		if (r < 0)
			return ih_fail(diag, r, "cannot watch the file system of '%s': %s", *at,
				       strerror(-r));
	}
	return 0;
}

/* A file system that not even root may look at (FUSE of a user), or that does not answer: the
 * machine is better watched without it than not at all. It is named. */
bool ih_fan_is_passed_over(int error)
{
	return error == -EACCES || error == -ENOTCONN || error == -ESTALE || error == -EIO ||
	       error == -EOPNOTSUPP || error == -EINVAL;
}

/* @proc: "/proc/self" or "/proc/TID". Marks all that can be marked and then says what could not. */
int ih_fan_watch(struct ih_fan *fan, const char *proc, struct ih_diag *diag)
{
	char path[64], root[64];
	char *line = NULL;
	size_t size = 0, read = 0;
	int result = 0, r;
	ssize_t n;
	FILE *f;

	if (fan->options.watch)
		return watch_only(fan, diag);
	(void)snprintf(path, sizeof(path), "%s/mountinfo", proc);
	(void)snprintf(root, sizeof(root), "%s/root", proc);
	f = fopen(path, "re");
	if (!f)
		return ih_fail(diag, -errno, "cannot read '%s': %s", path, strerror(errno));
	while (read < MOUNTS_BYTES_MAX && (n = getline(&line, &size, f)) > 0) {
		read += (size_t)n;
		r = mark_line(fan, root, line, diag);
		if (r < 0 && (result == 0 || ih_fan_is_passed_over(result)))
			result = r;
	}
	free(line);
	(void)fclose(f);
	return result;
}

/* A process in a mount namespace of its own may see file systems that we do not. */
void ih_fan_watch_namespace_of(struct ih_fan *fan, pid_t tid)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/mnt", tid);
	if (stat(path, &st) < 0 || st.st_ino == fan->mount_namespace)
		return;
	(void)snprintf(path, sizeof(path), "/proc/%d", tid);
	(void)ih_fan_watch(fan, path, NULL);
}

void ih_fan_flush(struct ih_fan *fan)
{
	(void)pthread_mutex_lock(&fan->marks_lock);
	(void)fanotify_mark(fan->fd, FAN_MARK_FLUSH, 0, AT_FDCWD, "/");
	fan->n_ignored = 0;
	fan->flush_wanted = false;
	fan->triggers_ignored = false;
	fan->flushed_ms = ih_fan_now_ms();
	(void)pthread_mutex_unlock(&fan->marks_lock);
}

void ih_fan_ignore(struct ih_fan *fan, int fd, uint64_t mask)
{
	unsigned int flags = FAN_MARK_ADD | FAN_MARK_IGNORED_MASK;

	if (__atomic_add_fetch(&fan->n_ignored, 1, __ATOMIC_RELAXED) > IH_FAN_IGNORED_MAX)
		ih_fan_flush(fan);
	if (fanotify_mark(fan->fd, flags | FAN_MARK_EVICTABLE, mask, fd, NULL) < 0 &&
	    errno == EINVAL)
		(void)fanotify_mark(fan->fd, flags, mask, fd, NULL);
}

/* Is it still the library that was found to be trusted? Asked after the mark is set: a write before
 * that shows in the change time, a write after it takes the mark away. */
static bool is_good(struct ih_fan *fan, const struct ih_fan_trigger *trigger)
{
	struct ih_fan_file file;
	struct stat st;
	bool good;

	if (fstat(trigger->fd, &st) < 0 || ih_fan_files_get(&fan->files, &st, &file) < 0)
		return false;
	(void)pthread_rwlock_rdlock(&fan->policy_lock);
	good = file.file.seed.trust >= fan->config.min_trust;
	(void)pthread_rwlock_unlock(&fan->policy_lock);
	return good;
}

static void set_trigger(struct ih_fan *fan, const struct ih_fan_trigger *trigger, bool ignored)
{
	(void)fanotify_mark(fan->fd,
			    (ignored ? FAN_MARK_ADD : FAN_MARK_REMOVE) | FAN_MARK_IGNORED_MASK,
			    QUESTIONS, trigger->fd, NULL);
}

static void set_triggers(struct ih_fan *fan, bool ignored)
{
	for (size_t i = 0; i < fan->n_triggers; i++) {
		set_trigger(fan, &fan->triggers[i], ignored);
		if (ignored && !is_good(fan, &fan->triggers[i]))
			set_trigger(fan, &fan->triggers[i], false);
	}
	fan->triggers_ignored = ignored;
}

static bool is_library_name(const char *name)
{
	return strncmp(name, "libc.so", 7) == 0 || strncmp(name, "libc-2.", 7) == 0 ||
	       strncmp(name, "libc.musl", 9) == 0;
}

static int find_trigger(const struct ih_fan *fan, const struct ih_file_key *key)
{
	for (size_t i = 0; i < fan->n_triggers; i++)
		if (ih_fan_same(&fan->triggers[i].key, key))
			return (int)i;
	return -ENOENT;
}

/*
 * The C library: the first thing that every dynamic program opens when it is complete and has run
 * nothing of its own. While an interpreter is being started its library is asked about.
 */
bool ih_fan_is_trigger(struct ih_fan *fan, const struct ih_fan_question *q)
{
	char link[64], name[PATH_MAX];
	const char *base;
	bool is;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", q->fd);
	if (ih_fan_name_of(link, name, sizeof(name)) < 0)
		return true; /* then at least it is asked about again */
	base = strrchr(name, '/');
	if (!is_library_name(base ? base + 1 : name))
		return false;
	(void)pthread_mutex_lock(&fan->marks_lock);
	is = find_trigger(fan, &q->file.file.key) < 0 && fan->n_triggers < IH_FAN_TRIGGERS_MAX;
	if (is) {
		int fd = fcntl(q->fd, F_DUPFD_CLOEXEC, 3);

		if (fd >= 0)
			fan->triggers[fan->n_triggers++] =
				(struct ih_fan_trigger){ .key = q->file.file.key, .fd = fd };
	}
	(void)pthread_mutex_unlock(&fan->marks_lock);
	return true;
}

void ih_fan_triggers_wake(struct ih_fan *fan)
{
	(void)pthread_mutex_lock(&fan->marks_lock);
	if (fan->triggers_ignored)
		set_triggers(fan, false);
	(void)pthread_mutex_unlock(&fan->marks_lock);
}

/* Nobody is being started: the libraries need not be asked about. */
void ih_fan_triggers_rest(struct ih_fan *fan)
{
	(void)pthread_mutex_lock(&fan->marks_lock);
	if (!fan->triggers_ignored && !ih_fan_pending_any(fan))
		set_triggers(fan, true);
	(void)pthread_mutex_unlock(&fan->marks_lock);
}
