/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An open hash table with linear probing; deletions move later entries up, so that none is lost. */
#include "bpf/catalog.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_FIRST 4096

struct ih_catalog {
	pthread_mutex_t lock;
	struct ih_catalog_entry *table;
	size_t size, n, max; /* size: a power of two */
	uint32_t round;
};

int ih_catalog_new(size_t max, struct ih_catalog **ret)
{
	struct ih_catalog *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->table = calloc(SIZE_FIRST, sizeof(*c->table));
	if (!c->table) {
		free(c);
		return -ENOMEM;
	}
	c->size = SIZE_FIRST;
	c->max = max;
	(void)pthread_mutex_init(&c->lock, NULL);
	*ret = c;
	return 0;
}

void ih_catalog_free(struct ih_catalog *c)
{
	if (!c)
		return;
	(void)pthread_mutex_destroy(&c->lock);
	free(c->table);
	free(c);
}

/* FNV-1a. */
uint64_t ih_catalog_owner(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3ULL;
	return hash;
}

static size_t home(const struct ih_catalog *c, const struct ih_file_key *key)
{
	uint64_t h = (key->inode ^ ((uint64_t)key->device << 32)) * 0x9e3779b97f4a7c15ULL;

	return (size_t)(h >> 20) & (c->size - 1);
}

static bool is_key(const struct ih_catalog_entry *e, const struct ih_file_key *key)
{
	return e->key.inode == key->inode && e->key.device == key->device;
}

/* The entry, or the free place for it. */
static struct ih_catalog_entry *find(struct ih_catalog *c, const struct ih_file_key *key)
{
	size_t i = home(c, key);

	while (c->table[i].used && !is_key(&c->table[i], key))
		i = (i + 1) & (c->size - 1);
	return &c->table[i];
}

static int grow(struct ih_catalog *c)
{
	struct ih_catalog_entry *old = c->table;
	size_t n = c->size;

	c->table = calloc(n * 2, sizeof(*old));
	if (!c->table) {
		c->table = old;
		return -ENOMEM;
	}
	c->size = n * 2;
	for (size_t i = 0; i < n; i++)
		if (old[i].used)
			*find(c, &old[i].key) = old[i];
	free(old);
	return 0;
}

static int put(struct ih_catalog *c, const struct ih_file_key *key, const struct ih_seed *seed,
	       uint64_t owner)
{
	struct ih_catalog_entry *e = find(c, key);
	bool known = e->used && memcmp(&e->seed, seed, sizeof(*seed)) == 0;

	if (!e->used && c->n >= c->max)
		return -E2BIG;
	if (!e->used && c->n + 1 > c->size / 4 * 3) {
		if (grow(c) < 0)
			return -ENOMEM;
		e = find(c, key);
	}
	c->n += !e->used;
	*e = (struct ih_catalog_entry){ *key, *seed, owner, c->round, 1 };
	return !known;
}

int ih_catalog_put(struct ih_catalog *c, const struct ih_file_key *key, const struct ih_seed *seed,
		   uint64_t owner)
{
	int r;

	(void)pthread_mutex_lock(&c->lock);
	r = put(c, key, seed, owner);
	(void)pthread_mutex_unlock(&c->lock);
	return r;
}

int ih_catalog_get(struct ih_catalog *c, const struct ih_file_key *key, struct ih_seed *ret)
{
	const struct ih_catalog_entry *e;
	int r = -ENOENT;

	(void)pthread_mutex_lock(&c->lock);
	e = find(c, key);
	if (e->used) {
		*ret = e->seed;
		r = 0;
	}
	(void)pthread_mutex_unlock(&c->lock);
	return r;
}

void ih_catalog_begin(struct ih_catalog *c)
{
	(void)pthread_mutex_lock(&c->lock);
	c->round++;
	(void)pthread_mutex_unlock(&c->lock);
}

/* Is @home_of cyclically within (@hole, @at]? Then its entry must stay where it is. */
static bool stays(size_t hole, size_t at, size_t home_of)
{
	return hole <= at ? hole < home_of && home_of <= at : hole < home_of || home_of <= at;
}

static void take_out(struct ih_catalog *c, size_t hole)
{
	c->table[hole].used = 0;
	c->n--;
	for (size_t i = (hole + 1) & (c->size - 1); c->table[i].used; i = (i + 1) & (c->size - 1)) {
		if (stays(hole, i, home(c, &c->table[i].key)))
			continue;
		c->table[hole] = c->table[i];
		c->table[i].used = 0;
		hole = i;
	}
}

void ih_catalog_forget(struct ih_catalog *c, const struct ih_file_key *key)
{
	struct ih_catalog_entry *e;

	(void)pthread_mutex_lock(&c->lock);
	e = find(c, key);
	if (e->used)
		take_out(c, (size_t)(e - c->table));
	(void)pthread_mutex_unlock(&c->lock);
}

/* @owner: NULL for what this round did not see. An entry that moves up is looked at again. */
static size_t remove_where(struct ih_catalog *c, const uint64_t *owner, ih_catalog_gone gone,
			   void *user)
{
	size_t n = 0;

	(void)pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->size;) {
		struct ih_catalog_entry *e = &c->table[i];

		if (!e->used || (owner ? e->owner != *owner : e->round == c->round)) {
			i++;
			continue;
		}
		gone(user, &e->key);
		take_out(c, i);
		n++;
	}
	(void)pthread_mutex_unlock(&c->lock);
	return n;
}

size_t ih_catalog_sweep(struct ih_catalog *c, ih_catalog_gone gone, void *user)
{
	return remove_where(c, NULL, gone, user);
}

size_t ih_catalog_drop(struct ih_catalog *c, uint64_t owner, ih_catalog_gone gone, void *user)
{
	return remove_where(c, &owner, gone, user);
}

size_t ih_catalog_count(struct ih_catalog *c)
{
	size_t n;

	(void)pthread_mutex_lock(&c->lock);
	n = c->n;
	(void)pthread_mutex_unlock(&c->lock);
	return n;
}
