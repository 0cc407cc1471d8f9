/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signed statements about bootspecs. */
#include "bootchain/statement.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/json.h"
#include "integrity/hash.h"

#define MEMBERS_MAX 1024
#define MAGIC	    "ihard-bootspec-1\n"

struct member {
	const char *key;
	struct ih_json value;
};

struct document {
	struct ih_json_doc *json;
	struct ih_json root;
	struct member *members; /* but the extension, sorted */
	size_t n;
};

static void document_done(struct document *d)
{
	ih_json_free(d->json);
	free(d->members);
}

static int by_key(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static int open_document(const char *name, struct ih_bytes text, struct document *d,
			 struct ih_diag *diag)
{
	struct ih_json value;
	void *iterator = NULL;
	const char *key;
	int r;

	r = ih_json_parse(name, (const char *)text.data, text.len, &d->json, diag);
	if (r < 0)
		return r;
	d->root = ih_json_root(d->json);
	d->members = calloc(MEMBERS_MAX, sizeof(*d->members));
	if (!d->members)
		return -ENOMEM;
	while (ih_json_next(&d->root, &iterator, &key, &value)) {
		if (!strcmp(key, IH_STATEMENT_KEY))
			continue;
		if (d->n == MEMBERS_MAX)
			return ih_fail(diag, -EBADMSG, "'%s' has more than %d members", name,
				       MEMBERS_MAX);
		d->members[d->n++] = (struct member){ key, value };
	}
	qsort(d->members, d->n, sizeof(*d->members), by_key);
	return 0;
}

static int add_sized(struct ih_hash *hash, const void *data, size_t len)
{
	char size[32];
	int r;

	r = ih_hash_add(hash, size, (size_t)snprintf(size, sizeof(size), "%zu:", len));
	return r ? r : ih_hash_add(hash, data, len);
}

static int hash_document(const struct document *d, struct ih_digest *ret)
{
	_cleanup_(ih_cleanup_hash) struct ih_hash *hash = NULL;
	int r;

	r = ih_hash_new(IH_HASH_SHA256, &hash);
	for (size_t i = 0; i < d->n && !r; i++) {
		struct ih_text source = { 0 };

		r = ih_json_source(&d->members[i].value, &source);
		if (!r)
			r = add_sized(hash, d->members[i].key, strlen(d->members[i].key));
		if (!r)
			r = add_sized(hash, ih_text_get(&source), source.len);
		ih_text_done(&source);
	}
	return r ? r : ih_hash_end(hash, ret);
}

static int find_toplevel(const char *name, const struct document *d, const char **ret,
			 struct ih_diag *diag)
{
	static const char *const objects[] = { "org.nixos.bootspec.v2", "org.nixos.bootspec.v1" };
	struct ih_json object, value;

	for (size_t i = 0; i < IH_ARRAY_SIZE(objects); i++)
		if (!ih_json_member(&d->root, objects[i], &object) &&
		    !ih_json_member(&object, "toplevel", &value))
			return ih_json_string(&value, ret, diag);
	return ih_fail(diag, -EBADMSG, "'%s' is no bootspec that names its toplevel", name);
}

/* A value on a line of its own: a line break in it would be another line. */
static int check_line(const char *what, const char *text, struct ih_diag *diag)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return ih_fail(diag, -EINVAL, "the %s '%s' has a space or line break in it",
				       what, text);
	return 0;
}

static int make_text(const char *name, const struct document *d, const struct ih_statement *claim,
		     struct ih_text *ret, struct ih_diag *diag)
{
	const char *closure = claim->closure ? claim->closure : "none", *toplevel = "";
	char hex[IH_DIGEST_HEX_SIZE];
	struct ih_digest digest;
	int r;

	r = find_toplevel(name, d, &toplevel, diag);
	if (!r)
		r = check_line("toplevel", toplevel, diag);
	if (!r)
		r = check_line("closure", closure, diag);
	if (!r)
		r = hash_document(d, &digest);
	if (r < 0)
		return r;
	ih_digest_hex(&digest, hex);
	return ih_text_addf(
		ret, MAGIC "document sha256:%s\ngeneration %" PRIu64 "\ntoplevel %s\nclosure %s\n",
		hex, claim->generation, toplevel, closure);
}

/* Adds @key's signature of @text to the list. */
static int add_signature(const struct ih_text *text, struct ih_key *key, struct ih_json_out *list,
			 struct ih_diag *diag)
{
	uint8_t signature[IH_KEY_SIGNATURE_MAX];
	struct ih_json_out *one;
	char hex[IH_DIGEST_HEX_SIZE];
	_free_ char *encoded = NULL;
	struct ih_digest digest;
	size_t len = 0;
	int r;

	r = ih_hash_once(IH_HASH_SHA256, text->data, text->len, &digest);
	if (!r)
		r = ih_key_sign(key, digest.bytes, signature, &len, diag);
	if (!r)
		r = ih_base64((struct ih_bytes){ signature, len }, &encoded);
	if (!r)
		r = ih_hash_once(IH_HASH_SHA256, key->public_key, key->public_key_len, &digest);
	if (r < 0)
		return r;
	ih_digest_hex(&digest, hex);
	one = ih_json_new_object();
	ih_json_set_string(one, "key", hex);
	ih_json_set_string(one, "signature", encoded);
	ih_json_push(list, one);
	return 0;
}

/* Signatures of others over the very same text are kept. */
static int keep_signatures(const struct document *d, const struct ih_text *text,
			   struct ih_json_out *list)
{
	struct ih_json object, said, all, one;
	const char *old;

	if (ih_json_member(&d->root, IH_STATEMENT_KEY, &object) ||
	    ih_json_member(&object, "statement", &said) || ih_json_string(&said, &old, NULL) ||
	    strcmp(old, ih_text_get(text)) != 0 || ih_json_member(&object, "signatures", &all))
		return 0;
	if (ih_json_length(&all) >= IH_STATEMENT_SIGNATURES_MAX)
		return -E2BIG;
	for (size_t i = 0; i < ih_json_length(&all); i++)
		if (!ih_json_element(&all, i, &one))
			ih_json_push(list, ih_json_new_source(&one));
	return 0;
}

static int print_document(const struct document *d, const struct ih_text *text,
			  struct ih_json_out *list, struct ih_text *ret)
{
	struct ih_json_out *out = ih_json_new_object(), *extension = ih_json_new_object();

	for (size_t i = 0; i < d->n; i++)
		ih_json_set(out, d->members[i].key, ih_json_new_source(&d->members[i].value));
	ih_json_set_string(extension, "statement", ih_text_get(text));
	ih_json_set(extension, "signatures", list);
	ih_json_set(out, IH_STATEMENT_KEY, extension);
	return ih_json_print(out, true, ret);
}

int ih_statement_sign(const char *name, struct ih_bytes text, const struct ih_statement *claim,
		      struct ih_key *key, struct ih_text *ret, struct ih_diag *diag)
{
	struct ih_json_out *list = ih_json_new_array();
	struct ih_text statement = { 0 };
	struct document d = { 0 };
	int r;

	r = open_document(name, text, &d, diag);
	if (!r)
		r = make_text(name, &d, claim, &statement, diag);
	if (!r)
		r = keep_signatures(&d, &statement, list);
	if (!r)
		r = add_signature(&statement, key, list, diag);
	if (!r)
		r = print_document(&d, &statement, TAKE_PTR(list), ret);
	ih_json_out_free(list);
	ih_text_done(&statement);
	document_done(&d);
	return r;
}

/* Verifying */

static int take_line(const char **at, const char *label, char **ret)
{
	size_t len = strlen(label), line;

	if (strncmp(*at, label, len) != 0)
		return -EBADMSG;
	line = strcspn(*at + len, "\n");
	if ((*at)[len + line] != '\n')
		return -EBADMSG;
	*ret = strndup(*at + len, line);
	*at += len + line + 1;
	return *ret ? 0 : -ENOMEM;
}

static int parse_text(const char *text, struct ih_statement *s, char **digest)
{
	_free_ char *generation = NULL;
	int r;

	if (strncmp(text, MAGIC, strlen(MAGIC)) != 0)
		return -EBADMSG;
	text += strlen(MAGIC);
	r = take_line(&text, "document sha256:", digest);
	if (!r)
		r = take_line(&text, "generation ", &generation);
	if (!r)
		r = take_line(&text, "toplevel ", &s->toplevel);
	if (!r)
		r = take_line(&text, "closure ", &s->closure);
	if (!r && (*text || ih_parse_u64(generation, UINT64_MAX, &s->generation) < 0))
		r = -EBADMSG;
	if (!r && !strcmp(s->closure, "none")) {
		free(s->closure);
		s->closure = NULL;
	}
	return r;
}

/* The first trusted certificate that this signature fits; each counts once. */
static int check_signature(const struct ih_json *one, const struct ih_digest *digest,
			   const struct ih_certificates *trusted, struct ih_statement *s)
{
	_free_ uint8_t *signature = NULL;
	struct ih_json value;
	const char *encoded;
	size_t len;

	if (ih_json_member(one, "signature", &value) || ih_json_string(&value, &encoded, NULL) ||
	    ih_base64_decode(encoded, &signature, &len))
		return 0;
	for (size_t i = 0; i < trusted->n; i++) {
		const struct ih_bytes certificate = { trusted->item[i].data, trusted->item[i].len };
		bool known = false;

		for (size_t k = 0; k < s->n_signers; k++)
			known |= !strcmp(s->signers[k], trusted->item[i].name);
		if (known || ih_signature_verify(certificate, digest->bytes,
						 (struct ih_bytes){ signature, len }, NULL))
			continue;
		s->signers[s->n_signers] = strdup(trusted->item[i].name);
		return s->signers[s->n_signers++] ? 0 : -ENOMEM;
	}
	return 0;
}

static int check_signatures(const char *name, const struct ih_json *object, const char *text,
			    const struct ih_certificates *trusted, struct ih_statement *s,
			    struct ih_diag *diag)
{
	struct ih_digest digest;
	struct ih_json all, one;
	int r;

	if (ih_json_member(object, "signatures", &all) ||
	    ih_json_length(&all) > IH_STATEMENT_SIGNATURES_MAX)
		return ih_fail(diag, -EBADMSG, "'%s' has no list of at most %d signatures", name,
			       IH_STATEMENT_SIGNATURES_MAX);
	r = ih_hash_once(IH_HASH_SHA256, text, strlen(text), &digest);
	for (size_t i = 0; i < ih_json_length(&all) && !r; i++) {
		r = ih_json_element(&all, i, &one);
		if (!r)
			r = check_signature(&one, &digest, trusted, s);
	}
	if (!r && !s->n_signers)
		r = ih_fail(diag, -EKEYREJECTED,
			    "none of the %zu trusted certificates signed the statement in '%s'",
			    trusted->n, name);
	return r;
}

/* The statement is about this document: its hash, and the toplevel that it names. */
static int check_document(const char *name, const struct document *d, const struct ih_statement *s,
			  const char *said, struct ih_diag *diag)
{
	char hex[IH_DIGEST_HEX_SIZE];
	struct ih_digest digest;
	const char *toplevel = "";
	int r;

	r = hash_document(d, &digest);
	if (r < 0)
		return r;
	ih_digest_hex(&digest, hex);
	if (strcmp(hex, said) != 0)
		return ih_fail(diag, -EBADMSG,
			       "'%s' is not what was signed: its hash is sha256:%s, signed"
			       " was sha256:%s",
			       name, hex, said);
	r = find_toplevel(name, d, &toplevel, diag);
	if (!r && strcmp(toplevel, s->toplevel) != 0)
		r = ih_fail(diag, -EBADMSG, "the statement in '%s' is about '%s', not '%s'", name,
			    s->toplevel, toplevel);
	return r;
}

static int verify(const char *name, const struct document *d, const struct ih_certificates *trusted,
		  struct ih_statement *s, struct ih_diag *diag)
{
	struct ih_json object, value;
	_free_ char *digest = NULL;
	const char *text;
	int r;

	if (ih_json_member(&d->root, IH_STATEMENT_KEY, &object))
		return ih_fail(diag, -ENODATA, "'%s' is not signed (it has no '%s')", name,
			       IH_STATEMENT_KEY);
	if (ih_json_member(&object, "statement", &value) || ih_json_string(&value, &text, NULL))
		return ih_fail(diag, -EBADMSG, "the signature in '%s' says nothing", name);
	r = check_signatures(name, &object, text, trusted, s, diag);
	if (r < 0)
		return r;
	r = parse_text(text, s, &digest);
	if (r < 0)
		return ih_fail(diag, r, "the statement in '%s' is malformed", name);
	return check_document(name, d, s, digest, diag);
}

int ih_statement_verify(const char *name, struct ih_bytes text,
			const struct ih_certificates *trusted, struct ih_statement *ret,
			struct ih_diag *diag)
{
	struct ih_statement s = { 0 };
	struct document d = { 0 };
	int r;

	r = open_document(name, text, &d, diag);
	if (!r)
		r = verify(name, &d, trusted, &s, diag);
	document_done(&d);
	if (r < 0) {
		ih_statement_done(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void ih_statement_done(struct ih_statement *s)
{
	free(s->toplevel);
	free(s->closure);
	for (size_t i = 0; i < s->n_signers; i++)
		free(s->signers[i]);
	*s = (struct ih_statement){ 0 };
}
