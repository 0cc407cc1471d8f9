/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images against db and dbx. */
#include "bootchain/secure_boot.h"

#include <errno.h>
#include <string.h>

#include "bootchain/authenticode.h"
#include "bootchain/esl.h"
#include "common/cleanup.h"

/* An image, and what is looked for. */
struct asked {
	const char *name;
	const struct ih_pe *pe;
	struct ih_authenticode is; /* for dbx */
	struct ih_bytes *ret;	   /* for db */
	size_t n;		   /* entries seen */
};

static bool leads_to(const struct asked *a, struct ih_bytes certificate)
{
	struct ih_certificates one = { .n = 1 };

	one.item[0].data = (uint8_t *)(uintptr_t)certificate.data;
	one.item[0].len = certificate.len;
	one.item[0].name = (char *)(uintptr_t) "db";
	return ih_authenticode_verify(a->name, a->pe, &one, NULL, NULL) == 0;
}

static int find_vouching(void *self, const struct ih_esl_entry *entry, struct ih_diag *diag)
{
	struct asked *a = self;

	(void)diag;
	if (entry->type != IH_ESL_X509 || !leads_to(a, entry->data))
		return 0;
	*a->ret = entry->whole;
	return 1;
}

/* Is the digest of a certificate in a signature what the entry begins with? */
static bool names_signer(const struct asked *a, const struct ih_esl_entry *entry,
			 enum ih_hash_algo algo)
{
	for (size_t i = 0; i < a->is.n_signatures; i++) {
		const struct ih_authenticode_signature *s = &a->is.signatures[i];

		for (size_t k = 0; k < s->n_certificates; k++) {
			struct ih_digest d;

			if (ih_hash_once(algo, s->certificates[k].data, s->certificates[k].len,
					 &d) < 0)
				return true; /* cannot find out */
			if (entry->data.len >= ih_hash_size(algo) &&
			    !memcmp(entry->data.data, d.bytes, ih_hash_size(algo)))
				return true;
		}
	}
	return false;
}

static bool forbids(const struct asked *a, const struct ih_esl_entry *entry)
{
	switch (entry->type) {
	case IH_ESL_SHA256:
		return entry->data.len == IH_PE_DIGEST &&
		       !memcmp(entry->data.data, a->is.digest, IH_PE_DIGEST);
	case IH_ESL_X509:
		return leads_to(a, entry->data);
	case IH_ESL_X509_SHA256:
		return names_signer(a, entry, IH_HASH_SHA256);
	case IH_ESL_X509_SHA384:
		return names_signer(a, entry, IH_HASH_SHA384);
	case IH_ESL_X509_SHA512:
		return names_signer(a, entry, IH_HASH_SHA512);
	case IH_ESL_OTHER:
		break;
	}
	return false;
}

static int find_forbidding(void *self, const struct ih_esl_entry *entry, struct ih_diag *diag)
{
	struct asked *a = self;

	a->n++;
	if (!forbids(a, entry))
		return 0;
	return ih_fail(diag, -EKEYREVOKED, "firmware refuses '%s': entry %zu of dbx revokes %s",
		       a->name, a->n,
		       entry->type == IH_ESL_SHA256 ? "this very image, by its digest"
						    : "the certificate that signed it");
}

int ih_secure_boot_revoked(const char *name, const struct ih_pe *pe, struct ih_bytes dbx,
			   struct ih_diag *diag)
{
	static const struct ih_certificates nobody;
	struct asked a = { .name = name, .pe = pe };
	int r;

	if (!dbx.len)
		return 0;
	/* Whether it is good is another's question: here its digest and its certificates count. */
	r = ih_authenticode_verify(name, pe, &nobody, &a.is, NULL);
	if (r == -EFBIG || r == -ENOMEM)
		return ih_fail(diag, r, "cannot hold '%s' against dbx: %s", name, strerror(-r));
	r = ih_esl_walk("the variable dbx", dbx, find_forbidding, &a, diag);
	ih_authenticode_done(&a.is);
	return r;
}

int ih_secure_boot_authority(const char *name, const struct ih_pe *pe,
			     const struct ih_secure_boot *keys, struct ih_bytes *ret,
			     struct ih_diag *diag)
{
	struct asked a = { .name = name, .pe = pe, .ret = ret };
	int r;

	r = ih_secure_boot_revoked(name, pe, keys->dbx, diag);
	if (r < 0)
		return r;
	r = ih_esl_walk("the variable db", keys->db, find_vouching, &a, diag);
	if (r)
		return r < 0 ? r : 0;
	return ih_fail(diag, -EKEYREJECTED, "no certificate in db vouches for '%s'", name);
}
