/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listing a directory. It opens none and looks at no entry. */
#include "common/dir.h"

#include <fcntl.h>
#include <string.h>

int ih_dir_open(int fd, DIR **ret)
{
	int r;

	*ret = NULL;
	if (fd < 0)
		return fd;
	*ret = fdopendir(fd);
	if (!*ret) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	return 0;
}

int ih_dir_openat(int at, const char *path, int flags, DIR **ret)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);

	return ih_dir_open(fd < 0 ? -errno : fd, ret);
}

const struct dirent *ih_dir_next(DIR *d, int *error)
{
	const struct dirent *e;

	do {
		errno = 0;
		e = readdir(d);
	} while (e && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0));
	if (!e && errno)
		*error = -errno;
	return e;
}
