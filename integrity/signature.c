/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ed25519 as Nix uses it, over libsodium. */
#include "integrity/signature.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <sodium.h>

#include "common/fd.h"

#define SPACE " \t\r\n\f\v"

struct ih_secret_key {
	char name[IH_KEY_NAME_MAX + 1];
	uint8_t key[IH_SECRET_KEY_SIZE];
};

/* Splits "name:base64" at the first colon, as Nix does, and decodes exactly @size bytes. */
static int decode(const char *text, size_t len, size_t *ret_name, uint8_t *ret, size_t size)
{
	const char *colon = memchr(text, ':', len);
	const char *end = NULL;
	size_t name, n = 0;

	if (!colon || colon == text)
		return -EBADMSG;
	name = (size_t)(colon - text);
	if (name > IH_KEY_NAME_MAX)
		return -EBADMSG;
	if (sodium_base642bin(ret, size, colon + 1, len - name - 1, NULL, &n, &end,
			      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    n != size || end != text + len)
		return -EBADMSG;

	*ret_name = name;
	return 0;
}

static int check_name(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] <= ' ' || name[i] == 0x7f)
			return -EBADMSG;
	return 0;
}

static bool is_known(const struct ih_keys *keys, const char *name, size_t len, const uint8_t *key)
{
	for (size_t i = 0; i < keys->n; i++)
		if (strlen(keys->list[i].name) == len &&
		    memcmp(keys->list[i].name, name, len) == 0 &&
		    memcmp(keys->list[i].key, key, IH_KEY_SIZE) == 0)
			return true;
	return false;
}

/* A key of small order would accept signatures that nobody made. */
static bool is_good_point(const uint8_t *key)
{
	return crypto_core_ed25519_is_valid_point(key) == 1;
}

static int append(struct ih_keys *keys, const char *name, size_t len, const uint8_t *key,
		  struct ih_diag *diag)
{
	struct ih_public_key *list;

	if (is_known(keys, name, len, key))
		return 0;
	if (keys->n >= IH_KEYS_MAX)
		return ih_fail(diag, -E2BIG, "more than %d keys", IH_KEYS_MAX);

	list = realloc(keys->list, (keys->n + 1) * sizeof(*list));
	if (!list)
		return ih_fail(diag, -ENOMEM, "no memory for a key");
	keys->list = list;
	list[keys->n].name = strndup(name, len);
	if (!list[keys->n].name)
		return ih_fail(diag, -ENOMEM, "no memory for a key");
	memcpy(list[keys->n].key, key, IH_KEY_SIZE);
	keys->n++;
	return 0;
}

int ih_keys_add(struct ih_keys *keys, const char *text, size_t len, struct ih_diag *diag)
{
	int shown = len < 80 ? (int)len : 80;
	uint8_t key[IH_KEY_SIZE];
	size_t name;

	if (sodium_init() < 0)
		return ih_fail(diag, -EIO, "libsodium cannot be started");
	if (decode(text, len, &name, key, sizeof(key)) < 0 || check_name(text, name) < 0)
		return ih_fail(diag, -EBADMSG,
			       "'%.*s' is no public key: expected name:base64 of 32 bytes", shown,
			       text);
	if (!is_good_point(key))
		return ih_fail(diag, -EBADMSG,
			       "the public key '%.*s' is no valid point: anybody could sign for it",
			       shown, text);
	return append(keys, text, name, key, diag);
}

int ih_keys_add_key(struct ih_keys *keys, const struct ih_public_key *key, struct ih_diag *diag)
{
	return append(keys, key->name, strlen(key->name), key->key, diag);
}

static void cut(struct ih_keys *keys, size_t n)
{
	while (keys->n > n)
		free(keys->list[--keys->n].name);
}

int ih_keys_add_list(struct ih_keys *keys, const char *text, struct ih_diag *diag)
{
	size_t before = keys->n;

	for (;;) {
		size_t len;
		int r;

		text += strspn(text, SPACE);
		len = strcspn(text, SPACE);
		if (!len)
			return 0;
		r = ih_keys_add(keys, text, len, diag);
		if (r < 0) {
			cut(keys, before);
			return r;
		}
		text += len;
	}
}

int ih_keys_add_text(const char *name, const char *text, size_t len, struct ih_keys *keys,
		     struct ih_diag *diag)
{
	int r;

	if (strlen(text) != len)
		return ih_fail(diag, -EBADMSG, "'%s' holds a NUL byte and so no keys", name);
	if (!text[strspn(text, SPACE)])
		return ih_fail(diag, -EBADMSG, "'%s' holds no key", name);
	r = ih_keys_add_list(keys, text, diag);
	return r < 0 ? ih_fail_within(diag, r, "%s", name) : 0;
}

void ih_keys_done(struct ih_keys *keys)
{
	cut(keys, 0);
	free(keys->list);
	*keys = (struct ih_keys){ 0 };
}

bool ih_signature_is_good(const uint8_t *key, const void *bytes, size_t len,
			  const uint8_t *signature)
{
	return sodium_init() >= 0 && crypto_sign_verify_detached(signature, bytes, len, key) == 0;
}

struct seen {
	const uint8_t *keys[IH_KEYS_MAX]; /* distinct ones that signed */
};

static bool is_counted(const struct seen *seen, size_t n, const uint8_t *key)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(seen->keys[i], key, IH_KEY_SIZE) == 0)
			return true;
	return false;
}

static void count(const struct ih_public_key *k, struct seen *seen, struct ih_signers *ret)
{
	if (ret->distinct >= IH_KEYS_MAX || is_counted(seen, ret->distinct, k->key))
		return;
	seen->keys[ret->distinct++] = k->key;
	if (ret->n < ret->max)
		ret->names[ret->n++] = k->name;
}

struct message {
	const void *bytes;
	size_t len;
};

static void check_one(const struct ih_keys *keys, const char *text, size_t len, struct message m,
		      struct seen *seen, struct ih_signers *ret)
{
	uint8_t signature[IH_SIGNATURE_SIZE];
	const char *colon = memchr(text, ':', len);
	size_t name = colon ? (size_t)(colon - text) : len;
	bool known = false, good = false, decoded;

	decoded = decode(text, len, &name, signature, sizeof(signature)) == 0;
	for (size_t i = 0; i < keys->n && !good; i++) {
		const struct ih_public_key *k = &keys->list[i];

		if (strlen(k->name) != name || memcmp(k->name, text, name) != 0)
			continue;
		known = true;
		good = decoded && ih_signature_is_good(k->key, m.bytes, m.len, signature);
		if (good)
			count(k, seen, ret);
	}
	if (!good)
		*(known ? &ret->bad : &ret->unknown) += 1;
}

int ih_signatures_check(const struct ih_keys *keys, const char *signatures, const void *bytes,
			size_t len, struct ih_signers *ret)
{
	struct message m = { bytes, len };
	struct seen seen;
	size_t looked = 0;

	ret->n = ret->distinct = ret->bad = ret->unknown = 0;
	if (sodium_init() < 0)
		return -EIO;
	for (const char *at = signatures ? signatures : "";;) {
		size_t n;

		at += strspn(at, SPACE);
		n = strcspn(at, SPACE);
		if (!n)
			return 0;
		if (++looked > IH_SIGNATURES_MAX)
			return -E2BIG;
		check_one(keys, at, n, m, &seen, ret);
		at += n;
	}
}

int ih_secret_key_parse(const char *name, const char *text, size_t len, struct ih_secret_key **ret,
			struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_secret_key) struct ih_secret_key *k = NULL;
	uint8_t public[IH_KEY_SIZE], again[IH_SECRET_KEY_SIZE];
	size_t key_name;
	int r;

	if (sodium_init() < 0)
		return ih_fail(diag, -EIO, "libsodium cannot be started");
	k = calloc(1, sizeof(*k));
	if (!k)
		return ih_fail(diag, -ENOMEM, "no memory for the key '%s'", name);
	if (decode(text, len, &key_name, k->key, sizeof(k->key)) < 0 ||
	    check_name(text, key_name) < 0)
		return ih_fail(diag, -EBADMSG,
			       "'%s' is no secret key: expected name:base64 of 64 bytes", name);
	memcpy(k->name, text, key_name);

	r = crypto_sign_seed_keypair(public, again, k->key);
	if (r == 0)
		r = sodium_memcmp(again, k->key, sizeof(again));
	sodium_memzero(again, sizeof(again));
	if (r != 0)
		return ih_fail(diag, -EBADMSG,
			       "the halves of the secret key '%s' do not belong together", name);

	*ret = TAKE_PTR(k);
	return 0;
}

int ih_secret_key_read(const char *path, struct ih_secret_key **ret, struct ih_diag *diag)
{
	_free_ char *text = NULL;
	_close_ int fd = -EBADF;
	struct stat st;
	size_t len;
	int r;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return ih_fail(diag, -errno, "cannot open '%s': %s", path, strerror(errno));
	if (st.st_mode & 0077)
		return ih_fail(diag, -EPERM,
			       "others can read the secret key '%s' (mode %04o). Make it 0600",
			       path, st.st_mode & 07777);
	r = ih_read_fd(fd, path, IH_KEY_FILE_MAX, &text, &len, diag);
	if (r < 0)
		return r;

	while (len && strchr(SPACE, text[len - 1]))
		len--;
	r = ih_secret_key_parse(path, text, len, ret, diag);
	sodium_memzero(text, len);
	return r;
}

void ih_secret_key_free(struct ih_secret_key *k)
{
	if (!k)
		return;
	sodium_memzero(k, sizeof(*k));
	free(k);
}

static void print(const char *name, const uint8_t *bytes, size_t n, char *ret)
{
	size_t at = strlen(name);

	memcpy(ret, name, at);
	ret[at++] = ':';
	(void)sodium_bin2base64(ret + at, IH_SIGNATURE_TEXT_MAX - at, bytes, n,
				sodium_base64_VARIANT_ORIGINAL);
}

void ih_secret_key_public(const struct ih_secret_key *k, char *ret)
{
	print(k->name, k->key + IH_KEY_SIZE, IH_KEY_SIZE, ret);
}

int ih_secret_key_sign(const struct ih_secret_key *k, const void *bytes, size_t len, char *ret)
{
	uint8_t signature[IH_SIGNATURE_SIZE];

	if (crypto_sign_detached(signature, NULL, bytes, len, k->key) != 0)
		return -EIO;
	print(k->name, signature, sizeof(signature), ret);
	return 0;
}
