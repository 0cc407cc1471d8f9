/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `ihard verify` prints; it decides nothing. */
#pragma once

#include <stdbool.h>

#include "cli/output.h"
#include "integrity/verify.h"

struct ih_verify_report {
	const struct ih_verify *verify;
	const struct ih_keys *keys;
	const char *dir;
	unsigned int sigs_needed;
	bool evidence;	  /* also what is good, and why */
	bool repair_plan; /* only the paths that have to be fetched again */
	bool no_contents, no_trust;
	bool quiet; /* problems only */
};

/* As text to stdout. */
void ih_verify_report_text(const struct ih_verify_report *r);

/* As one JSON document (docs/schema/verify.schema.json) to stdout. Return: 0 or -ENOMEM. */
int ih_verify_report_json(const struct ih_verify_report *r);

/* A progress line to stderr on a terminal: what was done, the rate, the time left. */
void ih_verify_report_progress(void *output, const struct ih_verify_progress *p);
