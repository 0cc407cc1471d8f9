/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events: what was refused or reported, for a file of JSON lines or for the journal. Fields, not
 * text to be scraped. Never in the way: an event that cannot be written changes no verdict.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/diag.h"

/* Stable: `journalctl MESSAGE_ID=…` finds them. */
#define IH_EVENT_ID_DENIED  "5a3e1c7d9b8446f0a1c2e64b7f0d9311"
#define IH_EVENT_ID_AUDIT   "b7c0f2d4e5a94c118f3d27a6c1e08b52"
#define IH_EVENT_ID_ALLOWED "0c9e6a41f7d84b23b5e1a8d3f6927c04"

#define IH_EVENT_ARGS_MAX 64   /* arguments that an event holds; the rest is counted */
#define IH_EVENT_ARG_MAX  1024 /* bytes of one */

enum ih_event_kind {
	IH_EVENT_DENIED = 0,
	IH_EVENT_AUDIT, /* ran, and would have been denied */
	IH_EVENT_ALLOWED,
};

/* Any text may be NULL. */
struct ih_event_fields {
	enum ih_event_kind kind;
	const char *sentence, *advice;
	const char *reason; /* stable name: "inline" */
	const char *program, *script, *interpreter, *mode, *provenance;
	const char *rule, *rule_file;
	unsigned int rule_line;
	const char *policy;
	char *const *argv; /* NULL-terminated */
	pid_t pid;
	uid_t uid;
	bool tree; /* seen by the tree gate, not the outermost command */
};

struct ih_event_sink {
	int fd;
	bool journal;
	uint64_t lost; /* events that could not be written */
};

/**
 * ih_events_open() - where events go
 * @where: "journal", "none", or the name of a file that lines are appended to (made with mode 0600)
 *
 * Return: 0, or a negative errno with a sentence.
 */
int ih_events_open(const char *where, struct ih_event_sink *ret, struct ih_diag *diag);
void ih_events_close(struct ih_event_sink *sink);

/* One line of JSON in one write(2), or one datagram of systemd's native journal protocol. */
void ih_event_send(struct ih_event_sink *sink, const struct ih_event_fields *e);
