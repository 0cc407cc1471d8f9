/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is known of files, by inode. Plain data with a lock; knows no fanotify. */
#include "bpf/fanotify_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_FIRST 1024 /* slots; a power of two */

int ih_fan_files_init(struct ih_fan_files *files, size_t max)
{
	*files = (struct ih_fan_files){ .max = max };
	return -pthread_rwlock_init(&files->lock, NULL);
}

void ih_fan_files_done(struct ih_fan_files *files)
{
	free(files->slots);
	(void)pthread_rwlock_destroy(&files->lock);
	*files = (struct ih_fan_files){ 0 };
}

static size_t hash_of(const struct ih_file_key *key)
{
	uint64_t h = (key->inode ^ (uint64_t)key->device << 40) * 0x9e3779b97f4a7c15ULL;

	return (size_t)(h >> 20);
}

/* The slot that holds the key, or the free one where it would go. */
static struct ih_fan_file *slot_of(const struct ih_fan_files *files, const struct ih_file_key *key)
{
	size_t at = hash_of(key) & (files->size - 1);

	while (files->slots[at].file.key.inode && !ih_fan_same(&files->slots[at].file.key, key))
		at = (at + 1) & (files->size - 1);
	return &files->slots[at];
}

static int grow(struct ih_fan_files *files)
{
	struct ih_fan_files larger = *files;

	larger.size = files->size ? files->size * 2 : SIZE_FIRST;
	larger.slots = calloc(larger.size, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < files->size; i++)
		if (files->slots[i].file.key.inode)
			*slot_of(&larger, &files->slots[i].file.key) = files->slots[i];
	free(files->slots);
	files->slots = larger.slots;
	files->size = larger.size;
	return 0;
}

static int put(struct ih_fan_files *files, const struct ih_fan_file *file)
{
	struct ih_fan_file *slot;
	int r;

	if (!file->file.key.inode)
		return -EINVAL;
	if (files->n * 2 >= files->size) {
		r = grow(files);
		if (r < 0)
			return r;
	}
	slot = slot_of(files, &file->file.key);
	if (!slot->file.key.inode) {
		if (files->n >= files->max)
			return -E2BIG;
		files->n++;
	}
	*slot = *file;
	return 0;
}

int ih_fan_files_put(struct ih_fan_files *files, const struct ih_fan_file *file)
{
	int r;

	(void)pthread_rwlock_wrlock(&files->lock);
	r = put(files, file);
	(void)pthread_rwlock_unlock(&files->lock);
	return r;
}

int ih_fan_files_find(struct ih_fan_files *files, const struct ih_file_key *key,
		      struct ih_fan_file *ret)
{
	const struct ih_fan_file *slot;
	int r = -ENOENT;

	(void)pthread_rwlock_rdlock(&files->lock);
	slot = files->size ? slot_of(files, key) : NULL;
	if (slot && slot->file.key.inode) {
		*ret = *slot;
		r = 0;
	}
	(void)pthread_rwlock_unlock(&files->lock);
	return r;
}

int ih_fan_files_get(struct ih_fan_files *files, const struct stat *st, struct ih_fan_file *ret)
{
	struct ih_gate_file now = ih_gate_file_of(st);
	struct ih_fan_file known;
	int r = ih_fan_files_find(files, &now.key, &known);

	if (r < 0)
		return r;
	if (known.file.seed.ctime_s != now.seed.ctime_s ||
	    known.file.seed.ctime_ns != now.seed.ctime_ns || known.file.seed.size != now.seed.size)
		return -ESTALE;
	*ret = known;
	return 0;
}

/* Closes the gap that a removed slot leaves in its run. */
static void remove_slot(struct ih_fan_files *files, struct ih_fan_file *slot)
{
	size_t at = (size_t)(slot - files->slots), mask = files->size - 1;

	*slot = (struct ih_fan_file){ 0 };
	files->n--;
	for (at = (at + 1) & mask; files->slots[at].file.key.inode; at = (at + 1) & mask) {
		struct ih_fan_file moved = files->slots[at];

		files->slots[at] = (struct ih_fan_file){ 0 };
		*slot_of(files, &moved.file.key) = moved;
	}
}

void ih_fan_files_remove(struct ih_fan_files *files, const struct ih_file_key *key)
{
	struct ih_fan_file *slot;

	(void)pthread_rwlock_wrlock(&files->lock);
	slot = files->size ? slot_of(files, key) : NULL;
	if (slot && slot->file.key.inode)
		remove_slot(files, slot);
	(void)pthread_rwlock_unlock(&files->lock);
}

void ih_fan_files_forget_found(struct ih_fan_files *files)
{
	struct ih_fan_file *old;
	size_t size;

	(void)pthread_rwlock_wrlock(&files->lock);
	old = files->slots;
	size = files->size;
	files->slots = size ? calloc(size, sizeof(*old)) : NULL;
	files->n = 0;
	if (!files->slots)
		files->size = 0; /* without memory everything is asked about anew */
	for (size_t i = 0; files->slots && i < size; i++)
		if (old[i].file.key.inode && !old[i].is_found)
			(void)put(files, &old[i]);
	free(old);
	(void)pthread_rwlock_unlock(&files->lock);
}
