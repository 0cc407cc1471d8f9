/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of many seals: the newest that can be trusted. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/dir.h"
#include "integrity/seal.h"

/* What makes a seal one that can be trusted. */
struct wanted {
	const struct ih_keys *keys;
	unsigned int sigs_needed;
	uint64_t floor;
};

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

/* Fills @list. */
static int collect(DIR *d, struct claim list[IH_SEAL_TRIED_MAX], size_t *ret_n)
{
	const struct dirent *e;
	size_t n = 0;
	int r = 0;

	while (n < IH_SEAL_TRIED_MAX && (e = ih_dir_next(d, &r)) != NULL) {
		if (!ih_seal_is_name(e->d_name))
			continue;
		list[n].name = strdup(e->d_name);
		if (!list[n].name) {
			r = -ENOMEM;
			break;
		}
		list[n].generation = claimed_generation(dirfd(d), e->d_name);
		n++;
	}
	qsort(list, n, sizeof(*list), newest_first);
	*ret_n = n;
	return r;
}

/* The first of @list that can be trusted; @why is filled in by the newest that cannot. */
static int choose(int dirfd, const struct claim *list, size_t n, const struct wanted *w,
		  struct ih_seal **ret, struct ih_diag *why)
{
	struct ih_diag one;
	int r = -ENOENT;

	for (size_t i = 0; i < n && r < 0; i++) {
		r = ih_seal_read(dirfd, list[i].name, ret, &one);
		if (r == 0)
			r = ih_seal_check_trust(*ret, w->keys, w->sigs_needed, w->floor, &one);
		if (r < 0) {
			ih_seal_free(TAKE_PTR(*ret));
			if (!i)
				*why = one;
		}
	}
	return r;
}

int ih_seal_read_newest(const char *path, const struct ih_keys *keys, unsigned int sigs_needed,
			uint64_t floor, struct ih_seal **ret, struct ih_diag *diag)
{
	const struct wanted wanted = { keys, sigs_needed, floor };
	struct claim list[IH_SEAL_TRIED_MAX];
	struct ih_diag why = { 0 };
	_closedir_ DIR *d = NULL;
	size_t n = 0;
	int r;

	*ret = NULL;
	r = ih_dir_openat(AT_FDCWD, path, 0, &d);
	if (r == 0)
		r = collect(d, list, &n);
	if (r < 0)
		(void)ih_fail(&why, r, "it cannot be listed: %s", strerror(-r));
	else
		r = choose(dirfd(d), list, n, &wanted, ret, &why);
	for (size_t i = 0; i < n; i++)
		free(list[i].name);
	if (r < 0)
		return ih_fail(diag, -ENOENT, "no seal in '%s' can be trusted%s%s", path,
			       why.text[0] ? ": " : "", why.text);
	return 0;
}
