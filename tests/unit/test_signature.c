/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables for integrity/signature.c: keys that are none, signatures that do not count. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "integrity/signature.h"

/* RFC 8032, 7.1, test 1: seed, public key and the signature over nothing. */
#define PUBLIC "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define SECRET \
	"nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg=="
#define EMPTY \
	"5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc+bRr0lv18FlbviRlUUFDjnoQCw=="
#define OTHER "dp9zmVFdYdCeGZH62OfDCjQyQEmr+PDObJ5aOLe4yjA=" /* made by Nix */

struct key_row {
	char name[32], text[160];
	int error;
};

static const struct key_row key_rows[] = {
	{ "usual", "cache.example-1:" PUBLIC, 0 },
	{ "second colon", "a:b:" PUBLIC, -EBADMSG },
	{ "no name", ":" PUBLIC, -EBADMSG },
	{ "no colon", PUBLIC, -EBADMSG },
	{ "no key", "a:", -EBADMSG },
	{ "31 bytes", "a:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUQ==", -EBADMSG },
	{ "33 bytes", "a:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURoA", -EBADMSG },
	{ "no padding", "a:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo", -EBADMSG },
	{ "spilt bits", "a:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURp=", -EBADMSG },
	{ "not base 64", "a:11qYAYKxCrfVS!7TyWQHOg7hcvPapiMlrwIaaPcHURo=", -EBADMSG },
	{ "url variant", "a:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=", -EBADMSG },
	{ "text behind", "a:" PUBLIC "x", -EBADMSG },
	{ "secret key", "a:" SECRET, -EBADMSG },
	{ "zero", "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", -EBADMSG },
	{ "one, of small order", "a:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", -EBADMSG },
	{ "not canonical", "a:////////////////////////////////////////////", -EBADMSG },
	{ "control in name", "a\033b:" PUBLIC, -EBADMSG },
	{ "empty", "", -EBADMSG },
};

Test(signature, keys)
{
	for (size_t i = 0; i < sizeof(key_rows) / sizeof(key_rows[0]); i++) {
		const struct key_row *row = &key_rows[i];
		struct ih_diag diag = { "" };
		struct ih_keys keys = { 0 };

		cr_expect_eq(ih_keys_add(&keys, row->text, strlen(row->text), &diag), row->error,
			     "%s", row->name);
		cr_expect_eq(keys.n, row->error ? 0 : 1, "%s", row->name);
		cr_expect_eq(!diag.text[0], !row->error, "%s", row->name);
		ih_keys_done(&keys);
		ih_keys_done(&keys);
	}
}

Test(signature, lists)
{
	struct ih_keys keys = { 0 };
	struct ih_diag diag;

	cr_assert_eq(ih_keys_add_list(&keys, " \n", &diag), 0);
	cr_expect_eq(keys.n, 0);
	cr_assert_eq(ih_keys_add_list(&keys, "a:" PUBLIC "\n\tb:" PUBLIC "  a:" PUBLIC " ", &diag),
		     0);
	cr_expect_eq(keys.n, 2, "the same name and key once");
	cr_expect_eq(ih_keys_add_list(&keys, "c:" PUBLIC " d:bad", &diag), -EBADMSG);
	cr_expect_eq(keys.n, 2, "all or nothing");
	cr_expect_eq(ih_keys_add_text("file", "  \n", 3, &keys, &diag), -EBADMSG);
	cr_expect(strstr(diag.text, "holds no key"));
	cr_expect_eq(ih_keys_add_text("file", "a:\0", 3, &keys, &diag), -EBADMSG);
	cr_expect(strstr(diag.text, "NUL"));
	ih_keys_done(&keys);
	for (int i = 0; i <= IH_KEYS_MAX; i++) {
		char text[100];
		int n = snprintf(text, sizeof(text), "k%d:" PUBLIC, i);

		cr_expect_eq(ih_keys_add(&keys, text, (size_t)n, &diag),
			     i < IH_KEYS_MAX ? 0 : -E2BIG);
	}
	ih_keys_done(&keys);
}

struct check_row {
	char name[40], keys[160], signatures[400];
	size_t distinct, bad, unknown;
};

static const struct check_row check_rows[] = {
	{ "one", "a:" PUBLIC, "a:" EMPTY, 1, 0, 0 },
	{ "none", "a:" PUBLIC, "", 0, 0, 0 },
	{ "twice the same", "a:" PUBLIC, "a:" EMPTY " a:" EMPTY, 1, 0, 0 },
	{ "two names of one key", "a:" PUBLIC " b:" PUBLIC, "a:" EMPTY " b:" EMPTY, 1, 0, 0 },
	{ "name that is not known", "a:" PUBLIC, "b:" EMPTY, 0, 0, 1 },
	{ "known name, other key", "a:" OTHER, "a:" EMPTY, 0, 1, 0 },
	{ "two keys of one name", "a:" OTHER " a:" PUBLIC, "a:" EMPTY, 1, 0, 0 },
	{ "no key", "", "a:" EMPTY, 0, 0, 1 },
	{ "malformed", "a:" PUBLIC, "a:AAAA", 0, 1, 0 },
	{ "no colon", "a:" PUBLIC, "a", 0, 1, 0 },
	{ "longer name", "a:" PUBLIC, "aa:" EMPTY, 0, 0, 1 },
	{ "all zero", "a:" PUBLIC,
	  "a:"
	  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	  "=",
	  0, 1, 0 },
	{ "good after bad", "a:" PUBLIC, "a:AAAA x:y a:" EMPTY, 1, 1, 1 },
};

Test(signature, counting)
{
	for (size_t i = 0; i < sizeof(check_rows) / sizeof(check_rows[0]); i++) {
		const struct check_row *row = &check_rows[i];
		const char *names[2];
		struct ih_signers s = { .names = names, .max = 2 };
		struct ih_keys keys = { 0 };

		cr_assert_eq(ih_keys_add_list(&keys, row->keys, NULL), 0, "%s", row->name);
		cr_expect_eq(ih_signatures_check(&keys, row->signatures, "", 0, &s), 0, "%s",
			     row->name);
		cr_expect_eq(s.distinct, row->distinct, "%s", row->name);
		cr_expect_eq(s.n, row->distinct, "%s", row->name);
		cr_expect_eq(s.bad, row->bad, "%s: bad %zu", row->name, s.bad);
		cr_expect_eq(s.unknown, row->unknown, "%s", row->name);
		cr_expect_eq(ih_signatures_check(&keys, row->signatures, "x", 1, &s), 0);
		cr_expect_eq(s.distinct, 0, "%s: over another text", row->name);
		ih_keys_done(&keys);
	}
}

Test(signature, too_many)
{
	const char *names[1];
	struct ih_signers s = { .names = names, .max = 1 };
	struct ih_keys keys = { 0 };
	char text[2 * IH_SIGNATURES_MAX + 3];

	for (size_t i = 0; i <= IH_SIGNATURES_MAX; i++)
		memcpy(text + 2 * i, "x ", 3);
	cr_expect_eq(ih_signatures_check(&keys, text, "", 0, &s), -E2BIG);
	text[2 * IH_SIGNATURES_MAX] = '\0';
	cr_expect_eq(ih_signatures_check(&keys, text, "", 0, &s), 0);
	cr_expect_eq(ih_signatures_check(&keys, NULL, "", 0, &s), 0);
}

Test(signature, secret)
{
	char public[IH_SIGNATURE_TEXT_MAX], signature[IH_SIGNATURE_TEXT_MAX], bad[200];
	struct ih_secret_key *k = NULL;
	struct ih_diag diag;

	cr_assert_eq(ih_secret_key_parse("k", "a:" SECRET, strlen("a:" SECRET), &k, &diag), 0);
	ih_secret_key_public(k, public);
	cr_expect_str_eq(public, "a:" PUBLIC);
	cr_assert_eq(ih_secret_key_sign(k, "", 0, signature), 0);
	cr_expect_str_eq(signature, "a:" EMPTY);
	ih_secret_key_free(k);
	ih_secret_key_free(NULL);
	(void)snprintf(bad, sizeof(bad), "a:%s", SECRET);
	bad[2] ^= 1;
	cr_expect_eq(ih_secret_key_parse("k", bad, strlen(bad), &k, &diag), -EBADMSG);
	cr_expect(strstr(diag.text, "do not belong together"));
	cr_expect_eq(ih_secret_key_parse("k", "a:" PUBLIC, strlen("a:" PUBLIC), &k, &diag),
		     -EBADMSG);
}

Test(signature, secret_file)
{
	char path[] = "/tmp/ih-test-XXXXXX";
	struct ih_secret_key *k = NULL;
	struct ih_diag diag;
	int fd = mkstemp(path);

	cr_assert(fd >= 0 && write(fd, "a:" SECRET "\n", sizeof("a:" SECRET)) > 0);
	cr_expect_eq(ih_secret_key_read(path, &k, &diag), 0, "%s", diag.text);
	ih_secret_key_free(k);
	cr_assert_eq(fchmod(fd, 0640), 0);
	cr_expect_eq(ih_secret_key_read(path, &k, &diag), -EPERM);
	cr_assert_eq(unlink(path), 0);
	cr_expect_eq(ih_secret_key_read(path, &k, &diag), -ENOENT);
	(void)close(fd);
}
