/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signing and verifying images: what is accepted, and that no flipped bit is. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>

#include "bootchain/authenticode.h"
#include "tests/unit/image.h"

static char dir[] = "/tmp/ihard-authenticode-XXXXXX";
static struct ih_certificates trusted, rogue;
static struct ih_key *key;

static const char *path(const char *name)
{
	static char text[2][128];
	static int n;

	n = !n;
	snprintf(text[n], sizeof(text[n]), "%s/%s", dir, name);
	return text[n];
}

static void setup(void)
{
	struct ih_diag diag = { "" };

	cr_assert(mkdtemp(dir));
	image_make_key(dir, "db");
	image_make_key(dir, "rogue");
	cr_assert_eq(ih_key_open_pem(path("db.key"), path("db.crt"), &key, &diag), 0, "%s",
		     diag.text);
	cr_assert_eq(ih_certificates_load(&trusted, path("db.crt"), &diag), 0, "%s", diag.text);
	cr_assert_eq(ih_certificates_load(&rogue, path("rogue.crt"), &diag), 0, "%s", diag.text);
}

static void teardown(void)
{
	static const char *const names[] = { "db.key", "db.crt", "rogue.key", "rogue.crt" };

	ih_key_free(key);
	ih_certificates_done(&trusted);
	ih_certificates_done(&rogue);
	for (size_t i = 0; i < 4; i++)
		(void)unlink(path(names[i]));
	(void)rmdir(dir);
}

TestSuite(authenticode, .init = setup, .fini = teardown);

static struct ih_image make_signed(void)
{
	struct ih_image image = image_make("#### LoaderInfo: systemd-stub 252 ####");
	struct ih_diag diag = { "" };

	cr_assert_eq(ih_authenticode_sign("x.efi", &image, key, &diag), 0, "%s", diag.text);
	return image;
}

static int verify(const struct ih_image *image, const struct ih_certificates *set,
		  struct ih_diag *diag)
{
	struct ih_pe pe;
	int r;

	r = ih_pe_parse("x.efi", image->data, image->len, &pe, diag);
	return r < 0 ? r : ih_authenticode_verify("x.efi", &pe, set, NULL, diag);
}

Test(authenticode, signed_is_accepted_and_says_by_whom)
{
	struct ih_image image = make_signed();
	struct ih_authenticode a;
	struct ih_diag diag = { "" };
	struct ih_pe pe;

	cr_assert_eq(ih_pe_parse("x.efi", image.data, image.len, &pe, &diag), 0, "%s", diag.text);
	cr_assert_eq(ih_authenticode_verify("x.efi", &pe, &trusted, &a, &diag), 0, "%s", diag.text);
	cr_assert_eq(a.n_signatures, 1);
	cr_assert_str_eq(a.signatures[0].signer, "CN=db");
	cr_assert(strstr(a.signatures[0].trusted_by, "db.crt"));
	ih_authenticode_done(&a);
	free(image.data);
}

Test(authenticode, foreign_and_unsigned_are_refused)
{
	struct ih_image image = make_signed(), plain = image_make("x");
	const struct ih_certificates nobody = { 0 };
	struct ih_diag diag = { "" };

	cr_assert_eq(verify(&image, &rogue, &diag), -EKEYREJECTED);
	cr_assert(strstr(diag.text, "'CN=db'"), "%s", diag.text);
	cr_assert_eq(verify(&image, &nobody, &diag), -EKEYREJECTED);
	cr_assert_eq(verify(&plain, &trusted, &diag), -ENODATA);
	cr_assert_str_eq(diag.text, "'x.efi' is not signed");
	free(image.data);
	free(plain.data);
}

Test(authenticode, two_signatures_one_of_them_trusted)
{
	struct ih_image image = make_signed();
	struct ih_diag diag = { "" };
	struct ih_key *other;

	cr_assert_eq(ih_key_open_pem(path("rogue.key"), path("rogue.crt"), &other, &diag), 0);
	cr_assert_eq(ih_authenticode_sign("x.efi", &image, other, &diag), 0, "%s", diag.text);
	cr_assert_eq(verify(&image, &trusted, &diag), 0, "%s", diag.text);
	cr_assert_eq(verify(&image, &rogue, &diag), 0, "%s", diag.text);
	image.data[IMAGE_HEADERS] ^= 1;
	cr_assert_eq(verify(&image, &trusted, &diag), -EBADMSG);
	cr_assert_eq(verify(&image, &rogue, &diag), -EBADMSG);
	ih_key_free(other);
	free(image.data);
}

/* A signer somewhere else: it has the key, and may fail or answer wrongly. */
struct elsewhere {
	struct ih_key *has;
	int fails;
	bool lies;
	int asked;
};

static int sign_elsewhere(void *self, const uint8_t digest[IH_KEY_DIGEST], uint8_t *signature,
			  size_t *ret_len, struct ih_diag *diag)
{
	struct elsewhere *e = self;
	int r;

	e->asked++;
	if (e->fails)
		return ih_fail(diag, e->fails, "the token is not plugged in");
	r = ih_key_sign(e->has, digest, signature, ret_len, diag);
	if (e->lies)
		signature[7] ^= 1;
	return r;
}

Test(authenticode, a_key_may_be_elsewhere)
{
	static const struct ih_key_ops ops = { .sign = sign_elsewhere };
	struct ih_image image = image_make("x"), here = image_make("x");
	struct elsewhere e = { .has = key };
	struct ih_diag diag = { "" };
	struct ih_key remote = *key;

	remote.ops = &ops;
	remote.self = &e;
	remote.name = (char *)"pkcs11:object=db";
	cr_assert_eq(ih_authenticode_sign("x.efi", &here, key, &diag), 0, "%s", diag.text);
	e.fails = -ENODEV;
	cr_assert_eq(ih_authenticode_sign("x.efi", &image, &remote, &diag), -ENODEV);
	cr_assert_str_eq(diag.text,
			 "cannot sign with 'pkcs11:object=db': the token is not plugged in");
	e = (struct elsewhere){ .has = key, .lies = true };
	cr_assert_eq(ih_authenticode_sign("x.efi", &image, &remote, &diag), -EKEYREJECTED);
	cr_assert(strstr(diag.text, "the signature does not fit the key"), "%s", diag.text);
	cr_assert_eq(verify(&image, &trusted, &diag), -ENODATA, "a failure leaves the image alone");
	e = (struct elsewhere){ .has = key };
	cr_assert_eq(ih_authenticode_sign("x.efi", &image, &remote, &diag), 0, "%s", diag.text);
	cr_assert_eq(e.asked, 1);
	cr_assert_eq(image.len, here.len);
	cr_assert_arr_eq(image.data, here.data, here.len);
	free(image.data);
	free(here.data);
}

Test(authenticode, signing_twice_gives_the_same_bytes)
{
	struct ih_image a = make_signed(), b = make_signed();

	cr_assert_eq(a.len, b.len);
	cr_assert_arr_eq(a.data, b.data, a.len);
	free(a.data);
	free(b.data);
}

static void fix_checksum(struct ih_image *image)
{
	struct ih_pe pe;

	if (!ih_pe_parse("x.efi", image->data, image->len, &pe, NULL))
		ih_put_le32(image->data + ih_pe_checksum_offset(&pe), ih_pe_checksum(&pe));
}

static void flip(struct ih_image *image, size_t at, int bit, bool fix)
{
	struct ih_image copy = { malloc(image->len), image->len };
	struct ih_diag diag = { "" };

	memcpy(copy.data, image->data, image->len);
	copy.data[at] ^= (uint8_t)(1 << bit);
	if (fix)
		fix_checksum(&copy);
	cr_assert_lt(verify(&copy, &trusted, &diag), 0, "bit %d of byte %zu of %zu goes unnoticed",
		     bit, at, image->len);
	cr_assert(diag.text[0], "no sentence for bit %d of byte %zu", bit, at);
	free(copy.data);
}

Test(authenticode, no_flipped_bit_is_accepted, .timeout = 120)
{
	struct ih_image image = make_signed();

	for (size_t i = 0; i < image.len; i++)
		flip(&image, i, (int)(i % 8), false);
	free(image.data);
}

/* Whoever changes the certificate table can also correct the checksum. */
Test(authenticode, nothing_hides_in_the_certificate_table, .timeout = 120)
{
	struct ih_image image = make_signed();
	struct ih_pe pe;

	cr_assert_eq(ih_pe_parse("x.efi", image.data, image.len, &pe, NULL), 0);
	for (size_t i = pe.certificates_offset; i < image.len; i++)
		for (int bit = 0; bit < 8; bit += 2)
			flip(&image, i, bit + (int)(i % 2), true);
	free(image.data);
}

Test(authenticode, cut_or_longer_is_refused)
{
	struct ih_image image = make_signed(), cut;
	struct ih_diag diag;

	for (size_t len = 0; len < image.len; len++) {
		cut = (struct ih_image){ malloc(len ? len : 1), len };
		memcpy(cut.data, image.data, len);
		cr_assert_lt(verify(&cut, &trusted, &diag), 0, "%zu bytes", len);
		free(cut.data);
	}
	cut = (struct ih_image){ calloc(1, image.len + 8), image.len + 8 };
	memcpy(cut.data, image.data, image.len);
	cr_assert_lt(verify(&cut, &trusted, &diag), 0);
	free(cut.data);
	free(image.data);
}

Test(authenticode, keys_that_others_read_or_that_do_not_fit_are_refused)
{
	struct ih_diag diag = { "" };
	struct ih_key *k = NULL;

	cr_assert_eq(ih_key_open_pem(path("db.key"), path("rogue.crt"), &k, &diag), -EKEYREJECTED);
	cr_assert_eq(chmod(path("db.key"), 0644), 0);
	cr_assert_eq(ih_key_open_pem(path("db.key"), path("db.crt"), &k, &diag), -EPERM);
	cr_assert(strstr(diag.text, "chmod 600"), "%s", diag.text);
	cr_assert_eq(ih_key_open_pem(path("db.crt"), path("db.crt"), &k, &diag), -EPERM);
	cr_assert_eq(chmod(path("db.crt"), 0600), 0);
	cr_assert_eq(ih_key_open_pem(path("db.crt"), path("db.crt"), &k, &diag), -EBADMSG);
	cr_assert_eq(ih_key_open_pem(path("nothing"), path("db.crt"), &k, &diag), -ENOENT);
	cr_assert_null(k);
}
