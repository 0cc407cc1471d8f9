/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Real boots (tests/vectors): every log replays to the registers, and the prediction is exact. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "bootchain/eventlog.h"
#include "bootchain/measure.h"
#include "bootchain/predict.h"
#include "bootchain/sign.h"
#include "common/cleanup.h"
#include "common/fd.h"
#include "common/json.h"

#define VECTORS IH_SOURCE_ROOT "/tests/vectors/"

struct vector {
	char name[40];
	bool secure_boot;
	bool own_initrd;    /* the kernel gets the section as it is */
	uint32_t registers; /* predicted whole: what the case tells enough about */
};

enum {
	R4 = 1 << 4,
	R7 = 1 << 7,
	R9 = 1 << 9,
	R11 = 1 << 11,
	R12 = 1 << 12,
};

static struct vector vectors[] = {
	{ "sb-sdboot-uki", true, true, R4 | R7 | R9 | R11 | R12 },
	{ "sb-pcrpkey", true, false, R4 | R7 | R11 | R12 },
	{ "nosb-type1-options-override", false, true, R7 | R9 | R11 | R12 },
};

/* One vector, read. */
struct boot {
	char *log_data, *json_text;
	size_t log_len, json_len;
	struct ih_eventlog log;
	struct ih_json_doc *json;
	struct ih_json root;
};

static void load(const struct vector *v, struct boot *b)
{
	struct ih_diag diag = { "" };
	char path[512];

	snprintf(path, sizeof(path), VECTORS "%s/eventlog.bin", v->name);
	cr_assert_eq(ih_read_file(AT_FDCWD, path, 1 << 20, &b->log_data, &b->log_len, &diag), 0,
		     "%s", diag.text);
	cr_assert_eq(ih_eventlog_parse(v->name, b->log_data, b->log_len, &b->log, &diag), 0, "%s",
		     diag.text);
	snprintf(path, sizeof(path), VECTORS "%s/case.json", v->name);
	cr_assert_eq(ih_read_file(AT_FDCWD, path, 1 << 20, &b->json_text, &b->json_len, &diag), 0);
	cr_assert_eq(ih_json_parse(path, b->json_text, b->json_len, &b->json, &diag), 0, "%s",
		     diag.text);
	b->root = ih_json_root(b->json);
}

static void unload(struct boot *b)
{
	ih_eventlog_done(&b->log);
	ih_json_free(b->json);
	free(b->log_data);
	free(b->json_text);
}

static struct ih_json member(const struct ih_json *v, const char *key)
{
	struct ih_json ret;

	cr_assert_eq(ih_json_member(v, key, &ret), 0, "no member '%s'", key);
	return ret;
}

static struct ih_digest digest(const struct ih_json *v, const char *key, enum ih_hash_algo algo)
{
	struct ih_json value = member(v, key);
	struct ih_digest ret;
	const char *text;

	cr_assert_eq(ih_json_string(&value, &text, NULL), 0);
	if (algo == IH_HASH_SHA384) {
		ret = (struct ih_digest){ .algo = algo };
		for (int i = 0; i < 48; i++)
			cr_assert_eq(sscanf(text + 2 * i, "%2hhx", &ret.bytes[i]), 1);
	} else {
		cr_assert_eq(ih_digest_decode(algo, text, strlen(text), &ret), 0, "%s", text);
	}
	return ret;
}

static void registers(const struct boot *b, enum ih_hash_algo algo, struct ih_pcrs *ret)
{
	struct ih_json pcrs = member(&b->root, "pcrs");
	struct ih_json bank = member(&pcrs, ih_hash_name(algo));

	ih_pcrs_reset(ret, algo);
	for (unsigned int i = 0; i < IH_PCRS; i++) {
		struct ih_digest d;
		char key[4];

		snprintf(key, sizeof(key), "%u", i);
		d = digest(&bank, key, algo);
		memcpy(ret->value[i], d.bytes, ih_hash_size(algo));
	}
}

static struct ih_bytes read_key(const char *name)
{
	struct ih_diag diag = { "" };
	char path[512], *data;
	size_t len;

	snprintf(path, sizeof(path), VECTORS "keys/%s.esl", name);
	cr_assert_eq(ih_read_file(AT_FDCWD, path, 1 << 16, &data, &len, &diag), 0, "%s", diag.text);
	return (struct ih_bytes){ (uint8_t *)data, len };
}

static void predict_keys(const struct vector *v, struct ih_prediction *p)
{
	struct ih_secure_boot keys = { .enabled = v->secure_boot };
	const struct ih_bytes empty = { (const uint8_t *)"", 0 };

	keys.pk = v->secure_boot ? read_key("PK") : empty;
	keys.kek = v->secure_boot ? read_key("KEK") : empty;
	keys.db = v->secure_boot ? read_key("db") : empty;
	keys.dbx = empty;
	cr_assert_eq(ih_predict_variables(p, &keys), 0);
	if (v->secure_boot)
		cr_assert_eq(ih_predict_authority(
				     p, (struct ih_bytes){ keys.db.data + 28, keys.db.len - 28 }),
			     0);
}

static void predict_sections(const struct boot *b, struct ih_prediction *p,
			     struct ih_digest *ret_initrd)
{
	struct ih_json list = member(&b->root, "sections"), item, name;
	struct ih_section_digest sections[16];
	size_t n = 0;

	for (size_t i = 0; i < ih_json_length(&list); i++) {
		cr_assert_eq(ih_json_element(&list, i, &item), 0);
		name = member(&item, "name");
		cr_assert_eq(ih_json_string(&name, &sections[n].name, NULL), 0);
		sections[n].digest = digest(&item, ih_hash_name(p->algo), p->algo);
		if (!strcmp(sections[n].name, ".initrd"))
			*ret_initrd = sections[n].digest;
		n++;
	}
	cr_assert_eq(ih_predict_sections(p, ih_stub_rules(252), sections, n), 0);
}

static void predict(const struct vector *v, const struct boot *b, struct ih_prediction *p)
{
	struct ih_json value = member(&b->root, "cmdline_proc");
	struct ih_digest initrd;
	struct ih_bytes options;
	const char *text;

	cr_assert_eq(ih_json_string(&value, &text, NULL), 0);
	options = (struct ih_bytes){ (const uint8_t *)text, strlen(text) };
	if (p->algo == IH_HASH_SHA256) {
		struct ih_digest loader = digest(&b->root, "sdboot_authenticode_sha256", p->algo);
		struct ih_digest image = digest(&b->root, "uki_authenticode_sha256", p->algo);

		cr_assert_eq(ih_predict_firmware(p), 0);
		cr_assert_eq(ih_predict_digest(p, 4, &loader, "the loader"), 0);
		cr_assert_eq(ih_predict_digest(p, 4, &image, "the image"), 0);
	}
	predict_keys(v, p);
	predict_sections(b, p, &initrd);
	cr_assert_eq(ih_predict_options(p, 12, options, "the loader"), 0);
	if (!v->secure_boot)
		cr_assert_eq(ih_predict_options(p, 12, options, "the stub"), 0);
	cr_assert_eq(ih_predict_options(p, 9, options, "the kernel"), 0);
	cr_assert_eq(ih_predict_digest(p, 9, &initrd, "the initrd"), 0);
	p->complete = v->registers & (p->algo == IH_HASH_SHA256 ? ~0u : ~(uint32_t)R4);
}

ParameterizedTestParameters(predict, real_boots)
{
	return cr_make_param_array(struct vector, vectors, IH_ARRAY_SIZE(vectors));
}

ParameterizedTest(struct vector *v, predict, real_boots)
{
	struct boot b = { 0 };
	struct ih_diag diag = { "" };

	load(v, &b);
	for (size_t i = 0; i < IH_PCR_BANKS; i++) {
		struct ih_prediction p = { .algo = ih_pcr_bank_at(i) };
		struct ih_pcrs tpm, predicted;

		registers(&b, p.algo, &tpm);
		/* Register 10 is IMA's, after the log was closed. */
		cr_assert_eq(ih_measure_compare_registers(v->name, &b.log, &tpm, 1 << 10, &diag), 0,
			     "%s", diag.text);
		predict(v, &b, &p);
		cr_assert_eq(ih_measure_compare_prediction(v->name, &b.log, &p, &diag), 0, "%s",
			     diag.text);
		cr_assert_eq(ih_prediction_pcrs(&p, &predicted), 0);
		for (unsigned int k = 0; k < IH_PCRS; k++)
			if (p.complete >> k & 1)
				cr_assert(ih_pcr_equal(&predicted, &tpm, k), "%s: register %u",
					  ih_hash_name(p.algo), k);
		ih_prediction_done(&p);
	}
	unload(&b);
}

/* An attacker's log: one event changed, left out, doubled, swapped with the next. */
enum edit { EDIT_CHANGE, EDIT_DROP, EDIT_ADD, EDIT_SWAP, EDIT_MAX };

/* What must be known of an edit at event @i, with registers and with a good log to compare. */
static void check_edit(const struct boot *b, const struct ih_eventlog *bad,
		       const struct ih_pcrs *tpm, size_t i, enum edit edit)
{
	struct ih_diag diag = { "" };
	char wanted[32];

	cr_assert_eq(ih_measure_compare_registers("bad", bad, tpm, 1 << 10, &diag), -EBADMSG,
		     "edit %d of event %zu goes unnoticed", edit, i + 1);
	if (edit == EDIT_ADD)
		cr_assert(strstr(diag.text, "was added: without it"), "%s", diag.text);
	if (edit == EDIT_SWAP)
		cr_assert(strstr(diag.text, "swapped"), "%s", diag.text);
	cr_assert_eq(ih_measure_compare_logs("bad", bad, "good", &b->log, tpm->algo, &diag),
		     -EBADMSG);
	snprintf(wanted, sizeof(wanted), "event %zu of 'bad'", i + (edit == EDIT_ADD ? 2 : 1));
	cr_assert(strstr(diag.text, wanted), "edit %d of event %zu: %s", edit, i + 1, diag.text);
}

static bool make_edit(const struct boot *b, size_t i, enum edit edit, uint8_t *changed,
		      struct ih_eventlog *ret)
{
	const struct ih_event *e = &b->log.events[i];
	struct ih_event *out = calloc(b->log.n + 1, sizeof(*out));

	memcpy(out, b->log.events, b->log.n * sizeof(*out));
	*ret = b->log;
	ret->events = out;
	if (edit == EDIT_CHANGE) {
		for (unsigned int k = 0; k < e->n_digests; k++) {
			memset(changed + 64 * k, 0x5a, 64);
			out[i].digests[k].bytes = changed + 64 * k;
		}
	} else if (edit == EDIT_DROP) {
		memmove(out + i, out + i + 1, (b->log.n - i - 1) * sizeof(*out));
		ret->n--;
	} else if (edit == EDIT_ADD) {
		memmove(out + i + 1, out + i, (b->log.n - i) * sizeof(*out));
		ret->n++;
	} else {
		/* Swapping events of two registers changes no register. */
		if (i + 1 == b->log.n || e[1].pcr != e->pcr ||
		    !memcmp(e->digests[0].bytes, e[1].digests[0].bytes, 20))
			return false;
		out[i] = e[1];
		out[i + 1] = *e;
	}
	return true;
}

ParameterizedTestParameters(predict, edited_logs)
{
	return cr_make_param_array(struct vector, vectors, IH_ARRAY_SIZE(vectors));
}

ParameterizedTest(struct vector *v, predict, edited_logs, .timeout = 60)
{
	unsigned int swaps = 0;
	struct boot b = { 0 };
	struct ih_pcrs tpm;

	load(v, &b);
	registers(&b, IH_HASH_SHA256, &tpm);
	for (size_t i = 0; i < b.log.n; i++) {
		for (int edit = 0; edit < EDIT_MAX; edit++) {
			uint8_t changed[64 * IH_EVENT_DIGESTS_MAX];
			struct ih_eventlog bad;

			if (make_edit(&b, i, (enum edit)edit, changed, &bad)) {
				check_edit(&b, &bad, &tpm, i, (enum edit)edit);
				swaps += edit == EDIT_SWAP;
			}
			free(bad.events);
		}
	}
	cr_assert_gt(swaps, 5);
	unload(&b);
}

Test(predict, the_first_difference_from_a_prediction_is_named)
{
	struct ih_prediction p = { .algo = IH_HASH_SHA256 };
	struct ih_diag diag = { "" };
	struct boot b = { 0 };

	load(&vectors[0], &b);
	predict(&vectors[0], &b, &p);
	p.events[3].digest.bytes[0] ^= 1; /* the image, in register 4 */
	cr_assert_eq(ih_measure_compare_prediction("log", &b.log, &p, &diag), -EBADMSG);
	cr_assert(strstr(diag.text, "EV_EFI_BOOT_SERVICES_APPLICATION '\\EFI\\Linux\\"), "%s",
		  diag.text);
	cr_assert(strstr(diag.text, "in register 4) is not what was predicted there: the image"),
		  "%s", diag.text);
	p.events[3].digest.bytes[0] ^= 1;
	p.n--;
	free(p.events[p.n].text);
	cr_assert_eq(ih_measure_compare_prediction("log", &b.log, &p, &diag), -EBADMSG);
	cr_assert(strstr(diag.text, "'Linux initrd' in register 9) was not predicted"), "%s",
		  diag.text);
	cr_assert_eq(ih_predict_data(&p, 9, (struct ih_bytes){ NULL, 0 }, "x"), 0);
	ih_prediction_done(&p);
	unload(&b);
}

Test(predict, hostile_logs_get_a_sentence)
{
	struct boot b = { 0 };

	load(&vectors[0], &b);
	for (size_t len = 0; len < b.log_len; len++) {
		struct ih_eventlog log = { 0 };
		struct ih_diag diag = { "" };
		uint8_t *cut = malloc(len ? len : 1);

		memcpy(cut, b.log_data, len);
		if (ih_eventlog_parse("cut", cut, len, &log, &diag) < 0)
			cr_assert(diag.text[0], "no sentence at %zu", len);
		else
			cr_assert_lt(log.n, b.log.n);
		ih_eventlog_done(&log);
		free(cut);
	}
	unload(&b);
}
