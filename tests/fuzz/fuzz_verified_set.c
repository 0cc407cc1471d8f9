/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verified set as the agent reads it: parsing, and every look-up afterwards. */
#include <string.h>

#include "integrity/verified_set.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ih_verified_set *s = NULL;
	size_t length = 0;

	if (ih_verified_set_parse(data, size, &s, NULL) < 0)
		return 0;
	for (size_t i = 0; i < ih_verified_set_header(s)->n_objects; i++)
		length += strlen(ih_verified_set_object_name(s, i));
	for (size_t i = 0; i < ih_verified_set_header(s)->n_files; i++) {
		const struct ih_verified_file *f = ih_verified_set_file(s, i);

		if (ih_verified_set_find(s, f->device, f->inode) != f)
			__builtin_trap();
	}
	ih_verified_set_free(s);
	return length > size ? 0 : 0;
}
