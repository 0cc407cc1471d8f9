/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Colour, wrapping, JSON, progress. */
#include "cli/output.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "common/json.h"

#define WIDTH_MIN     40
#define WIDTH_MAX     120
#define DRAW_EVERY_NS 100000000ull
#define PATIENCE_NS   300000000ull /* what is done sooner needs no bar */

static const char *const tones[] = {
	[IH_TONE_PLAIN] = "",	     [IH_TONE_GOOD] = "\033[1;32m", [IH_TONE_BAD] = "\033[1;31m",
	[IH_TONE_NOTE] = "\033[33m", [IH_TONE_FAINT] = "\033[2m",   [IH_TONE_STRONG] = "\033[1m",
};

static bool wants_color(void)
{
	const char *no = secure_getenv("NO_COLOR");
	const char *term = secure_getenv("TERM");

	return !(no && *no) && term && strcmp(term, "dumb") != 0;
}

void ih_output_init(struct ih_output *out, FILE *stream)
{
	struct winsize ws = { 0 };

	*out = (struct ih_output){ .stream = stream };
	out->terminal = isatty(fileno(stream)) == 1;
	if (!out->terminal)
		return;
	out->color = wants_color();
	out->width = 80;
	if (ioctl(fileno(stream), TIOCGWINSZ, &ws) == 0 && ws.ws_col >= WIDTH_MIN)
		out->width = ws.ws_col < WIDTH_MAX ? ws.ws_col : WIDTH_MAX;
}

void ih_output_tone(const struct ih_output *out, enum ih_tone tone, const char *format, ...)
{
	bool colored = out->color && tone != IH_TONE_PLAIN;
	va_list args;

	if (colored)
		fputs(tones[tone], out->stream);
	va_start(args, format);
	(void)vfprintf(out->stream, format, args);
	va_end(args);
	if (colored)
		fputs("\033[0m", out->stream);
}

/* Columns that text takes: bytes that continue a UTF-8 sequence take none. */
static unsigned columns(const char *s, size_t len)
{
	unsigned n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

static void wrap(const struct ih_output *out, unsigned indent, const char *text)
{
	unsigned at = indent;

	while (*text) {
		size_t len = strcspn(text, " ");
		unsigned cols = columns(text, len);

		if (out->width && at > indent && at + 1 + cols > out->width) {
			fprintf(out->stream, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			fputc(' ', out->stream);
			at++;
		}
		fwrite(text, 1, len, out->stream);
		at += cols;
		text += len;
		text += *text == ' ';
	}
	fputc('\n', out->stream);
}

void ih_output_field(const struct ih_output *out, unsigned indent, const char *label,
		     const char *format, ...)
{
	unsigned cols = columns(label, strlen(label));
	va_list args;
	char *formatted = NULL;

	va_start(args, format);
	if (vasprintf(&formatted, format, args) < 0)
		formatted = NULL;
	va_end(args);

	ih_output_tone(out, IH_TONE_FAINT, "%s", label);
	fprintf(out->stream, "%*s", cols < indent ? (int)(indent - cols) : 1, "");
	wrap(out, indent, formatted ? formatted : "(out of memory)");
	free(formatted);
}

int ih_output_json(struct ih_json_out *out, struct ih_diag *diag)
{
	struct ih_text text = { 0 };
	int r = ih_json_print(out, /* pretty= */ true, &text);

	if (r == 0)
		printf("%s\n", ih_text_get(&text));
	else
		(void)ih_fail(diag, r, "out of memory");
	ih_text_done(&text);
	return r;
}

static uint64_t now_ns(void)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

void ih_progress_begin(struct ih_progress *p, const char *what, uint64_t total, bool quiet)
{
	*p = (struct ih_progress){ .what = what, .total = total, .quiet = quiet };
	ih_output_init(&p->out, stderr);
	p->started_ns = now_ns();
}

static void draw_bar(struct ih_progress *p)
{
	static const unsigned cells = 24;
	unsigned full = (unsigned)(p->done * cells / p->total);

	fprintf(stderr, "\r\033[K[");
	for (unsigned i = 0; i < cells; i++)
		fputc(i < full ? '#' : ' ', stderr);
	fprintf(stderr, "] %llu of %llu %s", (unsigned long long)p->done,
		(unsigned long long)p->total, p->what);
	fflush(stderr);
	p->drawn = true;
}

void ih_progress_step(struct ih_progress *p, uint64_t steps)
{
	uint64_t now;

	p->done += steps;
	if (p->quiet || !p->total)
		return;
	if (p->done > p->total)
		p->total = p->done;

	now = now_ns();
	if (now - p->started_ns < PATIENCE_NS)
		return;
	if (p->out.terminal) {
		if (now - p->drawn_ns < DRAW_EVERY_NS)
			return;
		p->drawn_ns = now;
		draw_bar(p);
		return;
	}
	if (p->done * 10 / p->total <= p->last_tenth)
		return;
	p->last_tenth = (unsigned)(p->done * 10 / p->total);
	fprintf(stderr, "%llu of %llu %s\n", (unsigned long long)p->done,
		(unsigned long long)p->total, p->what);
}

void ih_progress_clear(struct ih_progress *p)
{
	if (!p->drawn)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	p->drawn = false;
}

void ih_progress_end(struct ih_progress *p)
{
	ih_progress_clear(p);
}
