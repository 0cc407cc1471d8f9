/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text: quoting keeps every byte and writes nothing that a terminal acts on; numbers never crash.
 */
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ih_text quoted = { 0 };
	struct ih_text number = { 0 };
	uint64_t n = 0;

	if (ih_text_quote(&quoted, data, size) == 0) {
		if (!ih_is_utf8(quoted.data, quoted.len))
			abort();
		for (size_t i = 0; i < quoted.len; i++)
			if ((unsigned char)quoted.data[i] < 0x20 || quoted.data[i] == 0x7f)
				abort();
	}
	if (ih_text_add(&number, data, size) == 0)
		(void)ih_parse_u64(ih_text_get(&number), UINT64_MAX, &n);
	ih_text_done(&number);
	ih_text_done(&quoted);
	return 0;
}
