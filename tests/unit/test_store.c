/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables for integrity/store.c and content_address.c; the paths are Nix's own. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "integrity/content_address.h"
#include "integrity/store.h"

#define H "1hhivv311nk9s2p6bxd5fhm6czzim69g"

struct base_row {
	char name[24], base[300];
	bool good;
};

static const struct base_row base_rows[] = {
	{ "usual", H "-hello-2.12.1", true },
	{ "all characters", H "-aZ0+-._?=", true },
	{ "dot at the start", H "-.config", true },
	{ "two dots and more", H "-..x", true },
	{ "no name", H "-", false },
	{ "no dash", H "hello", false },
	{ "only hash", H, false },
	{ "short hash", "1hhivv311nk9s2p6bxd5fhm6czzim69-hello", false },
	{ "long hash", H "0-hello", false },
	{ "letter e in hash", "ehhivv311nk9s2p6bxd5fhm6czzim69g-hello", false },
	{ "capital in hash", "1Hhivv311nk9s2p6bxd5fhm6czzim69g-hello", false },
	{ "dot", H "-.", false },
	{ "dots", H "-..", false },
	{ "dot dash", H "-.-x", false },
	{ "dots dash", H "-..-x", false },
	{ "slash", H "-a/b", false },
	{ "space", H "-a b", false },
	{ "newline", H "-a\n", false },
	{ "comma", H "-a,b", false },
	{ "semicolon", H "-a;b", false },
	{ "not ascii", H "-\xc3\xa9", false },
	{ "empty", "", false },
};

Test(store, bases)
{
	char longest[IH_STORE_BASE_MAX + 2];

	for (size_t i = 0; i < sizeof(base_rows) / sizeof(base_rows[0]); i++)
		cr_expect_eq(ih_store_base_is_valid(base_rows[i].base, strlen(base_rows[i].base)),
			     base_rows[i].good, "%s", base_rows[i].name);
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, H "-", IH_STORE_HASH_CHARS + 1);
	cr_expect(ih_store_base_is_valid(longest, IH_STORE_BASE_MAX));
	cr_expect_not(ih_store_base_is_valid(longest, IH_STORE_BASE_MAX + 1));
	cr_expect_not(ih_store_base_is_valid(H "-a\0b", IH_STORE_HASH_CHARS + 4), "NUL in it");
}

struct path_row {
	char name[24], dir[24], path[80];
	int error;
};

static const struct path_row path_rows[] = {
	{ "usual", "/nix/store", "/nix/store/" H "-hello", 0 },
	{ "other store", "/gnu/store", "/gnu/store/" H "-hello", 0 },
	{ "wrong store", "/gnu/store", "/nix/store/" H "-hello", -EINVAL },
	{ "inside", "/nix/store", "/nix/store/" H "-hello/bin", -EINVAL },
	{ "slash at the end", "/nix/store", "/nix/store/" H "-hello/", -EINVAL },
	{ "two slashes", "/nix/store", "/nix/store//" H "-hello", -EINVAL },
	{ "dots", "/nix/store", "/nix/store/../store/" H "-hello", -EINVAL },
	{ "longer name", "/nix/store", "/nix/store2/" H "-hello", -EINVAL },
	{ "the store", "/nix/store", "/nix/store", -EINVAL },
	{ "relative", "/nix/store", "nix/store/" H "-hello", -EINVAL },
	{ "base only", "/nix/store", H "-hello", -EINVAL },
	{ "empty", "/nix/store", "", -EINVAL },
};

Test(store, paths)
{
	for (size_t i = 0; i < sizeof(path_rows) / sizeof(path_rows[0]); i++) {
		const struct path_row *row = &path_rows[i];
		struct ih_diag diag = { "" };
		const char *base = NULL;

		cr_expect_eq(ih_store_path_parse(row->dir, row->path, &base, &diag), row->error,
			     "%s", row->name);
		if (row->error)
			cr_expect(diag.text[0] && !base, "%s", row->name);
		else
			cr_expect_str_eq(base, H "-hello", "%s", row->name);
	}
}

struct dir_row {
	char dir[24];
	int error;
};

static const struct dir_row dir_rows[] = {
	{ "/nix/store", 0 },
	{ "/s", 0 },
	{ "", -EINVAL },
	{ "/", -EINVAL },
	{ "nix", -EINVAL },
	{ "/nix/store/", -EINVAL },
	{ "/nix//store", -EINVAL },
	{ "/nix/..", -EINVAL },
	{ "/./nix", -EINVAL },
	{ "/nix:/store", -EINVAL },
	{ "/nix;x", -EINVAL },
};

Test(store, directories)
{
	for (size_t i = 0; i < sizeof(dir_rows) / sizeof(dir_rows[0]); i++)
		cr_expect_eq(ih_store_dir_check(dir_rows[i].dir, NULL), dir_rows[i].error, "'%s'",
			     dir_rows[i].dir);
}

Test(store, fingerprint)
{
	char first[] = "/nix/store/" H "-a", second[] = "/nix/store/" H "-b";
	char *refs[] = { first, second };
	struct ih_store_object o = { .path = second, .nar_size = 688, .refs = refs };
	struct ih_text t = { 0 };

	cr_expect_eq(ih_store_fingerprint(&o, &t), -EINVAL, "no hash");
	cr_assert_eq(ih_digest_parse("sha256:1p7m0bwic59imkga6p7w0zr0s3ay68fxcz5b97041y7kbb35i9nr",
				     59, &o.nar_hash),
		     0);
	cr_assert_eq(ih_store_fingerprint(&o, &t), 0);
	cr_expect_str_eq(t.data,
			 "1;/nix/store/" H
			 "-b;sha256:1p7m0bwic59imkga6p7w0zr0s3ay68fxcz5b97041y7kbb35i9nr;688;");
	ih_text_done(&t);
	o.n_refs = 2;
	cr_assert_eq(ih_store_fingerprint(&o, &t), 0);
	cr_expect(strstr(t.data, ";688;/nix/store/" H "-a,/nix/store/" H "-b"));
	ih_text_done(&t);
	o.nar_size = 0;
	cr_expect_eq(ih_store_fingerprint(&o, &t), -EINVAL, "no size");
	ih_text_done(&t);
}

struct ca_row {
	char name[32], ca[100], ref[80], expected[80];
	bool self;
	int error;
};

/* Made with Nix 2.8: store add-path, add-file, builtins.toFile, make-content-addressed, fetchurl.
 */
static const struct ca_row ca_rows[] = {
	{ "recursive", "fixed:r:sha256:162hfzfz4adzq7g7bmcldl6kifqdaaq0yl7ljp0mgaqadsxq7p8q", "",
	  "1hhivv311nk9s2p6bxd5fhm6czzim69g-src", false, 0 },
	{ "flat", "fixed:sha256:1gss63iniqw2y8jr0hrlf4ksc2alyzdzgsi05c0h47nj50yns1x8", "",
	  "4d9s1gyb9vsh7ial332crl97pmyzf3bh-afile", false, 0 },
	{ "flat in base 16",
	  "fixed:sha256:a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf", "",
	  "4d9s1gyb9vsh7ial332crl97pmyzf3bh-afile", false, 0 },
	{ "text", "text:sha256:1f90xfx9yd4y71zvijqb2fpknkby8lsjfiibmz24jl6dz4risxfk", "",
	  "99k4aywlpz4kw0xpf9sd2va5mzzdg03f-txt", false, 0 },
	{ "text with reference", "text:sha256:11ayf4hymjv6hi833wr2jmpd7vfpqh09zpr90d21dqs576mqz8kd",
	  "/nix/store/lyvrhfpxzwkwzf0d8qkp1gvkc8bbfzx3-self", "", false, 0 },
	{ "recursive to itself",
	  "fixed:r:sha256:0j3i6djzyx8ck0bzidfq7n0ay82cy7l1gsvima6lsjd8nzbgx5rr",
	  "/nix/store/n88bnqablxcafl6cf167w0a9yasy9jsj-hello",
	  "8wk5l09ymy05qfhwdn67mag4iynwgwhh-self", true, 0 },
	{ "flat to itself", "fixed:sha256:1gss63iniqw2y8jr0hrlf4ksc2alyzdzgsi05c0h47nj50yns1x8", "",
	  "", true, -EBADMSG },
	{ "flat with reference",
	  "fixed:sha256:1gss63iniqw2y8jr0hrlf4ksc2alyzdzgsi05c0h47nj50yns1x8",
	  "/nix/store/n88bnqablxcafl6cf167w0a9yasy9jsj-hello", "", false, -EBADMSG },
	{ "recursive sha1 with reference", "fixed:r:sha1:kpcd173cq987hw957sx6m0868wv3x6d9",
	  "/nix/store/n88bnqablxcafl6cf167w0a9yasy9jsj-hello", "", false, -EBADMSG },
	{ "text to itself", "text:sha256:1f90xfx9yd4y71zvijqb2fpknkby8lsjfiibmz24jl6dz4risxfk", "",
	  "", true, -EBADMSG },
};

Test(store, content_addresses)
{
	for (size_t i = 0; i < sizeof(ca_rows) / sizeof(ca_rows[0]); i++) {
		const struct ca_row *row = &ca_rows[i];
		char ref[80], base[IH_STORE_BASE_MAX + 1];
		char *refs[] = { ref };
		const char *dash = strchr(row->expected, '-');
		struct ih_ca_inputs in = { "/nix/store", refs, row->ref[0] ? 1 : 0, row->self,
					   dash ? dash + 1 : "x" };
		struct ih_diag diag = { "" };
		struct ih_ca ca;

		(void)snprintf(ref, sizeof(ref), "%s", row->ref);
		cr_assert_eq(ih_ca_parse(row->ca, &ca, &diag), 0, "%s: %s", row->name, diag.text);
		cr_expect_eq(ih_ca_base(&ca, &in, base, &diag), row->error, "%s", row->name);
		if (row->expected[0])
			cr_expect_str_eq(base, row->expected, "%s: got %s", row->name, base);
	}
}

struct bad_ca_row {
	char ca[120];
	int error;
};

static const struct bad_ca_row bad_cas[] = {
	{ "", -EBADMSG },
	{ "fixed:", -EBADMSG },
	{ "fixed:sha256:", -EBADMSG },
	{ "fixed:r:", -EBADMSG },
	{ "fixed:md4:00", -EBADMSG },
	{ "fixed:sha256:short", -EBADMSG },
	{ "text:sha1:kpcd173cq987hw957sx6m0868wv3x6d9", -EBADMSG },
	{ "text:r:sha256:1f90xfx9yd4y71zvijqb2fpknkby8lsjfiibmz24jl6dz4risxfk", -EBADMSG },
	{ "sha256:1f90xfx9yd4y71zvijqb2fpknkby8lsjfiibmz24jl6dz4risxfk", -EBADMSG },
	{ "fixed:git:sha1:kpcd173cq987hw957sx6m0868wv3x6d9", -EOPNOTSUPP },
	{ "fixed:r:sha256:1f90xfx9yd4y71zvijqb2fpknkby8lsjfiibmz24jl6dz4risxfk ", -EBADMSG },
};

Test(store, bad_content_addresses)
{
	for (size_t i = 0; i < sizeof(bad_cas) / sizeof(bad_cas[0]); i++) {
		struct ih_diag diag = { "" };
		struct ih_ca ca;

		cr_expect_eq(ih_ca_parse(bad_cas[i].ca, &ca, &diag), bad_cas[i].error, "'%s'",
			     bad_cas[i].ca);
		cr_expect(diag.text[0], "'%s'", bad_cas[i].ca);
	}
}
