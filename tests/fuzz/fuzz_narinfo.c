/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* .narinfo files, and stage 2's configuration and command line, which are read in the same place.
 */
#include <stdlib.h>
#include <string.h>

#include "bootchain/stage2_config.h"
#include "integrity/narinfo.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ih_stage2_config config = { 0 };
	struct ih_store_object *o = NULL;
	char *text = malloc(size + 1), *init = NULL;
	struct ih_diag diag;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (ih_narinfo_parse("fuzz", text, size, "/nix/store", &o, &diag) == 0)
		ih_store_object_free(o);
	if (ih_stage2_config_parse("fuzz", text, size, &config, &diag) == 0)
		ih_stage2_config_done(&config);
	if (ih_stage2_find_init(text, &init, &diag) == 0)
		free(init);
	free(text);
	return 0;
}
