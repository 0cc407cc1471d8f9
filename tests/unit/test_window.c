/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Windows onto cached files, files that shrink under them, and archives made through them. */
#include "integrity/window.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "integrity/nar.h"

#define SIZE (3 * 1024 * 1024 + 12345)

static char dir[] = "/tmp/ih-window-XXXXXX";
static uint8_t data[SIZE];
static int fd = -EBADF;

static void write_file(void)
{
	uint32_t x = 2463534242u;
	char path[64];

	for (size_t i = 0; i < SIZE; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		data[i] = (uint8_t)(x >> 11);
	}
	cr_assert(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/file", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	cr_assert(fd >= 0 && write(fd, data, SIZE) == SIZE);
}

static void remove_file(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/file", dir);
	(void)close(fd);
	(void)unlink(path);
	(void)rmdir(dir);
}

TestSuite(window, .init = write_file, .fini = remove_file);

Test(window, shows_any_part_of_a_file)
{
	static const struct {
		uint64_t offset;
		size_t len;
	} parts[] = {
		{ 0, 1 }, { 0, 1 << 20 }, { 4097, 70000 }, { SIZE - 1, 1 }, { 12345, 1 << 20 }
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		struct ih_window w = { 0 };
		const uint8_t *at;

		cr_assert(ih_window_open(&w, fd, parts[i].offset, parts[i].len, &at) == 0);
		cr_assert(memcmp(at, data + parts[i].offset, parts[i].len) == 0);
		cr_assert(ih_window_close(&w));
		cr_assert(ih_window_close(&w), "a closed one may be closed again");
	}
}

Test(window, is_not_for_what_is_not_cached)
{
	struct ih_window w = { 0 };
	const uint8_t *at;
	int r;

	cr_assert(fsync(fd) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
	r = ih_window_open(&w, fd, 0, 1 << 20, &at);
	if (r == 0)
		cr_skip_test("this file system keeps everything in memory");
	cr_assert(r == -EAGAIN);
	cr_assert(ih_window_close(&w));
}

Test(window, says_so_when_the_file_shrank)
{
	struct ih_window whole = { 0 }, other = { 0 };
	const uint8_t *at, *beside;

	cr_assert(ih_window_open(&whole, fd, 1 << 20, 1 << 20, &at) == 0);
	cr_assert(ih_window_open(&other, fd, 0, 4096, &beside) == 0);
	cr_assert(ftruncate(fd, 4096) == 0);
	cr_assert(at[0] == 0 && at[(1 << 20) - 1] == 0, "zeros, and the process goes on");
	cr_assert(memcmp(beside, data, 4096) == 0);
	cr_assert(ih_window_close(&other), "only one of the two was lost");
	cr_assert(!ih_window_close(&whole));
}

/* What no window caused ends the process as before. */
static int status_of_fault(void (*fault)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct ih_window w = { 0 };
		const uint8_t *at;

		(void)ih_window_open(&w, fd, 0, 4096, &at);
		fault();
		_exit(0);
	}
	cr_assert(child > 0 && waitpid(child, &status, 0) == child);
	return status;
}

static void touch_a_foreign_mapping(void)
{
	volatile uint8_t *p = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED || ftruncate(fd, 0) < 0)
		_exit(1);
	_exit(p[4096] == 0 ? 2 : 3);
}

static void send_the_signal(void)
{
	(void)kill(getpid(), SIGBUS);
}

Test(window, other_bus_errors_still_kill)
{
	int status = status_of_fault(send_the_signal);

	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	status = status_of_fault(touch_a_foreign_mapping);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}

Test(window, an_archive_of_a_file_that_shrinks_is_worthless)
{
	int parent = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct ih_nar_source source = { .dirfd = parent, .name = "file", .shown = "the file" };
	struct ih_problems problems = { 0 };
	struct ih_nar *nar = NULL;
	const uint8_t *piece;
	const void *ret;
	ssize_t len;

	cr_assert(ih_nar_new(&source, &problems, &nar) == 0);
	do
		len = ih_nar_next(nar, &ret);
	while (len > 0 && len < 100000);
	cr_assert(len == 2 << 20, "a window, for it was just written");
	cr_assert(memcmp(ret, data, 2 << 20) == 0);
	cr_assert(ftruncate(fd, 4096) == 0);
	piece = ret;
	cr_assert(piece[8192] == 0);
	while ((len = ih_nar_next(nar, &ret)) > 0)
		;
	cr_assert(len == -ESTALE, "%zd", len);
	cr_assert(problems.total >= 1);
	ih_problems_done(&problems);
	ih_nar_free(nar);
	(void)close(parent);
}
