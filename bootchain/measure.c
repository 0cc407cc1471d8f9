/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Comparing measurements, and policies over PCR 11. */
#include "bootchain/measure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bootchain/sign.h"
#include "common/cleanup.h"
#include "common/json.h"

#define SEARCH_MAX 256 /* events of one register among which an edit is looked for */

/* "event 23 of 'log' (EV_IPL '.linux' in register 11)" */
static void name_event(struct ih_text *out, const char *log_name, const struct ih_event *e,
		       size_t number)
{
	const char *type = ih_event_type_name(e->type);

	(void)ih_text_addf(out, "event %zu of '%s' (%s '", number, log_name,
			   type ? type : "of an unknown type");
	(void)ih_event_describe(e, out);
	(void)ih_text_addf(out, "' in register %" PRIu32 ")", e->pcr);
}

/* Which of the log's events extend a register. */
static size_t events_of(const struct ih_eventlog *log, unsigned int pcr, size_t *ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < log->n; i++)
		if (log->events[i].pcr == pcr && log->events[i].type != IH_EV_NO_ACTION) {
			if (n < max)
				ret[n] = i;
			n++;
		}
	return n;
}

/* An edit of the log that would explain a register: leave out @skip, and swap @a with @b. */
struct edit {
	size_t skip, a, b;
};

static bool explains(const struct ih_eventlog *log, const struct ih_pcrs *pcrs, unsigned int pcr,
		     const size_t *events, size_t n, const struct edit *edit)
{
	struct ih_pcrs replay;

	ih_pcrs_reset(&replay, pcrs->algo);
	if (pcr == 0)
		replay.value[0][ih_hash_size(pcrs->algo) - 1] = log->startup_locality;
	for (size_t i = 0; i < n; i++) {
		size_t k = i == edit->a ? edit->b : i == edit->b ? edit->a : i;
		struct ih_digest digest;

		if (i == edit->skip)
			continue;
		if (ih_event_digest(&log->events[events[k]], pcrs->algo, &digest) ||
		    ih_pcr_extend(&replay, pcr, &digest))
			return false;
	}
	return ih_pcr_equal(&replay, pcrs, pcr);
}

static bool find_edit(const struct ih_eventlog *log, const struct ih_pcrs *pcrs, unsigned int pcr,
		      const size_t *events, size_t n, struct edit *ret)
{
	for (size_t i = 0; i < n; i++) {
		*ret = (struct edit){ i, SIZE_MAX, SIZE_MAX };
		if (explains(log, pcrs, pcr, events, n, ret))
			return true;
	}
	/* Cubic: only where a person could have looked through it as well. */
	for (size_t a = 0; a < n && n <= SEARCH_MAX / 2; a++)
		for (size_t b = a + 1; b < n; b++) {
			*ret = (struct edit){ SIZE_MAX, a, b };
			if (explains(log, pcrs, pcr, events, n, ret))
				return true;
		}
	return false;
}

static void explain(const char *name, const struct ih_eventlog *log, const struct ih_pcrs *pcrs,
		    unsigned int pcr, struct ih_text *out)
{
	size_t events[SEARCH_MAX], n;
	struct edit edit;

	n = events_of(log, pcr, events, SEARCH_MAX);
	if (!n) {
		(void)ih_text_addf(out, "; the log has no event for it");
		return;
	}
	if (n > SEARCH_MAX || !find_edit(log, pcrs, pcr, events, n, &edit)) {
		(void)ih_text_addf(out,
				   "; one of its %zu events in the log was changed or left out,"
				   " a log of an earlier good boot would tell which",
				   n);
		return;
	}
	(void)ih_text_addf(out, "; ");
	if (edit.skip != SIZE_MAX) {
		name_event(out, name, &log->events[events[edit.skip]], events[edit.skip] + 1);
		(void)ih_text_addf(out, " was added: without it the log is right");
		return;
	}
	name_event(out, name, &log->events[events[edit.a]], events[edit.a] + 1);
	(void)ih_text_addf(out, " and event %zu were swapped", events[edit.b] + 1);
}

int ih_measure_compare_registers(const char *name, const struct ih_eventlog *log,
				 const struct ih_pcrs *pcrs, uint32_t skip, struct ih_diag *diag)
{
	char is[IH_DIGEST_HEX_SIZE], should[IH_DIGEST_HEX_SIZE];
	struct ih_text out = { 0 };
	struct ih_pcrs replay;
	int r;

	r = ih_eventlog_replay(log, pcrs->algo, &replay, diag);
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < IH_PCRS; i++) {
		if (skip >> i & 1 || !(pcrs->known >> i & 1) || ih_pcr_equal(&replay, pcrs, i))
			continue;
		ih_pcr_hex(pcrs, i, is);
		ih_pcr_hex(&replay, i, should);
		(void)ih_text_addf(&out, "register %u is %s, but '%s' replays to %s", i, is, name,
				   should);
		explain(name, log, pcrs, i, &out);
		r = ih_fail(diag, -EBADMSG, "%s", ih_text_get(&out));
		ih_text_done(&out);
		return r;
	}
	return ih_eventlog_check(name, log, diag);
}

static int compare_event(const char *name, const struct ih_eventlog *log, size_t index,
			 const struct ih_predicted *predicted, struct ih_diag *diag)
{
	struct ih_text out = { 0 };
	struct ih_digest digest;
	int r;

	r = ih_event_digest(&log->events[index], predicted->digest.algo, &digest);
	if (!r && !memcmp(digest.bytes, predicted->digest.bytes, ih_hash_size(digest.algo)))
		return 0;
	name_event(&out, name, &log->events[index], index + 1);
	r = ih_fail(diag, -EBADMSG, "%s is not what was predicted there: %s", ih_text_get(&out),
		    predicted->text);
	ih_text_done(&out);
	return r;
}

/* The next prediction for a register at or behind *@next; n when there is none. */
static size_t next_predicted(const struct ih_prediction *p, unsigned int pcr, size_t next)
{
	while (next < p->n && p->events[next].pcr != pcr)
		next++;
	return next;
}

static int one_too_many(const char *name, const struct ih_event *e, size_t index,
			struct ih_diag *diag)
{
	struct ih_text out = { 0 };
	int r;

	name_event(&out, name, e, index + 1);
	r = ih_fail(diag, -EBADMSG, "%s was not predicted: it is one too many", ih_text_get(&out));
	ih_text_done(&out);
	return r;
}

/* In the order of the log, so that what is named first also happened first. */
int ih_measure_compare_prediction(const char *name, const struct ih_eventlog *log,
				  const struct ih_prediction *prediction, struct ih_diag *diag)
{
	size_t next[IH_PCRS] = { 0 };

	for (size_t i = 0; i < log->n; i++) {
		const struct ih_event *e = &log->events[i];
		int r;

		if (e->type == IH_EV_NO_ACTION || e->pcr >= IH_PCRS ||
		    !(prediction->complete >> e->pcr & 1))
			continue;
		next[e->pcr] = next_predicted(prediction, e->pcr, next[e->pcr]);
		if (next[e->pcr] == prediction->n)
			return one_too_many(name, e, i, diag);
		r = compare_event(name, log, i, &prediction->events[next[e->pcr]++], diag);
		if (r < 0)
			return r;
	}
	for (unsigned int pcr = 0; pcr < IH_PCRS; pcr++) {
		if (!(prediction->complete >> pcr & 1))
			continue;
		next[pcr] = next_predicted(prediction, pcr, next[pcr]);
		if (next[pcr] < prediction->n)
			return ih_fail(
				diag, -EBADMSG,
				"'%s' ends too early in register %u: what was predicted next,"
				" %s, is missing",
				name, pcr, prediction->events[next[pcr]].text);
	}
	return 0;
}

static bool same_event(const struct ih_event *a, const struct ih_event *b, enum ih_hash_algo algo)
{
	struct ih_digest x, y;

	if (a->pcr != b->pcr || a->type != b->type)
		return false;
	if (a->type == IH_EV_NO_ACTION)
		return true;
	return !ih_event_digest(a, algo, &x) && !ih_event_digest(b, algo, &y) &&
	       !memcmp(x.bytes, y.bytes, ih_hash_size(algo));
}

/* What happened at the first difference, by looking one event ahead on both sides. */
static void describe_difference(struct ih_text *out, const char *name,
				const struct ih_eventlog *log, const struct ih_eventlog *reference,
				size_t i, enum ih_hash_algo algo)
{
	bool more = i < log->n, wanted = i < reference->n;

	if (more && wanted && i + 1 < log->n && i + 1 < reference->n &&
	    same_event(&log->events[i], &reference->events[i + 1], algo) &&
	    same_event(&log->events[i + 1], &reference->events[i], algo)) {
		name_event(out, name, &log->events[i], i + 1);
		(void)ih_text_addf(out, " and the one after it are swapped");
	} else if (more &&
		   (!wanted || (i + 1 < log->n &&
				same_event(&log->events[i + 1], &reference->events[i], algo)))) {
		name_event(out, name, &log->events[i], i + 1);
		(void)ih_text_addf(out, " was added");
	} else if (wanted &&
		   (!more || (i + 1 < reference->n &&
			      same_event(&log->events[i], &reference->events[i + 1], algo)))) {
		(void)ih_text_addf(out, "in front of event %zu of '%s' one is missing: ", i + 1,
				   name);
		name_event(out, "the reference", &reference->events[i], i + 1);
	} else if (more) {
		name_event(out, name, &log->events[i], i + 1);
		(void)ih_text_addf(out, " was changed");
	}
}

int ih_measure_compare_logs(const char *name, const struct ih_eventlog *log,
			    const char *reference_name, const struct ih_eventlog *reference,
			    enum ih_hash_algo algo, struct ih_diag *diag)
{
	size_t n = log->n > reference->n ? log->n : reference->n;
	struct ih_text out = { 0 };
	int r;

	for (size_t i = 0; i < n; i++) {
		if (i < log->n && i < reference->n &&
		    same_event(&log->events[i], &reference->events[i], algo))
			continue;
		describe_difference(&out, name, log, reference, i, algo);
		r = ih_fail(diag, -EBADMSG, "%s, compared with '%s'", ih_text_get(&out),
			    reference_name);
		ih_text_done(&out);
		return r;
	}
	return 0;
}

/* PCR 11 and its policy */

const char *const *ih_measure_default_phases(void)
{
	static const char *const phases[] = { "enter-initrd", "enter-initrd:leave-initrd",
					      "enter-initrd:leave-initrd:sysinit",
					      "enter-initrd:leave-initrd:sysinit:ready", NULL };
	return phases;
}

int ih_measure_phases(struct ih_pcrs *pcrs, const char *path, struct ih_diag *diag)
{
	for (int i = 0; *path; i++) {
		size_t len = strcspn(path, ":");
		int r;

		if (!len || i == IH_PHASES_MAX)
			return ih_fail(diag, -EINVAL, "'%s' is no list of phases with ':' between",
				       path);
		r = ih_pcr_measure(pcrs, IH_PCR_KERNEL_IMAGE, path, len);
		if (r < 0)
			return ih_fail(diag, r, "cannot measure a phase: %s", strerror(-r));
		path += len;
		if (*path == ':' && !*++path)
			return ih_fail(diag, -EINVAL, "the list of phases ends in ':'");
	}
	return 0;
}

int ih_measure_policy(const struct ih_pcrs *pcrs, uint8_t ret[IH_SHA256_SIZE])
{
	/* Policy before: zeros. TPM_CC_PolicyPCR, then TPML_PCR_SELECTION of register 11. */
	uint8_t message[IH_SHA256_SIZE + 4 + 10 + IH_SHA256_SIZE] = { 0 };
	uint16_t alg = ih_pcr_tpm_alg(pcrs->algo);
	uint8_t *p = message + IH_SHA256_SIZE;
	struct ih_digest digest;
	int r;

	memcpy(p,
	       (const uint8_t[]){ 0, 0, 0x01, 0x7f, 0, 0, 0, 1, (uint8_t)(alg >> 8), (uint8_t)alg,
				  3, 0, 1 << (IH_PCR_KERNEL_IMAGE - 8), 0 },
	       14);
	r = ih_hash_once(IH_HASH_SHA256, pcrs->value[IH_PCR_KERNEL_IMAGE], ih_hash_size(pcrs->algo),
			 &digest);
	if (r < 0)
		return r;
	memcpy(p + 14, digest.bytes, IH_SHA256_SIZE);
	r = ih_hash_once(IH_HASH_SHA256, message, sizeof(message), &digest);
	if (r < 0)
		return r;
	memcpy(ret, digest.bytes, IH_SHA256_SIZE);
	return 0;
}

static void set_hex(struct ih_json_out *object, const char *key,
		    const uint8_t sha256[IH_SHA256_SIZE])
{
	struct ih_digest digest = { .algo = IH_HASH_SHA256 };
	char hex[IH_DIGEST_HEX_SIZE];

	memcpy(digest.bytes, sha256, IH_SHA256_SIZE);
	ih_digest_hex(&digest, hex);
	ih_json_set_string(object, key, hex);
}

static int sign_one(const struct ih_pcrs *sections, const char *phase, struct ih_key *key,
		    struct ih_json_out *list, struct ih_diag *diag)
{
	uint8_t policy[IH_SHA256_SIZE], fingerprint[IH_KEY_DIGEST], signature[IH_KEY_SIGNATURE_MAX];
	const struct ih_bytes spki = { key->public_key, key->public_key_len };
	struct ih_json_out *entry, *registers;
	struct ih_pcrs pcrs = *sections;
	_free_ char *text = NULL;
	struct ih_digest digest;
	size_t len = 0;
	int r;

	r = ih_measure_phases(&pcrs, phase, diag);
	if (!r)
		r = ih_measure_policy(&pcrs, policy);
	/* The TPM verifies a signature over the hash of the policy (TPM2_PolicyAuthorize). */
	if (!r)
		r = ih_hash_once(IH_HASH_SHA256, policy, sizeof(policy), &digest);
	if (!r)
		r = ih_key_sign(key, digest.bytes, signature, &len, diag);
	if (!r)
		r = ih_public_key_fingerprint(spki, fingerprint, diag);
	if (!r)
		r = ih_base64((struct ih_bytes){ signature, len }, &text);
	if (r < 0)
		return r;

	entry = ih_json_new_object();
	registers = ih_json_new_array();
	ih_json_push(registers, ih_json_new_u64(IH_PCR_KERNEL_IMAGE));
	ih_json_set(entry, "pcrs", registers);
	set_hex(entry, "pkfp", fingerprint);
	set_hex(entry, "pol", policy);
	ih_json_set_string(entry, "sig", text);
	ih_json_push(list, entry);
	return 0;
}

int ih_measure_sign(const struct ih_pcrs *sections, size_t n, const char *const *phases,
		    struct ih_key *key, struct ih_text *ret, struct ih_diag *diag)
{
	struct ih_json_out *out = ih_json_new_object();
	int r = 0;

	for (size_t i = 0; i < n && !r; i++) {
		struct ih_json_out *list = ih_json_new_array();

		for (size_t k = 0; phases[k] && !r; k++)
			r = sign_one(&sections[i], phases[k], key, list, diag);
		ih_json_set(out, ih_hash_name(sections[i].algo), list);
	}
	if (r < 0) {
		ih_json_out_free(out);
		return r;
	}
	return ih_json_print(out, false, ret);
}
