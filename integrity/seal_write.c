/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Seals, written. Offsets are stored in the machine's order: little-endian is all there is. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "integrity/seal_priv.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "seals are little-endian");

struct ih_seal_builder {
	struct ih_text objects, entries, strings;
	uint64_t n_objects, n_entries;
	uint64_t last_at, last_path_at; /* in strings, of the last name and path */
	struct ih_merkle tree;		/* of the object that is being filled */
	struct ih_merkle forest;	/* of the finished ones */
};

int ih_seal_builder_new(struct ih_seal_builder **ret)
{
	struct ih_seal_builder *b;

	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	if (ih_text_add(&b->strings, "", 1) < 0) {
		ih_seal_builder_free(b);
		return -ENOMEM;
	}
	*ret = b;
	return 0;
}

void ih_seal_builder_free(struct ih_seal_builder *b)
{
	if (!b)
		return;
	ih_text_done(&b->objects);
	ih_text_done(&b->entries);
	ih_text_done(&b->strings);
	free(b);
}

static struct ih_seal_object *last_object(struct ih_seal_builder *b)
{
	return (struct ih_seal_object *)(void *)b->objects.data + (b->n_objects - 1);
}

static int add_string(struct ih_seal_builder *b, const char *s, __u64 *ret)
{
	if (!*s) {
		*ret = 0;
		return 0;
	}
	*ret = b->strings.len;
	return ih_text_add(&b->strings, s, strlen(s) + 1);
}

/* The last object is complete: its root, and its leaf in the tree of objects. */
static int close_object(struct ih_seal_builder *b)
{
	struct ih_text leaf = { 0 };
	struct ih_seal_object *o;
	int r;

	if (!b->n_objects)
		return 0;
	o = last_object(b);
	r = ih_merkle_root(&b->tree, o->merkle);
	if (r == 0)
		r = ih_seal_object_leaf(o, b->strings.data + o->name_at, &leaf);
	if (r == 0)
		r = ih_merkle_add(&b->forest, leaf.data, leaf.len);
	ih_text_done(&leaf);
	b->tree = (struct ih_merkle){ 0 };
	return r;
}

int ih_seal_add_object(struct ih_seal_builder *b, const char *name, const uint8_t *nar_hash,
		       uint64_t nar_size, uint32_t flags)
{
	struct ih_seal_object o = { .first_entry = (uint32_t)b->n_entries, .flags = flags };
	int r;

	if (!*name || (b->n_objects && strcmp(b->strings.data + b->last_at, name) >= 0))
		return -EINVAL;
	r = close_object(b);
	if (r == 0)
		r = add_string(b, name, &o.name_at);
	if (nar_hash) {
		memcpy(o.nar_hash, nar_hash, sizeof(o.nar_hash));
		o.nar_size = nar_size;
	}
	if (r == 0)
		r = ih_text_add(&b->objects, &o, sizeof(o));
	if (r < 0)
		return r;
	b->last_at = o.name_at;
	b->last_path_at = 0;
	b->n_objects++;
	return 0;
}

int ih_seal_add_entry(struct ih_seal_builder *b, const struct ih_seal_entry *e, const char *path,
		      const char *target)
{
	struct ih_seal_entry copy = *e;
	struct ih_text leaf = { 0 };
	int r;

	if (!b->n_objects || b->n_entries >= UINT32_MAX)
		return -EINVAL;
	if (last_object(b)->n_entries &&
	    ih_seal_compare_paths(b->strings.data + b->last_path_at, path) >= 0)
		return -EINVAL;
	copy.object = (uint32_t)b->n_objects - 1;
	r = ih_seal_leaf(e, path, target, &leaf);
	if (r == 0)
		r = ih_merkle_add(&b->tree, leaf.data, leaf.len);
	ih_text_done(&leaf);
	if (r == 0)
		r = add_string(b, path, &copy.path_at);
	if (r == 0)
		r = add_string(b, target, &copy.target_at);
	if (r == 0)
		r = ih_text_add(&b->entries, &copy, sizeof(copy));
	if (r < 0)
		return r;
	b->last_path_at = copy.path_at;
	b->n_entries++;
	last_object(b)->n_entries++;
	return 0;
}

static int by_digest(const void *a, const void *b, void *data)
{
	const struct ih_seal_entry *entries = data;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = memcmp(entries[x].digest, entries[y].digest, 32);

	return order ? order : x < y ? -1 : x > y;
}

static int add_digests(struct ih_seal_builder *b, struct ih_text *out)
{
	_free_ uint32_t *numbers = malloc((b->n_entries + 1) * sizeof(*numbers));

	if (!numbers)
		return -ENOMEM;
	for (uint64_t i = 0; i < b->n_entries; i++)
		numbers[i] = (uint32_t)i;
	qsort_r(numbers, b->n_entries, sizeof(*numbers), by_digest, b->entries.data);
	return ih_text_add(out, numbers, b->n_entries * sizeof(*numbers));
}

static int find_root(const struct ih_seal_builder *b, const char *root, uint32_t *ret)
{
	const struct ih_seal_object *objects = (const void *)b->objects.data;

	for (uint64_t i = 0; i < b->n_objects; i++)
		if (strcmp(b->strings.data + objects[i].name_at, root) == 0) {
			*ret = (uint32_t)i;
			return 0;
		}
	return -ENOENT;
}

int ih_seal_finish(struct ih_seal_builder *b, const char *root, uint64_t generation,
		   const uint8_t *closure, struct ih_text *ret)
{
	struct ih_seal_header h = {
		.magic = IH_SEAL_MAGIC,
		.version = IH_SEAL_VERSION,
		.header_size = sizeof(h),
		.object_size = sizeof(struct ih_seal_object),
		.entry_size = sizeof(struct ih_seal_entry),
		.n_objects = b->n_objects,
		.n_entries = b->n_entries,
		.strings_size = b->strings.len,
		.generation = generation,
		.time_s = (uint64_t)time(NULL),
	};
	int r;

	r = find_root(b, root, &h.root_object);
	if (r == 0)
		r = close_object(b);
	if (r == 0)
		r = ih_merkle_root(&b->forest, h.merkle);
	if (r < 0)
		return r;
	if (closure)
		memcpy(h.closure, closure, sizeof(h.closure));
	h.objects_at = sizeof(h);
	h.entries_at = h.objects_at + b->objects.len;
	h.by_digest_at = h.entries_at + b->entries.len;
	h.strings_at = h.by_digest_at + b->n_entries * sizeof(uint32_t);
	h.signatures_at = h.strings_at + h.strings_size;

	(void)ih_text_add(ret, &h, sizeof(h));
	(void)ih_text_add(ret, ih_text_get(&b->objects), b->objects.len);
	(void)ih_text_add(ret, ih_text_get(&b->entries), b->entries.len);
	r = add_digests(b, ret);
	(void)ih_text_add(ret, b->strings.data, b->strings.len);
	return ret->oom ? -ENOMEM : r;
}

int ih_seal_sign(struct ih_text *seal, const struct ih_secret_key *key)
{
	const struct ih_seal_header *h = (const void *)seal->data;
	char text[IH_SIGNATURE_TEXT_MAX];
	int r;

	r = ih_secret_key_sign(key, seal->data, h->signatures_at, text);
	return r < 0 ? r : ih_text_addf(seal, "%s\n", text);
}
