/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* .narinfo: lines "Key: value" (Nix: nar-info.cc). */
#include "integrity/narinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/fd.h"
#include "common/text.h"

struct ih_narinfos {
	int dirfd;  /* of a directory; or -EBADF: */
	char *text; /* a manifest */
	size_t len;
	char *path;
};

/* What was read of one; parts point into the text. */
struct fields {
	const char *path, *hash, *size, *refs, *ca;
	size_t path_len, hash_len, size_len, refs_len, ca_len;
	struct ih_text signatures;
	bool has_refs;
};

void ih_narinfos_free(struct ih_narinfos *n)
{
	if (!n)
		return;
	if (n->dirfd >= 0)
		(void)close(n->dirfd);
	free(n->text);
	free(n->path);
	free(n);
}

int ih_narinfos_open(const char *path, struct ih_narinfos **ret, struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_narinfos) struct ih_narinfos *n = NULL;
	_close_ int fd = -EBADF;
	struct stat st;
	int r;

	n = calloc(1, sizeof(*n));
	if (!n)
		return ih_fail(diag, -ENOMEM, "no memory for '%s'", path);
	n->dirfd = -EBADF;
	n->path = strdup(path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return ih_fail(diag, -errno, "cannot open '%s': %s", path, strerror(errno));
	if (!n->path)
		return ih_fail(diag, -ENOMEM, "no memory for '%s'", path);
	if (S_ISDIR(st.st_mode)) {
		n->dirfd = TAKE_FD(fd);
	} else {
		r = ih_read_fd(fd, path, IH_NARINFO_SIZE_MAX, &n->text, &n->len, diag);
		if (r < 0)
			return r;
	}

	*ret = TAKE_PTR(n);
	return 0;
}

static int set_once(const char **at, size_t *at_len, const char *value, size_t len)
{
	if (*at)
		return -EBADMSG;
	*at = value;
	*at_len = len;
	return 0;
}

static bool is_key(const char *line, size_t len, const char *key)
{
	return strlen(key) == len && memcmp(line, key, len) == 0;
}

static int take_line(struct fields *f, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len), *value;
	size_t key, left;

	if (!colon)
		return -EBADMSG;
	key = (size_t)(colon - line);
	value = colon + 1;
	left = len - key - 1;
	while (left && *value == ' ') {
		value++;
		left--;
	}
	if (is_key(line, key, "StorePath"))
		return set_once(&f->path, &f->path_len, value, left);
	if (is_key(line, key, "NarHash"))
		return set_once(&f->hash, &f->hash_len, value, left);
	if (is_key(line, key, "NarSize"))
		return set_once(&f->size, &f->size_len, value, left);
	if (is_key(line, key, "References"))
		return set_once(&f->refs, &f->refs_len, value, left);
	if (is_key(line, key, "CA"))
		return left ? set_once(&f->ca, &f->ca_len, value, left) : 0;
	if (is_key(line, key, "Sig")) {
		if (f->signatures.len && ih_text_add(&f->signatures, " ", 1) < 0)
			return -ENOMEM;
		return ih_text_add(&f->signatures, value, left);
	}
	return 0;
}

static int take_lines(struct fields *f, const char *text, size_t len)
{
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len;
		int r;

		r = line ? take_line(f, text, line) : 0;
		if (r < 0)
			return r;
		text += end ? line + 1 : line;
		len -= end ? line + 1 : line;
	}
	return f->path && f->hash && f->size ? 0 : -EBADMSG;
}

static char *join(const char *dir, const char *base, size_t len)
{
	struct ih_text t = { 0 };

	(void)ih_text_addf(&t, "%s/", dir);
	if (ih_text_add(&t, base, len) < 0) {
		ih_text_done(&t);
		return NULL;
	}
	return t.data;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int take_reference(struct ih_store_object *o, size_t *size, const char *dir,
			  const char *base, size_t len)
{
	if (!ih_store_base_is_valid(base, len))
		return -EBADMSG;
	if (o->n_refs >= IH_STORE_REFS_MAX)
		return -E2BIG;
	if (o->n_refs == *size) {
		size_t more = *size ? *size * 2 : 16;
		char **refs = realloc(o->refs, more * sizeof(*refs));

		if (!refs)
			return -ENOMEM;
		o->refs = refs;
		*size = more;
	}
	o->refs[o->n_refs] = join(dir, base, len);
	return o->refs[o->n_refs] ? (void)o->n_refs++, 0 : -ENOMEM;
}

/* Base names with spaces between; in the object whole paths, sorted, each once. */
static int take_references(struct ih_store_object *o, const char *dir, const char *text, size_t len)
{
	size_t size = 0, kept = 0;

	for (size_t at = 0; at < len;) {
		size_t n = 0;
		int r;

		while (at + n < len && text[at + n] != ' ')
			n++;
		r = n ? take_reference(o, &size, dir, text + at, n) : 0;
		if (r < 0)
			return r;
		at += n + 1;
	}
	if (!o->n_refs)
		return 0;
	qsort(o->refs, o->n_refs, sizeof(*o->refs), by_bytes);
	for (size_t i = 0; i < o->n_refs; i++) {
		if (kept && strcmp(o->refs[kept - 1], o->refs[i]) == 0)
			free(o->refs[i]);
		else
			o->refs[kept++] = o->refs[i];
	}
	o->n_refs = kept;
	return 0;
}

static int take_size(struct ih_store_object *o, const struct fields *f)
{
	char text[24];

	if (!f->size_len || f->size_len >= sizeof(text))
		return -EBADMSG;
	memcpy(text, f->size, f->size_len);
	text[f->size_len] = '\0';
	return ih_parse_u64(text, INT64_MAX, &o->nar_size) < 0 || !o->nar_size ? -EBADMSG : 0;
}

static int build(const struct fields *f, const char *dir, struct ih_store_object *o)
{
	int r;

	o->path = strndup(f->path, f->path_len);
	if (!o->path)
		return -ENOMEM;
	if (strlen(o->path) != f->path_len || ih_store_path_parse(dir, o->path, &o->base, NULL) < 0)
		return -EBADMSG;
	if (ih_digest_parse(f->hash, f->hash_len, &o->nar_hash) < 0 ||
	    o->nar_hash.algo != IH_HASH_SHA256)
		return -EBADMSG;
	r = take_size(o, f);
	if (r == 0)
		r = take_references(o, dir, f->refs, f->refs_len);
	if (r < 0)
		return r;
	if (f->ca && !(o->ca = strndup(f->ca, f->ca_len)))
		return -ENOMEM;
	if (f->signatures.len && !(o->signatures = strdup(f->signatures.data)))
		return -ENOMEM;
	return 0;
}

int ih_narinfo_parse(const char *name, const char *text, size_t len, const char *dir,
		     struct ih_store_object **ret, struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_store_object) struct ih_store_object *o = NULL;
	struct fields f = { 0 };
	int r;

	o = calloc(1, sizeof(*o));
	r = o ? 0 : -ENOMEM;
	if (r == 0)
		r = take_lines(&f, text, len);
	if (r == 0)
		r = build(&f, dir, o);
	ih_text_done(&f.signatures);
	if (r == -ENOMEM)
		return ih_fail(diag, r, "no memory for '%s'", name);
	if (r < 0)
		return ih_fail(diag, r,
			       "'%s' is no .narinfo: StorePath, NarHash (sha256) and NarSize are "
			       "needed once each, and References of store objects",
			       name);

	*ret = TAKE_PTR(o);
	return 0;
}

static bool is_about(const struct ih_store_object *o, const char *base)
{
	return strcmp(o->base, base) == 0;
}

static int find_in_directory(const struct ih_narinfos *n, const char *dir, const char *base,
			     struct ih_store_object **ret, struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_store_object) struct ih_store_object *o = NULL;
	char name[IH_STORE_HASH_CHARS + sizeof(".narinfo")];
	_free_ char *text = NULL;
	size_t len;
	int r;

	(void)snprintf(name, sizeof(name), "%.32s.narinfo", base);
	r = ih_read_file(n->dirfd, name, IH_NARINFO_SIZE_MAX, &text, &len, diag);
	if (r == 0)
		r = ih_narinfo_parse(name, text, len, dir, &o, diag);
	if (r < 0)
		return r;
	if (!is_about(o, base))
		return ih_fail(diag, -EBADMSG, "'%s' is about '%s', not about '%s'", name, o->base,
			       base);

	*ret = TAKE_PTR(o);
	return 0;
}

/* The stretch of a manifest up to the next empty line. */
static size_t stretch(const char *text, size_t len)
{
	const char *end = memmem(text, len, "\n\n", 2);

	return end ? (size_t)(end - text) + 1 : len;
}

static int find_in_manifest(const struct ih_narinfos *n, const char *dir, const char *base,
			    struct ih_store_object **ret, struct ih_diag *diag)
{
	struct ih_text line = { 0 };
	const char *at = n->text;
	size_t left = n->len, part;
	int r = -ENOENT;

	if (ih_text_addf(&line, "StorePath: %s/%s\n", dir, base) < 0)
		r = -ENOMEM;
	for (; left && r == -ENOENT; at += part, left -= part) {
		part = stretch(at, left);
		if (memmem(at, part, line.data, line.len))
			r = ih_narinfo_parse(n->path, at, part, dir, ret, diag);
		while (part < left && at[part] == '\n')
			part++;
	}
	ih_text_done(&line);
	if (r == 0 && !is_about(*ret, base)) {
		ih_store_object_free(*ret);
		*ret = NULL;
		r = ih_fail(diag, -EBADMSG, "'%s' names '%s' where another belongs", n->path, base);
	}
	return r;
}

int ih_narinfos_find(const struct ih_narinfos *n, const char *dir, const char *base,
		     struct ih_store_object **ret, struct ih_diag *diag)
{
	if (n->dirfd >= 0)
		return find_in_directory(n, dir, base, ret, diag);
	return find_in_manifest(n, dir, base, ret, diag);
}
