/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard boot sign` and `ihard boot verify`: boot images from bootspecs, signatures of images.
 * Writes the files it is told to; the ESP is `ihard boot install`'s.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bootchain/make.h"
#include "bootchain/sign.h"
#include "bootchain/statement.h"
#include "bootchain/uki.h"
#include "cli/boot.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "common/cleanup.h"
#include "common/fd.h"
#include "common/json.h"
#include "common/text.h"

#define BOOTSPEC_MAX (16U << 20)

struct settings {
	const char *key, *certificate, *pcr_key, *stub, *root, *output, *image, *specialisation,
		*date, *directory, *bootspec, *statement, *closure;
	uint64_t generation;
	bool unsigned_image;
};

enum {
	OPT_KEY,
	OPT_CERTIFICATE,
	OPT_PCR_KEY,
	OPT_STUB,
	OPT_ROOT,
	OPT_OUTPUT,
	OPT_IMAGE,
	OPT_SPECIALISATION,
	OPT_GENERATION,
	OPT_DATE,
	OPT_RUN,
	OPT_STATEMENT,
	OPT_CLOSURE,
	OPT_UNSIGNED,
	OPT_COUNT
};

static const struct ih_option table[OPT_COUNT] = {
	{ "key", "FILE", "private key, PEM", false },
	{ "certificate", "FILE", "its certificate, as in the firmware's db", false },
	{ "pcr-key", "FILE", "private key for policies over register 11, PEM", false },
	{ "stub", "FILE", "systemd's stub", false },
	{ "root", "DIR", "put in front of the paths in the bootspec", false },
	{ "output", "FILE",
	  "the signed image; with specialisations '-specialisation-NAME' is put in", false },
	{ "image", "FILE", "sign this image as it is, no bootspec", false },
	{ "specialisation", "NAME", "only this specialisation; '' is the generation itself",
	  false },
	{ "generation", "N", "its number, for the menu", false },
	{ "date", "TEXT", "its date, for the menu", false },
	{ "run", "DIR", "where initrds lie while secrets are added; default /run", false },
	{ "statement", "FILE", "the bootspec with a signed statement about it", false },
	{ "closure", "HASH", "what the statement says of the whole closure", false },
	{ "unsigned", NULL, "do not sign: for machines without Secure Boot", false },
};

static int set_option(const struct ih_options *o, void *to, int c, const char *value)
{
	struct settings *s = to;
	const char **texts[OPT_COUNT] = {
		[OPT_KEY] = &s->key,
		[OPT_CERTIFICATE] = &s->certificate,
		[OPT_PCR_KEY] = &s->pcr_key,
		[OPT_STUB] = &s->stub,
		[OPT_ROOT] = &s->root,
		[OPT_OUTPUT] = &s->output,
		[OPT_IMAGE] = &s->image,
		[OPT_SPECIALISATION] = &s->specialisation,
		[OPT_DATE] = &s->date,
		[OPT_RUN] = &s->directory,
		[OPT_STATEMENT] = &s->statement,
		[OPT_CLOSURE] = &s->closure,
	};

	if (texts[c])
		*texts[c] = value;
	else if (c == OPT_UNSIGNED)
		s->unsigned_image = true;
	else if (ih_parse_u64(value, UINT32_MAX, &s->generation) < 0)
		return ih_usage_error(o, "option '--generation' takes a number, not '%s'", value);
	return 0;
}

static int check_settings(const struct ih_options *o, struct settings *s)
{
	if (!s->output && !s->statement)
		return ih_usage_error(o, "option '--output' is missing");
	if (s->statement && (s->image || s->unsigned_image))
		return ih_usage_error(o, "option '--statement' needs a bootspec and a key");
	if (s->closure && !s->statement)
		return ih_usage_error(o, "option '--closure' needs '--statement'");
	if (!s->image == !o->n_operands)
		return ih_usage_error(o, "takes one bootspec, or '--image' and none");
	if (!s->image) {
		s->bootspec = o->operands[0];
		if (o->n_operands > 1)
			return ih_usage_error(o, "takes one bootspec, and '%s' is another",
					      o->operands[1]);
	}
	if (ih_options_exclude(o, OPT_UNSIGNED, OPT_KEY))
		return IH_OPTIONS_ERROR;
	if (!s->unsigned_image && (!s->key || !s->certificate))
		return ih_usage_error(o, "options '--key' and '--certificate' are missing");
	if (s->image && s->pcr_key)
		return ih_usage_error(o, "option '--pcr-key' needs a bootspec: what is signed goes"
					 " into the image");
	return 0;
}

static int write_image(const char *path, const struct ih_image *image, struct ih_diag *diag)
{
	_free_ char *folder = strdup(path), *name = strdup(path);
	_close_ int dir = -EBADF;

	if (!folder || !name)
		return -ENOMEM;
	dir = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return ih_fail(diag, -errno, "cannot open the folder of '%s': %s", path,
			       strerror(errno));
	return ih_write_file_atomic(dir, strrchr(name, '/') ? strrchr(name, '/') + 1 : name, 0644,
				    image->data, image->len, diag);
}

static int sign_image(const struct settings *s, struct ih_key *key, struct ih_diag *diag)
{
	struct ih_image image;
	char *data;
	size_t len;
	int r;

	r = ih_read_file(AT_FDCWD, s->image, IH_PE_SIZE_MAX, &data, &len, diag);
	if (r < 0)
		return r;
	image = (struct ih_image){ (uint8_t *)data, len };
	if (key)
		r = ih_authenticode_sign(s->image, &image, key, diag);
	if (!r)
		r = write_image(s->output, &image, diag);
	free(image.data);
	return r;
}

/* "x.efi" and "debug" give "x-specialisation-debug.efi". */
static int output_name(const char *output, const char *specialisation, char **ret)
{
	const char *dot = strrchr(output, '.');
	size_t stem;

	if (!specialisation) {
		*ret = strdup(output);
		return *ret ? 0 : -ENOMEM;
	}
	if (!dot || strchr(dot, '/'))
		dot = output + strlen(output);
	stem = (size_t)(dot - output);
	if (asprintf(ret, "%.*s-specialisation-%s%s", (int)stem, output, specialisation, dot) < 0) {
		*ret = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int make_one(const struct settings *s, const struct ih_make *how,
		    const struct ih_bootspec *spec, const char *specialisation,
		    struct ih_diag *diag)
{
	struct ih_make with = *how;
	struct ih_image image = { 0 };
	_free_ char *output = NULL;
	int r;

	if (specialisation && (!*specialisation || strchr(specialisation, '/')))
		return ih_fail(diag, -EINVAL, "'%s' cannot be part of a file's name",
			       specialisation);
	if (spec->fdtdir && !spec->devicetree && !spec->extension_devicetree)
		fprintf(stderr, "ihard boot sign: " IH_BOOTSPEC_NO_FDTDIR "\n", s->bootspec,
			spec->fdtdir);
	with.specialisation = specialisation;
	r = output_name(s->output, s->specialisation ? NULL : specialisation, &output);
	if (!r)
		r = ih_make_image(output, spec, &with, &image, diag);
	if (!r)
		r = write_image(output, &image, diag);
	if (!r)
		printf("%s\n", output);
	free(image.data);
	return r;
}

static int make_all(const struct settings *s, const struct ih_make *how,
		    const struct ih_bootspec *spec, struct ih_diag *diag)
{
	bool all = !s->specialisation, found = false;
	int r = 0;

	if (all || !*s->specialisation) {
		found = true;
		r = make_one(s, how, spec, NULL, diag);
	}
	for (size_t i = 0; i < spec->n_specialisations && !r; i++) {
		const struct ih_specialisation *one = &spec->specialisations[i];

		if (!all && strcmp(one->name, s->specialisation) != 0)
			continue;
		found = true;
		r = make_one(s, how, &one->spec, one->name, diag);
	}
	return r || found ? r
			  : ih_fail(diag, -ENOENT, "'%s' has no specialisation '%s'", s->bootspec,
				    s->specialisation);
}

static int write_statement(const struct settings *s, struct ih_bytes text, struct ih_key *key,
			   struct ih_diag *diag)
{
	const struct ih_statement claim = { .generation = s->generation,
					    .closure = (char *)s->closure };
	struct ih_text document = { 0 };
	int r;

	r = ih_statement_sign(s->bootspec, text, &claim, key, &document, diag);
	if (!r) {
		const struct ih_image image = { (uint8_t *)document.data, document.len };

		r = write_image(s->statement, &image, diag);
	}
	ih_text_done(&document);
	return r;
}

static int sign_bootspec(const struct settings *s, struct ih_key *key, struct ih_key *pcr_key,
			 struct ih_diag *diag)
{
	const struct ih_make how = {
		.stub = s->stub ? s->stub : IH_STUB_DEFAULT,
		.root = s->root ? s->root : "",
		.directory = s->directory ? s->directory : "/run",
		.key = key,
		.pcr_key = pcr_key,
		.generation = s->generation,
		.date = s->date,
	};
	struct ih_bootspec_problems problems = { 0 };
	struct ih_bootspec_doc *doc = NULL;
	_free_ char *text = NULL;
	size_t len;
	int r;

	r = ih_read_file(AT_FDCWD, s->bootspec, BOOTSPEC_MAX, &text, &len, diag);
	if (r < 0)
		return r;
	r = ih_bootspec_parse(s->bootspec, text, len, IH_BOOTSPEC_TOLERANT, &problems, &doc, diag);
	if (r == -EBADMSG && problems.n)
		(void)ih_fail(diag, r, "'%s' line %u: %s: %s", s->bootspec, problems.items[0].line,
			      problems.items[0].path, problems.items[0].text);
	if (!r && s->output)
		r = make_all(s, &how, &doc->spec, diag);
	if (!r && s->statement)
		r = write_statement(s, (struct ih_bytes){ (uint8_t *)text, len }, key, diag);
	ih_bootspec_problems_done(&problems);
	ih_bootspec_doc_free(doc);
	return r;
}

int ih_boot_sign(int argc, char **argv)
{
	struct ih_options o = {
		.verb = "boot sign",
		.usage = "--key FILE --certificate FILE --output FILE [options] BOOTSPEC\n"
			 "--key FILE --certificate FILE --output FILE --image FILE",
		.about = "Makes a signed unified kernel image of a generation and each of its"
			 " specialisations, or signs an image that is there.",
		.table = table,
		.n = OPT_COUNT,
	};
	_cleanup_(ih_key_freep) struct ih_key *key = NULL, *pcr_key = NULL;
	struct settings s = { 0 };
	struct ih_diag diag = { "" };
	int r;

	r = ih_options_parse(&o, argc, argv, set_option, &s);
	if (!r)
		r = check_settings(&o, &s);
	if (r)
		return ih_options_exit(r);
	if (s.key)
		r = ih_key_open_pem(s.key, s.certificate, &key, &diag);
	if (!r && s.pcr_key)
		r = ih_key_open_pem(s.pcr_key, NULL, &pcr_key, &diag);
	if (!r)
		r = s.image ? sign_image(&s, key, &diag) : sign_bootspec(&s, key, pcr_key, &diag);
	if (r < 0 && !diag.text[0])
		(void)ih_fail(&diag, r, "%s", strerror(-r));
	return r < 0 ? ih_boot_failed(&o, &diag) : IH_EXIT_OK;
}
