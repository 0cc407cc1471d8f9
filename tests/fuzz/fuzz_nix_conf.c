/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nix.conf; includes are tried beside a file in a directory that does not exist. */
#include <stdlib.h>
#include <string.h>

#include "integrity/nix_conf.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ih_keys keys = { 0 };
	struct ih_diag diag;
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	/* an include by an absolute name would read the machine's own files */
	if (!strstr(text, "include /") && !strstr(text, "include\t/"))
		(void)ih_nix_conf_parse("/nonexistent/nix.conf", text, &keys, &diag);
	ih_keys_done(&keys);
	free(text);
	return 0;
}
