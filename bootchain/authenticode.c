/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Authenticode over OpenSSL's PKCS#7. Signing builds the SignerInfo by hand around a signature
 * that may come from elsewhere (key.h); verifying lets OpenSSL check signature and chain and then
 * insists on everything that OpenSSL does not look at.
 */
#include "bootchain/authenticode.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "bootchain/pe_rope.h"
#include "common/cleanup.h"
#include "common/text.h"
#include "integrity/hash.h"

IH_DEFINE_CLEANUP(BIO *, cleanup_bio, BIO_free_all)
IH_DEFINE_CLEANUP(PKCS7 *, cleanup_pkcs7, PKCS7_free)
IH_DEFINE_CLEANUP(X509 *, cleanup_x509, X509_free)
IH_DEFINE_CLEANUP(X509_STORE *, cleanup_store, X509_STORE_free)

/* WIN_CERTIFICATE (UEFI 2.10, 32.2.4.1): dwLength, wRevision, wCertificateType, then data. */
enum { WIN_HEADER = 8, WIN_REVISION = 0x0200, WIN_PKCS_SIGNED_DATA = 0x0002, TABLE_ALIGN = 8 };

#define OID_INDIRECT_DATA "1.3.6.1.4.1.311.2.1.4"
#define OID_PE_IMAGE_DATA "1.3.6.1.4.1.311.2.1.15"

/*
 * SpcIndirectDataContent of a PE image, up to its digest: SEQUENCE { SEQUENCE { SPC_PE_IMAGE_DATA,
 * SpcPeImageData { flags '', file [0] { file [2] { unicode [0] "" } } } }, SEQUENCE { SEQUENCE {
 * sha256, NULL }, OCTET STRING[32] } }. Nothing in it varies but the digest, which ends it.
 */
static const uint8_t indirect_data[] = {
	0x30, 0x4c, 0x30, 0x17, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82,
	0x37, 0x02, 0x01, 0x0f, 0x30, 0x09, 0x03, 0x01, 0x00, 0xa0, 0x04, 0xa2,
	0x02, 0x80, 0x00, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
	0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
};
enum { INDIRECT_SIZE = sizeof(indirect_data) + IH_PE_DIGEST, INDIRECT_CONTENT = 2 };

static size_t round_up(size_t n)
{
	return (n + TABLE_ALIGN - 1) / TABLE_ALIGN * TABLE_ALIGN;
}

static int sha256(const void *data, size_t len, uint8_t ret[IH_PE_DIGEST])
{
	struct ih_digest digest;
	int r;

	r = ih_hash_once(IH_HASH_SHA256, data, len, &digest);
	if (!r)
		memcpy(ret, digest.bytes, IH_PE_DIGEST);
	return r;
}

/* Signing */

static int set_content(PKCS7 *p7, const uint8_t content[INDIRECT_SIZE])
{
	PKCS7 *inner = PKCS7_new();
	ASN1_STRING *der = ASN1_STRING_new();
	ASN1_TYPE *other = ASN1_TYPE_new();

	if (!inner || !der || !other || !ASN1_STRING_set(der, content, INDIRECT_SIZE)) {
		PKCS7_free(inner);
		ASN1_STRING_free(der);
		ASN1_TYPE_free(other);
		return -ENOMEM;
	}
	ASN1_TYPE_set(other, V_ASN1_SEQUENCE, der);
	inner->type = OBJ_txt2obj(OID_INDIRECT_DATA, 1);
	inner->d.other = other;
	if (!inner->type || !PKCS7_set_content(p7, inner)) {
		PKCS7_free(inner);
		return -ENOMEM;
	}
	return 0;
}

static int set_identity(PKCS7_SIGNER_INFO *si, X509 *x)
{
	ASN1_INTEGER *serial = ASN1_INTEGER_dup(X509_get0_serialNumber(x));

	if (!serial)
		return -ENOMEM;
	ASN1_INTEGER_free(si->issuer_and_serial->serial);
	si->issuer_and_serial->serial = serial;
	if (!ASN1_INTEGER_set(si->version, 1) ||
	    !X509_NAME_set(&si->issuer_and_serial->issuer, X509_get_issuer_name(x)) ||
	    !X509_ALGOR_set0(si->digest_alg, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) ||
	    !X509_ALGOR_set0(si->digest_enc_alg, OBJ_nid2obj(NID_rsaEncryption), V_ASN1_NULL, NULL))
		return -ENOMEM;
	return 0;
}

static int set_attributes(PKCS7_SIGNER_INFO *si, X509 *x, const uint8_t content[INDIRECT_SIZE])
{
	uint8_t digest[IH_PE_DIGEST];
	ASN1_OBJECT *type;
	ASN1_TIME *time;
	int r;

	/* messageDigest covers the content's octets without its tag and length (RFC 2315, 9.3). */
	r = sha256(content + INDIRECT_CONTENT, INDIRECT_SIZE - INDIRECT_CONTENT, digest);
	if (r < 0)
		return r;
	type = OBJ_txt2obj(OID_INDIRECT_DATA, 1);
	if (!type || !PKCS7_add_signed_attribute(si, NID_pkcs9_contentType, V_ASN1_OBJECT, type)) {
		ASN1_OBJECT_free(type);
		return -ENOMEM;
	}
	time = ASN1_STRING_dup(X509_get0_notBefore(x));
	if (!time || !PKCS7_add0_attrib_signing_time(si, time)) {
		ASN1_TIME_free(time);
		return -ENOMEM;
	}
	return PKCS7_add1_attrib_digest(si, digest, sizeof(digest)) ? 0 : -ENOMEM;
}

/* What is signed is the attributes as a SET, not as the [0] that stands in the message. */
static int attributes_digest(PKCS7_SIGNER_INFO *si, uint8_t ret[IH_PE_DIGEST])
{
	unsigned char *der = NULL;
	int len, r;

	len = ASN1_item_i2d((ASN1_VALUE *)si->auth_attr, &der, ASN1_ITEM_rptr(PKCS7_ATTR_SIGN));
	if (len <= 0)
		return -ENOMEM;
	r = sha256(der, (size_t)len, ret);
	OPENSSL_free(der);
	return r;
}

static int sign_attributes(PKCS7_SIGNER_INFO *si, struct ih_key *key, struct ih_diag *diag)
{
	uint8_t digest[IH_PE_DIGEST], signature[IH_KEY_SIGNATURE_MAX];
	size_t len = 0;
	int r;

	r = attributes_digest(si, digest);
	if (!r)
		r = ih_key_sign(key, digest, signature, &len, diag);
	if (r < 0)
		return r;
	return ASN1_STRING_set(si->enc_digest, signature, (int)len) ? 0 : -ENOMEM;
}

static int add_signer(PKCS7 *p7, X509 *x, struct ih_key *key, const uint8_t *content,
		      struct ih_diag *diag)
{
	PKCS7_SIGNER_INFO *si = PKCS7_SIGNER_INFO_new();
	int r;

	r = si ? set_identity(si, x) : -ENOMEM;
	if (!r)
		r = set_attributes(si, x, content);
	if (!r)
		r = sign_attributes(si, key, diag);
	if (!r && !PKCS7_add_signer(p7, si))
		r = -ENOMEM;
	if (r < 0)
		PKCS7_SIGNER_INFO_free(si);
	return r;
}

/* The SignedData as DER; the caller gives it to OPENSSL_free(). */
static int make_signature(struct ih_key *key, const uint8_t digest[IH_PE_DIGEST],
			  unsigned char **ret, size_t *ret_len, struct ih_diag *diag)
{
	_cleanup_(cleanup_pkcs7) PKCS7 *p7 = PKCS7_new();
	_cleanup_(cleanup_x509) X509 *x = NULL;
	const uint8_t *der = key->certificate;
	uint8_t content[INDIRECT_SIZE];
	int len, r;

	if (!key->certificate)
		return ih_fail(diag, -EINVAL,
			       "the key '%s' has no certificate, which an image needs", key->name);
	memcpy(content, indirect_data, sizeof(indirect_data));
	memcpy(content + sizeof(indirect_data), digest, IH_PE_DIGEST);

	x = d2i_X509(NULL, &der, (long)key->certificate_len);
	if (!x)
		return ih_fail(diag, -EBADMSG, "the certificate of '%s' is malformed", key->name);
	if (!p7 || !PKCS7_set_type(p7, NID_pkcs7_signed) || !PKCS7_add_certificate(p7, x))
		return -ENOMEM;
	r = set_content(p7, content);
	if (!r)
		r = add_signer(p7, x, key, content, diag);
	if (r < 0)
		return r;

	*ret = NULL;
	len = i2d_PKCS7(p7, ret);
	if (len <= 0)
		return -ENOMEM;
	*ret_len = (size_t)len;
	return 0;
}

/* Puts a WIN_CERTIFICATE behind the image and corrects the directory entry and the checksum. */
static int attach(const char *name, struct ih_rope *image, const struct ih_pe *pe,
		  struct ih_bytes der, uint64_t sum, struct ih_diag *diag)
{
	size_t start = round_up(pe->size), size = round_up(WIN_HEADER + der.len);
	size_t table = pe->certificates_size ? pe->certificates_offset : start;
	uint8_t *entry = image->pieces[0].own + ih_pe_certificate_entry_offset(pe);
	uint8_t *data = calloc(1, size);
	struct ih_pe done;
	int r;

	if (!data)
		return -ENOMEM;
	ih_put_le32(data, (uint32_t)size);
	ih_put_le16(data + 4, WIN_REVISION);
	ih_put_le16(data + 6, WIN_PKCS_SIGNED_DATA);
	memcpy(data + WIN_HEADER, der.data, der.len);
	sum += ih_pe_rope_sum(data, size, start);
	r = ih_rope_align(image, TABLE_ALIGN);
	if (r < 0)
		free(data);
	else
		r = ih_rope_add_taken(image, data, size);
	if (r < 0)
		return r;
	ih_put_le32(entry, (uint32_t)table);
	ih_put_le32(entry + 4, (uint32_t)(start + size - table));
	r = ih_pe_rope_parse(name, image, &done, diag);
	if (!r)
		ih_pe_rope_finish(image, &done, sum);
	return r;
}

int ih_authenticode_sign_rope(const char *name, struct ih_rope *image, struct ih_key *key,
			      struct ih_diag *diag)
{
	struct ih_diag inner = { "" };
	unsigned char *der = NULL;
	struct ih_pe_sums sums;
	struct ih_pe pe;
	size_t len = 0;
	int r;

	r = ih_pe_rope_parse(name, image, &pe, diag);
	if (r < 0)
		return r;
	r = ih_pe_rope_sums(image, &pe, &sums, &inner);
	if (r < 0)
		return ih_fail(diag, r, "cannot hash '%s': %s", name,
			       inner.text[0] ? inner.text : strerror(-r));
	r = make_signature(key, sums.digest, &der, &len, diag);
	if (r < 0)
		return r;
	r = attach(name, image, &pe, (struct ih_bytes){ der, len }, sums.sum, diag);
	OPENSSL_free(der);
	return r;
}

int ih_authenticode_sign(const char *name, struct ih_image *image, struct ih_key *key,
			 struct ih_diag *diag)
{
	struct ih_rope rope = { 0 };
	struct ih_image done = { 0 };
	struct ih_pe pe;
	int r;

	r = ih_pe_parse(name, image->data, image->len, &pe, diag);
	if (!r)
		r = ih_rope_add_copy(&rope, image->data, pe.headers_size);
	if (!r)
		r = ih_rope_add(&rope, image->data + pe.headers_size, image->len - pe.headers_size);
	if (!r)
		r = ih_authenticode_sign_rope(name, &rope, key, diag);
	if (!r)
		r = ih_rope_flatten(&rope, &done.data, diag);
	done.len = (size_t)rope.len;
	ih_rope_done(&rope);
	if (r < 0)
		return r;
	free(image->data);
	*image = done;
	return 0;
}

/* Verifying */

/* What one signature is checked against, and where its problems go. */
struct check {
	const struct ih_certificates *trusted;
	const uint8_t *digest; /* of the image as it is */
	struct ih_authenticode_signature *result;
};

static int problem(struct check *c, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int problem(struct check *c, int error, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	free(c->result->problem);
	c->result->problem = text;
	return error;
}

static void print_hex(const uint8_t *bytes, char ret[2 * IH_PE_DIGEST + 1])
{
	for (int i = 0; i < IH_PE_DIGEST; i++)
		snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
}

/* One DER element: its content, and what follows it. */
static int take(const uint8_t **p, const uint8_t *end, int tag, struct ih_bytes *ret)
{
	const unsigned char *at = *p;
	int found, class, form;
	long len;

	form = ASN1_get_object(&at, &len, &found, &class, end - *p);
	if (form & 0x80 || form & 1 || class != V_ASN1_UNIVERSAL || found != tag || len < 0 ||
	    len > end - at)
		return -EBADMSG;
	*ret = (struct ih_bytes){ at, (size_t)len };
	*p = at + len;
	return 0;
}

static bool is_oid(struct ih_bytes oid, const char *text)
{
	ASN1_OBJECT *object = OBJ_txt2obj(text, 1);
	bool same;

	same = object && OBJ_length(object) == oid.len &&
	       !memcmp(OBJ_get0_data(object), oid.data, oid.len);
	ASN1_OBJECT_free(object);
	return same;
}

/* DigestInfo { AlgorithmIdentifier sha256 { NULL }, OCTET STRING }. */
static int parse_digest_info(struct ih_bytes info, const uint8_t **ret)
{
	static const uint8_t sha256_null[] = { 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
					       0x03, 0x04, 0x02, 0x01, 0x05, 0x00 };
	const uint8_t *p = info.data, *end = info.data + info.len;
	struct ih_bytes algorithm, digest;

	if (take(&p, end, V_ASN1_SEQUENCE, &algorithm) || algorithm.len != sizeof(sha256_null) ||
	    memcmp(algorithm.data, sha256_null, sizeof(sha256_null)) ||
	    take(&p, end, V_ASN1_OCTET_STRING, &digest) || p != end || digest.len != IH_PE_DIGEST)
		return -EBADMSG;
	*ret = digest.data;
	return 0;
}

/* SpcIndirectDataContent of whatever signer; the link and flags in it are covered but ignored. */
static int parse_indirect(struct check *c, struct ih_bytes der, struct ih_bytes *ret_content,
			  const uint8_t **ret_digest)
{
	const uint8_t *p = der.data, *end = der.data + der.len, *q;
	struct ih_bytes all, data, oid, info;

	ERR_clear_error();
	if (take(&p, end, V_ASN1_SEQUENCE, &all) || p != end)
		return problem(c, -EBADMSG, "its content is malformed");
	p = all.data;
	end = all.data + all.len;
	if (take(&p, end, V_ASN1_SEQUENCE, &data) || take(&p, end, V_ASN1_SEQUENCE, &info) ||
	    p != end)
		return problem(c, -EBADMSG, "its content is malformed");
	q = data.data;
	if (take(&q, data.data + data.len, V_ASN1_OBJECT, &oid) || !is_oid(oid, OID_PE_IMAGE_DATA))
		return problem(c, -EBADMSG, "it signs something else than a PE image");
	if (parse_digest_info(info, ret_digest))
		return problem(c, -EBADMSG, "the image digest in it is not SHA-256");
	*ret_content = all;
	return 0;
}

static bool is_algorithm(const X509_ALGOR *a, int nid)
{
	const ASN1_OBJECT *object;
	const void *value;
	int type;

	X509_ALGOR_get0(&object, &type, &value, a);
	return OBJ_obj2nid(object) == nid && type == V_ASN1_NULL;
}

/* The parts of SignedData and SignerInfo that OpenSSL passes over without a look. */
static int check_shape(struct check *c, PKCS7 *p7, PKCS7_SIGNER_INFO **ret)
{
	PKCS7_SIGNED *sd = p7->d.sign;
	PKCS7_SIGNER_INFO *si = NULL;

	if (ASN1_INTEGER_get(sd->version) != 1 || sk_X509_ALGOR_num(sd->md_algs) != 1 ||
	    !is_algorithm(sk_X509_ALGOR_value(sd->md_algs, 0), NID_sha256))
		return problem(c, -EBADMSG, "it is not version 1 with SHA-256 alone");
	if (sk_X509_CRL_num(sd->crl) > 0)
		return problem(c, -EBADMSG, "it carries revocation lists, which nobody signed");
	if (sk_PKCS7_SIGNER_INFO_num(sd->signer_info) != 1)
		return problem(c, -EBADMSG, "it has %d signers instead of one",
			       sk_PKCS7_SIGNER_INFO_num(sd->signer_info));
	si = sk_PKCS7_SIGNER_INFO_value(sd->signer_info, 0);
	if (ASN1_INTEGER_get(si->version) != 1 || !is_algorithm(si->digest_alg, NID_sha256))
		return problem(c, -EBADMSG, "its signer is not version 1 with SHA-256");
	if (!is_algorithm(si->digest_enc_alg, NID_rsaEncryption) &&
	    !is_algorithm(si->digest_enc_alg, NID_sha256WithRSAEncryption))
		return problem(c, -EBADMSG, "its signer does not use RSA with PKCS #1 padding");
	if (!si->auth_attr || !sk_X509_ATTRIBUTE_num(si->auth_attr))
		return problem(c, -EBADMSG, "its signer signed no attributes");
	*ret = si;
	return 0;
}

static int check_content_type(struct check *c, PKCS7 *p7, PKCS7_SIGNER_INFO *si)
{
	const ASN1_TYPE *type = PKCS7_get_signed_attribute(si, NID_pkcs9_contentType);
	PKCS7 *inner = p7->d.sign->contents;
	ASN1_OBJECT *wanted = OBJ_txt2obj(OID_INDIRECT_DATA, 1);
	bool good;

	good = wanted && inner && inner->type && !OBJ_cmp(inner->type, wanted) && inner->d.other &&
	       inner->d.other->type == V_ASN1_SEQUENCE && type && type->type == V_ASN1_OBJECT &&
	       !OBJ_cmp(type->value.object, wanted);
	ASN1_OBJECT_free(wanted);
	return good ? 0 : problem(c, -EBADMSG, "it signs something else than Authenticode content");
}

/* OpenSSL compares names by meaning and keeps their bytes: a changed tag would pass. */
static bool same_bytes(const X509_NAME *a, const X509_NAME *b)
{
	const unsigned char *x, *y;
	size_t n, m;

	return X509_NAME_get0_der(a, &x, &n) == 1 && X509_NAME_get0_der(b, &y, &m) == 1 && n == m &&
	       !memcmp(x, y, n);
}

static int check_signer(struct check *c, PKCS7 *p7, PKCS7_SIGNER_INFO *si, X509 **ret)
{
	X509 *x;

	x = X509_find_by_issuer_and_serial(p7->d.sign->cert, si->issuer_and_serial->issuer,
					   si->issuer_and_serial->serial);
	if (!x || !same_bytes(si->issuer_and_serial->issuer, X509_get_issuer_name(x)))
		return problem(c, -EBADMSG, "the certificate of its signer is not in it");
	*ret = x;
	return 0;
}

/* Signature and attributes by OpenSSL, without asking who signed. */
static int check_signature(struct check *c, PKCS7 *p7, struct ih_bytes content)
{
	_cleanup_(cleanup_bio) BIO *in = BIO_new_mem_buf(content.data, (int)content.len);

	if (!in)
		return -ENOMEM;
	if (PKCS7_verify(p7, NULL, NULL, in, NULL, PKCS7_NOVERIFY | PKCS7_BINARY) != 1) {
		ERR_clear_error();
		return problem(c, -EBADMSG, "it was changed: it does not fit its own certificate");
	}
	return 0;
}

static int fill_store(const struct ih_certificates *trusted, X509_STORE *store)
{
	for (size_t i = 0; i < trusted->n; i++) {
		const uint8_t *p = trusted->item[i].data;
		X509 *x = d2i_X509(NULL, &p, (long)trusted->item[i].len);
		int added = x ? X509_STORE_add_cert(store, x) : 0;

		X509_free(x);
		if (!added)
			return -ENOMEM;
	}
	/* As firmware: an entry of db may be a leaf, and the clock is nobody's witness. */
	X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
	X509_STORE_set_purpose(store, X509_PURPOSE_ANY);
	return 0;
}

static int name_trusted(struct check *c, X509_STORE_CTX *ctx)
{
	const STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
	const X509 *anchor = sk_X509_value(chain, sk_X509_num(chain) - 1);

	for (size_t i = 0; i < c->trusted->n; i++) {
		const uint8_t *p = c->trusted->item[i].data;
		X509 *x = d2i_X509(NULL, &p, (long)c->trusted->item[i].len);
		bool same = x && anchor && !X509_cmp(x, anchor);

		X509_free(x);
		if (!same)
			continue;
		c->result->trusted_by = strdup(c->trusted->item[i].name);
		return c->result->trusted_by ? 0 : -ENOMEM;
	}
	return problem(c, -EKEYREJECTED, "its certificate does not lead to a trusted one");
}

static int check_trust(struct check *c, PKCS7 *p7, X509 *signer)
{
	_cleanup_(cleanup_store) X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int r;

	r = store && ctx ? fill_store(c->trusted, store) : -ENOMEM;
	if (!r && !X509_STORE_CTX_init(ctx, store, signer, p7->d.sign->cert))
		r = -ENOMEM;
	if (!r && X509_verify_cert(ctx) != 1)
		r = problem(c, -EKEYREJECTED,
			    "none of the %zu trusted certificates vouches for it: %s",
			    c->trusted->n,
			    X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	if (!r)
		r = name_trusted(c, ctx);
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return r;
}

static int name_signer(struct check *c, const X509 *signer)
{
	unsigned char *der = NULL;
	int len = i2d_X509(signer, &der), r;

	if (len <= 0)
		return -ENOMEM;
	r = ih_certificate_subject((struct ih_bytes){ der, (size_t)len }, &c->result->signer);
	OPENSSL_free(der);
	return r;
}

static int keep_certificates(struct check *c, const PKCS7 *p7)
{
	const STACK_OF(X509) *all = p7->d.sign->cert;
	struct ih_authenticode_signature *s = c->result;

	for (int i = 0; i < sk_X509_num(all); i++) {
		unsigned char *der = NULL;
		int len;

		if (s->n_certificates == IH_AUTHENTICODE_CHAIN_MAX)
			return problem(c, -EBADMSG, "it has more than %d certificates",
				       IH_AUTHENTICODE_CHAIN_MAX);
		len = i2d_re_X509_tbs(sk_X509_value(all, i), &der);
		if (len <= 0)
			return -ENOMEM;
		s->certificates[s->n_certificates++] = (struct ih_image){ der, (size_t)len };
	}
	return 0;
}

static int check_digest(struct check *c, const uint8_t signed_digest[IH_PE_DIGEST])
{
	char is[2 * IH_PE_DIGEST + 1], was[2 * IH_PE_DIGEST + 1];

	if (!memcmp(signed_digest, c->digest, IH_PE_DIGEST))
		return 0;
	print_hex(c->digest, is);
	print_hex(signed_digest, was);
	return problem(c, -EBADMSG,
		       "the image is not what was signed: its SHA-256 is %s, signed was %s", is,
		       was);
}

static int check_signed_data(struct check *c, PKCS7 *p7)
{
	struct ih_bytes content = { 0 };
	const uint8_t *digest = NULL;
	const ASN1_STRING *der;
	PKCS7_SIGNER_INFO *si = NULL;
	X509 *signer = NULL;
	int r;

	if (!PKCS7_type_is_signed(p7) || !p7->d.sign)
		return problem(c, -EBADMSG, "it is no PKCS #7 SignedData");
	r = keep_certificates(c, p7);
	if (!r)
		r = check_shape(c, p7, &si);
	if (!r)
		r = check_content_type(c, p7, si);
	if (!r)
		r = check_signer(c, p7, si, &signer);
	if (!r)
		r = name_signer(c, signer);
	if (r < 0)
		return r;
	der = p7->d.sign->contents->d.other->value.sequence;
	r = parse_indirect(
		c, (struct ih_bytes){ ASN1_STRING_get0_data(der), (size_t)ASN1_STRING_length(der) },
		&content, &digest);
	if (!r)
		r = check_digest(c, digest);
	if (!r)
		r = check_signature(c, p7, content);
	if (!r)
		r = check_trust(c, p7, signer);
	return r;
}

/* Two encodings of one signature would be a place to hide a change. */
static int check_der(struct check *c, const PKCS7 *p7, struct ih_bytes der)
{
	unsigned char *again = NULL;
	int len = i2d_PKCS7(p7, &again);
	bool same;

	same = len > 0 && (size_t)len == der.len && !memcmp(again, der.data, der.len);
	OPENSSL_free(again);
	return same ? 0 : problem(c, -EBADMSG, "its encoding is not DER");
}

static bool all_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

static int check_one(struct check *c, struct ih_bytes data)
{
	const unsigned char *p = data.data;
	_cleanup_(cleanup_pkcs7) PKCS7 *p7 = d2i_PKCS7(NULL, &p, (long)data.len);
	size_t used = (size_t)(p - data.data);
	int r;

	ERR_clear_error();
	if (!p7)
		return problem(c, -EBADMSG, "it is no PKCS #7 message");
	if (data.len - used >= TABLE_ALIGN || !all_zero(p, data.len - used))
		return problem(c, -EBADMSG, "%zu foreign bytes follow it in the certificate table",
			       data.len - used);
	r = check_der(c, p7, (struct ih_bytes){ data.data, used });
	if (!r)
		r = check_signed_data(c, p7);
	if (r == -ENOMEM)
		return problem(c, r, "out of memory");
	return r;
}

/* One WIN_CERTIFICATE at @at of the table. */
static int take_certificate(const char *name, const struct ih_pe *pe, size_t *at,
			    struct ih_bytes *ret, struct ih_diag *diag)
{
	const uint8_t *table = pe->data + pe->certificates_offset;
	size_t left = pe->certificates_size - *at, len, next;

	len = left < WIN_HEADER ? 0 : ih_le32(table + *at);
	next = round_up(len);
	if (len < WIN_HEADER || len > left || ih_le16(table + *at + 4) != WIN_REVISION ||
	    ih_le16(table + *at + 6) != WIN_PKCS_SIGNED_DATA)
		return ih_fail(diag, -EBADMSG,
			       "the certificate table of '%s' is malformed at offset %zu", name,
			       pe->certificates_offset + *at);
	if (next > left)
		next = left;
	if (!all_zero(table + *at + len, next - len))
		return ih_fail(
			diag, -EBADMSG,
			"the padding in the certificate table of '%s' at offset %zu is not zero",
			name, pe->certificates_offset + *at + len);
	*ret = (struct ih_bytes){ table + *at + WIN_HEADER, len - WIN_HEADER };
	*at += next;
	return 0;
}

static int check_table(const char *name, const struct ih_pe *pe,
		       const struct ih_certificates *trusted, struct ih_authenticode *a,
		       struct ih_diag *diag)
{
	int result = -EKEYREJECTED;

	for (size_t at = 0; at < pe->certificates_size;) {
		struct ih_authenticode_signature *s = &a->signatures[a->n_signatures];
		struct check c = { .trusted = trusted, .digest = a->digest, .result = s };
		struct ih_bytes data = { 0 };
		int r;

		if (a->n_signatures == IH_AUTHENTICODE_SIGNATURES_MAX)
			return ih_fail(diag, -EBADMSG, "'%s' has more than %d signatures", name,
				       IH_AUTHENTICODE_SIGNATURES_MAX);
		r = take_certificate(name, pe, &at, &data, diag);
		if (r < 0)
			return r;
		a->n_signatures++;
		r = check_one(&c, data);
		if (!r) {
			result = 0;
			continue;
		}
		ih_fail(diag, r, "signature %zu of '%s'%s%s%s: %s", a->n_signatures, name,
			s->signer ? " by '" : "", s->signer ? s->signer : "", s->signer ? "'" : "",
			s->problem ? s->problem : strerror(-r));
		/* Somebody else's signature beside a good one is no harm; a broken one is. */
		if (r != -EKEYREJECTED)
			return r;
	}
	return result;
}

static int check_outside(const char *name, const struct ih_pe *pe, struct ih_diag *diag)
{
	uint32_t sum = ih_pe_checksum(pe);

	if (sum != pe->checksum)
		return ih_fail(diag, -EBADMSG,
			       "'%s' was changed outside of what is signed: its checksum field says"
			       " 0x%08" PRIx32 ", its bytes add up to 0x%08" PRIx32,
			       name, pe->checksum, sum);
	return ih_pe_covered(name, pe, diag);
}

int ih_authenticode_verify(const char *name, const struct ih_pe *pe,
			   const struct ih_certificates *trusted, struct ih_authenticode *ret,
			   struct ih_diag *diag)
{
	struct ih_authenticode a = { 0 };
	int r;

	if (pe->certificates_size > IH_AUTHENTICODE_TABLE_MAX)
		return ih_fail(diag, -EFBIG,
			       "the certificate table of '%s' has %" PRIu32
			       " bytes; at most %u are read",
			       name, pe->certificates_size, IH_AUTHENTICODE_TABLE_MAX);
	r = ih_pe_digest(pe, a.digest);
	if (r < 0)
		return ih_fail(diag, r, "cannot hash '%s': %s", name, strerror(-r));
	if (!pe->certificates_size)
		r = ih_fail(diag, -ENODATA, "'%s' is not signed", name);
	else
		r = check_table(name, pe, trusted, &a, diag);
	if (!r)
		r = check_outside(name, pe, diag);

	if (ret)
		*ret = a;
	else
		ih_authenticode_done(&a);
	return r;
}

void ih_authenticode_done(struct ih_authenticode *a)
{
	for (size_t i = 0; i < a->n_signatures; i++) {
		free(a->signatures[i].signer);
		free(a->signatures[i].trusted_by);
		free(a->signatures[i].problem);
		for (size_t k = 0; k < a->signatures[i].n_certificates; k++)
			OPENSSL_free(a->signatures[i].certificates[k].data);
	}
	*a = (struct ih_authenticode){ 0 };
}
