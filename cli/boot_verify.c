/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard boot verify`: is an image what somebody trusted signed, and what is wrong with it where?
 * Without certificates it asks the firmware's db. Changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bootchain/secure_boot.h"
#include "bootchain/sign.h"
#include "bootchain/statement.h"
#include "bootchain/uki.h"
#include "cli/boot.h"
#include "cli/boot_plan.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "common/cleanup.h"
#include "common/fd.h"
#include "common/json.h"

#define BOOTSPEC_MAX	 (16U << 20)
#define CERTIFICATES_MAX 64
#define DB_VARIABLE	 "db-d719b2cb-3d3a-4596-a3bc-dad00e67656f"

enum { OPT_CERTIFICATE, OPT_DBX, OPT_EFIVARS, OPT_REFERENCE, OPT_BOOTSPEC, OPT_JSON, OPT_COUNT };

static const struct ih_option table[OPT_COUNT] = {
	{ "certificate", "FILE",
	  "trusted: PEM, DER or an EFI signature list; else the firmware's db", true },
	{ "dbx", "FILE",
	  "what is revoked, an EFI signature list; with the firmware's db its dbx counts, too",
	  false },
	{ "efivars", "DIR", "where the EFI variables are", false },
	{ "reference", "FILE", "name the sections in which an image differs from this one", false },
	{ "bootspec", NULL, "the operands are bootspecs with signed statements", false },
	{ "json", NULL, "print JSON", false },
};

struct settings {
	struct ih_certificates trusted;
	const char *certificates[CERTIFICATES_MAX];
	size_t n_certificates;
	const char *efivars, *reference, *dbx;
	char *variables[4];
	struct ih_bytes revoked;
	bool json, bootspec, any_bad;
	struct ih_json_out *out;
};

/* An image, read; @data is freed by the caller. */
static int read_image(const char *path, char **data, struct ih_pe *pe, struct ih_diag *diag)
{
	size_t len;
	int r;

	r = ih_read_file(AT_FDCWD, path, IH_PE_SIZE_MAX, data, &len, diag);
	return r < 0 ? r : ih_pe_parse(path, *data, len, pe, diag);
}

static void say(struct ih_text *out, const char *text)
{
	(void)ih_text_addf(out, "%s%s", out->len ? "; " : "", text);
}

/* What differs from the reference, section by section, with the first byte that does. */
static void compare(const struct ih_pe *pe, const struct ih_pe *reference, struct ih_text *out)
{
	struct ih_diag diag;

	for (unsigned int i = 0; i < reference->n_sections; i++) {
		const struct ih_pe_section *r = &reference->sections[i];
		const struct ih_pe_section *s = ih_pe_find(pe, r->name);
		struct ih_bytes a, b;
		size_t at = 0;

		if (!s) {
			(void)ih_fail(&diag, 0, "section '%s' is missing", r->name);
			say(out, diag.text);
			continue;
		}
		a = ih_pe_content(pe, s);
		b = ih_pe_content(reference, r);
		while (at < a.len && at < b.len && a.data[at] == b.data[at])
			at++;
		if (at == a.len && at == b.len)
			continue;
		(void)ih_fail(&diag, 0, "section '%s' differs from its byte %zu on (offset %zu)",
			      r->name, at, s->raw_offset + at);
		say(out, diag.text);
	}
	for (unsigned int i = 0; i < pe->n_sections; i++) {
		if (ih_pe_find(reference, pe->sections[i].name))
			continue;
		(void)ih_fail(&diag, 0, "section '%s' was added", pe->sections[i].name);
		say(out, diag.text);
	}
}

static void add_reference(const struct settings *s, const struct ih_pe *pe, struct ih_text *out)
{
	struct ih_diag diag = { "" };
	_free_ char *data = NULL;
	struct ih_pe reference;

	if (!s->reference)
		return;
	if (read_image(s->reference, &data, &reference, &diag) < 0)
		say(out, diag.text);
	else
		compare(pe, &reference, out);
}

static void print_json(struct settings *s, const char *path, const struct ih_authenticode *a,
		       const char *problem)
{
	struct ih_json_out *image = ih_json_new_object(), *list = ih_json_new_array();

	ih_json_set_string(image, "image", path);
	ih_json_set_bool(image, "good", !problem);
	if (problem)
		ih_json_set_string(image, "problem", problem);
	for (size_t i = 0; i < a->n_signatures; i++) {
		struct ih_json_out *one = ih_json_new_object();

		ih_json_set(one, "signer", ih_json_new_string(a->signatures[i].signer));
		ih_json_set(one, "trustedBy", ih_json_new_string(a->signatures[i].trusted_by));
		ih_json_set(one, "problem", ih_json_new_string(a->signatures[i].problem));
		ih_json_push(list, one);
	}
	ih_json_set(image, "signatures", list);
	ih_json_push(s->out, image);
}

static void print_text(const char *path, const struct ih_authenticode *a, const char *problem)
{
	struct ih_output out;

	ih_output_init(&out, stdout);
	ih_output_tone(&out, problem ? IH_TONE_BAD : IH_TONE_GOOD, "%s", problem ? "bad " : "good");
	if (problem) {
		printf(" %s: %s\n", path, problem);
		return;
	}
	for (size_t i = 0; i < a->n_signatures; i++)
		if (!a->signatures[i].problem)
			printf(" %s: signed by '%s', trusted by '%s'\n", path,
			       a->signatures[i].signer, a->signatures[i].trusted_by);
}

static void verify(struct settings *s, const char *path)
{
	struct ih_authenticode a = { 0 };
	struct ih_text problem = { 0 };
	struct ih_diag diag = { "" };
	_free_ char *data = NULL;
	struct ih_pe pe;
	int r;

	r = read_image(path, &data, &pe, &diag);
	if (!r) {
		r = ih_authenticode_verify(path, &pe, &s->trusted, &a, &diag);
		/* Two sections of one name in a unified image are two images in one. */
		if (!r && ih_pe_find(&pe, ".linux"))
			r = ih_uki_check(path, &pe, &diag);
		if (r < 0)
			say(&problem, diag.text);
		if (ih_secure_boot_revoked(path, &pe, s->revoked, &diag) < 0)
			say(&problem, diag.text);
		add_reference(s, &pe, &problem);
	} else {
		say(&problem, diag.text);
	}
	s->any_bad |= problem.len > 0;
	if (s->json)
		print_json(s, path, &a, problem.len ? ih_text_get(&problem) : NULL);
	else
		print_text(path, &a, problem.len ? ih_text_get(&problem) : NULL);
	ih_authenticode_done(&a);
	ih_text_done(&problem);
}

/* A bootspec: what was signed is printed, since its meaning is the caller's business. */
static void verify_bootspec(struct settings *s, const char *path)
{
	struct ih_statement statement = { 0 };
	struct ih_diag diag = { "" };
	_free_ char *text = NULL;
	struct ih_output out;
	size_t len;
	int r;

	r = ih_read_file(AT_FDCWD, path, BOOTSPEC_MAX, &text, &len, &diag);
	if (!r)
		r = ih_statement_verify(path, (struct ih_bytes){ (uint8_t *)text, len },
					&s->trusted, &statement, &diag);
	if (r < 0 && !diag.text[0])
		(void)ih_fail(&diag, r, "%s", strerror(-r));
	s->any_bad |= r < 0;
	ih_output_init(&out, stdout);
	ih_output_tone(&out, r < 0 ? IH_TONE_BAD : IH_TONE_GOOD, "%s", r < 0 ? "bad " : "good");
	if (r < 0)
		printf(" %s: %s\n", path, diag.text);
	else
		printf(" %s: generation %" PRIu64 ", %s, closure %s, by '%s'%s\n", path,
		       statement.generation, statement.toplevel,
		       statement.closure ? statement.closure : "not spoken of",
		       statement.signers[0], statement.n_signers > 1 ? " and others" : "");
	ih_statement_done(&statement);
}

/* With the firmware's db its dbx counts, too, unless another is given. */
static int load_keys(struct settings *s, struct ih_diag *diag)
{
	const char *const lists[4] = { [3] = s->dbx };
	const char *efivars = s->efivars ? s->efivars : IH_EFIVARS;
	struct ih_secure_boot keys = { 0 };
	_free_ char *db = NULL;
	int r = 0;

	for (size_t i = 0; i < s->n_certificates && !r; i++)
		r = ih_certificates_load(&s->trusted, s->certificates[i], diag);
	if (!r)
		r = ih_boot_keys_read(lists, s->trusted.n ? NULL : efivars, s->variables, &keys,
				      diag);
	s->revoked = keys.dbx;
	if (r || s->trusted.n)
		return r;
	if (asprintf(&db, "%s/" DB_VARIABLE, efivars) < 0) {
		db = NULL;
		return -ENOMEM;
	}
	if (ih_certificates_load_variable(&s->trusted, db, diag) < 0)
		return ih_fail_within(diag, -EKEYREJECTED,
				      "no '--certificate' is given, and the firmware's db cannot be"
				      " read");
	return 0;
}

static int set_option(const struct ih_options *o, void *to, int c, const char *value)
{
	struct settings *s = to;

	if (c == OPT_EFIVARS)
		s->efivars = value;
	else if (c == OPT_DBX)
		s->dbx = value;
	else if (c == OPT_REFERENCE)
		s->reference = value;
	else if (c == OPT_BOOTSPEC)
		s->bootspec = true;
	else if (c == OPT_JSON)
		s->json = true;
	else if (s->n_certificates == CERTIFICATES_MAX)
		return ih_usage_error(o, "more than %d certificates", CERTIFICATES_MAX);
	else
		s->certificates[s->n_certificates++] = value;
	return 0;
}

static int check_settings(const struct ih_options *o, const struct settings *s)
{
	if (!o->n_operands)
		return ih_usage_error(o, "no image is given");
	if (s->bootspec && (s->json || s->reference || s->dbx))
		return ih_usage_error(o, "option '--bootspec' goes with neither '--json' nor"
					 " '--reference' nor '--dbx'");
	return 0;
}

int ih_boot_verify(int argc, char **argv)
{
	struct ih_options o = {
		.verb = "boot verify",
		.usage = "[options] IMAGE…\n--bootspec [options] BOOTSPEC…",
		.about =
			"Says of each image whether somebody trusted signed it and every byte is as"
			" it was.",
		.table = table,
		.n = OPT_COUNT,
	};
	struct settings s = { 0 };
	struct ih_diag diag = { "" };
	int r;

	r = ih_options_parse(&o, argc, argv, set_option, &s);
	if (!r)
		r = check_settings(&o, &s);
	if (r)
		return ih_options_exit(r);
	r = load_keys(&s, &diag);
	if (r == 0) {
		s.out = s.json ? ih_json_new_array() : NULL;
		for (char **p = o.operands; *p; p++)
			s.bootspec ? verify_bootspec(&s, *p) : verify(&s, *p);
		if (s.json)
			r = ih_output_json(s.out, &diag);
	}
	ih_certificates_done(&s.trusted);
	for (size_t i = 0; i < IH_ARRAY_SIZE(s.variables); i++)
		free(s.variables[i]);
	if (r < 0)
		return ih_boot_failed(&o, &diag);
	return s.any_bad ? IH_EXIT_DENIED : IH_EXIT_OK;
}
