/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The firmware's log of what it measured (TCG2), as the kernel hands it out in
 * /sys/kernel/security/tpm0/binary_bios_measurements. The log itself is protected by nothing: it is
 * hostile until its replay equals the TPM's registers. Sources: TCG PC Client Platform Firmware
 * Profile 1.06, sections 10.2 to 10.4; TCG EFI Protocol 1.2.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bootchain/pcr.h"
#include "bootchain/pe.h"
#include "common/diag.h"
#include "common/text.h"
#include "integrity/hash.h"

#define IH_EVENTLOG_MAX	     (16U << 20) /* bytes */
#define IH_EVENTS_MAX	     65536
#define IH_EVENT_DIGESTS_MAX 8 /* algorithms of one log */

enum ih_event_type {
	IH_EV_POST_CODE = 0x1,
	IH_EV_NO_ACTION = 0x3,
	IH_EV_SEPARATOR = 0x4,
	IH_EV_ACTION = 0x5,
	IH_EV_EVENT_TAG = 0x6,
	IH_EV_S_CRTM_VERSION = 0x8,
	IH_EV_IPL = 0xd,
	IH_EV_EFI_VARIABLE_DRIVER_CONFIG = 0x80000001,
	IH_EV_EFI_BOOT_SERVICES_APPLICATION = 0x80000003,
	IH_EV_EFI_GPT_EVENT = 0x80000006,
	IH_EV_EFI_ACTION = 0x80000007,
	IH_EV_EFI_VARIABLE_AUTHORITY = 0x800000e0,
};

struct ih_event {
	uint32_t pcr, type;
	size_t offset; /* in the log, for messages */
	unsigned int n_digests;
	struct {
		uint16_t tpm_alg;
		const uint8_t *bytes;
	} digests[IH_EVENT_DIGESTS_MAX];
	struct ih_bytes data; /* what the log says about it; only some types are hashed over it */
};

struct ih_eventlog {
	unsigned int n_algs;
	struct {
		uint16_t tpm_alg;
		uint16_t size;
	} algs[IH_EVENT_DIGESTS_MAX];
	struct ih_event *events; /* without the header; numbers in messages are indexes + 1 */
	size_t n;
	uint8_t startup_locality; /* of TPM2_Startup: where register 0 begins */
};

/**
 * ih_eventlog_parse() - take a log apart
 * @data: must outlive @ret
 *
 * Both forms: crypto agile ("Spec ID Event03") and the old one with SHA-1 only.
 *
 * Return: 0, -EBADMSG with the event and offset at which it stops making sense, -EFBIG.
 */
int ih_eventlog_parse(const char *name, const void *data, size_t len, struct ih_eventlog *ret,
		      struct ih_diag *diag);
void ih_eventlog_done(struct ih_eventlog *log);

/**
 * ih_eventlog_replay() - what the registers must be if the log is true
 * Return: 0, -ENOENT when the log has no digests of this bank.
 */
int ih_eventlog_replay(const struct ih_eventlog *log, enum ih_hash_algo algo, struct ih_pcrs *ret,
		       struct ih_diag *diag);

/* The event's digest of a bank. Return: 0, -ENOENT. */
int ih_event_digest(const struct ih_event *event, enum ih_hash_algo algo, struct ih_digest *ret);

/**
 * ih_eventlog_check() - do the events say what was hashed?
 *
 * For types whose digest is by definition the hash of the event's data, the two must agree in every
 * bank; otherwise what a reader sees is not what was measured.
 *
 * Return: 0, -EBADMSG naming the first such event.
 */
int ih_eventlog_check(const char *name, const struct ih_eventlog *log, struct ih_diag *diag);

/* "EV_IPL"; NULL for a type without a name. */
const char *ih_event_type_name(uint32_t type);

/* What the event is about, for people: a variable's name, a text, a path; one line. */
int ih_event_describe(const struct ih_event *event, struct ih_text *ret);
