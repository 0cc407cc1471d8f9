/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tree made from the input (a little language: directories, files, links, up), archived, and the
 * archive read back by a reader that knows nothing of the writer: brackets, order of names,
 * padding.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <ftw.h>

#include "common/text.h"
#include "integrity/nar.h"
#include "tests/fuzz/fuzz.h"

#define STEPS_MAX 200
#define SIZE_MAX_ (8u << 20)

struct reader {
	const char *data;
	size_t len, at;
};

static const char *word(struct reader *r, uint64_t *ret_len)
{
	const char *s;
	uint64_t n;

	if (r->len - r->at < 8)
		abort();
	memcpy(&n, r->data + r->at, 8);
	r->at += 8;
	if (n > r->len - r->at || ((n + 7) & ~7ULL) > r->len - r->at)
		abort();
	s = r->data + r->at;
	for (uint64_t i = n; i < ((n + 7) & ~7ULL); i++)
		if (s[i])
			abort();
	r->at += (n + 7) & ~7ULL;
	*ret_len = n;
	return s;
}

static bool is(struct reader *r, const char *want)
{
	size_t before = r->at;
	uint64_t n;
	const char *s = word(r, &n);

	if (n == strlen(want) && memcmp(s, want, n) == 0)
		return true;
	r->at = before;
	return false;
}

static void need(struct reader *r, const char *want)
{
	if (!is(r, want))
		abort();
}

static void node(struct reader *r, unsigned int depth);

static void directory(struct reader *r, unsigned int depth)
{
	char last[IH_NAR_NAME_MAX + 1] = "";

	while (is(r, "entry")) {
		char name[IH_NAR_NAME_MAX + 1];
		const char *s;
		uint64_t n;

		need(r, "(");
		need(r, "name");
		s = word(r, &n);
		if (!n || n > IH_NAR_NAME_MAX)
			abort();
		memcpy(name, s, n);
		name[n] = '\0';
		if (strlen(name) != n || strchr(name, '/') || strcmp(last, name) >= 0)
			abort();
		memcpy(last, name, n + 1);
		need(r, "node");
		node(r, depth + 1);
		need(r, ")");
	}
}

static void node(struct reader *r, unsigned int depth)
{
	uint64_t n;

	if (depth > IH_NAR_DEPTH_MAX)
		abort();
	need(r, "(");
	need(r, "type");
	if (is(r, "regular")) {
		if (is(r, "executable"))
			need(r, "");
		need(r, "contents");
		(void)word(r, &n);
	} else if (is(r, "symlink")) {
		need(r, "target");
		(void)word(r, &n);
		if (!n || n > IH_NAR_TARGET_MAX)
			abort();
	} else {
		need(r, "directory");
		directory(r, depth);
	}
	need(r, ")");
}

/* One step of the language at the directory @fd; may replace it. */
static size_t build(int *fd, const uint8_t *data, size_t size, unsigned int *depth)
{
	char name[IH_NAR_NAME_MAX + 1];
	size_t len = size > 1 ? data[1] % 16 + 1 : 0, used = 2 + len;
	int next;

	if (size < used)
		return size;
	memcpy(name, data + 2, len);
	name[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if (!name[i] || name[i] == '/')
			name[i] = '_';
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		name[0] = '_';
	switch (data[0] % 4) {
	case 0:
		(void)mkdirat(*fd, name, 0755);
		next = openat(*fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next >= 0 && *depth < 80) {
			(void)close(*fd);
			*fd = next;
			++*depth;
		} else if (next >= 0) {
			(void)close(next);
		}
		break;
	case 1:
		next = openat(*fd, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
			      data[0] & 4 ? 0755 : 0644);
		if (next >= 0) {
			(void)!ftruncate(next, (off_t)data[0] * data[1]);
			(void)!write(next, data, size < 300 ? size : 300);
			(void)close(next);
		}
		break;
	case 2:
		(void)!symlinkat(name, *fd, name + len / 2);
		break;
	default:
		if (*depth) {
			next = openat(*fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			(void)close(*fd);
			*fd = next;
			--*depth;
		}
		return 1;
	}
	return used;
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

/* Return: what ended it; @all is the archive. */
static ssize_t archive(int dirfd, bool deep, bool direct, struct ih_text *all)
{
	struct ih_nar_source source = { dirfd, "t", "t", true, 0, direct };
	struct ih_problems problems = { 0 };
	struct ih_nar *n = NULL;
	struct reader r = { 0 };
	const void *piece;
	ssize_t len;

	if (ih_nar_new(&source, &problems, &n) < 0)
		abort();
	while ((len = ih_nar_next(n, &piece)) > 0)
		if (all->len > SIZE_MAX_ || ih_text_add(all, piece, (size_t)len) < 0)
			abort();
	if (len < 0 && (!problems.n || (!deep && !(direct && len == -EOPNOTSUPP))))
		abort();
	if (len == 0) {
		r.data = all->data;
		r.len = all->len;
		need(&r, "nix-archive-1");
		node(&r, 0);
		if (r.at != r.len || ih_nar_size(n) != r.len)
			abort();
	}
	ih_nar_free(n);
	ih_problems_done(&problems);
	return len;
}

/* By the page cache and past it: the same bytes. */
static void archives(int dirfd, bool deep)
{
	struct ih_text cached = { 0 }, direct = { 0 };
	ssize_t a = archive(dirfd, deep, false, &cached), b = archive(dirfd, deep, true, &direct);

	if ((a < 0) != (b < 0) && b != -EOPNOTSUPP)
		abort();
	if (b == 0 &&
	    (cached.len != direct.len || memcmp(cached.data, direct.data, cached.len) != 0))
		abort();
	ih_text_done(&cached);
	ih_text_done(&direct);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char top[] = "/tmp/ih-fuzz-nar-XXXXXX";
	unsigned int depth = 0, deepest = 0;
	int dirfd, fd;

	if (!mkdtemp(top))
		abort();
	dirfd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0 || mkdirat(dirfd, "t", 0755) < 0)
		abort();
	fd = openat(dirfd, "t", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < STEPS_MAX && size && fd >= 0; i++) {
		size_t n = build(&fd, data, size, &depth);

		deepest = depth > deepest ? depth : deepest;
		data += n;
		size -= n;
	}
	if (fd >= 0)
		(void)close(fd);
	archives(dirfd, deepest >= IH_NAR_DEPTH_MAX);
	(void)close(dirfd);
	(void)nftw(top, drop, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}
