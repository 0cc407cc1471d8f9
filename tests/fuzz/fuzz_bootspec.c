/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bootspecs: hostile text gets a sentence, and what is accepted can be written, read again and then
 * means the same.
 */
#include <stdlib.h>

#include "bootchain/bootspec.h"
#include "tests/fuzz/fuzz.h"

static void round_trip(const struct ih_bootspec_doc *doc, unsigned int version)
{
	struct ih_bootspec_problems problems = { 0 };
	struct ih_bootspec_doc *again = NULL;
	struct ih_text out = { 0 }, diff = { 0 };
	struct ih_diag diag = { 0 };

	if (ih_bootspec_print(&doc->spec, version, &out, &diag) == 0) {
		if (ih_bootspec_parse("again", out.data, out.len, IH_BOOTSPEC_TOLERANT, &problems,
				      &again, &diag) < 0)
			abort();
		if (ih_bootspec_diff(&doc->spec, &again->spec, &diff) != 0)
			abort();
	}
	ih_bootspec_problems_done(&problems);
	ih_bootspec_doc_free(again);
	ih_text_done(&out);
	ih_text_done(&diff);
}

static int run(const uint8_t *data, size_t size, enum ih_bootspec_mode mode)
{
	struct ih_bootspec_problems problems = { 0 };
	struct ih_bootspec_doc *doc = NULL;
	struct ih_diag diag = { 0 };
	int r;

	r = ih_bootspec_parse("fuzz", (const char *)data, size, mode, &problems, &doc, &diag);
	if (r < 0 && !diag.text[0])
		abort();
	if (r == 0 && problems.errors)
		abort();
	if (r == 0) {
		round_trip(doc, 1);
		round_trip(doc, 2);
	}
	ih_bootspec_problems_done(&problems);
	ih_bootspec_doc_free(doc);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Strict accepts nothing that tolerant refuses. */
	if (run(data, size, IH_BOOTSPEC_TOLERANT) < 0 && run(data, size, IH_BOOTSPEC_STRICT) == 0)
		abort();
	return 0;
}
