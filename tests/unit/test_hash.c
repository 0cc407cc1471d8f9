/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables for integrity/hash.c: RFC 1321, FIPS 180 vectors, and text forms. */
#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "integrity/hash.h"

struct vector_row {
	char algo[8], input[32], hex[129];
};

static const struct vector_row vectors[] = {
	{ "md5", "", "d41d8cd98f00b204e9800998ecf8427e" },
	{ "md5", "abc", "900150983cd24fb0d6963f7d28e17f72" },
	{ "sha1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
	{ "sha256", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "sha256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "sha512", "abc",
	  "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	  "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
};

Test(hash, vectors)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector_row *row = &vectors[i];
		enum ih_hash_algo algo = ih_hash_find(row->algo, strlen(row->algo));
		char hex[IH_DIGEST_HEX_SIZE], text[IH_DIGEST_TEXT_SIZE];
		struct ih_digest d, back;

		cr_assert_neq(algo, IH_HASH_NONE, "%s", row->algo);
		cr_assert_eq(ih_hash_once(algo, row->input, strlen(row->input), &d), 0);
		ih_digest_hex(&d, hex);
		cr_expect_str_eq(hex, row->hex, "%s of '%s'", row->algo, row->input);
		ih_digest_print(&d, text);
		cr_assert_eq(ih_digest_parse(text, strlen(text), &back), 0, "%s", text);
		cr_expect_arr_eq(back.bytes, d.bytes, ih_hash_size(algo));
	}
}

Test(hash, begins_anew)
{
	struct ih_hash *h = NULL;
	struct ih_digest first, second;

	cr_assert_eq(ih_hash_new(IH_HASH_SHA256, &h), 0);
	cr_assert_eq(ih_hash_add(h, "ab", 2), 0);
	cr_assert_eq(ih_hash_add(h, "c", 1), 0);
	cr_assert_eq(ih_hash_end(h, &first), 0);
	cr_assert_eq(ih_hash_add(h, "abc", 3), 0);
	cr_assert_eq(ih_hash_end(h, &second), 0);
	cr_expect_arr_eq(first.bytes, second.bytes, IH_SHA256_SIZE);
	ih_hash_free(h);
	ih_hash_free(NULL);
	cr_expect_eq(ih_hash_new(IH_HASH_NONE, &h), -EOPNOTSUPP);
}

struct bad_row {
	char text[80];
};

static const struct bad_row bad_rows[] = {
	{ "" },
	{ "sha256" },
	{ "sha256:" },
	{ ":e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "sha255:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "sha256:E3B0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85" },
	{ "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8555" },
	{ "sha1:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "none:" },
};

Test(hash, refused)
{
	struct ih_digest d;

	for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++)
		cr_expect_eq(ih_digest_parse(bad_rows[i].text, strlen(bad_rows[i].text), &d),
			     -EINVAL, "'%s'", bad_rows[i].text);
}

/* However a text is cut, and at every length around a block, the digest is the same. */
Test(hash, cuts)
{
	uint8_t text[300];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 31);
	for (size_t len = 0; len <= sizeof(text); len++) {
		struct ih_digest whole, cut;

		cr_assert_eq(ih_hash_once(IH_HASH_SHA256, text, len, &whole), 0);
		for (size_t step = 1; step <= 130; step += 43) {
			struct ih_hash *h = NULL;

			cr_assert_eq(ih_hash_new(IH_HASH_SHA256, &h), 0);
			for (size_t at = 0; at < len; at += step)
				cr_assert_eq(ih_hash_add(h, text + at,
							 len - at < step ? len - at : step),
					     0);
			cr_assert_eq(ih_hash_end(h, &cut), 0);
			cr_assert_arr_eq(cut.bytes, whole.bytes, IH_SHA256_SIZE, "%zu by %zu", len,
					 step);
			ih_hash_free(h);
		}
	}
}
