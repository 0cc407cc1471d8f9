/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What systemd's stub put into the initrd from beside the image: credentials and extensions from
 * the boot partition, which no signature covers (systemd-stub(7)). They show in registers 12 and 13
 * only. What lies in /.extra itself comes from sections of the signed image; what lies in its
 * folders does not.
 */
#include "bootchain/stage2_extra.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

static void close_dir(DIR *dir)
{
	if (dir)
		(void)closedir(dir);
}

IH_DEFINE_CLEANUP(DIR *, cleanup_dir, close_dir)

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static DIR *open_dir(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !dir)
		(void)close(fd);
	return dir;
}

/* Everything in a folder counts, whatever it is: a folder in it, too. */
static int look_into(int at, const char *folder, struct ih_stage2_extra *ret)
{
	_cleanup_(cleanup_dir) DIR *dir = open_dir(at, folder);
	const struct dirent *e;

	if (!dir)
		return -errno;
	while ((errno = 0, e = readdir(dir))) {
		if (is_dots(e->d_name))
			continue;
		if (ret->n++ < IH_STAGE2_EXTRA_NAMED_MAX &&
		    ih_text_addf(&ret->names, "%s'%s/%s'", ret->names.len ? ", " : "", folder,
				 e->d_name) < 0)
			return -ENOMEM;
	}
	return -errno;
}

int ih_stage2_extra_find(const char *path, struct ih_stage2_extra *ret)
{
	_cleanup_(cleanup_dir) DIR *dir = open_dir(AT_FDCWD, path);
	const struct dirent *e;
	int r = 0;

	*ret = (struct ih_stage2_extra){ 0 };
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (errno = 0, e = readdir(dir))) {
		struct stat st;

		if (is_dots(e->d_name))
			continue;
		if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		if (S_ISDIR(st.st_mode))
			r = look_into(dirfd(dir), e->d_name, ret);
	}
	return r < 0 ? r : -errno;
}

void ih_stage2_extra_done(struct ih_stage2_extra *extra)
{
	ih_text_done(&extra->names);
	*extra = (struct ih_stage2_extra){ 0 };
}
