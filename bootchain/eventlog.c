/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parsing and replaying a TCG2 event log. Compares with nothing: that is measure.c's. */
#include "bootchain/eventlog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

enum {
	OLD_HEADER = 32, /* TCG_PCR_EVENT: register, type, SHA-1, size */
	SHA1_SIZE = 20,
	ALG_SHA1 = 0x0004,
	SPEC_FIXED = 28, /* TCG_EfiSpecIDEvent up to its list of algorithms */
	LOCALITY_SIZE = 17,
	PCR_NONE = 0xffffffff,
};

struct reader {
	const char *name;
	const uint8_t *data;
	size_t len, at;
	struct ih_diag *diag;
};

static int take(struct reader *in, size_t len, const uint8_t **ret)
{
	if (len > in->len - in->at)
		return -EBADMSG;
	*ret = in->data + in->at;
	in->at += len;
	return 0;
}

static int cut_off(const struct reader *in, size_t number, size_t offset)
{
	return ih_fail(in->diag, -EBADMSG, "event %zu of '%s', at offset %zu, is cut off", number,
		       in->name, offset);
}

/* TCG_EfiSpecIDEvent (10.4.5.1): which algorithms the events that follow carry. */
static int parse_algorithms(struct reader *in, struct ih_bytes spec, struct ih_eventlog *log)
{
	uint32_t n = spec.len >= SPEC_FIXED ? ih_le32(spec.data + 24) : 0;

	if (!n || n > IH_EVENT_DIGESTS_MAX || spec.len < SPEC_FIXED + 4 * (size_t)n + 1 ||
	    spec.data[SPEC_FIXED + 4 * n] != spec.len - SPEC_FIXED - 4 * (size_t)n - 1)
		return ih_fail(in->diag, -EBADMSG,
			       "the header of the event log '%s' does not hold its %" PRIu32
			       " algorithms",
			       in->name, n);
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *entry = spec.data + SPEC_FIXED + 4 * i;
		uint16_t alg = ih_le16(entry), size = ih_le16(entry + 2);
		size_t known = ih_hash_size(ih_pcr_bank(alg));

		if (!size || size > IH_HASH_SIZE_MAX || (known && known != size))
			return ih_fail(
				in->diag, -EBADMSG,
				"the event log '%s' says that digests of algorithm 0x%04x have"
				" %u bytes",
				in->name, alg, size);
		for (unsigned int k = 0; k < log->n_algs; k++)
			if (log->algs[k].tpm_alg == alg)
				return ih_fail(in->diag, -EBADMSG,
					       "the event log '%s' names algorithm 0x%04x twice",
					       in->name, alg);
		log->algs[log->n_algs].tpm_alg = alg;
		log->algs[log->n_algs++].size = size;
	}
	return 0;
}

static int take_data(struct reader *in, struct ih_bytes *ret)
{
	const uint8_t *p = NULL;

	if (take(in, 4, &p))
		return -EBADMSG;
	ret->len = ih_le32(p);
	return take(in, ret->len, &ret->data);
}

static int parse_old(struct reader *in, struct ih_event *e)
{
	const uint8_t *p = NULL;

	e->offset = in->at;
	if (take(in, OLD_HEADER - 4, &p) || take_data(in, &e->data))
		return -EBADMSG;
	e->pcr = ih_le32(p);
	e->type = ih_le32(p + 4);
	e->n_digests = 1;
	e->digests[0].tpm_alg = ALG_SHA1;
	e->digests[0].bytes = p + 8;
	return 0;
}

static uint16_t digest_size(const struct ih_eventlog *log, uint16_t alg)
{
	for (unsigned int i = 0; i < log->n_algs; i++)
		if (log->algs[i].tpm_alg == alg)
			return log->algs[i].size;
	return 0;
}

/* TCG_PCR_EVENT2 (10.2.2). */
static int parse_agile(struct reader *in, const struct ih_eventlog *log, struct ih_event *e)
{
	const uint8_t *p = NULL;
	uint32_t n;

	e->offset = in->at;
	if (take(in, 12, &p))
		return -EBADMSG;
	e->pcr = ih_le32(p);
	e->type = ih_le32(p + 4);
	n = ih_le32(p + 8);
	if (n > log->n_algs)
		return -EBADMSG;
	for (e->n_digests = 0; e->n_digests < n; e->n_digests++) {
		uint16_t alg;

		if (take(in, 2, &p))
			return -EBADMSG;
		alg = ih_le16(p);
		for (unsigned int k = 0; k < e->n_digests; k++)
			if (e->digests[k].tpm_alg == alg)
				return -EBADMSG;
		if (!digest_size(log, alg) || take(in, digest_size(log, alg), &p))
			return -EBADMSG;
		e->digests[e->n_digests].tpm_alg = alg;
		e->digests[e->n_digests].bytes = p;
	}
	return take_data(in, &e->data);
}

static int add_event(struct ih_eventlog *log, size_t *size, const struct ih_event *e)
{
	struct ih_event *grown;
	size_t n;

	if (log->n == *size) {
		n = *size ? 2 * *size : 64;
		grown = reallocarray(log->events, n, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		log->events = grown;
		*size = n;
	}
	log->events[log->n++] = *e;
	return 0;
}

/* EV_NO_ACTION "StartupLocality" (10.4.5.3): register 0 does not begin with zero then. */
static void note_locality(struct ih_eventlog *log, const struct ih_event *e)
{
	if (e->type == IH_EV_NO_ACTION && e->pcr == 0 && e->data.len == LOCALITY_SIZE &&
	    !memcmp(e->data.data, "StartupLocality", 16))
		log->startup_locality = e->data.data[16];
}

static int parse_events(struct reader *in, bool agile, struct ih_eventlog *log)
{
	size_t size = 0;
	int r;

	while (in->at < in->len) {
		struct ih_event e = { 0 };
		size_t start = in->at;

		if (log->n == IH_EVENTS_MAX)
			return ih_fail(in->diag, -EFBIG,
				       "the event log '%s' has more than %d events", in->name,
				       IH_EVENTS_MAX);
		if (agile ? parse_agile(in, log, &e) : parse_old(in, &e))
			return cut_off(in, log->n + 1, start);
		if (e.pcr >= IH_PCRS && !(e.type == IH_EV_NO_ACTION && e.pcr == PCR_NONE))
			return ih_fail(in->diag, -EBADMSG,
				       "event %zu of '%s', at offset %zu, extends register %" PRIu32
				       ", which there is not",
				       log->n + 1, in->name, start, e.pcr);
		note_locality(log, &e);
		r = add_event(log, &size, &e);
		if (r < 0)
			return r;
	}
	return 0;
}

int ih_eventlog_parse(const char *name, const void *data, size_t len, struct ih_eventlog *ret,
		      struct ih_diag *diag)
{
	struct reader in = { .name = name, .data = data, .len = len, .diag = diag };
	struct ih_eventlog log = { 0 };
	struct ih_event first = { 0 };
	bool agile;
	int r;

	if (len > IH_EVENTLOG_MAX)
		return ih_fail(diag, -EFBIG,
			       "the event log '%s' has %zu bytes; at most %u are read", name, len,
			       IH_EVENTLOG_MAX);
	if (parse_old(&in, &first))
		return cut_off(&in, 0, 0);
	agile = first.type == IH_EV_NO_ACTION && first.data.len >= 16 &&
		!memcmp(first.data.data, "Spec ID Event03", 16);
	if (agile) {
		r = parse_algorithms(&in, first.data, &log);
	} else {
		log.n_algs = 1;
		log.algs[0].tpm_alg = ALG_SHA1;
		log.algs[0].size = SHA1_SIZE;
		in.at = 0;
		r = 0;
	}
	if (!r)
		r = parse_events(&in, agile, &log);
	if (r < 0) {
		ih_eventlog_done(&log);
		return r;
	}
	*ret = log;
	return 0;
}

void ih_eventlog_done(struct ih_eventlog *log)
{
	free(log->events);
	*log = (struct ih_eventlog){ 0 };
}

int ih_event_digest(const struct ih_event *event, enum ih_hash_algo algo, struct ih_digest *ret)
{
	for (unsigned int i = 0; i < event->n_digests; i++) {
		if (ih_pcr_bank(event->digests[i].tpm_alg) != algo || !ih_hash_size(algo))
			continue;
		*ret = (struct ih_digest){ .algo = algo };
		memcpy(ret->bytes, event->digests[i].bytes, ih_hash_size(algo));
		return 0;
	}
	return -ENOENT;
}

int ih_eventlog_replay(const struct ih_eventlog *log, enum ih_hash_algo algo, struct ih_pcrs *ret,
		       struct ih_diag *diag)
{
	struct ih_pcrs pcrs;
	int r;

	ih_pcrs_reset(&pcrs, algo);
	if (ih_hash_size(algo))
		pcrs.value[0][ih_hash_size(algo) - 1] = log->startup_locality;
	for (size_t i = 0; i < log->n; i++) {
		struct ih_digest digest;

		if (log->events[i].type == IH_EV_NO_ACTION)
			continue;
		r = ih_event_digest(&log->events[i], algo, &digest);
		if (r < 0)
			return ih_fail(diag, r, "event %zu of the log has no %s digest", i + 1,
				       ih_hash_name(algo));
		r = ih_pcr_extend(&pcrs, log->events[i].pcr, &digest);
		if (r < 0)
			return ih_fail(diag, r, "cannot replay event %zu: %s", i + 1, strerror(-r));
	}
	*ret = pcrs;
	return 0;
}

/* Types whose digest is the hash of the event data (table 27, "Event digest"). */
static bool is_self_describing(const struct ih_event *e)
{
	switch (e->type) {
	case IH_EV_SEPARATOR:
	case IH_EV_ACTION:
	case IH_EV_S_CRTM_VERSION:
	case IH_EV_EFI_VARIABLE_DRIVER_CONFIG:
	case IH_EV_EFI_GPT_EVENT:
	case IH_EV_EFI_ACTION:
	case IH_EV_EFI_VARIABLE_AUTHORITY:
		return true;
	default:
		return false;
	}
}

int ih_eventlog_check(const char *name, const struct ih_eventlog *log, struct ih_diag *diag)
{
	for (size_t i = 0; i < log->n; i++) {
		const struct ih_event *e = &log->events[i];

		for (size_t b = 0; is_self_describing(e) && b < IH_PCR_BANKS; b++) {
			struct ih_digest said, is;
			int r;

			if (ih_event_digest(e, ih_pcr_bank_at(b), &said))
				continue;
			r = ih_hash_once(said.algo, e->data.data, e->data.len, &is);
			if (r < 0)
				return ih_fail(diag, r, "cannot hash an event: %s", strerror(-r));
			if (memcmp(said.bytes, is.bytes, ih_hash_size(said.algo)))
				return ih_fail(
					diag, -EBADMSG,
					"event %zu of '%s' (%s in register %" PRIu32
					") was changed: its %s digest is not that of what it says",
					i + 1, name, ih_event_type_name(e->type), e->pcr,
					ih_hash_name(said.algo));
		}
	}
	return 0;
}

const char *ih_event_type_name(uint32_t type)
{
	static const struct {
		uint32_t type;
		const char *name;
	} names[] = {
		{ 0x0, "EV_PREBOOT_CERT" },
		{ 0x1, "EV_POST_CODE" },
		{ 0x3, "EV_NO_ACTION" },
		{ 0x4, "EV_SEPARATOR" },
		{ 0x5, "EV_ACTION" },
		{ 0x6, "EV_EVENT_TAG" },
		{ 0x7, "EV_S_CRTM_CONTENTS" },
		{ 0x8, "EV_S_CRTM_VERSION" },
		{ 0x9, "EV_CPU_MICROCODE" },
		{ 0xa, "EV_PLATFORM_CONFIG_FLAGS" },
		{ 0xb, "EV_TABLE_OF_DEVICES" },
		{ 0xc, "EV_COMPACT_HASH" },
		{ 0xd, "EV_IPL" },
		{ 0xe, "EV_IPL_PARTITION_DATA" },
		{ 0xf, "EV_NONHOST_CODE" },
		{ 0x10, "EV_NONHOST_CONFIG" },
		{ 0x11, "EV_NONHOST_INFO" },
		{ 0x12, "EV_OMIT_BOOT_DEVICE_EVENTS" },
		{ 0x80000001, "EV_EFI_VARIABLE_DRIVER_CONFIG" },
		{ 0x80000002, "EV_EFI_VARIABLE_BOOT" },
		{ 0x80000003, "EV_EFI_BOOT_SERVICES_APPLICATION" },
		{ 0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER" },
		{ 0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER" },
		{ 0x80000006, "EV_EFI_GPT_EVENT" },
		{ 0x80000007, "EV_EFI_ACTION" },
		{ 0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB" },
		{ 0x80000009, "EV_EFI_HANDOFF_TABLES" },
		{ 0x8000000a, "EV_EFI_PLATFORM_FIRMWARE_BLOB2" },
		{ 0x8000000b, "EV_EFI_HANDOFF_TABLES2" },
		{ 0x8000000c, "EV_EFI_VARIABLE_BOOT2" },
		{ 0x80000010, "EV_EFI_HCRTM_EVENT" },
		{ 0x800000e0, "EV_EFI_VARIABLE_AUTHORITY" },
		{ 0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB" },
		{ 0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG" },
	};

	for (size_t i = 0; i < IH_ARRAY_SIZE(names); i++)
		if (names[i].type == type)
			return names[i].name;
	return NULL;
}

/* Text made of printable ASCII only; anything else becomes '?'. */
static int add_utf16(struct ih_text *ret, const uint8_t *p, size_t units)
{
	int r = 0;

	for (size_t i = 0; i < units && !r; i++) {
		uint16_t c = ih_le16(p + 2 * i);

		if (!c)
			break;
		r = ih_text_addf(ret, "%c", c >= ' ' && c < 0x7f ? (char)c : '?');
	}
	return r;
}

static int add_ascii(struct ih_text *ret, const uint8_t *p, size_t len)
{
	int r = 0;

	for (size_t i = 0; i < len && p[i] && !r; i++)
		r = ih_text_addf(ret, "%c", p[i] >= ' ' && p[i] < 0x7f ? p[i] : '?');
	return r;
}

/* UEFI_VARIABLE_DATA: GUID, lengths, name, data. */
static int describe_variable(struct ih_bytes d, struct ih_text *ret)
{
	uint64_t name = d.len >= 32 ? ih_le64(d.data + 16) : 0;
	uint64_t data = d.len >= 32 ? ih_le64(d.data + 24) : 0;
	int r;

	if (!name || name > (d.len - 32) / 2)
		return ih_text_addf(ret, "a malformed variable");
	r = ih_text_addf(ret, "variable ");
	if (!r)
		r = add_utf16(ret, d.data + 32, name);
	return r ? r : ih_text_addf(ret, ", %" PRIu64 " bytes", data);
}

/* UEFI_IMAGE_LOAD_EVENT: address, length, link address, then a device path; its file part. */
static int describe_image(struct ih_bytes d, struct ih_text *ret)
{
	uint64_t left = d.len >= 32 ? ih_le64(d.data + 24) : 0;
	const uint8_t *p = d.data + 32;

	if (!left || left != d.len - 32)
		return ih_text_addf(ret, "an image");
	while (left >= 4) {
		size_t len = ih_le16(p + 2);

		if (len < 4 || len > left)
			break;
		if (p[0] == 4 && p[1] == 4) /* media device path, file path */
			return add_utf16(ret, p + 4, (len - 4) / 2);
		p += len;
		left -= len;
	}
	return ih_text_addf(ret, "an image that came from memory");
}

static int describe_tag(struct ih_bytes d, struct ih_text *ret)
{
	uint32_t len = d.len >= 8 ? ih_le32(d.data + 4) : 0;

	if (!len || len > d.len - 8)
		return ih_text_addf(ret, "a malformed tag");
	return add_ascii(ret, d.data + 8, len);
}

int ih_event_describe(const struct ih_event *e, struct ih_text *ret)
{
	switch (e->type) {
	case IH_EV_EFI_VARIABLE_DRIVER_CONFIG:
	case 0x80000002:
	case 0x8000000c:
	case IH_EV_EFI_VARIABLE_AUTHORITY:
		return describe_variable(e->data, ret);
	case IH_EV_EFI_BOOT_SERVICES_APPLICATION:
	case 0x80000004:
	case 0x80000005:
		return describe_image(e->data, ret);
	case IH_EV_EVENT_TAG:
		return describe_tag(e->data, ret);
	case IH_EV_EFI_ACTION:
	case IH_EV_ACTION:
	case IH_EV_POST_CODE:
		return add_ascii(ret, e->data.data, e->data.len);
	case IH_EV_IPL:
		/* Loaders write UTF-16 (systemd) or ASCII (GRUB). */
		if (e->data.len >= 2 && !e->data.data[1])
			return add_utf16(ret, e->data.data, e->data.len / 2);
		return add_ascii(ret, e->data.data, e->data.len);
	default:
		return ih_text_addf(ret, "%zu bytes", e->data.len);
	}
}
