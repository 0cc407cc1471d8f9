/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From sections to a signed image: what is derived from the others, built, signed. */
#include "bootchain/make.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bootchain/measure.h"
#include "bootchain/predict.h"
#include "bootchain/sign.h"
#include "common/cleanup.h"

/* Linux setup header: "HdrS" at 0x202, kernel_version at 0x20e, counted from 0x200. */
enum { SETUP_MAGIC = 0x202, SETUP_VERSION = 0x20e, SETUP_BASE = 0x200, VERSION_MAX = 128 };

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

/* All sections, with those that are made here. */
struct sections {
	const struct ih_recipe *recipe;
	struct ih_diag *diag;
	struct ih_uki_part list[IH_UKI_PARTS_MAX];
	size_t n;
	struct ih_text signature;
	char *uname, *public_key;
};

static void sections_done(struct sections *s)
{
	ih_text_done(&s->signature);
	free(s->uname);
	free(s->public_key);
}

static int add_section(struct sections *s, const char *name, const void *data, size_t len)
{
	if (s->n == IH_UKI_PARTS_MAX)
		return ih_fail(s->diag, -EINVAL, "more than %d sections", IH_UKI_PARTS_MAX);
	s->list[s->n++] = (struct ih_uki_part){ name, { data, len } };
	return 0;
}

static int collect(struct sections *s)
{
	const struct ih_key *key = s->recipe->pcr_key;
	size_t len = 0;
	int r = 0;

	for (size_t i = 0; i < s->recipe->n && !r; i++) {
		const struct ih_uki_part *part = &s->recipe->parts[i];

		r = add_section(s, part->name, part->content.data, part->content.len);
		if (!r && !s->uname && !strcmp(part->name, ".linux"))
			r = ih_kernel_version(part->content, &s->uname);
	}
	if (!r && s->uname)
		r = add_section(s, ".uname", s->uname, strlen(s->uname));
	if (r || !key)
		return r;
	r = ih_public_key_pem((struct ih_bytes){ key->public_key, key->public_key_len },
			      &s->public_key, &len, s->diag);
	return r ? r : add_section(s, ".pcrpkey", s->public_key, len);
}

/* Register 11 of a bank, as the stub leaves it. The stub's own .sbat counts from 255 on. */
static int predict_bank(const struct sections *s, const struct ih_pe *stub,
			const struct ih_stub_rules *rules, enum ih_hash_algo algo,
			struct ih_pcrs *ret)
{
	struct ih_section_digest digests[IH_UKI_PARTS_MAX + 1];
	const struct ih_pe_section *sbat = ih_pe_find(stub, ".sbat");
	struct ih_prediction prediction = { .algo = algo };
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < s->n && !r; i++, n++) {
		digests[n].name = s->list[i].name;
		r = ih_hash_once(algo, s->list[i].content.data, s->list[i].content.len,
				 &digests[n].digest);
	}
	if (!r && sbat) {
		struct ih_bytes content = ih_pe_content(stub, sbat);

		digests[n].name = ".sbat";
		r = ih_hash_once(algo, content.data, content.len, &digests[n++].digest);
	}
	if (!r)
		r = ih_predict_sections(&prediction, rules, digests, n);
	if (!r)
		r = ih_prediction_pcrs(&prediction, ret);
	ih_prediction_done(&prediction);
	return r;
}

static int sign_registers(struct sections *s)
{
	const struct ih_recipe *recipe = s->recipe;
	struct ih_pcrs pcrs[IH_PCR_BANKS];
	struct ih_stub stub = { 0 };
	struct ih_pe pe;
	int r;

	if (!recipe->pcr_key)
		return 0;
	r = ih_pe_parse(recipe->stub_name, recipe->stub.data, recipe->stub.len, &pe, s->diag);
	if (!r)
		r = ih_stub_identify(recipe->stub_name, &pe, &stub, s->diag);
	if (!r && stub.newer)
		r = ih_fail(
			s->diag, -EOPNOTSUPP,
			"the stub '%s' is systemd-stub %s, newer than what is known about what it"
			" measures; its registers cannot be signed",
			recipe->stub_name, stub.version);
	for (size_t i = 0; i < IH_PCR_BANKS && !r; i++)
		r = predict_bank(s, &pe, stub.rules, ih_pcr_bank_at(i), &pcrs[i]);
	if (!r)
		r = ih_measure_sign(pcrs, IH_PCR_BANKS, ih_measure_default_phases(),
				    recipe->pcr_key, &s->signature, s->diag);
	return r ? r : add_section(s, ".pcrsig", s->signature.data, s->signature.len);
}

int ih_recipe_make(const struct ih_recipe *recipe, struct ih_image *ret, struct ih_diag *diag)
{
	struct sections s = { .recipe = recipe, .diag = diag };
	struct ih_image image = { 0 };
	int r;

	r = collect(&s);
	if (!r)
		r = sign_registers(&s);
	if (!r)
		r = ih_uki_build(recipe->stub_name, recipe->stub, s.list, s.n, &image, diag);
	if (!r && recipe->key)
		r = ih_authenticode_sign(recipe->name, &image, recipe->key, diag);
	sections_done(&s);
	if (r < 0) {
		free(image.data);
		return r;
	}
	*ret = image;
	return 0;
}
