/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's events in words: to a bounded file of JSON lines, to the journal, to the terminal of
 * whoever was stopped, to those who follow. Counts for the metrics. Decides nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/abi/decide.h"
#include "common/abi/gate.h"
#include "common/diag.h"
#include "policy/event.h"
#include "policy/policy.h"

#define IH_REPORT_FILE_MAX (8u << 20) /* bytes; then it becomes FILE.1, and the old FILE.1 goes */

struct ih_report {
	const struct ih_policy *policy; /* changes on reload */
	enum ih_event_gate gate;
	struct ih_event_sink file, journal;
	char *path; /* of the file; NULL: none */
	bool to_terminal, to_stderr;

	/* Told of each event, one JSON object without a line feed; may be NULL. */
	void (*each)(void *user, const char *json, size_t len);
	void *user;

	uint64_t denied[IH_REASON_MAX_], audited[IH_REASON_MAX_];
	uint64_t by_act[IH_ACT_MAX_], by_mode[IH_MODE_MAX_];
	uint64_t *by_rule; /* as many as the policy has, and one in front for none */
	uint64_t lost;	   /* told so far */

	uint64_t terminal_second; /* what keeps a storm off a terminal */
	unsigned int terminal_lines;
};

/* @path: file of events, NULL for none. The folder is made. */
int ih_report_open(struct ih_report *r, const char *path, bool journal, struct ih_diag *diag);
void ih_report_close(struct ih_report *r);

/* Events speak of the rules of this policy from now on. Return: 0 or -ENOMEM. */
int ih_report_policy(struct ih_report *r, const struct ih_policy *policy);

void ih_report_event(struct ih_report *r, const struct ih_event *e);

/* So many events could not be told, all in all. */
void ih_report_lost(struct ih_report *r, uint64_t lost);

/* "exec", "map", …: stable. */
const char *ih_act_name(unsigned int act);

/* One sentence: what was refused, and why. */
void ih_report_sentence(const struct ih_report *r, const struct ih_event *e, struct ih_diag *ret);
