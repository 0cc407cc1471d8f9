/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Key lists, secret keys and signatures: whatever comes in, nobody counts as signer. */
#include <stdlib.h>
#include <string.h>

#include "integrity/signature.h"
#include "tests/fuzz/fuzz.h"

/* Known to nobody: a signature that counts under it would be a forgery. */
static const char key[] = "k:dp9zmVFdYdCeGZH62OfDCjQyQEmr+PDObJ5aOLe4yjA=";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ih_keys keys = { 0 }, own = { 0 };
	const char *names[4];
	struct ih_signers s = { .names = names, .max = 4 };
	struct ih_secret_key *secret = NULL;
	struct ih_diag diag;
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	(void)ih_keys_add_text("fuzz", text, size, &keys, &diag);
	(void)ih_keys_add(&keys, (const char *)data, size, &diag);
	(void)ih_signatures_check(&keys, text, "x", 1, &s);
	if (ih_keys_add(&own, key, strlen(key), &diag) == 0 &&
	    ih_signatures_check(&own, text, "1;", 2, &s) == 0 && s.distinct)
		abort();
	if (ih_secret_key_parse("fuzz", (const char *)data, size, &secret, &diag) == 0) {
		char public[IH_SIGNATURE_TEXT_MAX];

		ih_secret_key_public(secret, public);
		if (ih_keys_add(&keys, public, strlen(public), &diag) < 0)
			abort();
		ih_secret_key_free(secret);
	}
	ih_keys_done(&keys);
	ih_keys_done(&own);
	free(text);
	return 0;
}
