/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `ca` claims: read, path recomputed, content hashed against them. */
#include "integrity/content_address.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/fd.h"

#define BUFFER_SIZE	    (128 * 1024)
#define SELF_REFERENCES_MAX 1000000 /* positions kept of one object */

static bool skip(const char **at, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*at, word, n) != 0)
		return false;
	*at += n;
	return true;
}

int ih_ca_parse(const char *text, struct ih_ca *ret, struct ih_diag *diag)
{
	struct ih_ca ca = { 0 };
	const char *at = text;

	if (strlen(text) > IH_CA_TEXT_MAX)
		return ih_fail(diag, -EBADMSG, "the content address is longer than %d characters",
			       IH_CA_TEXT_MAX);
	if (skip(&at, "text:"))
		ca.method = IH_CA_TEXT;
	else if (!skip(&at, "fixed:"))
		return ih_fail(diag, -EBADMSG, "'%s' is no content address", text);
	else if (skip(&at, "git:"))
		return ih_fail(
			diag, -EOPNOTSUPP,
			"content addresses by git tree are unsupported ('%s'). Sign the object "
			"instead",
			text);
	else
		ca.method = skip(&at, "r:") ? IH_CA_RECURSIVE : IH_CA_FLAT;
	if (ih_digest_parse(at, strlen(at), &ca.digest) < 0)
		return ih_fail(diag, -EBADMSG, "'%s' is no content address: '%s' is no hash", text,
			       at);
	if (ca.method == IH_CA_TEXT && ca.digest.algo != IH_HASH_SHA256)
		return ih_fail(diag, -EBADMSG, "'%s' is no content address: text goes with sha256",
			       text);

	*ret = ca;
	return 0;
}

/* "source:<ref>:…:self": only what a hash of the content cannot say by itself. */
static int make_type(struct ih_text *t, const char *word, const struct ih_ca_inputs *in)
{
	int r = ih_text_addf(t, "%s", word);

	for (size_t i = 0; i < in->n_refs && r == 0; i++)
		r = ih_text_addf(t, ":%s", in->refs[i]);
	if (r == 0 && in->self)
		r = ih_text_addf(t, ":self");
	return r;
}

static int fixed_output(const struct ih_ca *ca, const struct ih_ca_inputs *in, char *ret)
{
	char hex[IH_DIGEST_HEX_SIZE], text[IH_DIGEST_HEX_SIZE + 64];
	struct ih_digest inner;
	int r;

	ih_digest_hex(&ca->digest, hex);
	(void)snprintf(text, sizeof(text),
		       "fixed:out:%s%s:%s:", ca->method == IH_CA_RECURSIVE ? "r:" : "",
		       ih_hash_name(ca->digest.algo), hex);
	r = ih_hash_once(IH_HASH_SHA256, text, strlen(text), &inner);
	return r < 0 ? r : ih_store_path_make(in->dir, "output:out", &inner, in->name, ret);
}

int ih_ca_base(const struct ih_ca *ca, const struct ih_ca_inputs *in, char *ret,
	       struct ih_diag *diag)
{
	bool source = ca->method == IH_CA_RECURSIVE && ca->digest.algo == IH_HASH_SHA256;
	struct ih_text type = { 0 };
	int r;

	if (in->self && !source)
		return ih_fail(diag, -EBADMSG,
			       "this kind of content address cannot have a reference to itself");
	if (in->n_refs && !source && ca->method != IH_CA_TEXT)
		return ih_fail(diag, -EBADMSG,
			       "this kind of content address cannot have references");
	if (source || ca->method == IH_CA_TEXT) {
		r = make_type(&type, source ? "source" : "text", in);
		if (r == 0)
			r = ih_store_path_make(in->dir, type.data, &ca->digest, in->name, ret);
	} else {
		r = fixed_output(ca, in, ret);
	}
	ih_text_done(&type);
	return r < 0 ? ih_fail(diag, r, "cannot compute the store path: %s", strerror(-r)) : 0;
}

/*
 * A stream in which every occurrence of the object's own hash part is replaced by zeros and
 * remembered by position. An occurrence may lie across two pieces, so the last characters of one
 * are held back until the next.
 */
struct modulo {
	struct ih_hash *hash;
	const char *needle; /* NULL: nothing is replaced */
	uint64_t base;	    /* position of held[0], or of the next piece */
	size_t n_held;
	struct ih_text
		positions; /* "|<position>…", hashed at the end, so that zeros are no match */
	char buffer[BUFFER_SIZE + 2 * IH_STORE_HASH_CHARS];
};

static int replace(struct modulo *m, size_t len)
{
	for (size_t at = 0; at + IH_STORE_HASH_CHARS <= len; at++) {
		char *c = memchr(m->buffer + at, m->needle[0], len - IH_STORE_HASH_CHARS + 1 - at);

		if (!c)
			return 0;
		at = (size_t)(c - m->buffer);
		if (memcmp(c, m->needle, IH_STORE_HASH_CHARS) != 0)
			continue;
		memset(c, 0, IH_STORE_HASH_CHARS);
		if (m->positions.len > SELF_REFERENCES_MAX * (size_t)8)
			return -E2BIG;
		if (ih_text_addf(&m->positions, "|%" PRIu64, m->base + at) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int modulo_piece(struct modulo *m, const char *piece, size_t n)
{
	size_t len = m->n_held + n, keep, out;
	int r;

	memcpy(m->buffer + m->n_held, piece, n);
	r = replace(m, len);
	if (r < 0)
		return r;
	keep = len < IH_STORE_HASH_CHARS ? len : IH_STORE_HASH_CHARS - 1;
	out = len - keep;
	r = ih_hash_add(m->hash, m->buffer, out);
	memmove(m->buffer, m->buffer + out, keep);
	m->n_held = keep;
	m->base += out;
	return r;
}

static int modulo_add(struct modulo *m, const char *data, size_t len)
{
	int r = 0;

	if (!m->needle)
		return ih_hash_add(m->hash, data, len);
	for (size_t n; len && r == 0; data += n, len -= n) {
		n = len < BUFFER_SIZE ? len : BUFFER_SIZE;
		r = modulo_piece(m, data, n);
	}
	return r;
}

static int modulo_end(struct modulo *m, struct ih_digest *ret)
{
	int r;

	r = ih_hash_add(m->hash, m->buffer, m->n_held);
	if (r == 0 && m->positions.len)
		r = ih_hash_add(m->hash, m->positions.data, m->positions.len);
	return r < 0 ? r : ih_hash_end(m->hash, ret);
}

static int add_archive(struct modulo *m, const struct ih_nar_source *source, struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_nar) struct ih_nar *nar = NULL;
	struct ih_nar_source quiet = *source;
	struct ih_problems problems = { 0 };
	const void *piece;
	ssize_t n;
	int r;

	quiet.metadata = false;
	r = ih_nar_new(&quiet, &problems, &nar);
	if (r < 0)
		return ih_fail(diag, r, "no memory to hash '%s'", source->shown);
	while ((n = ih_nar_next(nar, &piece)) > 0 && r == 0)
		r = modulo_add(m, piece, (size_t)n);
	if (n < 0)
		r = (int)n;
	if (r < 0)
		(void)ih_fail(diag, r, "cannot hash '%s': %s", source->shown,
			      problems.n ? problems.list[0] : strerror(-r));
	ih_problems_done(&problems);
	return r;
}

static int add_file(struct modulo *m, const struct ih_nar_source *source, struct ih_diag *diag)
{
	_close_ int fd = -EBADF;
	struct stat st;
	ssize_t n;
	int r = 0;

	fd = ih_open_beneath(source->dirfd, source->name, O_RDONLY);
	if (fd < 0 || fstat(fd, &st) < 0) {
		r = fd < 0 ? fd : -errno;
		return ih_fail(diag, r, "cannot open '%s': %s", source->shown, strerror(-r));
	}
	/* Its hash does not say whether the file may be executed, so only the usual is accepted. */
	if (!S_ISREG(st.st_mode) || st.st_mode & S_IXUSR)
		return ih_fail(diag, -EBADMSG,
			       "'%s' must be a regular file that is not executable, as its content "
			       "address covers no more",
			       source->shown);
	for (uint64_t at = 0; r == 0; at += (uint64_t)n) {
		n = ih_pread_full(fd, m->buffer, BUFFER_SIZE, at);
		if (n <= 0) {
			r = (int)n;
			break;
		}
		r = ih_hash_add(m->hash, m->buffer, (size_t)n);
	}
	return r < 0 ? ih_fail(diag, r, "cannot read '%s': %s", source->shown, strerror(-r)) : 0;
}

static int hash_content(const struct ih_ca *ca, const struct ih_nar_source *source,
			const char *needle, struct ih_digest *ret, struct ih_diag *diag)
{
	struct modulo *m;
	int r;

	m = calloc(1, sizeof(*m));
	r = m ? ih_hash_new(ca->digest.algo, &m->hash) : -ENOMEM;
	if (r < 0) {
		(void)ih_fail(diag, r, "cannot hash with %s: %s", ih_hash_name(ca->digest.algo),
			      strerror(-r));
	} else {
		m->needle = needle;
		r = ca->method == IH_CA_RECURSIVE ? add_archive(m, source, diag)
						  : add_file(m, source, diag);
		if (r == 0)
			r = modulo_end(m, ret);
		ih_hash_free(m->hash);
		ih_text_done(&m->positions);
	}
	free(m);
	return r;
}

static int check_digest(const struct ih_ca *ca, const struct ih_nar_source *source,
			const struct ih_store_object *o, bool self, struct ih_diag *diag)
{
	char claimed[IH_DIGEST_TEXT_SIZE], found[IH_DIGEST_TEXT_SIZE];
	char needle[IH_STORE_HASH_CHARS + 1];
	struct ih_digest d;
	int r;

	(void)snprintf(needle, sizeof(needle), "%.*s", IH_STORE_HASH_CHARS, o->base);
	r = hash_content(ca, source, self ? needle : NULL, &d, diag);
	if (r < 0)
		return r;
	if (memcmp(d.bytes, ca->digest.bytes, ih_hash_size(d.algo)) == 0)
		return 0;
	ih_digest_print(&ca->digest, claimed);
	ih_digest_print(&d, found);
	return ih_fail(diag, -EBADMSG,
		       "the content address of '%s' lies: it says %s, the content has %s",
		       source->shown, claimed, found);
}

int ih_ca_check(const char *dir, const struct ih_nar_source *source,
		const struct ih_store_object *o, struct ih_diag *diag)
{
	struct ih_ca_inputs in = { .dir = dir, .name = o->base + IH_STORE_HASH_CHARS + 1 };
	_free_ char **refs = calloc(o->n_refs + 1, sizeof(*refs));
	char base[IH_STORE_BASE_MAX + 1];
	struct ih_ca ca;
	int r;

	if (!refs)
		return ih_fail(diag, -ENOMEM, "no memory for references");
	r = ih_ca_parse(o->ca ? o->ca : "", &ca, diag);
	if (r < 0)
		return r;
	for (size_t i = 0; i < o->n_refs; i++) {
		if (strcmp(o->refs[i], o->path) == 0)
			in.self = true;
		else
			refs[in.n_refs++] = o->refs[i];
	}
	in.refs = refs;
	r = ih_ca_base(&ca, &in, base, diag);
	if (r < 0)
		return r;
	if (strcmp(base, o->base) != 0)
		return ih_fail(diag, -EBADMSG,
			       "the content address of '%s' does not belong to it but to '%s'",
			       source->shown, base);
	return check_digest(&ca, source, o, in.self, diag);
}
