/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One image from one specification. */
#include "bootchain/make.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bootchain/initrd.h"
#include "bootchain/measure.h"
#include "bootchain/predict.h"
#include "bootchain/sign.h"
#include "bootchain/uki.h"
#include "common/cleanup.h"
#include "common/fd.h"
#include "common/text.h"

/* Linux setup header: "HdrS" at 0x202, kernel_version at 0x20e, counted from 0x200. */
enum { SETUP_MAGIC = 0x202, SETUP_VERSION = 0x20e, SETUP_BASE = 0x200, VERSION_MAX = 128 };

/* Everything that goes into an image, owned until it is written. */
struct parts {
	const struct ih_bootspec *spec;
	const struct ih_make *how;
	struct ih_diag *diag;
	struct ih_image stub, kernel, initrd, devicetree;
	struct ih_text cmdline, osrel, signature;
	char *uname, *public_key;
	size_t public_key_len;
	struct ih_uki_part list[IH_UKI_PARTS_MAX];
	size_t n;
};

static void parts_done(struct parts *p)
{
	free(p->stub.data);
	free(p->kernel.data);
	free(p->initrd.data);
	free(p->devicetree.data);
	ih_text_done(&p->cmdline);
	ih_text_done(&p->osrel);
	ih_text_done(&p->signature);
	free(p->uname);
	free(p->public_key);
}

static int read_whole(const char *root, const char *path, size_t max, struct ih_image *ret,
		      struct ih_diag *diag)
{
	_free_ char *full = NULL;
	char *data;
	size_t len;
	int r;

	if (asprintf(&full, "%s%s", root, path) < 0) {
		full = NULL;
		return -ENOMEM;
	}
	r = ih_read_file(AT_FDCWD, full, max, &data, &len, diag);
	if (r < 0)
		return r;
	*ret = (struct ih_image){ (uint8_t *)data, len };
	return 0;
}

int ih_kernel_version(struct ih_bytes kernel, char **ret)
{
	size_t at;

	*ret = NULL;
	if (kernel.len < SETUP_VERSION + 2 || memcmp(kernel.data + SETUP_MAGIC, "HdrS", 4))
		return 0;
	at = (size_t)ih_le16(kernel.data + SETUP_VERSION);
	if (!at || at + SETUP_BASE >= kernel.len)
		return 0;
	at += SETUP_BASE;
	for (size_t i = 0; i < VERSION_MAX && at + i < kernel.len; i++) {
		uint8_t c = kernel.data[at + i];

		if (c > ' ' && c < 0x7f)
			continue;
		if ((c == ' ' || !c) && i) {
			*ret = strndup((const char *)kernel.data + at, i);
			return *ret ? 0 : -ENOMEM;
		}
		return 0;
	}
	return 0;
}

static int read_initrds(struct parts *p)
{
	struct ih_initrd *list = calloc(p->spec->n_initrds + 1, sizeof(*list));
	int r = list ? 0 : -ENOMEM;

	for (size_t i = 0; i < p->spec->n_initrds && !r; i++) {
		struct ih_image one;

		r = read_whole(p->how->root, p->spec->initrds[i], IH_INITRD_MAX, &one, p->diag);
		if (!r)
			list[i] = (struct ih_initrd){ p->spec->initrds[i], { one.data, one.len } };
	}
	if (!r && p->spec->n_initrds)
		r = ih_initrd_join(list, p->spec->n_initrds, &p->initrd, p->diag);
	for (size_t i = 0; list && i < p->spec->n_initrds; i++)
		free((void *)list[i].content.data);
	free(list);
	return r;
}

static int add_secrets(struct parts *p)
{
	_free_ char *program = NULL;

	if (p->spec->n_secrets)
		return ih_fail(
			p->diag, -EOPNOTSUPP,
			"the generation has secrets for its initrd (%s); in a signed image they"
			" would be readable by everybody, use credentials instead",
			IH_BOOTSPEC_SECRETS);
	if (!p->spec->initrd_secrets)
		return 0;
	if (!p->initrd.data)
		return ih_fail(p->diag, -EINVAL,
			       "the generation has a program for secrets but no"
			       " initrd to put them in");
	if (asprintf(&program, "%s%s", p->how->root, p->spec->initrd_secrets) < 0) {
		program = NULL;
		return -ENOMEM;
	}
	return ih_initrd_add_secrets(program, p->how->directory, &p->initrd, p->diag);
}

/* A value of os-release: what a shell would take apart is left out. */
static int add_quoted(struct ih_text *out, const char *text)
{
	int r = 0;

	for (; *text && !r; text++)
		if (!strchr("\"\\$`", *text) && (unsigned char)*text >= ' ')
			r = ih_text_add(out, text, 1);
	return r;
}

/* The menu shows PRETTY_NAME and sorts by ID and VERSION_ID (systemd-boot(7), .osrel). */
static int make_osrel(struct parts *p)
{
	const struct ih_make *how = p->how;
	struct ih_text *out = &p->osrel;
	int r;

	r = ih_text_addf(out, "ID=\"");
	if (!r)
		r = add_quoted(out, p->spec->sort_key ? p->spec->sort_key : "nixos");
	if (!r)
		r = ih_text_addf(out, "\"\nPRETTY_NAME=\"");
	if (!r)
		r = add_quoted(out, p->spec->label);
	if (!r && how->generation)
		r = ih_text_addf(out, " (Generation %" PRIu64, how->generation);
	if (!r && how->generation && how->specialisation) {
		r = ih_text_addf(out, "-");
		if (!r)
			r = add_quoted(out, how->specialisation);
	}
	if (!r && how->generation)
		r = how->date ? ih_text_addf(out, ", %s)", how->date) : ih_text_addf(out, ")");
	if (!r && how->generation)
		r = ih_text_addf(out, "\"\nVERSION_ID=\"Generation %" PRIu64, how->generation);
	return r ? r : ih_text_addf(out, "\"\n");
}

static int read_parts(struct parts *p)
{
	const struct ih_bootspec *spec = p->spec;
	const char *tree = spec->devicetree ? spec->devicetree : spec->extension_devicetree;
	int r;

	r = read_whole("", p->how->stub, IH_KERNEL_MAX, &p->stub, p->diag);
	if (!r)
		r = read_whole(p->how->root, spec->kernel, IH_KERNEL_MAX, &p->kernel, p->diag);
	if (!r && tree)
		r = read_whole(p->how->root, tree, IH_KERNEL_MAX, &p->devicetree, p->diag);
	if (!r)
		r = read_initrds(p);
	if (!r)
		r = add_secrets(p);
	if (!r)
		r = ih_bootspec_cmdline(spec, &p->cmdline, p->diag);
	if (!r)
		r = make_osrel(p);
	if (!r)
		r = ih_kernel_version((struct ih_bytes){ p->kernel.data, p->kernel.len },
				      &p->uname);
	if (!r && p->how->pcr_key)
		r = ih_public_key_pem((struct ih_bytes){ p->how->pcr_key->public_key,
							 p->how->pcr_key->public_key_len },
				      &p->public_key, &p->public_key_len, p->diag);
	return r;
}

static void add_part(struct parts *p, const char *name, const void *data, size_t len)
{
	if (len)
		p->list[p->n++] = (struct ih_uki_part){ name, { data, len } };
}

static void collect_parts(struct parts *p)
{
	add_part(p, ".osrel", p->osrel.data, p->osrel.len);
	add_part(p, ".cmdline", p->cmdline.data, p->cmdline.len);
	add_part(p, ".uname", p->uname, p->uname ? strlen(p->uname) : 0);
	add_part(p, ".dtb", p->devicetree.data, p->devicetree.len);
	add_part(p, ".pcrpkey", p->public_key, p->public_key_len);
	add_part(p, ".initrd", p->initrd.data, p->initrd.len);
	add_part(p, ".linux", p->kernel.data, p->kernel.len);
}

/* PCR 11 of a bank, as the stub leaves it. The stub's own .sbat counts from 255 on. */
static int predict_bank(struct parts *p, const struct ih_pe *stub, const struct ih_stub *rules,
			enum ih_hash_algo algo, struct ih_pcrs *ret)
{
	struct ih_prediction prediction = { .algo = algo };
	struct ih_section_digest sections[IH_UKI_PARTS_MAX + 1];
	const struct ih_pe_section *sbat = ih_pe_find(stub, ".sbat");
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < p->n && !r; i++) {
		sections[n].name = p->list[i].name;
		r = ih_hash_once(algo, p->list[i].content.data, p->list[i].content.len,
				 &sections[n++].digest);
	}
	if (!r && sbat) {
		struct ih_bytes content = ih_pe_content(stub, sbat);

		sections[n].name = ".sbat";
		r = ih_hash_once(algo, content.data, content.len, &sections[n++].digest);
	}
	if (!r)
		r = ih_predict_sections(&prediction, rules->rules, sections, n);
	if (!r)
		r = ih_prediction_pcrs(&prediction, ret);
	ih_prediction_done(&prediction);
	return r;
}

static int sign_registers(struct parts *p)
{
	static const enum ih_hash_algo banks[] = { IH_HASH_SHA1, IH_HASH_SHA256, IH_HASH_SHA384,
						   IH_HASH_SHA512 };
	struct ih_pcrs pcrs[IH_ARRAY_SIZE(banks)];
	struct ih_stub stub;
	struct ih_pe pe;
	int r;

	if (!p->how->pcr_key)
		return 0;
	r = ih_pe_parse(p->how->stub, p->stub.data, p->stub.len, &pe, p->diag);
	if (!r)
		r = ih_stub_identify(p->how->stub, &pe, &stub, p->diag);
	if (!r && stub.newer)
		r = ih_fail(
			p->diag, -EOPNOTSUPP,
			"the stub '%s' is systemd-stub %s, newer than what is known about what it"
			" measures; its registers cannot be signed",
			p->how->stub, stub.version);
	for (size_t i = 0; i < IH_ARRAY_SIZE(banks) && !r; i++)
		r = predict_bank(p, &pe, &stub, banks[i], &pcrs[i]);
	if (!r)
		r = ih_measure_sign(pcrs, IH_ARRAY_SIZE(banks), ih_measure_default_phases(),
				    p->how->pcr_key, &p->signature, p->diag);
	if (r < 0)
		return r;
	add_part(p, ".pcrsig", p->signature.data, p->signature.len);
	return 0;
}

static int build(const char *name, struct parts *p, struct ih_image *ret)
{
	const struct ih_bytes stub = { p->stub.data, p->stub.len };
	struct ih_image image = { 0 };
	int r;

	collect_parts(p);
	r = sign_registers(p);
	if (!r)
		r = ih_uki_build(p->how->stub, stub, p->list, p->n, &image, p->diag);
	if (!r && p->how->key)
		r = ih_authenticode_sign(name, &image, p->how->key, p->diag);
	if (r < 0) {
		free(image.data);
		return r;
	}
	*ret = image;
	return 0;
}

int ih_make_image(const char *name, const struct ih_bootspec *spec, const struct ih_make *how,
		  struct ih_image *ret, struct ih_diag *diag)
{
	struct ih_diag why = { "" };
	struct parts p = { .spec = spec, .how = how, .diag = &why };
	int r;

	r = read_parts(&p);
	if (!r)
		r = build(name, &p, ret);
	parts_done(&p);
	if (r < 0)
		return ih_fail(diag, r, "cannot make '%s': %s", name,
			       why.text[0] ? why.text : strerror(-r));
	return 0;
}
