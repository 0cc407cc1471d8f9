/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Seals, read and searched. */
#include "integrity/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/fd.h"
#include "integrity/seal_priv.h"

struct ih_seal {
	char *data; /* NUL behind its end */
	size_t len;
	const struct ih_seal_header *h;
};

int ih_seal_compare_paths(const char *a, const char *b)
{
	const unsigned char *x = (const unsigned char *)a, *y = (const unsigned char *)b;

	while (*x && *x == *y) {
		x++;
		y++;
	}
	if (*x == *y)
		return 0;
	if (!*x || !*y)
		return *x ? 1 : -1;
	if (*x == '/' || *y == '/')
		return *x == '/' ? -1 : 1;
	return *x < *y ? -1 : 1;
}

static bool fits(const struct ih_seal *s, uint64_t at, uint64_t n, uint64_t size, uint64_t align)
{
	uint64_t bytes, end;

	return at % align == 0 && !__builtin_mul_overflow(n, size, &bytes) &&
	       !__builtin_add_overflow(at, bytes, &end) && end <= s->h->signatures_at;
}

static int check_header(const struct ih_seal *s, struct ih_diag *diag)
{
	const struct ih_seal_header *h = s->h;

	if (s->len < sizeof(*h) || memcmp(h->magic, IH_SEAL_MAGIC, sizeof(h->magic)) != 0)
		return ih_fail(diag, -EBADMSG, "this is no seal");
	if (h->version != IH_SEAL_VERSION || h->header_size != sizeof(*h) ||
	    h->object_size != sizeof(struct ih_seal_object) ||
	    h->entry_size != sizeof(struct ih_seal_entry))
		return ih_fail(diag, -EPROTO, "the seal has version %u, expected %u", h->version,
			       IH_SEAL_VERSION);
	if (h->signatures_at > s->len || s->len - h->signatures_at > IH_SEAL_SIGNATURES_MAX ||
	    h->n_entries > UINT32_MAX || h->n_objects > UINT32_MAX ||
	    h->root_object >= h->n_objects ||
	    !fits(s, h->objects_at, h->n_objects, h->object_size, 8) ||
	    !fits(s, h->entries_at, h->n_entries, h->entry_size, 8) ||
	    !fits(s, h->by_digest_at, h->n_entries, sizeof(uint32_t), 4) ||
	    !fits(s, h->strings_at, h->strings_size, 1, 1) || !h->strings_size ||
	    s->data[h->strings_at + h->strings_size - 1])
		return ih_fail(diag, -EBADMSG, "the seal's parts reach beyond its end");
	return 0;
}

static bool is_string(const struct ih_seal *s, uint64_t at)
{
	return at < s->h->strings_size;
}

static int check_objects(const struct ih_seal *s, struct ih_diag *diag)
{
	uint64_t next = 0;

	for (size_t i = 0; i < s->h->n_objects; i++) {
		const struct ih_seal_object *o = ih_seal_object(s, i);

		if (!is_string(s, o->name_at) || o->first_entry != next ||
		    (i &&
		     strcmp(ih_seal_string(s, o[-1].name_at), ih_seal_string(s, o->name_at)) >= 0))
			return ih_fail(diag, -EBADMSG, "the seal's objects are not in order");
		next += o->n_entries;
	}
	if (next != s->h->n_entries)
		return ih_fail(diag, -EBADMSG, "the seal's objects do not have all its entries");
	return 0;
}

static bool is_entry(const struct ih_seal *s, const struct ih_seal_object *o, size_t object,
		     uint32_t number)
{
	const struct ih_seal_entry *e = ih_seal_entry(s, number);

	if (!is_string(s, e->path_at) || !is_string(s, e->target_at) || e->object != object ||
	    e->type == IH_SEAL_NONE || e->type > IH_SEAL_LINK)
		return false;
	if (number == o->first_entry)
		return !*ih_seal_string(s, e->path_at);
	return ih_seal_compare_paths(ih_seal_string(s, e[-1].path_at),
				     ih_seal_string(s, e->path_at)) < 0;
}

static int check_entries(const struct ih_seal *s, struct ih_diag *diag)
{
	const uint32_t *by_digest = (const void *)(s->data + s->h->by_digest_at);

	for (size_t i = 0; i < s->h->n_objects; i++) {
		const struct ih_seal_object *o = ih_seal_object(s, i);

		for (uint32_t k = 0; k < o->n_entries; k++)
			if (!is_entry(s, o, i, o->first_entry + k))
				return ih_fail(diag, -EBADMSG,
					       "the seal's entries are not in order");
	}
	for (size_t i = 0; i < s->h->n_entries; i++) {
		if (by_digest[i] >= s->h->n_entries)
			return ih_fail(diag, -EBADMSG, "the seal's digests lead nowhere");
		if (i && memcmp(ih_seal_entry(s, by_digest[i - 1])->digest,
				ih_seal_entry(s, by_digest[i])->digest, 32) > 0)
			return ih_fail(diag, -EBADMSG, "the seal's digests are not in order");
	}
	return 0;
}

/* Takes @data over. */
static int adopt(char *data, size_t len, struct ih_seal **ret, struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_seal) struct ih_seal *s = NULL;
	int r;

	s = calloc(1, sizeof(*s));
	if (!s) {
		free(data);
		return ih_fail(diag, -ENOMEM, "no memory for a seal");
	}
	s->data = data;
	s->len = len;
	s->h = (const void *)data;
	r = check_header(s, diag);
	if (r == 0)
		r = check_objects(s, diag);
	if (r == 0)
		r = check_entries(s, diag);
	if (r < 0)
		return r;

	*ret = TAKE_PTR(s);
	return 0;
}

int ih_seal_parse(const void *data, size_t len, struct ih_seal **ret, struct ih_diag *diag)
{
	char *copy;

	copy = malloc(len + 1);
	if (!copy)
		return ih_fail(diag, -ENOMEM, "no memory for a seal");
	memcpy(copy, data, len);
	copy[len] = '\0';
	return adopt(copy, len, ret, diag);
}

int ih_seal_read(int dirfd, const char *path, struct ih_seal **ret, struct ih_diag *diag)
{
	char *data;
	size_t len;
	int r;

	r = ih_read_file(dirfd, path, IH_SEAL_SIZE_MAX, &data, &len, diag);
	if (r < 0)
		return r;
	r = adopt(data, len, ret, diag);
	return r < 0 ? ih_fail_within(diag, r, "'%s'", path) : 0;
}

void ih_seal_free(struct ih_seal *s)
{
	if (!s)
		return;
	free(s->data);
	free(s);
}

int ih_seal_signers(const struct ih_seal *s, const struct ih_keys *keys, struct ih_signers *ret)
{
	return ih_signatures_check(keys, s->data + s->h->signatures_at, s->data,
				   s->h->signatures_at, ret);
}

int ih_seal_check_trust(const struct ih_seal *s, const struct ih_keys *keys,
			unsigned int sigs_needed, uint64_t floor, struct ih_diag *diag)
{
	struct ih_signers signers = { 0 };
	int r;

	sigs_needed = sigs_needed ? sigs_needed : 1;
	r = ih_seal_signers(s, keys, &signers);
	if (r < 0)
		return ih_fail(diag, r, "the seal's signatures cannot be checked: %s",
			       strerror(-r));
	if (signers.distinct < sigs_needed)
		return ih_fail(diag, -EKEYREJECTED,
			       "the seal has %zu of %u signatures by distinct trusted keys (%zu do "
			       "not fit, %zu are by others)",
			       signers.distinct, sigs_needed, signers.bad, signers.unknown);
	if (s->h->generation < floor)
		return ih_fail(diag, -ESTALE,
			       "the seal is of generation %llu; older than %llu is refused",
			       (unsigned long long)s->h->generation, (unsigned long long)floor);
	return 0;
}

const struct ih_seal_header *ih_seal_header(const struct ih_seal *s)
{
	return s->h;
}

const struct ih_seal_object *ih_seal_object(const struct ih_seal *s, size_t i)
{
	return (const struct ih_seal_object *)(const void *)(s->data + s->h->objects_at) + i;
}

const struct ih_seal_entry *ih_seal_entry(const struct ih_seal *s, size_t i)
{
	return (const struct ih_seal_entry *)(const void *)(s->data + s->h->entries_at) + i;
}

const char *ih_seal_string(const struct ih_seal *s, uint64_t at)
{
	return s->data + s->h->strings_at + at;
}

ssize_t ih_seal_find_object(const struct ih_seal *s, const char *name)
{
	size_t low = 0, high = s->h->n_objects;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(ih_seal_string(s, ih_seal_object(s, middle)->name_at), name);

		if (!order)
			return (ssize_t)middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

ssize_t ih_seal_find_entry(const struct ih_seal *s, size_t object, const char *path)
{
	const struct ih_seal_object *o = ih_seal_object(s, object);
	size_t low = o->first_entry, high = low + o->n_entries;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = ih_seal_compare_paths(
			ih_seal_string(s, ih_seal_entry(s, middle)->path_at), path);

		if (!order)
			return (ssize_t)middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

ssize_t ih_seal_find_digest(const struct ih_seal *s, const uint8_t digest[32])
{
	const uint32_t *by_digest = (const void *)(s->data + s->h->by_digest_at);
	size_t low = 0, high = s->h->n_entries;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct ih_seal_entry *e = ih_seal_entry(s, by_digest[middle]);
		int order = memcmp(e->digest, digest, 32);

		if (!order && e->type == IH_SEAL_FILE)
			return by_digest[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

static int root_of_object(const struct ih_seal *s, const struct ih_seal_object *o, uint8_t root[32])
{
	struct ih_merkle tree = { 0 };
	int r = 0;

	for (uint32_t i = 0; i < o->n_entries && r == 0; i++) {
		const struct ih_seal_entry *e = ih_seal_entry(s, o->first_entry + i);
		struct ih_text leaf = { 0 };

		r = ih_seal_leaf(e, ih_seal_string(s, e->path_at), ih_seal_string(s, e->target_at),
				 &leaf);
		if (r == 0)
			r = ih_merkle_add(&tree, leaf.data, leaf.len);
		ih_text_done(&leaf);
	}
	return r < 0 ? r : ih_merkle_root(&tree, root);
}

bool ih_seal_has_good_roots(const struct ih_seal *s)
{
	struct ih_merkle forest = { 0 };
	uint8_t root[32];
	int r = 0;

	for (size_t i = 0; i < s->h->n_objects && r == 0; i++) {
		const struct ih_seal_object *o = ih_seal_object(s, i);
		struct ih_text leaf = { 0 };

		if (root_of_object(s, o, root) < 0 || memcmp(root, o->merkle, 32) != 0)
			return false;
		r = ih_seal_object_leaf(o, ih_seal_string(s, o->name_at), &leaf);
		if (r == 0)
			r = ih_merkle_add(&forest, leaf.data, leaf.len);
		ih_text_done(&leaf);
	}
	return r == 0 && ih_merkle_root(&forest, root) == 0 && memcmp(root, s->h->merkle, 32) == 0;
}
