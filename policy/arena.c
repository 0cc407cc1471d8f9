/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory that is given back all at once, with the policy that it belongs to. */
#include "policy/policy_priv.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 4000 /* with what the allocator adds, no more than a page */

struct block {
	struct block *next;
	size_t used, size; /* of data, in bytes */
	max_align_t data[];
};

struct ih_arena {
	struct block *blocks;
};

struct ih_arena *ih_arena_new(void)
{
	return calloc(1, sizeof(struct ih_arena));
}

void ih_arena_free(struct ih_arena *arena)
{
	struct block *block, *next;

	if (!arena)
		return;
	for (block = arena->blocks; block; block = next) {
		next = block->next;
		free(block);
	}
	free(arena);
}

/* Many small things in one block: a call of the allocator for each is felt at every exec. */
static struct block *add_block(struct ih_arena *arena, size_t bytes)
{
	const size_t least = BLOCK_BYTES - sizeof(struct block);
	size_t size = bytes > least ? bytes : least;
	struct block *block;

	if (size > SIZE_MAX - sizeof(*block))
		return NULL;
	block = calloc(1, sizeof(*block) + size);
	if (!block)
		return NULL;
	block->size = size;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

void *ih_arena_alloc(struct ih_arena *arena, size_t n, size_t size)
{
	struct block *block = arena->blocks;
	size_t bytes;
	char *there;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX - sizeof(max_align_t))
		return NULL;
	bytes = (bytes + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	if (!block || bytes > block->size - block->used)
		block = add_block(arena, bytes);
	if (!block)
		return NULL;
	there = (char *)block->data + block->used;
	block->used += bytes;
	return there;
}

char *ih_arena_text(struct ih_arena *arena, const char *text)
{
	size_t len = strlen(text);
	char *copy = ih_arena_alloc(arena, len + 1, 1);

	if (copy)
		memcpy(copy, text, len);
	return copy;
}
