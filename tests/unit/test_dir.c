/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listing a directory: every name once, no dots, and errors that are
 * said. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <criterion/criterion.h>

#include "common/dir.h"

static char folder[] = "/tmp/ih-dir.XXXXXX";

static int make_three(void)
{
	int fd;

	cr_assert_not_null(mkdtemp(folder));
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_eq(mkdirat(fd, "a", 0755), 0);
	cr_assert_eq(mkdirat(fd, "..b", 0755), 0);
	cr_assert_eq(symlinkat("a", fd, "link"), 0);
	return fd;
}

static void remove_three(int fd)
{
	(void)unlinkat(fd, "a", AT_REMOVEDIR);
	(void)unlinkat(fd, "..b", AT_REMOVEDIR);
	(void)unlinkat(fd, "link", 0);
	(void)rmdir(folder);
	(void)close(fd);
}

static size_t count(DIR *d)
{
	const struct dirent *e;
	size_t n = 0;
	int r = 0;

	while ((e = ih_dir_next(d, &r)) != NULL) {
		cr_expect(strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0);
		n++;
	}
	cr_expect_eq(r, 0);
	return n;
}

Test(dir, lists_what_is_there)
{
	_closedir_ DIR *d = NULL;
	int fd = make_three();

	cr_assert_eq(ih_dir_open(fcntl(fd, F_DUPFD_CLOEXEC, 3), &d), 0);
	cr_expect_eq(count(d), 3);
	remove_three(fd);
}

Test(dir, says_what_it_cannot_open)
{
	_closedir_ DIR *d = NULL;
	int fd = make_three();

	cr_expect_eq(ih_dir_open(-ELOOP, &d), -ELOOP);
	cr_expect_eq(ih_dir_openat(fd, "nothing", 0, &d), -ENOENT);
	cr_expect_eq(ih_dir_openat(fd, "link", O_NOFOLLOW, &d), -ENOTDIR);
	cr_expect_null(d);
	cr_expect_eq(ih_dir_openat(fd, "link", 0, &d), 0);
	cr_expect_eq(count(d), 0);
	remove_three(fd);
}

Test(dir, an_error_is_not_the_end)
{
	_closedir_ DIR *d = NULL;
	int fd, r = 0;

	cr_assert_eq(ih_dir_openat(AT_FDCWD, "/", 0, &d), 0);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	cr_assert_eq(dup3(fd, dirfd(d), O_CLOEXEC), dirfd(d));
	(void)close(fd);
	cr_expect_null(ih_dir_next(d, &r));
	cr_expect_eq(r, -ENOTDIR);
}
