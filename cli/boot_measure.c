/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard boot measure predict|replay|compare`: what a boot will measure, what a log says was
 * measured, and what differs. Changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bootchain/measure.h"
#include "bootchain/predict.h"
#include "bootchain/registers.h"
#include "bootchain/tpm.h"
#include "cli/boot.h"
#include "cli/boot_plan.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "common/cleanup.h"
#include "common/fd.h"
#include "common/json.h"

#define LOG_DEFAULT IH_BOOT_LOG

static const char *const verbs[] = { "predict", "replay", "compare", NULL };
enum verb { VERB_PREDICT, VERB_REPLAY, VERB_COMPARE };

enum {
	OPT_IMAGE,
	OPT_LOADER,
	OPT_ESP,
	OPT_EFIVARS,
	OPT_PK,
	OPT_KEK,
	OPT_DB,
	OPT_DBX,
	OPT_NO_SECURE_BOOT,
	OPT_OPTIONS,
	OPT_PHASE,
	OPT_BANK,
	OPT_LOG,
	OPT_REGISTERS,
	OPT_TPM,
	OPT_REFERENCE,
	OPT_SKIP,
	OPT_EVENTS,
	OPT_JSON,
	OPT_COUNT
};

static const struct ih_option table[OPT_COUNT] = {
	{ "image", "FILE", "predict: the unified image that boots", false },
	{ "loader", "FILE", "predict: the boot loader; without it firmware starts the image",
	  false },
	{ "esp", "DIR", "predict: what lies unsigned beside the image, which is below DIR", false },
	{ "efivars", "DIR", "predict: the Secure Boot variables as they are in DIR", false },
	{ "pk", "FILE", "predict: signature list of the variable PK", false },
	{ "kek", "FILE", "predict: … KEK", false },
	{ "db", "FILE", "predict: … db", false },
	{ "dbx", "FILE", "predict: … dbx", false },
	{ "no-secure-boot", NULL, "predict: Secure Boot is off", false },
	{ "options", "TEXT", "predict: what the loader hands over instead of the image's own",
	  false },
	{ "phase", "PATH", "predict: register 11 after these phases, 'enter-initrd:leave-initrd'",
	  false },
	{ "bank", "NAME", "sha1, sha256 (default), sha384 or sha512", false },
	{ "log", "FILE", "the event log; default: the running machine's", false },
	{ "registers", "PATH", "compare: directory like " IH_SYS_TPM " or JSON", false },
	{ "tpm", "TCTI", "compare: ask the TPM itself; 'default' is the machine's", false },
	{ "reference", "FILE", "compare: the log of an earlier good boot", false },
	{ "skip", "LIST", "compare: registers that are not compared; default 10", false },
	{ "events", NULL, "print every event", false },
	{ "json", NULL, "print JSON", false },
};

struct settings {
	enum verb verb;
	const char *values[OPT_COUNT];
	bool json, events, no_secure_boot;
	enum ih_hash_algo bank;
	uint32_t skip;
};

static int parse_skip(const char *text, uint32_t *ret)
{
	uint32_t skip = 0;

	while (*text) {
		size_t len = strcspn(text, ",");
		char number[8] = "";
		uint64_t n;

		if (!len || len >= sizeof(number))
			return -EINVAL;
		memcpy(number, text, len);
		if (ih_parse_u64(number, IH_PCRS - 1, &n) < 0)
			return -EINVAL;
		skip |= 1u << n;
		text += len + (text[len] == ',');
	}
	*ret = skip;
	return 0;
}

static int set_option(const struct ih_options *o, void *to, int c, const char *value)
{
	struct settings *s = to;

	s->values[c] = value;
	if (c == OPT_JSON)
		s->json = true;
	else if (c == OPT_EVENTS)
		s->events = true;
	else if (c == OPT_NO_SECURE_BOOT)
		s->no_secure_boot = true;
	else if (c == OPT_SKIP && parse_skip(value, &s->skip) < 0)
		return ih_usage_error(o, "option '--skip' takes numbers with ',' between, not '%s'",
				      value);
	if (c != OPT_BANK)
		return 0;
	for (size_t i = 0; i < IH_PCR_BANKS; i++)
		if (!strcmp(ih_hash_name(ih_pcr_bank_at(i)), value)) {
			s->bank = ih_pcr_bank_at(i);
			return 0;
		}
	return ih_usage_error(o, "option '--bank' takes sha1, sha256, sha384 or sha512, not '%s'",
			      value);
}

static int check_settings(const struct ih_options *o, const struct settings *s)
{
	if (ih_options_no_operand(o) || ih_options_exclude(o, OPT_TPM, OPT_REGISTERS))
		return IH_OPTIONS_ERROR;
	if (s->verb == VERB_PREDICT && !s->values[OPT_IMAGE])
		return ih_usage_error(o, "option '--image' is missing");
	if (s->values[OPT_IMAGE] && !s->no_secure_boot && !s->values[OPT_EFIVARS] &&
	    !s->values[OPT_DB])
		return ih_usage_error(o,
				      "which keys does the firmware have? '--efivars', '--db' with"
				      " '--pk' and '--kek', or '--no-secure-boot' says it");
	return 0;
}

/* Prediction */

static int predict(const struct settings *s, struct ih_boot_plan *p, struct ih_diag *diag)
{
	const struct ih_boot_inputs inputs = {
		.image = s->values[OPT_IMAGE],
		.loader = s->values[OPT_LOADER],
		.esp = s->values[OPT_ESP],
		.efivars = s->values[OPT_EFIVARS],
		.lists = { s->values[OPT_PK], s->values[OPT_KEK], s->values[OPT_DB],
			   s->values[OPT_DBX] },
		.options = s->values[OPT_OPTIONS],
		.no_secure_boot = s->no_secure_boot,
		.bank = s->bank,
	};

	return ih_boot_plan_make(&inputs, p, diag);
}

/* Printing */

static void print_registers(const struct settings *s, const struct ih_pcrs *pcrs)
{
	char hex[IH_DIGEST_HEX_SIZE];

	for (unsigned int i = 0; i < IH_PCRS; i++) {
		if (!(pcrs->known >> i & 1))
			continue;
		ih_pcr_hex(pcrs, i, hex);
		printf("%2u %s\n", i, hex);
	}
}

static struct ih_json_out *registers_json(const struct ih_pcrs *pcrs)
{
	struct ih_json_out *bank = ih_json_new_object(), *banks = ih_json_new_object();
	char hex[IH_DIGEST_HEX_SIZE], key[8];

	for (unsigned int i = 0; i < IH_PCRS; i++) {
		if (!(pcrs->known >> i & 1))
			continue;
		snprintf(key, sizeof(key), "%u", i);
		ih_pcr_hex(pcrs, i, hex);
		ih_json_set_string(bank, key, hex);
	}
	ih_json_set(banks, ih_hash_name(pcrs->algo), bank);
	return banks;
}

static struct ih_json_out *event_json(unsigned int pcr, const char *type, const char *text,
				      const struct ih_digest *digest)
{
	struct ih_json_out *one = ih_json_new_object();
	char hex[IH_DIGEST_HEX_SIZE];

	ih_digest_hex(digest, hex);
	ih_json_set_u64(one, "pcr", pcr);
	if (type)
		ih_json_set_string(one, "type", type);
	ih_json_set_string(one, "about", text);
	ih_json_set_string(one, ih_hash_name(digest->algo), hex);
	return one;
}

/* Prints and frees @out with the registers in it. */
static int finish_json(struct ih_json_out *out, const struct ih_pcrs *pcrs)
{
	ih_json_set(out, "pcrs", registers_json(pcrs));
	return ih_output_json(out, NULL);
}

static void note_what_is_unsigned(const struct ih_boot_plan *plan)
{
	const struct ih_companions *c = &plan->companions;

	if (!(plan->prediction.complete >> IH_PCR_KERNEL_INITRD & 1))
		fprintf(stderr,
			"note: register %u is not predicted: this stub puts a secret behind the "
			"initrd\n",
			IH_PCR_KERNEL_INITRD);
	for (size_t i = 0; i < c->n; i++)
		fprintf(stderr,
			"note: %s '%s' lies beside the image; the stub takes it unsigned, only"
			" register %u tells\n",
			ih_companion_kind_name(c->item[i].kind), c->item[i].name,
			ih_companion_pcr(c->item[i].kind));
}

static int print_prediction(const struct settings *s, const struct ih_boot_plan *plan,
			    struct ih_diag *diag)
{
	const struct ih_prediction *p = &plan->prediction;
	struct ih_json_out *out = s->json ? ih_json_new_object() : NULL;
	struct ih_json_out *events = s->json ? ih_json_new_array() : NULL;
	struct ih_pcrs pcrs;
	int r;

	for (size_t i = 0; i < p->n && (s->events || s->json); i++) {
		const struct ih_predicted *e = &p->events[i];
		char hex[IH_DIGEST_HEX_SIZE];

		ih_digest_hex(&e->digest, hex);
		if (s->json)
			ih_json_push(events, event_json(e->pcr, NULL, e->text, &e->digest));
		else
			printf("   %2u %s %s\n", e->pcr, hex, e->text);
	}
	if (s->json)
		ih_json_set(out, "events", events);
	r = ih_prediction_pcrs(p, &pcrs);
	if (!r && s->values[OPT_PHASE])
		r = ih_measure_phases(&pcrs, s->values[OPT_PHASE], diag);
	if (r < 0) {
		ih_json_out_free(out);
		return r;
	}
	if (s->json)
		return finish_json(out, &pcrs);
	print_registers(s, &pcrs);
	note_what_is_unsigned(plan);
	return 0;
}

static void print_events(const struct settings *s, const struct ih_eventlog *log,
			 struct ih_json_out *list)
{
	for (size_t i = 0; i < log->n; i++) {
		const struct ih_event *e = &log->events[i];
		const char *type = ih_event_type_name(e->type);
		struct ih_digest digest = { .algo = s->bank };
		char hex[IH_DIGEST_HEX_SIZE];
		struct ih_text text = { 0 };

		(void)ih_event_digest(e, s->bank, &digest);
		(void)ih_event_describe(e, &text);
		ih_digest_hex(&digest, hex);
		if (list)
			ih_json_push(list, event_json(e->pcr, type ? type : "unknown",
						      ih_text_get(&text), &digest));
		else
			printf("%4zu %2" PRIu32 " %s %s %s\n", i + 1, e->pcr, hex,
			       type ? type : "unknown", ih_text_get(&text));
		ih_text_done(&text);
	}
}

static int replay(const struct settings *s, const struct ih_eventlog *log, struct ih_diag *diag)
{
	struct ih_json_out *out, *events;
	struct ih_pcrs pcrs;
	int r;

	r = ih_eventlog_replay(log, s->bank, &pcrs, diag);
	if (r < 0)
		return r;
	if (!s->json) {
		if (s->events)
			print_events(s, log, NULL);
		print_registers(s, &pcrs);
		return 0;
	}
	out = ih_json_new_object();
	events = ih_json_new_array();
	print_events(s, log, events);
	ih_json_set(out, "events", events);
	return finish_json(out, &pcrs);
}

static int compare_reference(const struct settings *s, const char *name,
			     const struct ih_eventlog *log, struct ih_diag *diag)
{
	struct ih_eventlog reference = { 0 };
	_free_ char *data = NULL;
	int r;

	r = ih_boot_log_read(s->values[OPT_REFERENCE], &data, &reference, diag);
	if (!r)
		r = ih_measure_compare_logs(name, log, s->values[OPT_REFERENCE], &reference,
					    s->bank, diag);
	ih_eventlog_done(&reference);
	return r;
}

/* From the TPM when asked for, else from where the kernel shows them. */
static int read_registers(const struct settings *s, struct ih_pcrs *ret, struct ih_diag *diag)
{
	const char *where = s->values[OPT_REGISTERS] ? s->values[OPT_REGISTERS] : IH_SYS_TPM;
	_cleanup_(ih_tpm_freep) struct ih_tpm *tpm = NULL;
	int r;

	if (!s->values[OPT_TPM])
		return ih_registers_read(where, s->bank, ret, diag);
	r = ih_tpm_open(s->values[OPT_TPM], &tpm, diag);
	return r < 0 ? r : ih_tpm_read(tpm, s->bank, ret, diag);
}

/* Everything that was asked for; the registers last, since what they say is the least exact. */
static int compare(const struct settings *s, const char *name, const struct ih_eventlog *log,
		   struct ih_diag *diag)
{
	struct ih_boot_plan plan = { 0 };
	struct ih_pcrs pcrs;
	int r = 0;

	if (s->values[OPT_REFERENCE])
		r = compare_reference(s, name, log, diag);
	if (!r && s->values[OPT_IMAGE]) {
		r = predict(s, &plan, diag);
		if (!r)
			r = ih_measure_compare_prediction(name, log, &plan.prediction, diag);
	}
	ih_boot_plan_done(&plan);
	if (!r)
		r = read_registers(s, &pcrs, diag);
	if (!r)
		r = ih_measure_compare_registers(name, log, &pcrs, s->skip, diag);
	if (!r)
		printf("good %s: every register is what its events and what was predicted say\n",
		       name);
	return r;
}

static int with_log(const struct settings *s, struct ih_diag *diag)
{
	const char *name = s->values[OPT_LOG] ? s->values[OPT_LOG] : LOG_DEFAULT;
	struct ih_eventlog log = { 0 };
	_free_ char *data = NULL;
	int r;

	r = ih_boot_log_read(name, &data, &log, diag);
	if (!r)
		r = s->verb == VERB_REPLAY ? replay(s, &log, diag) : compare(s, name, &log, diag);
	ih_eventlog_done(&log);
	return r;
}

static int run(const struct settings *s, struct ih_diag *diag)
{
	struct ih_boot_plan plan = { 0 };
	int r;

	if (s->verb != VERB_PREDICT)
		return with_log(s, diag);
	r = predict(s, &plan, diag);
	if (!r)
		r = print_prediction(s, &plan, diag);
	ih_boot_plan_done(&plan);
	return r;
}

int ih_boot_measure(int argc, char **argv)
{
	struct ih_options o = {
		.verb = "boot measure",
		.usage = "predict --image FILE [options]\nreplay [--log FILE] [options]\n"
			 "compare [--log FILE] [--registers PATH] [options]",
		.about = "Predicts what a boot measures, replays what was measured, and names the "
			 "first"
			 " event that differs.",
		.table = table,
		.n = OPT_COUNT,
	};
	struct settings s = { .bank = IH_HASH_SHA256, .skip = 1u << 10 };
	struct ih_diag diag = { "" };
	int verb, r;

	verb = argc > 1 ? ih_word_index(verbs, argv[1]) : -1;
	if (verb < 0 && (argc < 2 || strcmp(argv[1], "--help") != 0))
		return ih_options_exit(
			ih_usage_error(&o, "the first word is 'predict', 'replay' or 'compare'"));
	s.verb = verb < 0 ? VERB_PREDICT : (enum verb)verb;
	r = ih_options_parse(&o, argc - (verb >= 0), argv + (verb >= 0), set_option, &s);
	if (!r)
		r = check_settings(&o, &s);
	if (r)
		return ih_options_exit(r);
	r = run(&s, &diag);
	if (r < 0 && !diag.text[0])
		(void)ih_fail(&diag, r, "%s", strerror(-r));
	if (r == -EBADMSG && s.verb == VERB_COMPARE) {
		printf("bad  %s\n", diag.text);
		return IH_EXIT_DENIED;
	}
	return r < 0 ? ih_boot_failed(&o, &diag) : IH_EXIT_OK;
}
