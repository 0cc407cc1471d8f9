/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Direct reads asked for ahead: the same archive as by the page cache, and every trouble on the
 * way. */
#include "integrity/ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "integrity/nar.h"

#define SMALL 700 /* files: more than are open, and more pieces than are queued, at a time */

static char dir[] = "/var/tmp/ih-ahead-XXXXXX";
static char tree[64];
static int parent = -EBADF;

static void write_file(const char *name, size_t size)
{
	uint32_t x = 2463534242u + (uint32_t)size;
	uint8_t *data = malloc(size + 1);
	char path[400];
	int fd;

	for (size_t i = 0; i < size; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		data[i] = (uint8_t)(x >> 11);
	}
	(void)snprintf(path, sizeof(path), "%s/%s", tree, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
	cr_assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	(void)close(fd);
	free(data);
}

static void make_links(void)
{
	char path[400], target[4001];

	memset(target, 't', sizeof(target) - 1);
	for (size_t i = 255; i < sizeof(target); i += 256)
		target[i] = '/';
	target[4000] = '\0';
	for (int i = 0; i < 20; i++) {
		(void)snprintf(path, sizeof(path), "%s/a/link-%d", tree, i);
		cr_assert(symlink(target, path) == 0);
	}
}

static void make_tree(void)
{
	static const size_t sizes[] = { 0,	1,	4095,	4096,	4097,	131071,	 131072,
					131073, 262143, 262144, 262145, 524288, 3000000, 4194304 };
	char name[300];

	cr_assert(mkdtemp(dir));
	(void)snprintf(tree, sizeof(tree), "%s/tree", dir);
	cr_assert(mkdir(tree, 0755) == 0);
	(void)snprintf(name, sizeof(name), "%s/a", tree);
	cr_assert(mkdir(name, 0755) == 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		(void)snprintf(name, sizeof(name), "size-%zu", sizes[i]);
		write_file(name, sizes[i]);
	}
	for (size_t i = 0; i < SMALL; i++) {
		(void)snprintf(name, sizeof(name), "a/%0200zu", i);
		write_file(name, i % 7 ? i * 13 : 0);
	}
	make_links();
	parent = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert(parent >= 0);
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void drop_tree(void)
{
	(void)close(parent);
	(void)nftw(dir, drop, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(ahead, .init = make_tree, .fini = drop_tree);

static void need_direct(void)
{
	char path[100];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/size-1", tree);
	fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		cr_skip_test("this file system has no direct reads");
	(void)close(fd);
}

static int digest(bool direct, void (*seen)(void *, const char *, const struct statx *),
		  struct ih_problems *problems, struct ih_digest *ret)
{
	struct ih_nar_source source = { .dirfd = parent, .name = "tree", .shown = "tree" };
	uint64_t size;

	source.direct = direct;
	source.seen = seen;
	memset(ret, 0, sizeof(*ret));
	return ih_nar_digest(&source, problems, ret, &size);
}

static void is_the_same(void)
{
	struct ih_problems problems = { 0 };
	struct ih_digest cached, direct;

	cr_assert(digest(false, NULL, &problems, &cached) == 0);
	cr_assert(digest(true, NULL, &problems, &direct) == 0);
	cr_assert(problems.total == 0);
	cr_assert(memcmp(cached.bytes, direct.bytes, IH_SHA256_SIZE) == 0);
}

/* From now on this process has no such system call. */
static void without(int number)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	cr_assert(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
		cr_skip_test("no filter of system calls here");
}

Test(ahead, the_archive_is_the_same)
{
	need_direct();
	is_the_same();
}

Test(ahead, few_descriptors)
{
	struct rlimit few = { 80, 80 };

	need_direct();
	cr_assert(setrlimit(RLIMIT_NOFILE, &few) == 0);
	is_the_same();
}

Test(ahead, a_kernel_without_asynchronous_reads)
{
	need_direct();
	without(SYS_io_setup);
	is_the_same();
}

Test(ahead, a_kernel_that_takes_no_request)
{
	need_direct();
	without(SYS_io_submit);
	is_the_same();
}

Test(ahead, a_kernel_that_does_not_tell_what_is_done)
{
	struct ih_problems problems = { 0 };
	struct ih_digest d;

	need_direct();
	without(SYS_io_getevents);
	cr_assert(digest(true, NULL, &problems, &d) == -ENOSYS);
	cr_assert(problems.total > 0);
	cr_assert(strncmp(problems.list[0], "cannot read 'tree/", 18) == 0, "%s", problems.list[0]);
	ih_problems_done(&problems);
}

static off_t other_size;

/* Called when the file was looked at, and before it is read. */
static void change_size(void *user, const char *path, const struct statx *st)
{
	char name[400];

	(void)user;
	(void)st;
	(void)snprintf(name, sizeof(name), "%s/%s", dir, path);
	if (strstr(path, "size-262144"))
		cr_assert(truncate(name, other_size) == 0);
}

static void is_stale(off_t size)
{
	static const char says[] = "'tree/size-262144' changed its size while it was read";
	struct ih_problems problems = { 0 };
	struct ih_digest d;

	other_size = size;
	cr_assert(digest(true, change_size, &problems, &d) == -ESTALE);
	cr_assert(problems.total == 1);
	cr_assert(strcmp(problems.list[0], says) == 0, "%s", problems.list[0]);
	ih_problems_done(&problems);
}

Test(ahead, a_file_that_shrinks)
{
	need_direct();
	is_stale(131072);
}

Test(ahead, a_file_that_shrinks_to_nothing)
{
	need_direct();
	is_stale(0);
}

Test(ahead, a_file_that_grows)
{
	need_direct();
	is_stale(262145);
}

Test(ahead, an_archive_that_is_given_up)
{
	struct ih_nar_source source = { .dirfd = parent, .name = "tree", .shown = "tree" };
	struct ih_problems problems = { 0 };
	struct ih_nar *n = NULL;
	struct ih_digest d;
	const void *piece;

	need_direct();
	source.direct = true;
	cr_assert(ih_nar_new(&source, &problems, &n) == 0);
	for (int i = 0; i < 30; i++) {
		cr_assert(ih_nar_next(n, &piece) > 0);
		cr_assert(ih_nar_restart(n, &source, &problems) == 0);
	}
	ih_nar_free(n);
	cr_assert(digest(true, NULL, &problems, &d) == 0, "no descriptor is left open");
}

Test(ahead, what_cannot_be_read_is_told_once)
{
	struct ih_ahead *a = NULL;
	const char *path = NULL;
	const void *piece;
	char name[100];

	(void)snprintf(name, sizeof(name), "%s/written", tree);
	cr_assert(ih_ahead_new(&a) == 0);
	cr_assert(ih_ahead_file(a, open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), 300000,
				"written") == 0);
	cr_assert(ih_ahead_ask(a));
	ih_ahead_send(a);
	memcpy(ih_ahead_space(a), "end", 3);
	ih_ahead_put(a, 3);
	cr_assert(ih_ahead_next(a, &piece, &path) == -EBADF);
	cr_assert(strcmp(path, "written") == 0);
	cr_assert(ih_ahead_next(a, &piece, &path) == 3, "what comes behind is still told");
	cr_assert(memcmp(piece, "end", 3) == 0);
	cr_assert(ih_ahead_next(a, &piece, &path) == 0);
	ih_ahead_free(a);
}

Test(ahead, a_file_system_without_direct_reads)
{
	struct ih_problems problems = { 0 };
	struct ih_digest d;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", dir, "ramfs", 0, NULL) < 0)
		cr_skip_test("no ramfs can be mounted here");
	(void)close(parent);
	parent = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert(mkdir(tree, 0755) == 0);
	write_file("file", 1);
	cr_assert(digest(false, NULL, &problems, &d) == 0);
	cr_assert(digest(true, NULL, &problems, &d) == -EOPNOTSUPP);
	cr_assert(problems.total == 1);
	cr_assert(strncmp(problems.list[0], "cannot read past the page cache 'tree/file': ", 45) ==
		  0);
	ih_problems_done(&problems);
	(void)umount2(dir, MNT_DETACH);
}
