/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Long contents put together from pieces: bytes in memory, files that stay where they are, zeros.
 * An image of hundreds of megabytes is built, signed, hashed and written through one small buffer.
 * Knows nothing of what the bytes mean.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "bootchain/pe.h"
#include "common/diag.h"
#include "integrity/hash.h"

#define IH_ROPE_CHUNK (256U << 10) /* bytes that are in memory at once */

struct ih_piece {
	const uint8_t *data; /* bytes; NULL: a file or zeros */
	uint8_t *own;	     /* @data, when the rope frees it */
	char *path;	     /* a file */
	struct stat was;     /* the file when it was added */
	uint64_t len;
};

/* All zero is the empty rope. */
struct ih_rope {
	struct ih_piece *pieces;
	size_t n;
	uint64_t len;
};

/* Bytes that the caller keeps for as long as the rope lives; none is no error. */
int ih_rope_add(struct ih_rope *rope, const void *data, size_t len);
/* Bytes that are copied. */
int ih_rope_add_copy(struct ih_rope *rope, const void *data, size_t len);
/* Bytes that become the rope's, to be freed by it; also when this fails. */
int ih_rope_add_taken(struct ih_rope *rope, void *data, size_t len);
int ih_rope_add_zeros(struct ih_rope *rope, uint64_t len);
/* Zeros up to a multiple of @unit. */
int ih_rope_align(struct ih_rope *rope, uint32_t unit);

/**
 * ih_rope_add_file() - a file's content, which is read when it is needed
 * @path: a regular file of at most @max bytes
 */
int ih_rope_add_file(struct ih_rope *rope, const char *path, uint64_t max, struct ih_diag *diag);

/* Puts the pieces of @from behind those of @to; @from is empty then. -ENOMEM: both are as before.
 */
int ih_rope_move(struct ih_rope *to, struct ih_rope *from);

/**
 * ih_rope_read() - hand over all bytes, piece by piece
 * @take: a negative return ends the reading
 *
 * Return: 0; -ESTALE when a file is not what it was when it was added; what @take returned.
 */
int ih_rope_read(const struct ih_rope *rope,
		 int (*take)(void *self, const uint8_t *data, size_t len), void *self,
		 struct ih_diag *diag);

/* The first bytes: @len of them, or as many as there are. */
int ih_rope_head(const struct ih_rope *rope, uint8_t *buffer, size_t len, size_t *ret,
		 struct ih_diag *diag);

int ih_rope_hash(const struct ih_rope *rope, enum ih_hash_algo algo, struct ih_digest *ret,
		 struct ih_diag *diag);

/* All of it in memory; the caller frees @ret. */
int ih_rope_flatten(const struct ih_rope *rope, uint8_t **ret, struct ih_diag *diag);

void ih_rope_done(struct ih_rope *rope);
