/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events: what was refused or reported, for a file of JSON lines or for the journal. One format for
 * every gate, see ihard-event(5) and docs/schema/event.schema.json. Fields, not text to be scraped.
 * Never in the way: an event that cannot be written is counted and changes no verdict.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "common/diag.h"
#include "common/text.h"

/* Stable: `journalctl MESSAGE_ID=…` finds them. */
#define IH_EVENT_ID_DENIED  "5a3e1c7d9b8446f0a1c2e64b7f0d9311"
#define IH_EVENT_ID_AUDIT   "b7c0f2d4e5a94c118f3d27a6c1e08b52"
#define IH_EVENT_ID_ALLOWED "0c9e6a41f7d84b23b5e1a8d3f6927c04"
#define IH_EVENT_ID_LOST    "e2f4b8a90d3c4f6c9a1b5d7e83c6a047"

#define IH_EVENT_FORMAT	     1	  /* "version" */
#define IH_EVENT_ARGS_MAX    64	  /* arguments that an event holds; "argc" counts them all */
#define IH_EVENT_SOURCES_MAX 16	  /* code sources that an event holds; "nSources" counts them all */
#define IH_EVENT_TEXT_MAX    1024 /* bytes of one argument or source */
#define IH_EVENT_BYTES_MAX   (48UL << 10) /* of all arguments; with it, of all sources */

enum ih_event_kind {
	IH_EVENT_DENIED = 0,
	IH_EVENT_AUDIT, /* ran, and would have been denied; or a rule has it reported */
	IH_EVENT_ALLOWED,
	IH_EVENT_LOST, /* so many events could not be told */
	IH_EVENT_KIND_MAX_,
};

/* Who decided. */
enum ih_event_gate {
	IH_EVENT_GATE_OUTER = 0, /* ihard run: the command itself */
	IH_EVENT_GATE_TREE,	 /* ihard run: what it started */
	IH_EVENT_GATE_KERNEL,	 /* ihard-guard's programs in the kernel */
	IH_EVENT_GATE_FANOTIFY,	 /* ihard-guard, asked by the kernel */
	IH_EVENT_GATE_MAX_,
};

struct ih_event_source {
	const char *kind, *origin, *text, *trust; /* in the words of ihard-check(1) */
};

/*
 * What an event tells. Any text may be NULL, and is left out then; so is a pid or a count of 0.
 */
struct ih_event_fields {
	enum ih_event_kind kind;
	enum ih_event_gate gate;
	const char *act; /* what was asked for: "exec", "open", "map", …; NULL is "exec" */
	const char *sentence, *advice;
	const char *reason; /* stable name: "inline" */
	const char *policy, *rule, *rule_file;
	unsigned int rule_line;

	/* What it is about. */
	const char *program, *trust; /* the file, and its class */
	const char *script, *interpreter, *mode;
	char *const *argv; /* NULL-terminated */
	const struct ih_event_source *sources;
	size_t n_sources;

	/* Who asked. */
	pid_t pid, parent;
	uid_t uid;
	gid_t gid;
	const char *comm, *exe, *unit, *provenance;

	uint64_t lost;	      /* of IH_EVENT_LOST */
	struct timespec time; /* CLOCK_REALTIME; zero: now */
};

struct ih_event_sink {
	int fd;
	bool (*put)(struct ih_event_sink *sink,
		    const struct ih_event_fields *e); /* or NULL: nowhere */
	bool is_torn;  /* the last line was written in part; the next begins with a line feed */
	uint64_t lost; /* events that could not be written */
};

/**
 * ih_events_open() - where events go
 * @where: "journal", "none", or the name of a file that lines are appended to (made with mode 0600)
 *
 * Return: 0, or a negative errno with a sentence.
 */
int ih_events_open(const char *where, struct ih_event_sink *ret, struct ih_diag *diag);

/* The journal, for programs that know no JSON. Return: 0, or a negative errno with a sentence. */
int ih_events_journal(struct ih_event_sink *ret, struct ih_diag *diag);

/* The same, connected to with the first event: most commands have none to tell. Where there is no
 * journal then, events are not told and not counted. */
struct ih_event_sink ih_events_journal_later(void);

void ih_events_close(struct ih_event_sink *sink);

/* One line of JSON in one write(2), or one datagram of systemd's native journal protocol. */
void ih_event_send(struct ih_event_sink *sink, const struct ih_event_fields *e);

/* The event as one JSON object, without a line feed. Return: 0 or -ENOMEM. */
int ih_event_json(const struct ih_event_fields *e, struct ih_text *ret);

/* … as a datagram for the journal. Return: 0 or -ENOMEM. */
int ih_event_journal(const struct ih_event_fields *e, struct ih_text *ret);

/* "denied", "tree" */
const char *ih_event_kind_name(enum ih_event_kind kind);
const char *ih_event_gate_name(enum ih_event_gate gate);

/* At most @size - 1 bytes of a text. Return: how many. */
size_t ih_event_cut(const char *text, char *ret, size_t size);
