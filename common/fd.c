/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening beneath a directory, reading with a cap, replacing atomically. */
#include "common/fd.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "common/cleanup.h"
#include "common/statx.h"

static int check_same_mount(int dirfd, int fd)
{
	struct statx a, b;

	if (statx(dirfd, "", AT_EMPTY_PATH, STATX_MNT_ID, &a) < 0 ||
	    statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &b) < 0)
		return -errno;
	if (!(a.stx_mask & b.stx_mask & STATX_MNT_ID))
		return -EOPNOTSUPP; /* before 5.8: cannot find out, so refuse */
	return a.stx_mnt_id == b.stx_mnt_id ? 0 : -EXDEV;
}

/* For kernels without openat2 (before 5.6, or a seccomp filter that hides it). */
static int open_by_steps(int dirfd, const char *name, int flags)
{
	char copy[PATH_MAX], *save = NULL, *part, *next;
	_close_ int at = -EBADF;
	size_t len = strlen(name);
	int r;

	if (name[0] == '/' || !len)
		return name[0] == '/' ? -EXDEV : -ENOENT;
	if (len >= sizeof(copy))
		return -ENAMETOOLONG;
	memcpy(copy, name, len + 1);

	for (part = strtok_r(copy, "/", &save); part; part = next) {
		int parent = at >= 0 ? at : dirfd;
		int fd;

		next = strtok_r(NULL, "/", &save);
		if (strcmp(part, "..") == 0)
			return -EXDEV;
		fd = openat(parent, part,
			    next ? O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
				 : flags | O_NOFOLLOW);
		if (fd < 0)
			return next && errno == ENOTDIR ? -ELOOP : -errno;
		if (at >= 0)
			(void)close(at);
		at = fd;
	}
	r = check_same_mount(dirfd, at);
	return r < 0 ? r : TAKE_FD(at);
}

int ih_open_beneath(int dirfd, const char *name, int flags)
{
	struct open_how how = {
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};
	long fd;

	flags |= O_CLOEXEC;
	if (!(flags & O_PATH))
		flags |= O_NOCTTY | O_NONBLOCK;
	how.flags = (unsigned int)flags;
	do
		fd = syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
	while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	if (fd >= 0)
		return (int)fd;
	if (errno != ENOSYS && errno != EPERM)
		return -errno;
	return open_by_steps(dirfd, name, flags);
}

ssize_t ih_pread_full(int fd, void *buffer, size_t len, uint64_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (char *)buffer + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int ih_read_fd(int fd, const char *name, size_t max, char **ret, size_t *ret_len,
	       struct ih_diag *diag)
{
	_free_ char *data = NULL;
	struct stat st;
	ssize_t n;
	size_t size;

	if (fstat(fd, &st) < 0)
		return ih_fail(diag, -errno, "cannot look at '%s': %s", name, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return ih_fail(diag, -EINVAL, "'%s' is not a regular file", name);
	if (st.st_size < 0 || (uint64_t)st.st_size > max)
		return ih_fail(diag, -EFBIG, "'%s' has %lld bytes, more than the limit of %zu",
			       name, (long long)st.st_size, max);

	/* Files below /proc and /sys have no size; others may grow: read to the cap in any case. */
	size = st.st_size ? (size_t)st.st_size + 1 : (max < 65536 ? max + 1 : 65536);
	for (size_t done = 0;;) {
		char *more = realloc(data, size + 1);

		if (!more)
			return ih_fail(diag, -ENOMEM, "no memory to read '%s'", name);
		data = more;
		n = ih_pread_full(fd, data + done, size - done, done);
		if (n < 0)
			return ih_fail(diag, (int)n, "cannot read '%s': %s", name,
				       strerror((int)-n));
		done += (size_t)n;
		if (done > max)
			return ih_fail(diag, -EFBIG, "'%s' is longer than the limit of %zu bytes",
				       name, max);
		if (done < size) {
			data[done] = '\0';
			*ret_len = done;
			*ret = TAKE_PTR(data);
			return 0;
		}
		size = size * 2 < max + 1 ? size * 2 : max + 1;
	}
}

int ih_read_file(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len,
		 struct ih_diag *diag)
{
	_close_ int fd = -EBADF;

	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return ih_fail(diag, -errno, "cannot open '%s': %s", path, strerror(errno));
	return ih_read_fd(fd, path, max, ret, ret_len, diag);
}

int ih_write_full(int fd, const void *buffer, size_t len)
{
	const char *p = buffer;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int open_temporary(int dirfd, const char *name, mode_t mode, char *temporary, size_t size)
{
	for (int tries = 0; tries < 16; tries++) {
		uint32_t salt;
		int fd, n;

		if (getrandom(&salt, sizeof(salt), 0) != (ssize_t)sizeof(salt))
			return -EIO;
		n = snprintf(temporary, size, "%s.%08x", name, salt);
		if (n < 0 || (size_t)n >= size)
			return -ENAMETOOLONG;
		fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			    mode);
		if (fd >= 0 || errno != EEXIST)
			return fd >= 0 ? fd : -errno;
	}
	return -EEXIST;
}

int ih_write_file_atomic(int dirfd, const char *name, mode_t mode, const void *data, size_t len,
			 struct ih_diag *diag)
{
	char temporary[PATH_MAX], directory[PATH_MAX];
	_close_ int fd = -EBADF, parent = -EBADF;
	const char *slash = strrchr(name, '/');
	int r;

	fd = open_temporary(dirfd, name, mode, temporary, sizeof(temporary));
	if (fd < 0)
		return ih_fail(diag, fd, "cannot create '%s': %s", name, strerror(-fd));

	r = ih_write_full(fd, data, len);
	if (r == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		r = -errno;
	if (r == 0 && renameat(dirfd, temporary, dirfd, name) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dirfd, temporary, 0);
		return ih_fail(diag, r, "cannot write '%s': %s", name, strerror(-r));
	}

	(void)snprintf(directory, sizeof(directory), "%.*s", slash ? (int)(slash - name + 1) : 1,
		       slash ? name : ".");
	parent = openat(dirfd, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0 || fsync(parent) < 0)
		return ih_fail(diag, -errno, "cannot make the new name '%s' durable: %s", name,
			       strerror(errno));
	return 0;
}
