/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads what a stopped process is about to run. */
#include "wrapper/image.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"

#define CHUNK (16UL << 10)

/* Files in /proc have no size: read until the end. */
static int read_all(int dirfd, const char *name, char **ret, size_t *ret_len)
{
	_close_ int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	_free_ char *data = NULL;
	size_t len = 0, size = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	for (;;) {
		if (size - len < CHUNK) {
			char *larger;

			if (size >= IH_IMAGE_BYTES_MAX)
				return -E2BIG;
			size = size ? size * 4 : CHUNK * 2;
			larger = realloc(data, size + 1);
			if (!larger)
				return -ENOMEM;
			data = larger;
		}
		n = read(fd, data + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	data[len] = '\0';
	*ret = TAKE_PTR(data);
	*ret_len = len;
	return 0;
}

/* Strings one behind the other, each with its NUL, to a vector of pointers into them. */
static int split(char *bytes, size_t len, char ***ret, int *ret_n)
{
	char **vector;
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += bytes[i] == '\0';
	if (len && bytes[len - 1] != '\0')
		n++;
	vector = calloc(n + 2, sizeof(*vector));
	if (!vector)
		return -ENOMEM;

	*ret_n = (int)n;
	for (size_t i = 0; i < n; i++) {
		vector[i] = bytes;
		bytes += strlen(bytes) + 1;
	}
	*ret = vector;
	return 0;
}

static int open_exe(int proc)
{
	int fd = openat(proc, "exe", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == EACCES)
		fd = openat(proc, "exe", O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int fill(struct ih_image *image)
{
	size_t len = 0;
	int n, r;

	image->exe = open_exe(image->proc);
	if (image->exe < 0)
		return image->exe;
	r = read_all(image->proc, "cmdline", &image->arg_bytes, &len);
	if (r < 0)
		return r;
	r = split(image->arg_bytes, len, &image->argv, &image->argc);
	if (r < 0)
		return r;
	r = read_all(image->proc, "environ", &image->env_bytes, &len);
	if (r < 0)
		return r;
	return split(image->env_bytes, len, &image->envp, &n);
}

int ih_image_read(pid_t pid, struct ih_image *ret, struct ih_diag *diag)
{
	struct ih_image image = { .pid = pid, .exe = -EBADF };
	char name[32];
	int r;

	(void)snprintf(name, sizeof(name), "/proc/%d", pid);
	image.proc = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (image.proc < 0)
		return ih_fail(diag, -errno, "cannot look at process %d: %s", pid, strerror(errno));
	r = fill(&image);
	if (r < 0) {
		ih_image_done(&image);
		return ih_fail(diag, r, "cannot read what process %d is about to run: %s", pid,
			       strerror(-r));
	}
	*ret = image;
	return 0;
}

void ih_image_done(struct ih_image *image)
{
	if (image->proc >= 0)
		(void)close(image->proc);
	if (image->exe >= 0)
		(void)close(image->exe);
	free(image->argv);
	free(image->envp);
	free(image->arg_bytes);
	free(image->env_bytes);
	*image = (struct ih_image){ .proc = -EBADF, .exe = -EBADF };
}

void ih_image_say(pid_t pid, const char *line)
{
	_close_ int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	_close_ int fd = -EBADF;
	struct pollfd p = { .events = POLLOUT };

	if (pidfd < 0)
		return;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, 2, 0);
	if (fd < 0)
		return;
	p.fd = fd;
	if (poll(&p, 1, 0) == 1 && (p.revents & POLLOUT))
		(void)!write(fd, line, strlen(line));
}
