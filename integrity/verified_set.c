/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing, reading and searching the verified set. */
#include "integrity/verified_set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/fd.h"
#include "common/text.h"

struct ih_verified_set {
	char *data;
	size_t len;
	const struct ih_verified_header *header;
};

static int compare(uint32_t device_a, uint64_t inode_a, uint32_t device_b, uint64_t inode_b)
{
	if (device_a != device_b)
		return device_a < device_b ? -1 : 1;
	return inode_a < inode_b ? -1 : inode_a > inode_b;
}

static int by_inode(const void *a, const void *b)
{
	const struct ih_verified_file *x = a, *y = b;

	return compare(x->device, x->inode, y->device, y->inode);
}

/*
 * Numbers of good objects: kept[old] is the new number + 1, 0 for what is left out. One inode may
 * be seen in several objects (hard links of an optimised store); if it changed between two looks,
 * it is in none.
 */
static size_t keep_good(const struct ih_verify *v, uint32_t *kept)
{
	const struct ih_closure *c = ih_verify_closure(v);
	size_t n = 0;

	for (size_t i = 0; i < ih_closure_size(c); i++)
		kept[i] = ih_verify_object_result(v, ih_closure_object(c, i)) ? 0 : (uint32_t)++n;
	return n;
}

static size_t gather_files(const struct ih_verify *v, const uint32_t *kept,
			   struct ih_verified_file *files)
{
	size_t n_seen, n = 0, out = 0;
	const struct ih_verified_file *seen = ih_verify_files(v, &n_seen);

	for (size_t i = 0; i < n_seen; i++) {
		if (!kept[seen[i].object])
			continue;
		files[n] = seen[i];
		files[n++].object = kept[seen[i].object] - 1;
	}
	qsort(files, n, sizeof(*files), by_inode);
	for (size_t i = 0; i < n;) {
		size_t same = i + 1;
		bool changed = false;

		for (; same < n && by_inode(&files[i], &files[same]) == 0; same++)
			changed = changed || files[same].ctime_ns != files[i].ctime_ns;
		if (!changed)
			files[out++] = files[i];
		i = same;
	}
	return out;
}

static int add_objects(const struct ih_verify *v, const uint32_t *kept, struct ih_text *out,
		       struct ih_text *names)
{
	const struct ih_closure *c = ih_verify_closure(v);
	int r = 0;

	for (size_t i = 0; i < ih_closure_size(c) && r == 0; i++) {
		const struct ih_closure_object *o = ih_closure_object(c, i);
		struct ih_verified_object row = {
			.inode = o->inode,
			.ctime_ns = o->ctime_ns,
			.device = o->device,
			.trust = IH_TRUST_VERIFIED,
			.name_at = names->len,
		};

		if (!kept[i])
			continue;
		memcpy(row.nar_hash, o->nar_hash, sizeof(row.nar_hash));
		r = ih_text_add(out, &row, sizeof(row));
		if (r == 0)
			r = ih_text_add(names, o->base, strlen(o->base) + 1);
	}
	return r;
}

static int build(const struct ih_verify *v, const struct ih_verified_header *template,
		 struct ih_text *out)
{
	struct ih_verified_header h = *template;
	_free_ struct ih_verified_file *files = NULL;
	_free_ uint32_t *kept = NULL;
	struct ih_text names = { 0 };
	size_t n_seen, n = ih_closure_size(ih_verify_closure(v));
	int r;

	(void)ih_verify_files(v, &n_seen);
	kept = calloc(n + 1, sizeof(*kept));
	files = calloc(n_seen + 1, sizeof(*files));
	if (!kept || !files)
		return -ENOMEM;
	h.magic = IH_VERIFIED_MAGIC;
	h.version = IH_VERIFIED_VERSION;
	h.header_size = sizeof(h);
	h.object_size = sizeof(struct ih_verified_object);
	h.file_size = sizeof(struct ih_verified_file);
	h.n_objects = keep_good(v, kept);
	h.n_files = gather_files(v, kept, files);
	h.objects_at = sizeof(h);
	h.files_at = h.objects_at + h.n_objects * h.object_size;
	h.names_at = h.files_at + h.n_files * h.file_size;
	h.time_s = (uint64_t)time(NULL);
	if (h.n_objects == n)
		h.flags |= IH_VERIFIED_COMPLETE;

	r = ih_text_add(out, &h, sizeof(h));
	if (r == 0)
		r = add_objects(v, kept, out, &names);
	if (r == 0)
		r = ih_text_add(out, files, h.n_files * sizeof(*files));
	h.names_size = names.len;
	if (r == 0)
		r = ih_text_add(out, ih_text_get(&names), names.len);
	if (r == 0)
		memcpy(out->data, &h, sizeof(h));
	ih_text_done(&names);
	return r;
}

int ih_verified_set_write(int dirfd, const char *name, const struct ih_verify *v,
			  const struct ih_verified_header *template, struct ih_diag *diag)
{
	struct ih_text out = { 0 };
	int r;

	r = build(v, template, &out);
	if (r < 0)
		r = ih_fail(diag, r, "cannot put the verified set together: %s", strerror(-r));
	else
		r = ih_write_file_atomic(dirfd, name, 0400, out.data, out.len, diag);
	ih_text_done(&out);
	return r;
}

/* @n entries of @size bytes at @at lie within the file, and are as long as we know them. */
static bool fits(const struct ih_verified_set *s, uint64_t at, uint64_t n, uint32_t size,
		 size_t known)
{
	uint64_t bytes, end;

	return size == known && at % 8 == 0 && !__builtin_mul_overflow(n, size, &bytes) &&
	       !__builtin_add_overflow(at, bytes, &end) && end <= s->len;
}

static bool has_names(const struct ih_verified_set *s)
{
	const struct ih_verified_header *h = s->header;
	uint64_t end;

	if (__builtin_add_overflow(h->names_at, h->names_size, &end) || end > s->len)
		return false;
	if (h->n_objects && (!h->names_size || s->data[end - 1]))
		return false;
	for (size_t i = 0; i < h->n_objects; i++)
		if (ih_verified_set_object(s, i)->name_at >= h->names_size)
			return false;
	return true;
}

static bool has_sorted_files(const struct ih_verified_set *s)
{
	const struct ih_verified_header *h = s->header;

	for (size_t i = 0; i < h->n_files; i++) {
		const struct ih_verified_file *f = ih_verified_set_file(s, i);

		if (f->object >= h->n_objects)
			return false;
		if (i && by_inode(f - 1, f) >= 0)
			return false;
	}
	return true;
}

static int check(struct ih_verified_set *s, struct ih_diag *diag)
{
	const struct ih_verified_header *h;

	if (s->len < sizeof(*h))
		return ih_fail(diag, -EBADMSG, "a verified set of %zu bytes is too short", s->len);
	h = s->header = (const void *)s->data;
	if (h->magic != IH_VERIFIED_MAGIC)
		return ih_fail(diag, -EBADMSG, "this is no verified set");
	if (h->version != IH_VERIFIED_VERSION)
		return ih_fail(diag, -EPROTO, "the verified set has version %u, expected %u",
			       h->version, IH_VERIFIED_VERSION);
	if (h->header_size != sizeof(*h) ||
	    !fits(s, h->objects_at, h->n_objects, h->object_size,
		  sizeof(struct ih_verified_object)) ||
	    !fits(s, h->files_at, h->n_files, h->file_size, sizeof(struct ih_verified_file)) ||
	    !has_names(s))
		return ih_fail(diag, -EBADMSG, "the verified set's parts reach beyond its end");
	if (!has_sorted_files(s))
		return ih_fail(diag, -EBADMSG, "the verified set's files are not in order");
	return 0;
}

/* Takes @data over in any case. */
static int adopt(char *data, size_t len, struct ih_verified_set **ret, struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_verified_set) struct ih_verified_set *s = NULL;
	int r;

	s = calloc(1, sizeof(*s));
	if (!s) {
		free(data);
		return ih_fail(diag, -ENOMEM, "no memory for a verified set");
	}
	s->data = data;
	s->len = len;
	r = check(s, diag);
	if (r < 0)
		return r;

	*ret = TAKE_PTR(s);
	return 0;
}

int ih_verified_set_parse(const void *data, size_t len, struct ih_verified_set **ret,
			  struct ih_diag *diag)
{
	char *copy;

	copy = malloc(len + 1); /* aligned, as @data need not be */
	if (!copy)
		return ih_fail(diag, -ENOMEM, "no memory for a verified set");
	memcpy(copy, data, len);
	return adopt(copy, len, ret, diag);
}

int ih_verified_set_read(const char *path, struct ih_verified_set **ret, struct ih_diag *diag)
{
	_close_ int fd = -EBADF;
	struct stat st;
	char *data;
	size_t len;
	int r;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return ih_fail(diag, -errno, "cannot open the verified set '%s': %s", path,
			       strerror(errno));
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & 022)
		return ih_fail(diag, -EPERM, "'%s' can be written by others than root", path);
	r = ih_read_fd(fd, path, IH_VERIFIED_SIZE_MAX, &data, &len, diag);
	if (r < 0)
		return r;
	r = adopt(data, len, ret, diag);
	return r < 0 ? ih_fail_within(diag, r, "'%s'", path) : 0;
}

void ih_verified_set_free(struct ih_verified_set *s)
{
	if (!s)
		return;
	free(s->data);
	free(s);
}

const struct ih_verified_header *ih_verified_set_header(const struct ih_verified_set *s)
{
	return s->header;
}

const struct ih_verified_object *ih_verified_set_object(const struct ih_verified_set *s, size_t i)
{
	return (const struct ih_verified_object *)(const void *)(s->data + s->header->objects_at) +
	       i;
}

const char *ih_verified_set_object_name(const struct ih_verified_set *s, size_t i)
{
	return s->data + s->header->names_at + ih_verified_set_object(s, i)->name_at;
}

const struct ih_verified_file *ih_verified_set_file(const struct ih_verified_set *s, size_t i)
{
	return (const struct ih_verified_file *)(const void *)(s->data + s->header->files_at) + i;
}

const struct ih_verified_file *ih_verified_set_find(const struct ih_verified_set *s,
						    uint32_t device, uint64_t inode)
{
	size_t low = 0, high = s->header->n_files;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct ih_verified_file *f = ih_verified_set_file(s, middle);
		int order = compare(f->device, f->inode, device, inode);

		if (!order)
			return f;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

bool ih_verified_set_holds(const struct ih_verified_set *s, const struct statx *st)
{
	const struct ih_verified_file *f =
		ih_verified_set_find(s, st->stx_dev_major << 20 | st->stx_dev_minor, st->stx_ino);

	return f && f->mode == st->stx_mode &&
	       f->ctime_ns == st->stx_ctime.tv_sec * INT64_C(1000000000) + st->stx_ctime.tv_nsec;
}
