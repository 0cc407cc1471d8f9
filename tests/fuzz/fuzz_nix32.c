/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Base 32, digests, store paths and content addresses: one text for one value, no crash. */
#include <stdlib.h>
#include <string.h>

#include "integrity/content_address.h"
#include "integrity/nix32.h"
#include "integrity/store.h"
#include "tests/fuzz/fuzz.h"

static void there_and_back(const char *text, size_t len)
{
	uint8_t bytes[IH_HASH_SIZE_MAX];
	char back[IH_NIX32_LEN(IH_HASH_SIZE_MAX) + 1];

	for (size_t n = 1; n <= sizeof(bytes); n++) {
		if (ih_nix32_decode(text, len, bytes, n) < 0)
			continue;
		ih_nix32_encode(bytes, n, back);
		if (strlen(back) != len || memcmp(back, text, len) != 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct ih_digest d;
	struct ih_diag diag;
	const char *base;
	struct ih_ca ca;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	there_and_back(text, size);
	(void)ih_digest_parse(text, size, &d);
	if (ih_store_path_parse("/nix/store", text, &base, &diag) == 0 &&
	    (strchr(base, '/') || strlen(base) > IH_STORE_BASE_MAX))
		abort();
	(void)ih_store_dir_check(text, &diag);
	if (ih_ca_parse(text, &ca, &diag) == 0) {
		struct ih_ca_inputs in = { "/nix/store", NULL, 0, false, "name" };
		char made[IH_STORE_BASE_MAX + 1];

		if (ih_ca_base(&ca, &in, made, &diag) < 0 ||
		    !ih_store_base_is_valid(made, strlen(made)))
			abort();
	}
	free(text);
	return 0;
}
