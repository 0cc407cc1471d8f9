/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From sections to a signed image: what is derived from the others, built, signed. */
#include "bootchain/make.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bootchain/measure.h"
#include "bootchain/pe_rope.h"
#include "bootchain/predict.h"
#include "bootchain/sign.h"
#include "common/cleanup.h"

/* Linux setup header: "HdrS" at 0x202, kernel_version at 0x20e, counted from 0x200. */
enum {
	SETUP_MAGIC = 0x202,
	SETUP_VERSION = 0x20e,
	SETUP_BASE = 0x200,
	VERSION_MAX = 128,
	KERNEL_HEAD = 0x10000 + SETUP_BASE + VERSION_MAX,
};

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

/* As much of a kernel as ih_kernel_version() looks at. */
static int kernel_version_of(const struct ih_rope *kernel, char **ret, struct ih_diag *diag)
{
	_free_ uint8_t *head = malloc(KERNEL_HEAD);
	size_t len = 0;
	int r;

	if (!head)
		return -ENOMEM;
	r = ih_rope_head(kernel, head, KERNEL_HEAD, &len, diag);
	return r < 0 ? r : ih_kernel_version((struct ih_bytes){ head, len }, ret);
}

/* All sections, with those that are made here. */
struct sections {
	const struct ih_recipe *recipe;
	struct ih_diag *diag;
	struct ih_uki_part list[IH_UKI_PARTS_MAX];
	size_t n;
};

static int add_section(struct sections *s, const char *name, void *data, size_t len)
{
	int r;

	if (s->n == IH_UKI_PARTS_MAX) {
		free(data);
		return ih_fail(s->diag, -EINVAL, "more than %d sections", IH_UKI_PARTS_MAX);
	}
	s->list[s->n] = (struct ih_uki_part){ .name = name };
	r = ih_rope_add_taken(&s->list[s->n].content, data, len);
	s->n += r == 0;
	return r;
}

static int collect(struct sections *s)
{
	const struct ih_key *key = s->recipe->pcr_key;
	char *uname = NULL, *public_key = NULL;
	size_t len = 0;
	int r = 0;

	if (s->recipe->n > IH_UKI_PARTS_MAX)
		return ih_fail(s->diag, -EINVAL, "more than %d sections", IH_UKI_PARTS_MAX);
	for (size_t i = 0; i < s->recipe->n; i++) {
		s->list[s->n++] = s->recipe->parts[i];
		s->recipe->parts[i].content = (struct ih_rope){ 0 };
	}
	for (size_t i = 0; i < s->n && !r && !uname; i++)
		if (!strcmp(s->list[i].name, ".linux"))
			r = kernel_version_of(&s->list[i].content, &uname, s->diag);
	if (!r && uname)
		r = add_section(s, ".uname", uname, strlen(uname));
	if (r || !key)
		return r;
	r = ih_public_key_pem((struct ih_bytes){ key->public_key, key->public_key_len },
			      &public_key, &len, s->diag);
	return r ? r : add_section(s, ".pcrpkey", public_key, len);
}

/* Digests of all sections in all banks, by one reading of each. The stub's own .sbat counts from
 * 255 on.
 */
struct bank_digests {
	struct ih_hash *hash[IH_PCR_BANKS];
	struct ih_section_digest of[IH_PCR_BANKS][IH_UKI_PARTS_MAX + 1];
	size_t n;
};

static int add_to_banks(void *self, const uint8_t *data, size_t len)
{
	struct bank_digests *d = self;
	int r = 0;

	for (size_t i = 0; i < IH_PCR_BANKS && !r; i++)
		r = ih_hash_add(d->hash[i], data, len);
	return r;
}

static int hash_section(struct bank_digests *d, const char *name, const struct ih_rope *content,
			struct ih_diag *diag)
{
	int r = ih_rope_read(content, add_to_banks, d, diag);

	for (size_t i = 0; i < IH_PCR_BANKS && !r; i++) {
		d->of[i][d->n].name = name;
		r = ih_hash_end(d->hash[i], &d->of[i][d->n].digest);
	}
	d->n += r == 0;
	return r;
}

static int hash_sections(const struct sections *s, const struct ih_pe *stub, struct bank_digests *d)
{
	const struct ih_pe_section *sbat = ih_pe_find(stub, ".sbat");
	int r = 0;

	for (size_t i = 0; i < IH_PCR_BANKS && !r; i++)
		r = ih_hash_new(ih_pcr_bank_at(i), &d->hash[i]);
	for (size_t i = 0; i < s->n && !r; i++)
		r = hash_section(d, s->list[i].name, &s->list[i].content, s->diag);
	if (!r && sbat) {
		struct ih_bytes content = ih_pe_content(stub, sbat);
		struct ih_rope rope = { 0 };

		r = ih_rope_add(&rope, content.data, content.len);
		if (!r)
			r = hash_section(d, ".sbat", &rope, s->diag);
		ih_rope_done(&rope);
	}
	for (size_t i = 0; i < IH_PCR_BANKS; i++)
		ih_hash_free(d->hash[i]);
	return r;
}

/* Register 11 of a bank, as the stub leaves it. */
static int predict_bank(const struct bank_digests *d, size_t bank,
			const struct ih_stub_rules *rules, struct ih_pcrs *ret)
{
	struct ih_prediction prediction = { .algo = ih_pcr_bank_at(bank) };
	int r;

	r = ih_predict_sections(&prediction, rules, d->of[bank], d->n);
	if (!r)
		r = ih_prediction_pcrs(&prediction, ret);
	ih_prediction_done(&prediction);
	return r;
}

static int predict_registers(struct sections *s, struct ih_pcrs pcrs[IH_PCR_BANKS])
{
	const struct ih_recipe *recipe = s->recipe;
	struct bank_digests digests = { 0 };
	struct ih_stub stub = { 0 };
	struct ih_pe pe;
	int r;

	r = ih_pe_parse(recipe->stub_name, recipe->stub.data, recipe->stub.len, &pe, s->diag);
	if (!r)
		r = ih_stub_identify(recipe->stub_name, &pe, &stub, s->diag);
	if (!r && stub.newer)
		r = ih_fail(
			s->diag, -EOPNOTSUPP,
			"the stub '%s' is systemd-stub %s, newer than what is known about what it"
			" measures; its registers cannot be signed",
			recipe->stub_name, stub.version);
	if (!r)
		r = hash_sections(s, &pe, &digests);
	for (size_t i = 0; i < IH_PCR_BANKS && !r; i++)
		r = predict_bank(&digests, i, stub.rules, &pcrs[i]);
	return r;
}

static int sign_registers(struct sections *s)
{
	struct ih_text signature = { 0 };
	struct ih_pcrs pcrs[IH_PCR_BANKS];
	int r;

	if (!s->recipe->pcr_key)
		return 0;
	r = predict_registers(s, pcrs);
	if (!r)
		r = ih_measure_sign(pcrs, IH_PCR_BANKS, ih_measure_default_phases(),
				    s->recipe->pcr_key, &signature, s->diag);
	if (!r)
		return add_section(s, ".pcrsig", signature.data, signature.len);
	ih_text_done(&signature);
	return r;
}

/* Without a signature only the checksum is missing. */
static int finish(const char *name, struct ih_rope *image, struct ih_diag *diag)
{
	struct ih_pe_sums sums;
	struct ih_pe pe;
	int r;

	r = ih_pe_rope_parse(name, image, &pe, diag);
	if (!r)
		r = ih_pe_rope_sums(image, &pe, &sums, diag);
	if (!r)
		ih_pe_rope_finish(image, &pe, sums.sum);
	return r;
}

int ih_recipe_make(const struct ih_recipe *recipe, struct ih_rope *ret, struct ih_diag *diag)
{
	struct sections s = { .recipe = recipe, .diag = diag };
	struct ih_rope image = { 0 };
	int r;

	r = collect(&s);
	if (!r)
		r = sign_registers(&s);
	if (!r)
		r = ih_uki_build(recipe->stub_name, recipe->stub, s.list, s.n, &image, diag);
	if (!r && recipe->key)
		r = ih_authenticode_sign_rope(recipe->name, &image, recipe->key, diag);
	else if (!r)
		r = finish(recipe->name, &image, diag);
	ih_recipe_parts_done(s.list, s.n);
	if (r < 0) {
		ih_rope_done(&image);
		return r;
	}
	*ret = image;
	return 0;
}

void ih_recipe_parts_done(struct ih_uki_part *parts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ih_rope_done(&parts[i].content);
}
