/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of many seals: the newest that can be trusted. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "integrity/seal.h"

/* A seal by name, and the generation that it claims. */
struct claim {
	char *name;
	uint64_t generation;
};

bool ih_seal_is_name(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && strcmp(name + len - 5, ".seal") == 0;
}

/* What the header says, before anybody asked who signed it: good enough for an order. */
static uint64_t claimed_generation(int dirfd, const char *name)
{
	struct ih_seal_header h;
	_close_ int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || read(fd, &h, sizeof(h)) != (ssize_t)sizeof(h))
		return 0;
	return h.generation;
}

static int newest_first(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	return x->generation < y->generation ? 1 : x->generation > y->generation ? -1 : 0;
}

/* Fills @list; returns how many. */
static size_t collect(DIR *d, struct claim list[IH_SEAL_TRIED_MAX])
{
	struct dirent *e;
	size_t n = 0;

	while (n < IH_SEAL_TRIED_MAX && (e = readdir(d))) {
		if (!ih_seal_is_name(e->d_name))
			continue;
		list[n].name = strdup(e->d_name);
		if (!list[n].name)
			break;
		list[n].generation = claimed_generation(dirfd(d), e->d_name);
		n++;
	}
	qsort(list, n, sizeof(*list), newest_first);
	return n;
}

int ih_seal_read_newest(const char *path, const struct ih_keys *keys, unsigned int sigs_needed,
			uint64_t floor, struct ih_seal **ret, struct ih_diag *diag)
{
	struct claim list[IH_SEAL_TRIED_MAX];
	struct ih_diag first = { 0 }, one;
	struct ih_seal *s = NULL;
	DIR *d = opendir(path);
	size_t n;
	int r = -ENOENT;

	if (!d)
		return ih_fail(diag, -ENOENT, "cannot open '%s': %s", path, strerror(errno));
	n = collect(d, list);
	for (size_t i = 0; i < n && r < 0; i++) {
		r = ih_seal_read(dirfd(d), list[i].name, &s, &one);
		if (r == 0)
			r = ih_seal_check_trust(s, keys, sigs_needed, floor, &one);
		if (r < 0) {
			ih_seal_free(TAKE_PTR(s));
			if (!i)
				first = one;
		}
	}
	for (size_t i = 0; i < n; i++)
		free(list[i].name);
	(void)closedir(d);
	if (r < 0)
		return ih_fail(diag, -ENOENT, "no seal in '%s' can be trusted%s%s", path,
			       n ? ": " : "", n ? first.text : "");
	*ret = s;
	return 0;
}
