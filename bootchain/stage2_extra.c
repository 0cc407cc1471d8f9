/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What systemd's stub put into the initrd from beside the image: credentials and extensions from
 * the boot partition, which no signature covers (systemd-stub(7)). They show in registers 12 and 13
 * only. What lies in /.extra itself comes from sections of the signed image; what lies in its
 * folders does not.
 */
#include "bootchain/stage2_extra.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/dir.h"

/* Everything in a folder counts, whatever it is: a folder in it, too. */
static int look_into(int at, const char *folder, struct ih_stage2_extra *ret)
{
	_closedir_ DIR *dir = NULL;
	const struct dirent *e;
	int r;

	r = ih_dir_openat(at, folder, O_NOFOLLOW, &dir);
	while (r == 0 && (e = ih_dir_next(dir, &r)) != NULL)
		if (ret->n++ < IH_STAGE2_EXTRA_NAMED_MAX &&
		    ih_text_addf(&ret->names, "%s'%s/%s'", ret->names.len ? ", " : "", folder,
				 e->d_name) < 0)
			r = -ENOMEM;
	return r;
}

int ih_stage2_extra_find(const char *path, struct ih_stage2_extra *ret)
{
	_closedir_ DIR *dir = NULL;
	const struct dirent *e;
	int r;

	*ret = (struct ih_stage2_extra){ 0 };
	r = ih_dir_openat(AT_FDCWD, path, O_NOFOLLOW, &dir);
	if (r == -ENOENT)
		return 0;
	while (r == 0 && (e = ih_dir_next(dir, &r)) != NULL) {
		struct stat st;

		if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		if (S_ISDIR(st.st_mode))
			r = look_into(dirfd(dir), e->d_name, ret);
	}
	return r;
}

void ih_stage2_extra_done(struct ih_stage2_extra *extra)
{
	ih_text_done(&extra->names);
	*extra = (struct ih_stage2_extra){ 0 };
}
