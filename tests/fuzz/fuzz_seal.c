/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Seals from a disk that an attacker wrote: parsing, and every look-up afterwards. */
#include <string.h>

#include "integrity/seal.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ih_keys keys = { 0 };
	struct ih_seal *s = NULL;
	uint8_t digest[32];
	struct ih_diag diag;

	if (ih_seal_parse(data, size, &s, &diag) < 0)
		return 0;
	(void)ih_seal_check_trust(s, &keys, 1, 0, &diag);
	(void)ih_seal_has_good_roots(s);
	for (size_t i = 0; i < ih_seal_header(s)->n_objects; i++) {
		const struct ih_seal_object *o = ih_seal_object(s, i);

		(void)ih_seal_find_object(s, ih_seal_string(s, o->name_at));
		for (uint32_t k = 0; k < o->n_entries; k++) {
			const struct ih_seal_entry *e = ih_seal_entry(s, o->first_entry + k);

			(void)ih_seal_find_entry(s, i, ih_seal_string(s, e->path_at));
			memcpy(digest, e->digest, sizeof(digest));
			(void)ih_seal_find_digest(s, digest);
		}
	}
	ih_seal_free(s);
	return 0;
}
