/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What stage 2 is told: a configuration, then, behind a NUL, a kernel command line. Whatever they
 * say, nothing is ready to verify without a key for each signature that is needed.
 */
#include <stdlib.h>
#include <string.h>

#include "bootchain/stage2_config.h"
#include "tests/fuzz/fuzz.h"

static void require(bool good)
{
	if (!good)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = memchr(data, 0, size);
	size_t len = nul ? (size_t)(nul - data) : size;
	char *cmdline = strndup(nul ? (const char *)nul + 1 : "", nul ? size - len - 1 : 0);
	struct ih_stage2_config c = { 0 };
	char *init = NULL;
	struct ih_diag diag;

	if (!cmdline)
		return 0;
	if (ih_stage2_config_parse("fuzz", (const char *)data, len, &c, &diag) == 0) {
		require(c.keys_from_command_line || (c.keys.n && c.sigs_needed <= c.keys.n));
		require(c.sigs_needed >= 1 && c.pcr >= -1 && c.pcr <= 15 && c.store[0] == '/');
		if (ih_stage2_config_add_cmdline(&c, cmdline, &diag) == 0)
			require(c.keys.n && c.sigs_needed && c.sigs_needed <= c.keys.n);
		ih_stage2_config_done(&c);
	}
	if (ih_stage2_find_init(cmdline, &init, &diag) == 0) {
		require(init && *init && strlen(init) <= strlen(cmdline));
		free(init);
	}
	free(cmdline);
	return 0;
}
