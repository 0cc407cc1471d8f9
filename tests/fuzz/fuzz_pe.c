/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PE images: parsing, digest, checksum, signature table, and building on top of a hostile stub. */
#include <stdlib.h>

#include "bootchain/authenticode.h"
#include "bootchain/uki.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ih_uki_part part = { ".linux", { (const uint8_t *)"kernel", 6 } };
	const struct ih_certificates nobody = { 0 };
	struct ih_authenticode a = { 0 };
	struct ih_image image = { 0 };
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
	if (!ih_uki_build("fuzz", (struct ih_bytes){ data, size }, &part, 1, &image, &diag))
		free(image.data);
	return 0;
}
