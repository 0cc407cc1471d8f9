/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Store paths and fingerprints. */
#include "integrity/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "integrity/nix32.h"

void ih_store_object_free(struct ih_store_object *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->n_refs; i++)
		free(o->refs[i]);
	free(o->refs);
	free(o->path);
	free(o->signatures);
	free(o->ca);
	free(o);
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("+-._?=", c));
}

static bool is_name(const char *name, size_t len)
{
	size_t dots = len && name[0] == '.' ? (len > 1 && name[1] == '.' ? 2 : 1) : 0;

	if (!len || len > IH_STORE_NAME_MAX)
		return false;
	if (dots && (len == dots || name[dots] == '-'))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_name_char(name[i]))
			return false;
	return true;
}

bool ih_store_base_is_valid(const char *base, size_t len)
{
	uint8_t hash[IH_STORE_HASH_SIZE];

	return len > IH_STORE_HASH_CHARS + 1 && base[IH_STORE_HASH_CHARS] == '-' &&
	       ih_nix32_decode(base, IH_STORE_HASH_CHARS, hash, sizeof(hash)) == 0 &&
	       is_name(base + IH_STORE_HASH_CHARS + 1, len - IH_STORE_HASH_CHARS - 1);
}

int ih_store_path_parse(const char *dir, const char *path, const char **ret_base,
			struct ih_diag *diag)
{
	size_t n = strlen(dir);
	const char *base;

	if (strncmp(path, dir, n) != 0 || path[n] != '/')
		return ih_fail(diag, -EINVAL, "'%.300s' is no path in the store '%s'", path, dir);
	base = path + n + 1;
	if (!ih_store_base_is_valid(base, strlen(base)))
		return ih_fail(diag, -EINVAL,
			       "'%.300s' is no store path: expected %s/<32 digits>-<name>", path,
			       dir);

	*ret_base = base;
	return 0;
}

static bool is_component(const char *s, size_t len)
{
	return len && !(len == 1 && s[0] == '.') && !(len == 2 && s[0] == '.' && s[1] == '.');
}

int ih_store_dir_check(const char *dir, struct ih_diag *diag)
{
	for (const char *at = dir; *at; at += 1 + strcspn(at + 1, "/"))
		if (*at != '/' || !is_component(at + 1, strcspn(at + 1, "/")))
			return ih_fail(
				diag, -EINVAL,
				"'%s' cannot be a store directory: expected an absolute path "
				"without '.', '..' and doubled slashes",
				dir);
	if (!*dir || strpbrk(dir, ":;,\n"))
		return ih_fail(diag, -EINVAL, "'%s' cannot be a store directory", dir);
	return 0;
}

int ih_store_path_make(const char *dir, const char *type, const struct ih_digest *inner,
		       const char *name, char *ret)
{
	uint8_t folded[IH_STORE_HASH_SIZE] = { 0 };
	char hex[IH_DIGEST_HEX_SIZE];
	struct ih_text text = { 0 };
	struct ih_digest d;
	int r;

	if (inner->algo != IH_HASH_SHA256 || !is_name(name, strlen(name)))
		return -EINVAL;
	ih_digest_hex(inner, hex);
	r = ih_text_addf(&text, "%s:sha256:%s:%s:%s", type, hex, dir, name);
	if (r == 0)
		r = ih_hash_once(IH_HASH_SHA256, text.data, text.len, &d);
	ih_text_done(&text);
	if (r < 0)
		return r;

	for (size_t i = 0; i < IH_SHA256_SIZE; i++)
		folded[i % IH_STORE_HASH_SIZE] ^= d.bytes[i];
	ih_nix32_encode(folded, sizeof(folded), ret);
	ret[IH_STORE_HASH_CHARS] = '-';
	memcpy(ret + IH_STORE_HASH_CHARS + 1, name, strlen(name) + 1);
	return 0;
}

int ih_store_fingerprint(const struct ih_store_object *o, struct ih_text *ret)
{
	char hash[IH_DIGEST_TEXT_SIZE];
	int r;

	if (o->nar_hash.algo != IH_HASH_SHA256 || !o->nar_size)
		return -EINVAL;
	ih_digest_print(&o->nar_hash, hash);
	r = ih_text_addf(ret, "1;%s;%s;%" PRIu64 ";", o->path, hash, o->nar_size);
	for (size_t i = 0; i < o->n_refs && r == 0; i++) {
		if (i)
			r = ih_text_add(ret, ",", 1);
		if (r == 0)
			r = ih_text_add(ret, o->refs[i], strlen(o->refs[i]));
	}
	return r;
}
