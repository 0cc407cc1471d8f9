/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PE images: parsing, digest, checksum, signature table, and building on top of a hostile stub. */
#include <stdlib.h>
#include <string.h>

#include "bootchain/authenticode.h"
#include "bootchain/pe_rope.h"
#include "bootchain/uki.h"
#include "tests/fuzz/fuzz.h"

/* What is built of pieces must be what it is as a whole. */
static void compare(const struct ih_rope *rope)
{
	uint8_t digest[IH_PE_DIGEST], *whole;
	struct ih_pe_sums sums;
	struct ih_diag diag;
	struct ih_pe pe;

	if (ih_pe_rope_parse("fuzz", rope, &pe, &diag) < 0 ||
	    ih_pe_rope_sums(rope, &pe, &sums, &diag) < 0)
		abort();
	if (ih_rope_flatten(rope, &whole, &diag) < 0)
		return;
	if (ih_pe_parse("fuzz", whole, (size_t)rope->len, &pe, &diag) < 0 ||
	    ih_pe_digest(&pe, digest) < 0 || memcmp(digest, sums.digest, sizeof(digest)))
		abort();
	free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ih_uki_part part = { .name = ".linux" };
	const struct ih_certificates nobody = { 0 };
	struct ih_authenticode a = { 0 };
	struct ih_rope image = { 0 };
	struct ih_stub stub;
	struct ih_diag diag;
	struct ih_pe pe;

	if (ih_pe_parse("fuzz", data, size, &pe, &diag) < 0)
		return 0;
	(void)ih_pe_covered("fuzz", &pe, &diag);
	(void)ih_stub_identify("fuzz", &pe, &stub, &diag);
	(void)ih_uki_check("fuzz", &pe, &diag);
	(void)ih_authenticode_verify("fuzz", &pe, &nobody, &a, &diag);
	ih_authenticode_done(&a);
	if (ih_rope_add_copy(&part.content, "kernel", 6) < 0)
		return 0;
	if (!ih_uki_build("fuzz", (struct ih_bytes){ data, size }, &part, 1, &image, &diag))
		compare(&image);
	ih_rope_done(&image);
	ih_rope_done(&part.content);
	return 0;
}
