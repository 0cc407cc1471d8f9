/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reports of a verification, as text and as JSON. */
#include "cli/verify_report.h"

#include "cli/output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/text.h"

#define BAR_CELLS 24

static const struct {
	unsigned int kind;
	const char *name;
} kinds[] = {
	{ IH_PROBLEM_CONTENT, "content" },
	{ IH_PROBLEM_METADATA, "metadata" },
	{ IH_PROBLEM_SIGNATURE, "signature" },
	{ IH_PROBLEM_DATABASE, "database" },
	{ IH_PROBLEM_IO, "io" },
};

/* "5.95 GB": for people. */
static const char *print_size(uint64_t bytes, char *ret, size_t size)
{
	static const char *const units[] = { "bytes", "kB", "MB", "GB", "TB", "PB", "EB" };
	uint64_t whole = bytes, scale = 1;
	size_t unit = 0;

	while (whole >= 1000 && unit + 1 < IH_ARRAY_SIZE(units)) {
		whole /= 1000;
		scale *= 1000;
		unit++;
	}
	if (!unit || whole >= 100)
		(void)snprintf(ret, size, "%" PRIu64 " %s", whole, units[unit]);
	else
		(void)snprintf(ret, size, "%" PRIu64 ".%02" PRIu64 " %s", whole,
			       (bytes - whole * scale) / (scale / 100 ? scale / 100 : 1),
			       units[unit]);
	return ret;
}

static uint64_t rate(uint64_t bytes, uint64_t ns)
{
	uint64_t ms = ns / 1000000;

	return ms ? bytes / ms * 1000 : 0;
}

void ih_verify_report_progress(void *output, const struct ih_verify_progress *p)
{
	const struct ih_output *out = output;
	char done[32], total[32], speed[32];
	uint64_t per_s = rate(p->bytes, p->elapsed_ns);
	uint64_t left = p->bytes < p->bytes_total ? p->bytes_total - p->bytes : 0;
	unsigned int full = 0;

	if (!out->terminal)
		return;
	if (p->finding) {
		fprintf(out->stream, "\r\033[Kchecking signatures: %zu of %zu objects", p->objects,
			p->objects_total);
		(void)fflush(out->stream);
		return;
	}
	if (p->bytes_total)
		full = (unsigned int)(((double)p->bytes / (double)p->bytes_total) * BAR_CELLS);
	fprintf(out->stream, "\r\033[K[");
	for (unsigned int i = 0; i < BAR_CELLS; i++)
		(void)fputc(i < full ? '#' : ' ', out->stream);
	fprintf(out->stream, "] %s of %s, %s/s", print_size(p->bytes, done, sizeof(done)),
		print_size(p->bytes_total, total, sizeof(total)),
		print_size(per_s, speed, sizeof(speed)));
	if (per_s)
		fprintf(out->stream, ", %" PRIu64 " s left", left / per_s);
	(void)fflush(out->stream);
}

static bool is_bad(const struct ih_verify_report *r, const struct ih_closure_object *o)
{
	return ih_verify_object_result(r->verify, o) != 0;
}

/* Fetching again helps what is corrupt, unreadable or unknown; what is untrusted needs another
 * source or a signature, and is fetched again, too, to get one. */
static void print_plan(const struct ih_verify_report *r)
{
	const struct ih_closure *c = ih_verify_closure(r->verify);

	for (size_t i = 0; i < ih_closure_size(c); i++) {
		const struct ih_closure_object *o = ih_closure_object(c, i);

		if (is_bad(r, o))
			printf("%s/%s\n", r->dir, o->base);
	}
}

static void print_problems(const struct ih_output *out, const struct ih_problems *p)
{
	for (size_t i = 0; p && i < p->n; i++) {
		ih_output_tone(out, IH_TONE_BAD, "bad  ");
		printf("%s\n", p->list[i]);
	}
	if (p && p->total > p->n)
		printf("     … and %zu more of this object\n", p->total - p->n);
}

static void add_signers(const struct ih_verify_report *r, const struct ih_closure_object *o,
			struct ih_text *t)
{
	for (size_t k = 0; k < r->keys->n && k < 64; k++)
		if (o->signers & UINT64_C(1) << k)
			(void)ih_text_addf(t, "%s'%s'", t->len ? ", " : "", r->keys->list[k].name);
}

static void print_good(const struct ih_output *out, const struct ih_verify_report *r,
		       const struct ih_closure_object *o)
{
	struct ih_text who = { 0 };

	add_signers(r, o, &who);
	ih_output_tone(out, IH_TONE_GOOD, "good ");
	printf("%s/%s: ", r->dir, o->base);
	if (r->no_trust)
		printf("content as the database has it; nobody's signature was looked at");
	else if (o->flags & IH_OBJECT_SIGNED)
		printf("signed by %s", ih_text_get(&who));
	else
		printf("named after its content, which fits");
	printf("%s%s\n", o->flags & IH_OBJECT_NARINFO ? ", by its .narinfo" : "",
	       r->no_contents ? "; its content was not read" : "");
	ih_text_done(&who);
}

struct counts {
	size_t bad, corrupt, untrusted, other;
};

static struct counts count(const struct ih_verify_report *r)
{
	const struct ih_closure *c = ih_verify_closure(r->verify);
	struct counts n = { 0 };

	for (size_t i = 0; i < ih_closure_size(c); i++) {
		unsigned int result = ih_verify_object_result(r->verify, ih_closure_object(c, i));

		n.bad += result != 0;
		n.corrupt += (result & IH_VERIFY_CORRUPT) != 0;
		n.untrusted += (result & IH_VERIFY_UNTRUSTED) != 0;
		n.other += (result & IH_VERIFY_OTHER) != 0;
	}
	return n;
}

static void print_rate(const struct ih_verify_report *r)
{
	uint64_t ns = ih_verify_elapsed_ns(r->verify), bytes = ih_verify_bytes(r->verify);
	char size[32], speed[32];

	if (!r->no_contents)
		printf("%s read in %" PRIu64 ".%02" PRIu64 " s, %s/s\n",
		       print_size(bytes, size, sizeof(size)), ns / 1000000000,
		       ns % 1000000000 / 10000000,
		       print_size(rate(bytes, ns), speed, sizeof(speed)));
}

static void print_verdict(const struct ih_output *out, const struct ih_verify_report *r,
			  const struct counts *c)
{
	size_t n = ih_closure_size(ih_verify_closure(r->verify));

	if (ih_verify_result(r->verify) == 0)
		ih_output_tone(out, IH_TONE_GOOD, "verified: ");
	else
		ih_output_tone(out, IH_TONE_BAD, "not verified: ");
	if (c->bad)
		printf("%zu of %zu objects are bad: %zu corrupt, %zu not trusted, %zu could not be "
		       "verified\n",
		       c->bad, n, c->corrupt, c->untrusted, c->other);
	else if (!n)
		printf("there is no object to verify\n");
	else if (ih_verify_result(r->verify) != 0)
		printf("the %zu objects looked at are good, but they are not all\n", n);
	else
		printf("%zu objects are %s\n", n,
		       r->no_trust	? "what the database says"
		       : r->no_contents ? "signed; their content was not read"
					: "what was signed");
}

/* What helps against each sort of trouble. */
static void print_help(const struct ih_output *out, const struct counts *c)
{
	if (!c->bad)
		return;
	ih_output_tone(out, IH_TONE_STRONG, "what to do:\n");
	if (c->corrupt)
		printf("  corrupt: 'nix-store --repair-path PATH' fetches a path again; with "
		       "--repair-plan this command prints only the paths\n");
	if (c->untrusted)
		printf("  not trusted: 'nix store copy-sigs -s CACHE PATH' brings a cache's "
		       "signatures, 'nix store sign -k KEY PATH' makes your own; the key's public "
		       "half has to be among the trusted ones\n");
	if (c->other)
		printf("  could not be verified: each line above says why; --narinfo stands in for "
		       "what the database lacks\n");
}

static void print_objects(const struct ih_output *out, const struct ih_verify_report *r)
{
	const struct ih_closure *c = ih_verify_closure(r->verify);

	print_problems(out, ih_verify_problems(r->verify));
	for (size_t i = 0; i < ih_closure_size(c); i++) {
		const struct ih_closure_object *o = ih_closure_object(c, i);

		if (is_bad(r, o))
			print_problems(out, o->problems);
		else if (r->evidence)
			print_good(out, r, o);
	}
}

/* The verdict comes first, then the reasons, then what to do about them. */
void ih_verify_report_text(const struct ih_verify_report *r)
{
	const char *note = ih_verify_note(r->verify);
	struct counts c = count(r);
	struct ih_output out;

	if (r->repair_plan)
		return print_plan(r);
	ih_output_init(&out, stdout);
	if (!r->quiet) {
		print_verdict(&out, r, &c);
		print_rate(r);
	}
	print_objects(&out, r);
	if (r->quiet)
		return;
	if (note) {
		ih_output_tone(&out, IH_TONE_NOTE, "note ");
		printf("%s\n", note);
	}
	print_help(&out, &c);
}

static struct ih_json_out *json_problems(const struct ih_problems *p)
{
	struct ih_json_out *list = ih_json_new_array();

	for (size_t i = 0; p && i < p->n; i++)
		ih_json_push(list, ih_json_new_string(p->list[i]));
	return list;
}

static struct ih_json_out *json_kinds(unsigned int of)
{
	struct ih_json_out *list = ih_json_new_array();

	for (size_t i = 0; i < IH_ARRAY_SIZE(kinds); i++)
		if (of & kinds[i].kind)
			ih_json_push(list, ih_json_new_string(kinds[i].name));
	return list;
}

static struct ih_json_out *json_signers(const struct ih_verify_report *r,
					const struct ih_closure_object *o)
{
	struct ih_json_out *list = ih_json_new_array();

	for (size_t k = 0; k < r->keys->n && k < 64; k++)
		if (o->signers & UINT64_C(1) << k)
			ih_json_push(list, ih_json_new_string(r->keys->list[k].name));
	return list;
}

static struct ih_json_out *json_object(const struct ih_verify_report *r,
				       const struct ih_closure_object *o)
{
	struct ih_digest nar = { .algo = IH_HASH_SHA256 };
	struct ih_json_out *j = ih_json_new_object();
	char text[IH_DIGEST_TEXT_SIZE];
	struct ih_text path = { 0 };

	(void)ih_text_addf(&path, "%s/%s", r->dir, o->base);
	ih_json_set_string(j, "path", path.data);
	ih_text_done(&path);
	ih_json_set_bool(j, "good", !is_bad(r, o));
	ih_json_set_u64(j, "result", ih_verify_object_result(r->verify, o));
	if (o->flags & IH_OBJECT_KNOWN) {
		memcpy(nar.bytes, o->nar_hash, sizeof(o->nar_hash));
		ih_digest_print(&nar, text);
		ih_json_set_string(j, "narHash", text);
		ih_json_set_u64(j, "narSize", o->nar_size);
	}
	ih_json_set(j, "signers", json_signers(r, o));
	ih_json_set_bool(j, "contentAddressed", o->flags & IH_OBJECT_ADDRESSED);
	if (o->problems) {
		ih_json_set(j, "kinds", json_kinds(o->problems->kinds));
		ih_json_set(j, "problems", json_problems(o->problems));
		ih_json_set_u64(j, "problemsTotal", o->problems->total);
	}
	return j;
}

static void set_digest(struct ih_json_out *j, const struct ih_verify *v)
{
	struct ih_digest d = { .algo = IH_HASH_SHA256 };
	char text[IH_DIGEST_TEXT_SIZE];

	if (ih_verify_result(v) != 0 || ih_verify_digest(v, d.bytes) < 0)
		return;
	ih_digest_print(&d, text);
	ih_json_set_string(j, "closureDigest", text);
}

int ih_verify_report_json(const struct ih_verify_report *r)
{
	const struct ih_closure *c = ih_verify_closure(r->verify);
	struct ih_json_out *j = ih_json_new_object(), *list = ih_json_new_array();
	unsigned int result = ih_verify_result(r->verify);

	ih_json_set_u64(j, "version", 1);
	ih_json_set_bool(j, "verified", result == 0);
	ih_json_set_u64(j, "result", result);
	ih_json_set_u64(j, "objects", ih_closure_size(c));
	ih_json_set_u64(j, "bad", count(r).bad);
	ih_json_set_u64(j, "bytes", ih_verify_bytes(r->verify));
	ih_json_set_u64(j, "milliseconds", ih_verify_elapsed_ns(r->verify) / 1000000);
	ih_json_set_u64(j, "sigsNeeded", r->sigs_needed);
	ih_json_set_bool(j, "contentsRead", !r->no_contents);
	ih_json_set_bool(j, "signaturesChecked", !r->no_trust);
	set_digest(j, r->verify);
	ih_json_set_string(j, "note", ih_verify_note(r->verify));
	ih_json_set(j, "problems", json_problems(ih_verify_problems(r->verify)));
	for (size_t i = 0; i < ih_closure_size(c); i++) {
		const struct ih_closure_object *o = ih_closure_object(c, i);

		if (r->evidence || is_bad(r, o))
			ih_json_push(list, json_object(r, o));
	}
	ih_json_set(j, "paths", list);

	return ih_output_json(j, NULL);
}
