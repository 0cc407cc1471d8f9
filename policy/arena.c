/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory that is given back all at once, with the policy that it belongs to. */
#include "policy/policy_priv.h"

#include <stdlib.h>
#include <string.h>

struct block {
	struct block *next;
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

void *ih_arena_alloc(struct ih_arena *arena, size_t n, size_t size)
{
	struct block *block;
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes) ||
	    __builtin_add_overflow(bytes, sizeof(*block), &bytes))
		return NULL;
	block = calloc(1, bytes);
	if (!block)
		return NULL;
	block->next = arena->blocks;
	arena->blocks = block;
	return block->data;
}

char *ih_arena_text(struct ih_arena *arena, const char *text)
{
	size_t len = strlen(text);
	char *copy = ih_arena_alloc(arena, len + 1, 1);

	if (copy)
		memcpy(copy, text, len);
	return copy;
}
