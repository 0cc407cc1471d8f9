/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How results look: colour and wrapping only on a terminal, progress as a bar there and as lines
 * elsewhere. It knows nothing of what is printed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/diag.h"

enum ih_tone {
	IH_TONE_PLAIN = 0,
	IH_TONE_GOOD,
	IH_TONE_BAD,
	IH_TONE_NOTE,
	IH_TONE_FAINT,
	IH_TONE_STRONG,
};

struct ih_json_out;

struct ih_output {
	FILE *stream;
	bool terminal;
	bool color;	/* a terminal, NO_COLOR unset or empty, TERM not "dumb" */
	unsigned width; /* columns of the terminal; 0: no wrapping */
};

void ih_output_init(struct ih_output *out, FILE *stream);

/* Print text in a tone, without a line feed. */
void ih_output_tone(const struct ih_output *out, enum ih_tone tone, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * ih_output_field() - a label and a text that may need several lines
 * @label: at the left; the text starts at column @indent and wraps to it
 */
void ih_output_field(const struct ih_output *out, unsigned indent, const char *label,
		     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Print to standard output, indented, and free. Return: 0, or a negative errno with a sentence. */
int ih_output_json(struct ih_json_out *out, struct ih_diag *diag);

/* Progress of @total steps to stderr: a bar on a terminal, a line every ten per cent elsewhere. */
struct ih_progress {
	struct ih_output out;
	const char *what; /* "files" */
	uint64_t done, total;
	uint64_t started_ns, drawn_ns;
	unsigned last_tenth;
	bool quiet, drawn;
};

void ih_progress_begin(struct ih_progress *p, const char *what, uint64_t total, bool quiet);
void ih_progress_step(struct ih_progress *p, uint64_t steps);

/* Take the bar away before something else is printed; the next step draws it again. */
void ih_progress_clear(struct ih_progress *p);
void ih_progress_end(struct ih_progress *p);
