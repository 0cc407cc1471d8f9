/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The dispatch behind a signing key; holds no cryptography. */
#include "bootchain/key.h"

#include <stdlib.h>

#include "bootchain/sign.h"

#include "common/cleanup.h"

int ih_key_sign(struct ih_key *key, const uint8_t digest[IH_KEY_DIGEST], uint8_t *signature,
		size_t *ret_len, struct ih_diag *diag)
{
	int r;

	r = key->ops->sign(key->self, digest, signature, ret_len, diag);
	if (r == 0 && *ret_len > IH_KEY_SIGNATURE_MAX)
		r = ih_fail(diag, -EKEYREJECTED, "a signature of %zu bytes came back", *ret_len);
	if (r == 0)
		r = ih_public_key_verify((struct ih_bytes){ key->public_key, key->public_key_len },
					 digest, (struct ih_bytes){ signature, *ret_len }, diag);
	if (r < 0)
		return ih_fail_within(diag, r, "cannot sign with '%s'", key->name);
	return 0;
}

void ih_key_free(struct ih_key *key)
{
	if (!key)
		return;
	if (key->ops && key->ops->free)
		key->ops->free(key->self);
	free(key->certificate);
	free(key->public_key);
	free(key->name);
	free(key);
}

void ih_key_freep(struct ih_key **key)
{
	ih_key_free(*key);
	*key = NULL;
}
