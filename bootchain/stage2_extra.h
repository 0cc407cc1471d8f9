/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unsigned companions of the image that was booted, as the stub left them in the initrd. Finds
 * them; whether they are a failure is stage2.c's.
 */
#pragma once

#include <stddef.h>

#include "common/text.h"

#define IH_STAGE2_EXTRA		  "/.extra" /* systemd-stub(7) */
#define IH_STAGE2_EXTRA_NAMED_MAX 16

struct ih_stage2_extra {
	size_t n;
	struct ih_text names; /* of the first of them: "'credentials/a.cred', 'sysext/b.raw'" */
};

/**
 * ih_stage2_extra_find() - what lies in the folders of /.extra
 *
 * Return: 0, also when there is no such folder; a negative errno when it cannot be told.
 */
int ih_stage2_extra_find(const char *path, struct ih_stage2_extra *ret);
void ih_stage2_extra_done(struct ih_stage2_extra *extra);
