/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Objects in chunks that do not move, names in blocks, numbers in an open hash table. */
#include "integrity/closure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define CHUNK	  1024	      /* objects */
#define NAMES	  (64 * 1024) /* bytes of one block of names */
#define TABLE_MIN 1024	      /* a power of two */

struct block {
	struct block *next;
	size_t used;
	char text[NAMES];
};

struct ih_closure {
	struct ih_closure_object **chunks;
	size_t n_chunks, n;
	struct block *names;
	uint32_t *table; /* number + 1; 0 is free */
	size_t table_size;
	uint64_t seed; /* so that nobody can prepare names that all collide */
};

int ih_closure_new(struct ih_closure **ret)
{
	struct ih_closure *c;

	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->table_size = TABLE_MIN;
	c->table = calloc(c->table_size, sizeof(*c->table));
	if (!c->table) {
		free(c);
		return -ENOMEM;
	}
	if (getrandom(&c->seed, sizeof(c->seed), GRND_NONBLOCK) != (ssize_t)sizeof(c->seed))
		c->seed = (uintptr_t)c; /* early in the initrd: slower when attacked, not wrong */

	*ret = c;
	return 0;
}

void ih_closure_free(struct ih_closure *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++) {
		struct ih_closure_object *o = ih_closure_object(c, i);

		if (o->problems)
			ih_problems_done(o->problems);
		free(o->problems);
	}
	for (size_t i = 0; i < c->n_chunks; i++)
		free(c->chunks[i]);
	while (c->names) {
		struct block *next = c->names->next;

		free(c->names);
		c->names = next;
	}
	free(c->chunks);
	free(c->table);
	free(c);
}

size_t ih_closure_size(const struct ih_closure *c)
{
	return c->n;
}

struct ih_closure_object *ih_closure_object(const struct ih_closure *c, size_t number)
{
	return &c->chunks[number / CHUNK][number % CHUNK];
}

static size_t hash_name(const struct ih_closure *c, const char *base, size_t len)
{
	uint64_t h = c->seed;

	while (len) {
		uint64_t word = 0;
		size_t n = len < 8 ? len : 8;

		memcpy(&word, base, n);
		h = (h ^ word) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 29;
		base += n;
		len -= n;
	}
	return (size_t)(h * 0xbf58476d1ce4e5b9ULL >> 20);
}

/* Where the name is in the table, or the free place where it belongs. */
static size_t find_place(const struct ih_closure *c, const char *base, size_t len)
{
	size_t mask = c->table_size - 1, at = hash_name(c, base, len) & mask;

	for (; c->table[at]; at = (at + 1) & mask) {
		const char *known = ih_closure_object(c, c->table[at] - 1)->base;

		if (strncmp(known, base, len) == 0 && !known[len])
			break;
	}
	return at;
}

static int grow_table(struct ih_closure *c)
{
	uint32_t *old = c->table, *table;

	if (c->n < c->table_size / 2)
		return 0;
	table = calloc(c->table_size * 2, sizeof(*table));
	if (!table)
		return -ENOMEM;
	c->table = table;
	c->table_size *= 2;
	free(old);
	for (size_t i = 0; i < c->n; i++) {
		const char *base = ih_closure_object(c, i)->base;

		c->table[find_place(c, base, strlen(base))] = (uint32_t)i + 1;
	}
	return 0;
}

static int grow_chunks(struct ih_closure *c)
{
	struct ih_closure_object **chunks;

	if (c->n < c->n_chunks * CHUNK)
		return 0;
	if (c->n_chunks % 64 == 0) {
		chunks = realloc(c->chunks, (c->n_chunks + 64) * sizeof(*chunks));
		if (!chunks)
			return -ENOMEM;
		c->chunks = chunks;
	}
	c->chunks[c->n_chunks] = calloc(CHUNK, sizeof(**c->chunks));
	if (!c->chunks[c->n_chunks])
		return -ENOMEM;
	c->n_chunks++;
	return 0;
}

static const char *keep_name(struct ih_closure *c, const char *base, size_t len)
{
	char *at;

	if (len >= NAMES)
		return NULL;
	if (!c->names || NAMES - c->names->used <= len) {
		struct block *b = malloc(sizeof(*b));

		if (!b)
			return NULL;
		b->next = c->names;
		b->used = 0;
		c->names = b;
	}
	at = c->names->text + c->names->used;
	memcpy(at, base, len);
	at[len] = '\0';
	c->names->used += len + 1;
	return at;
}

int ih_closure_add(struct ih_closure *c, const char *base, size_t len, uint32_t *ret)
{
	size_t at = find_place(c, base, len);
	const char *name;

	if (c->table[at]) {
		*ret = c->table[at] - 1;
		return 0;
	}
	if (c->n >= IH_CLOSURE_MAX)
		return -E2BIG;
	if (grow_chunks(c) < 0 || grow_table(c) < 0)
		return -ENOMEM;
	name = keep_name(c, base, len);
	if (!name)
		return -ENOMEM;

	ih_closure_object(c, c->n)->base = name;
	*ret = (uint32_t)c->n++;
	c->table[find_place(c, base, len)] = *ret + 1;
	return 1;
}

static int by_size(const void *a, const void *b, void *data)
{
	const struct ih_closure *c = data;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	uint64_t m = ih_closure_object(c, x)->nar_size, n = ih_closure_object(c, y)->nar_size;

	if (m != n)
		return m > n ? -1 : 1;
	return x < y ? -1 : x > y;
}

int ih_closure_largest_first(const struct ih_closure *c, uint32_t with, uint32_t without,
			     uint32_t **ret, size_t *ret_n)
{
	uint32_t *numbers;
	size_t n = 0;

	numbers = malloc((c->n + 1) * sizeof(*numbers));
	if (!numbers)
		return -ENOMEM;
	for (size_t i = 0; i < c->n; i++)
		if ((ih_closure_object(c, i)->flags & (with | without)) == with)
			numbers[n++] = (uint32_t)i;
	qsort_r(numbers, n, sizeof(*numbers), by_size, (void *)c);

	*ret = numbers;
	*ret_n = n;
	return 0;
}

struct ih_problems *ih_closure_problems(struct ih_closure_object *o)
{
	if (!o->problems)
		o->problems = calloc(1, sizeof(*o->problems));
	return o->problems;
}
