/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RSA keys and certificates, by OpenSSL. Images are authenticode.c's. */
#include "bootchain/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "bootchain/esl.h"
#include "common/cleanup.h"
#include "common/fd.h"
#include "integrity/hash.h"

IH_DEFINE_CLEANUP(BIO *, cleanup_bio, BIO_free_all)
IH_DEFINE_CLEANUP(X509 *, cleanup_x509, X509_free)
IH_DEFINE_CLEANUP(EVP_PKEY *, cleanup_pkey, EVP_PKEY_free)
IH_DEFINE_CLEANUP(EVP_PKEY_CTX *, cleanup_pkey_ctx, EVP_PKEY_CTX_free)

/*
 * Without this the library reads openssl.cnf, or whatever OPENSSL_CONF names, and loads the modules
 * listed there: whoever sets our environment would run code in us.
 */
static bool begin(void)
{
	return OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1;
}

/* OpenSSL's own words for the last error; the queue is emptied. */
static const char *why(void)
{
	unsigned long e = ERR_peek_last_error();
	const char *text = e ? ERR_reason_error_string(e) : NULL;

	ERR_clear_error();
	return text ? text : "the data is malformed";
}

static int pem_sign(void *self, const uint8_t digest[IH_KEY_DIGEST], uint8_t *signature,
		    size_t *ret_len, struct ih_diag *diag)
{
	_cleanup_(cleanup_pkey_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(self, NULL);
	size_t len = IH_KEY_SIGNATURE_MAX;

	if (!ctx || EVP_PKEY_sign_init(ctx) <= 0 ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) <= 0 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) <= 0 ||
	    EVP_PKEY_sign(ctx, signature, &len, digest, IH_KEY_DIGEST) <= 0)
		return ih_fail(diag, -EIO, "%s", why());

	*ret_len = len;
	return 0;
}

static void pem_free(void *self)
{
	EVP_PKEY_free(self);
}

static const struct ih_key_ops pem_ops = { .sign = pem_sign, .free = pem_free };

/* A private key that everybody can read is everybody's. */
static int check_private(int fd, const char *path, struct ih_diag *diag)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return ih_fail(diag, -errno, "cannot stat '%s': %s", path, strerror(errno));
	if (st.st_mode & (S_IRWXO | S_IWGRP))
		return ih_fail(
			diag, -EPERM,
			"the private key '%s' has mode %03o, so that others can use or replace"
			" it; chmod 600 it, or make a new key if it lay open for long",
			path, st.st_mode & 0777u);
	return 0;
}

static int no_passphrase(char *buf, int size, int writing, void *data)
{
	return -1; /* never ask on a terminal in the middle of an installation */
}

static int read_private(const char *path, EVP_PKEY **ret, struct ih_diag *diag)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	_cleanup_(cleanup_bio) BIO *bio = NULL;
	_free_ char *text = NULL;
	EVP_PKEY *key;
	size_t len;
	int r;

	if (!begin())
		return ih_fail(diag, -EOPNOTSUPP, "OpenSSL cannot be used");
	if (fd < 0)
		return ih_fail(diag, -errno, "cannot open the private key '%s': %s", path,
			       strerror(errno));
	r = check_private(fd, path, diag);
	if (r < 0)
		return r;
	r = ih_read_fd(fd, path, IH_CERTIFICATE_MAX, &text, &len, diag);
	if (r < 0)
		return r;
	bio = BIO_new_mem_buf(text, (int)len);
	if (!bio)
		return -ENOMEM;
	key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	OPENSSL_cleanse(text, len);
	if (!key)
		return ih_fail(diag, -EBADMSG,
			       "'%s' holds no private key in PEM form without a"
			       " passphrase: %s",
			       path, why());

	*ret = key;
	return 0;
}

static int check_rsa(EVP_PKEY *key, const char *path, struct ih_diag *diag)
{
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
		return ih_fail(diag, -EBADMSG,
			       "the key in '%s' is no RSA key; firmware verifies RSA only", path);
	if (EVP_PKEY_get_bits(key) < IH_KEY_BITS_MIN ||
	    EVP_PKEY_get_size(key) > IH_KEY_SIGNATURE_MAX)
		return ih_fail(diag, -EBADMSG,
			       "the RSA key in '%s' has %d bits; %d to %d are possible", path,
			       EVP_PKEY_get_bits(key), IH_KEY_BITS_MIN, IH_KEY_SIGNATURE_MAX * 8);
	return 0;
}

static int parse_certificate(struct ih_bytes der, X509 **ret)
{
	const uint8_t *p = der.data;
	X509 *x;

	if (!begin())
		return -EOPNOTSUPP;
	if (der.len > IH_CERTIFICATE_MAX)
		return -EFBIG;
	x = d2i_X509(NULL, &p, (long)der.len);
	ERR_clear_error();
	if (!x || p != der.data + der.len) {
		X509_free(x);
		return -EBADMSG;
	}
	*ret = x;
	return 0;
}

static int add_certificate(struct ih_certificates *set, const char *name, const X509 *x,
			   struct ih_diag *diag)
{
	unsigned char *der = NULL;
	uint8_t *copy;
	char *copied;
	int len;

	if (set->n >= IH_CERTIFICATES_MAX)
		return ih_fail(diag, -E2BIG, "more than %d certificates with those of '%s'",
			       IH_CERTIFICATES_MAX, name);
	len = i2d_X509(x, &der);
	if (len <= 0)
		return ih_fail(diag, -EBADMSG, "cannot encode a certificate of '%s': %s", name,
			       why());
	copy = malloc((size_t)len);
	copied = strdup(name);
	if (!copy || !copied) {
		free(copy);
		free(copied);
		OPENSSL_free(der);
		return -ENOMEM;
	}
	memcpy(copy, der, (size_t)len);
	OPENSSL_free(der);
	set->item[set->n].data = copy;
	set->item[set->n].len = (size_t)len;
	set->item[set->n].name = copied;
	set->n++;
	return 0;
}

static int load_pem(struct ih_certificates *set, const char *path, struct ih_bytes text,
		    struct ih_diag *diag)
{
	_cleanup_(cleanup_bio) BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);
	size_t before = set->n;

	if (!bio)
		return -ENOMEM;
	for (;;) {
		_cleanup_(cleanup_x509) X509 *x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
		int r;

		if (!x)
			break;
		r = add_certificate(set, path, x, diag);
		if (r < 0)
			return r;
	}
	if (set->n == before)
		return ih_fail(diag, -EBADMSG, "'%s' holds no certificate in PEM form: %s", path,
			       why());
	ERR_clear_error();
	return 0;
}

struct loading {
	struct ih_certificates *set;
	const char *path;
};

/* Hashes and other types in the lists are passed over. */
static int load_entry(void *self, const struct ih_esl_entry *entry, struct ih_diag *diag)
{
	_cleanup_(cleanup_x509) X509 *x = NULL;
	struct loading *l = self;

	if (entry->type != IH_ESL_X509)
		return 0;
	if (parse_certificate(entry->data, &x) < 0)
		return ih_fail(diag, -EBADMSG, "a certificate in '%s' is malformed", l->path);
	return add_certificate(l->set, l->path, x, diag);
}

/* The certificates of EFI signature lists. */
static int load_esl(struct ih_certificates *set, const char *path, struct ih_bytes esl,
		    struct ih_diag *diag)
{
	struct loading l = { set, path };
	int r = ih_esl_walk("the signature list", esl, load_entry, &l, diag);

	return r < 0 ? ih_fail_within(diag, r, "%s", path) : 0;
}

int ih_certificates_load(struct ih_certificates *set, const char *path, struct ih_diag *diag)
{
	_cleanup_(cleanup_x509) X509 *x = NULL;
	_free_ char *text = NULL;
	struct ih_bytes bytes;
	size_t len;
	int r;

	if (!begin())
		return ih_fail(diag, -EOPNOTSUPP, "OpenSSL cannot be used");
	r = ih_read_file(AT_FDCWD, path, IH_CERTIFICATE_MAX, &text, &len, diag);
	if (r < 0)
		return r;
	bytes = (struct ih_bytes){ (const uint8_t *)text, len };
	if (memmem(text, len, "-----BEGIN", 10))
		return load_pem(set, path, bytes, diag);
	if (!parse_certificate(bytes, &x))
		return add_certificate(set, path, x, diag);
	/* the size of the first list */
	if (len > 20 && ih_le32(bytes.data + 16) <= len)
		return load_esl(set, path, bytes, diag);
	return ih_fail(diag, -EBADMSG,
		       "'%s' is neither a PEM nor a DER certificate nor an EFI signature list",
		       path);
}

int ih_certificates_load_variable(struct ih_certificates *set, const char *path,
				  struct ih_diag *diag)
{
	_free_ char *text = NULL;
	size_t len;
	int r;

	r = ih_read_file(AT_FDCWD, path, IH_CERTIFICATE_MAX, &text, &len, diag);
	if (r < 0)
		return r;
	if (len < 4)
		return ih_fail(diag, -EBADMSG, "the variable '%s' is cut off", path);
	return load_esl(set, path, (struct ih_bytes){ (const uint8_t *)text + 4, len - 4 }, diag);
}

void ih_certificates_done(struct ih_certificates *set)
{
	for (size_t i = 0; i < set->n; i++) {
		free(set->item[i].data);
		free(set->item[i].name);
	}
	*set = (struct ih_certificates){ 0 };
}

static int copy_bytes(const uint8_t *data, size_t len, uint8_t **ret, size_t *ret_len)
{
	*ret = malloc(len);
	if (!*ret)
		return -ENOMEM;
	memcpy(*ret, data, len);
	*ret_len = len;
	return 0;
}

static int new_key(const char *name, EVP_PKEY *pkey, const struct ih_certificates *set,
		   struct ih_key **ret)
{
	struct ih_key *key = calloc(1, sizeof(*key));
	unsigned char *der = NULL;
	int len, r = 0;

	if (!key)
		return -ENOMEM;
	len = i2d_PUBKEY(pkey, &der);
	key->name = strdup(name);
	if (len <= 0 || !key->name)
		r = -ENOMEM;
	if (!r)
		r = copy_bytes(der, (size_t)len, &key->public_key, &key->public_key_len);
	OPENSSL_free(der);
	if (!r && set->n)
		r = copy_bytes(set->item[0].data, set->item[0].len, &key->certificate,
			       &key->certificate_len);
	if (r < 0) {
		ih_key_free(key);
		return r;
	}
	key->ops = &pem_ops;
	key->self = pkey;
	*ret = key;
	return 0;
}

static int load_own_certificate(const char *key_path, const char *certificate_path, EVP_PKEY *pkey,
				struct ih_certificates *set, struct ih_diag *diag)
{
	_cleanup_(cleanup_x509) X509 *x = NULL;
	int r;

	r = ih_certificates_load(set, certificate_path, diag);
	if (r < 0)
		return r;
	if (!set->n ||
	    parse_certificate((struct ih_bytes){ set->item[0].data, set->item[0].len }, &x) < 0)
		return ih_fail(diag, -EBADMSG, "'%s' holds no certificate", certificate_path);
	if (X509_check_private_key(x, pkey) == 1)
		return 0;
	ERR_clear_error();
	return ih_fail(diag, -EKEYREJECTED,
		       "the certificate '%s' does not belong to the private key '%s'",
		       certificate_path, key_path);
}

int ih_key_open_pem(const char *key_path, const char *certificate_path, struct ih_key **ret,
		    struct ih_diag *diag)
{
	_cleanup_(ih_certificates_done) struct ih_certificates set = { 0 };
	_cleanup_(cleanup_pkey) EVP_PKEY *pkey = NULL;
	int r;

	r = read_private(key_path, &pkey, diag);
	if (!r)
		r = check_rsa(pkey, key_path, diag);
	if (!r && certificate_path)
		r = load_own_certificate(key_path, certificate_path, pkey, &set, diag);
	if (r < 0)
		return r;
	r = new_key(key_path, pkey, &set, ret);
	if (!r)
		(void)TAKE_PTR(pkey);
	return r;
}

static int parse_public_key(struct ih_bytes spki, EVP_PKEY **ret, struct ih_diag *diag)
{
	const uint8_t *p = spki.data;
	EVP_PKEY *key = NULL;

	if (begin() && spki.len <= IH_CERTIFICATE_MAX)
		key = d2i_PUBKEY(NULL, &p, (long)spki.len);
	if (!key)
		return ih_fail(diag, -EBADMSG, "the public key is malformed: %s", why());
	*ret = key;
	return 0;
}

int ih_public_key_pem(struct ih_bytes spki, char **ret, size_t *ret_len, struct ih_diag *diag)
{
	_cleanup_(cleanup_bio) BIO *bio = BIO_new(BIO_s_mem());
	_cleanup_(cleanup_pkey) EVP_PKEY *key = NULL;
	char *data, *copy;
	long len;
	int r;

	r = parse_public_key(spki, &key, diag);
	if (r < 0)
		return r;
	if (!bio || PEM_write_bio_PUBKEY(bio, key) != 1)
		return ih_fail(diag, -EBADMSG, "cannot write the public key: %s", why());
	len = BIO_get_mem_data(bio, &data);
	copy = malloc((size_t)len + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, (size_t)len);
	copy[len] = '\0';
	*ret = copy;
	*ret_len = (size_t)len;
	return 0;
}

int ih_public_key_fingerprint(struct ih_bytes spki, uint8_t ret[IH_KEY_DIGEST],
			      struct ih_diag *diag)
{
	_cleanup_(cleanup_pkey) EVP_PKEY *key = NULL;
	unsigned char *der = NULL;
	struct ih_digest digest;
	int len, r;

	r = parse_public_key(spki, &key, diag);
	if (r < 0)
		return r;
	len = i2d_PublicKey(key, &der);
	if (len <= 0)
		return ih_fail(diag, -EBADMSG, "cannot encode the public key: %s", why());
	r = ih_hash_once(IH_HASH_SHA256, der, (size_t)len, &digest);
	OPENSSL_free(der);
	if (r < 0)
		return ih_fail(diag, r, "cannot hash the public key: %s", strerror(-r));
	memcpy(ret, digest.bytes, IH_KEY_DIGEST);
	return 0;
}

int ih_certificate_subject(struct ih_bytes certificate, char **ret)
{
	_cleanup_(cleanup_bio) BIO *bio = BIO_new(BIO_s_mem());
	_cleanup_(cleanup_x509) X509 *x = NULL;
	char *data, *copy;
	long len;
	int r;

	r = parse_certificate(certificate, &x);
	if (r < 0)
		return r;
	if (!bio || X509_NAME_print_ex(bio, X509_get_subject_name(x), 0, XN_FLAG_RFC2253) < 0)
		return -ENOMEM;
	len = BIO_get_mem_data(bio, &data);
	copy = strndup(len > 0 ? data : "", len > 0 ? (size_t)len : 0);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

static int verify_with(EVP_PKEY *key, const uint8_t digest[IH_KEY_DIGEST],
		       struct ih_bytes signature, struct ih_diag *diag)
{
	_cleanup_(cleanup_pkey_ctx) EVP_PKEY_CTX *ctx = NULL;

	if (!key || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA ||
	    EVP_PKEY_get_bits(key) < IH_KEY_BITS_MIN)
		return ih_fail(diag, -EKEYREJECTED,
			       "the certificate's key is no RSA key of %d bits or more",
			       IH_KEY_BITS_MIN);
	ctx = EVP_PKEY_CTX_new(key, NULL);
	if (!ctx || EVP_PKEY_verify_init(ctx) <= 0 ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) <= 0 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) <= 0 ||
	    EVP_PKEY_verify(ctx, signature.data, signature.len, digest, IH_KEY_DIGEST) != 1) {
		ERR_clear_error();
		return ih_fail(diag, -EKEYREJECTED, "the signature does not fit the key");
	}
	return 0;
}

int ih_signature_verify(struct ih_bytes certificate, const uint8_t digest[IH_KEY_DIGEST],
			struct ih_bytes signature, struct ih_diag *diag)
{
	_cleanup_(cleanup_x509) X509 *x = NULL;

	if (parse_certificate(certificate, &x) < 0)
		return ih_fail(diag, -EKEYREJECTED, "the certificate is malformed");
	return verify_with(X509_get0_pubkey(x), digest, signature, diag);
}

int ih_public_key_verify(struct ih_bytes spki, const uint8_t digest[IH_KEY_DIGEST],
			 struct ih_bytes signature, struct ih_diag *diag)
{
	_cleanup_(cleanup_pkey) EVP_PKEY *key = NULL;
	int r = parse_public_key(spki, &key, diag);

	return r < 0 ? r : verify_with(key, digest, signature, diag);
}

int ih_base64(struct ih_bytes bytes, char **ret)
{
	char *text;

	if (bytes.len > IH_CERTIFICATE_MAX)
		return -EFBIG;
	text = malloc((bytes.len + 2) / 3 * 4 + 1);
	if (!text)
		return -ENOMEM;
	(void)EVP_EncodeBlock((unsigned char *)text, bytes.data, (int)bytes.len);
	*ret = text;
	return 0;
}

int ih_base64_decode(const char *text, uint8_t **ret, size_t *ret_len)
{
	size_t len = strlen(text), padding;
	_free_ char *again = NULL;
	_free_ uint8_t *data = NULL;
	int n, r;

	if (!len || len % 4 || len > 2 * IH_CERTIFICATE_MAX)
		return -EBADMSG;
	data = malloc(len / 4 * 3);
	if (!data)
		return -ENOMEM;
	n = EVP_DecodeBlock(data, (const unsigned char *)text, (int)len);
	padding = text[len - 1] != '=' ? 0 : text[len - 2] != '=' ? 1 : 2;
	if (n < 0 || (size_t)n < padding)
		return -EBADMSG;
	/* One text for each value: EVP_DecodeBlock() passes over more than the alphabet. */
	r = ih_base64((struct ih_bytes){ data, (size_t)n - padding }, &again);
	if (r < 0)
		return r;
	if (strcmp(again, text) != 0)
		return -EBADMSG;
	*ret_len = (size_t)n - padding;
	*ret = TAKE_PTR(data);
	return 0;
}
