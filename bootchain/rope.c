/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Contents put together from pieces. A file is opened for each reading, so that no descriptor is
 * held meanwhile, and must then be the one that was added.
 */
#include "bootchain/rope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"

static int add_piece(struct ih_rope *rope, const struct ih_piece *piece)
{
	struct ih_piece *grown;

	if (piece->len > UINT64_MAX - rope->len)
		return -EFBIG;
	grown = reallocarray(rope->pieces, rope->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	rope->pieces = grown;
	grown[rope->n++] = *piece;
	rope->len += piece->len;
	return 0;
}

int ih_rope_add(struct ih_rope *rope, const void *data, size_t len)
{
	return len ? add_piece(rope, &(struct ih_piece){ .data = data, .len = len }) : 0;
}

int ih_rope_add_taken(struct ih_rope *rope, void *data, size_t len)
{
	int r = add_piece(rope, &(struct ih_piece){ .data = data, .own = data, .len = len });

	if (r < 0)
		free(data);
	return r;
}

int ih_rope_add_copy(struct ih_rope *rope, const void *data, size_t len)
{
	void *copy;

	if (!len)
		return 0;
	copy = malloc(len);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, len);
	return ih_rope_add_taken(rope, copy, len);
}

int ih_rope_add_zeros(struct ih_rope *rope, uint64_t len)
{
	return len ? add_piece(rope, &(struct ih_piece){ .len = len }) : 0;
}

int ih_rope_align(struct ih_rope *rope, uint32_t unit)
{
	return ih_rope_add_zeros(rope, (unit - rope->len % unit) % unit);
}

static int open_file(const char *path, struct stat *st, struct ih_diag *diag)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return ih_fail(diag, -errno, "cannot open '%s': %s", path, strerror(errno));
	if (fstat(fd, st) < 0)
		return ih_fail(diag, -errno, "cannot look at '%s': %s", path, strerror(errno));
	if (!S_ISREG(st->st_mode))
		return ih_fail(diag, -EINVAL, "'%s' is not a regular file", path);
	return TAKE_FD(fd);
}

int ih_rope_add_file(struct ih_rope *rope, const char *path, uint64_t max, struct ih_diag *diag)
{
	struct ih_piece piece = { 0 };
	_close_ int fd = open_file(path, &piece.was, diag);
	int r;

	if (fd < 0)
		return fd;
	if ((uint64_t)piece.was.st_size > max)
		return ih_fail(diag, -EFBIG, "'%s' has %lld bytes, more than the limit of %llu",
			       path, (long long)piece.was.st_size, (unsigned long long)max);
	piece.len = (uint64_t)piece.was.st_size;
	piece.path = strdup(path);
	r = piece.path ? add_piece(rope, &piece) : -ENOMEM;
	if (r < 0)
		free(piece.path);
	return r;
}

int ih_rope_move(struct ih_rope *to, struct ih_rope *from)
{
	struct ih_piece *grown;

	if (!from->n)
		return 0;
	grown = reallocarray(to->pieces, to->n + from->n, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	to->pieces = grown;
	memcpy(grown + to->n, from->pieces, from->n * sizeof(*grown));
	to->n += from->n;
	to->len += from->len;
	free(from->pieces);
	*from = (struct ih_rope){ 0 };
	return 0;
}

/* One reading. */
struct reading {
	int (*take)(void *self, const uint8_t *data, size_t len);
	void *self;
	uint8_t *chunk;
	struct ih_diag *diag;
};

static bool is_unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int fail_changed(const struct reading *r, const char *path)
{
	return ih_fail(r->diag, -ESTALE, "'%s' changed while it was read", path);
}

static int read_file(const struct reading *r, const struct ih_piece *p)
{
	struct stat now;
	_close_ int fd = open_file(p->path, &now, r->diag);
	uint64_t done = 0;
	int result = 0;

	if (fd < 0)
		return fd;
	if (!is_unchanged(&p->was, &now))
		return fail_changed(r, p->path);
	while (done < p->len && result == 0) {
		uint64_t left = p->len - done;
		size_t len = left < IH_ROPE_CHUNK ? (size_t)left : IH_ROPE_CHUNK;
		ssize_t n = ih_pread_full(fd, r->chunk, len, done);

		if (n < 0)
			return ih_fail(r->diag, (int)n, "cannot read '%s': %s", p->path,
				       strerror((int)-n));
		if ((size_t)n != len)
			return fail_changed(r, p->path);
		result = r->take(r->self, r->chunk, len);
		done += len;
	}
	/* Several readings must have seen one content. */
	if (result == 0 && (fstat(fd, &now) < 0 || !is_unchanged(&p->was, &now)))
		return fail_changed(r, p->path);
	return result;
}

static int read_zeros(const struct reading *r, uint64_t len)
{
	int result = 0;

	memset(r->chunk, 0, len < IH_ROPE_CHUNK ? (size_t)len : IH_ROPE_CHUNK);
	while (len && result == 0) {
		size_t n = len < IH_ROPE_CHUNK ? (size_t)len : IH_ROPE_CHUNK;

		result = r->take(r->self, r->chunk, n);
		len -= n;
	}
	return result;
}

int ih_rope_read(const struct ih_rope *rope,
		 int (*take)(void *self, const uint8_t *data, size_t len), void *self,
		 struct ih_diag *diag)
{
	_free_ uint8_t *chunk = malloc(IH_ROPE_CHUNK);
	const struct reading reading = { take, self, chunk, diag };
	int r = 0;

	if (!chunk)
		return ih_fail(diag, -ENOMEM, "out of memory");
	for (size_t i = 0; i < rope->n && r == 0; i++) {
		const struct ih_piece *p = &rope->pieces[i];

		if (p->data)
			r = take(self, p->data, (size_t)p->len);
		else if (p->path)
			r = read_file(&reading, p);
		else
			r = read_zeros(&reading, p->len);
	}
	return r;
}

/* Bytes gathered into memory. */
struct gathering {
	uint8_t *to;
	size_t room, done;
};

static int gather(void *self, const uint8_t *data, size_t len)
{
	struct gathering *g = self;
	size_t n = len < g->room - g->done ? len : g->room - g->done;

	memcpy(g->to + g->done, data, n);
	g->done += n;
	return g->done == g->room ? -ECANCELED : 0;
}

int ih_rope_head(const struct ih_rope *rope, uint8_t *buffer, size_t len, size_t *ret,
		 struct ih_diag *diag)
{
	struct gathering g = { buffer, len, 0 };
	int r = len ? ih_rope_read(rope, gather, &g, diag) : 0;

	if (r < 0 && r != -ECANCELED)
		return r;
	*ret = g.done;
	return 0;
}

int ih_rope_flatten(const struct ih_rope *rope, uint8_t **ret, struct ih_diag *diag)
{
	size_t len = 0;
	uint8_t *data;
	int r;

	if (rope->len >= SIZE_MAX)
		return ih_fail(diag, -EFBIG, "it does not fit into memory");
	data = malloc((size_t)rope->len + 1);
	if (!data)
		return ih_fail(diag, -ENOMEM, "out of memory");
	r = ih_rope_head(rope, data, (size_t)rope->len, &len, diag);
	if (r < 0) {
		free(data);
		return r;
	}
	data[len] = 0;
	*ret = data;
	return 0;
}

static int add_to_hash(void *self, const uint8_t *data, size_t len)
{
	return ih_hash_add(self, data, len);
}

int ih_rope_hash(const struct ih_rope *rope, enum ih_hash_algo algo, struct ih_digest *ret,
		 struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_hash) struct ih_hash *hash = NULL;
	int r = ih_hash_new(algo, &hash);

	if (r == 0)
		r = ih_rope_read(rope, add_to_hash, hash, diag);
	return r < 0 ? r : ih_hash_end(hash, ret);
}

void ih_rope_done(struct ih_rope *rope)
{
	for (size_t i = 0; i < rope->n; i++) {
		free(rope->pieces[i].own);
		free(rope->pieces[i].path);
	}
	free(rope->pieces);
	*rope = (struct ih_rope){ 0 };
}
