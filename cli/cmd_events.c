/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard events`: what was refused and why, from the guard's file of events and, with --follow, as
 * it happens. Reads lines of ihard-event(5); changes nothing.
 */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/control.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/text.h"

#define SOCKET	       "/run/ihard/guard.socket"
#define FILE_NOW       "/run/ihard/events.jsonl"
#define LINE_MAX_BYTES (1u << 20)

enum {
	OPT_FILE,
	OPT_SOCKET,
	OPT_FOLLOW,
	OPT_JSON,
	OPT_EVENT,
	OPT_ACT,
	OPT_REASON,
	OPT_RULE,
	OPT_PROGRAM,
	OPT_COMM,
	OPT_UID,
	OPT_PID,
	OPT_SINCE,
	OPT_LINES,
};

static const struct ih_option option_table[] = {
	[OPT_FILE] = { "file", "FILE", "of events (" FILE_NOW ", and FILE.1 before it)", false },
	[OPT_SOCKET] = { "socket", "PATH", "of the guard (" SOCKET ")", false },
	[OPT_FOLLOW] = { "follow", NULL, "go on with what happens from now on", false },
	[OPT_JSON] = { "json", NULL, "print the events as they are, a JSON object a line", false },
	[OPT_EVENT] = { "event", "KIND", "only 'denied', 'audit', 'allowed' or 'lost'", false },
	[OPT_ACT] = { "act", "ACT", "only 'exec', 'arguments', 'open', 'map', …", false },
	[OPT_REASON] = { "reason", "REASON", "only for this reason: 'inline', 'program', …",
			 false },
	[OPT_RULE] = { "rule", "NAME", "only by this rule", false },
	[OPT_PROGRAM] = { "program", "GLOB", "only about files whose name fits", false },
	[OPT_COMM] = { "comm", "GLOB", "only by tasks of this name", false },
	[OPT_UID] = { "uid", "N", "only by this user", false },
	[OPT_PID] = { "pid", "N", "only by this process", false },
	[OPT_SINCE] = { "since", "TIME",
			"only from then on: 2026-01-31T12:00:00Z, or its beginning", false },
	[OPT_LINES] = { "lines", "N", "at most the last N of the file", false },
};

struct filter {
	const char *event, *act, *reason, *rule, *program, *comm, *since;
	uint64_t uid, pid;
	bool has_uid, has_pid;
};

struct events_options {
	const char *file, *socket;
	struct filter filter;
	bool follow, json;
	uint64_t lines; /* 0: all */
};

static int take_number(const struct ih_options *o, const char *name, const char *value,
		       uint64_t *ret)
{
	if (ih_parse_u64(value, UINT32_MAX, ret) == 0)
		return 0;
	return ih_usage_error(o, "'--%s %s' is no number", name, value);
}

static int take_option(const struct ih_options *o, void *to, int opt, const char *value)
{
	struct events_options *c = to;
	const char **texts[] = {
		[OPT_FILE] = &c->file,
		[OPT_SOCKET] = &c->socket,
		[OPT_EVENT] = &c->filter.event,
		[OPT_ACT] = &c->filter.act,
		[OPT_REASON] = &c->filter.reason,
		[OPT_RULE] = &c->filter.rule,
		[OPT_PROGRAM] = &c->filter.program,
		[OPT_COMM] = &c->filter.comm,
		[OPT_SINCE] = &c->filter.since,
		[OPT_LINES] = NULL,
	};

	switch (opt) {
	case OPT_FOLLOW:
		c->follow = true;
		return 0;
	case OPT_JSON:
		c->json = true;
		return 0;
	case OPT_UID:
		c->filter.has_uid = true;
		return take_number(o, "uid", value, &c->filter.uid);
	case OPT_PID:
		c->filter.has_pid = true;
		return take_number(o, "pid", value, &c->filter.pid);
	case OPT_LINES:
		return take_number(o, "lines", value, &c->lines);
	default:
		*texts[opt] = value;
		return 0;
	}
}

static int parse(int argc, char **argv, struct events_options *c)
{
	struct ih_options o = {
		.verb = "events",
		.usage = "[options]",
		.about = "Says what was refused on this machine, and why; the newest is last.",
		.table = option_table,
		.n = IH_ARRAY_SIZE(option_table),
	};
	int r;

	*c = (struct events_options){ .file = FILE_NOW, .socket = SOCKET };
	r = ih_options_parse(&o, argc, argv, take_option, c);
	return r < 0 ? r : ih_options_no_operand(&o);
}

static const char *text_of(const struct ih_json *root, const char *key)
{
	const char *text = "";
	struct ih_json v;

	if (ih_json_member(root, key, &v) < 0 || ih_json_string(&v, &text, NULL) < 0)
		return "";
	return text;
}

static uint64_t number_of(const struct ih_json *root, const char *key)
{
	struct ih_json v;
	uint64_t n = UINT64_MAX;

	if (ih_json_member(root, key, &v) < 0)
		return UINT64_MAX;
	(void)ih_json_u64(&v, 0, UINT64_MAX, &n, NULL);
	return n;
}

static bool is_word(const struct ih_json *e, const char *key, const char *want)
{
	return !want || strcmp(text_of(e, key), want) == 0;
}

static bool fits(const struct ih_json *e, const char *key, const char *glob)
{
	return !glob || fnmatch(glob, text_of(e, key), 0) == 0;
}

static bool passes(const struct filter *f, const struct ih_json *e)
{
	return is_word(e, "event", f->event) && is_word(e, "act", f->act) &&
	       is_word(e, "reason", f->reason) && is_word(e, "rule", f->rule) &&
	       fits(e, "program", f->program) && fits(e, "comm", f->comm) &&
	       (!f->has_uid || number_of(e, "uid") == f->uid) &&
	       (!f->has_pid || number_of(e, "pid") == f->pid) &&
	       (!f->since || strcmp(text_of(e, "time"), f->since) >= 0);
}

static void print_event(const struct ih_output *out, const struct ih_json *e)
{
	const char *kind = text_of(e, "event"), *advice = text_of(e, "advice");
	struct ih_text who = { 0 };
	struct ih_diag clean;

	if (strcmp(kind, "lost") == 0) {
		printf("%s  lost   %" PRIu64 " events could not be told; the verdicts stood\n",
		       text_of(e, "time"), number_of(e, "lost"));
		return;
	}
	(void)ih_text_addf(&who, "%s, pid %" PRIu64 ", user %" PRIu64, text_of(e, "comm"),
			   number_of(e, "pid"), number_of(e, "uid"));
	(void)ih_fail(&clean, 0, "%s: %s", ih_text_get(&who), text_of(e, "sentence"));
	printf("%s  ", text_of(e, "time"));
	ih_output_tone(out, strcmp(kind, "denied") == 0 ? IH_TONE_BAD : IH_TONE_NOTE, "%-6s", kind);
	printf(" %s\n", clean.text);
	if (*advice && out->terminal)
		printf("%*s%s\n", 36, "", advice);
	ih_text_done(&who);
}

/* A line that is no event (torn by a crash) is passed over. */
static bool show(const struct events_options *c, const struct ih_output *out, const char *line,
		 size_t len, bool dry)
{
	struct ih_json_doc *doc = NULL;
	struct ih_json root;
	bool pass;

	if (!len || ih_json_parse("event", line, len, &doc, NULL) < 0)
		return false;
	root = ih_json_root(doc);
	pass = passes(&c->filter, &root);
	if (pass && !dry && c->json)
		printf("%.*s\n", (int)len, line);
	else if (pass && !dry)
		print_event(out, &root);
	ih_json_free(doc);
	return pass;
}

/* @skip: of what passes, counted down; NULL: count only. Return: how many pass, or an errno. */
static ssize_t show_stream(const struct events_options *c, const struct ih_output *out, FILE *f,
			   uint64_t *skip)
{
	_free_ char *line = NULL;
	size_t size = 0;
	ssize_t n, passed = 0;

	while ((n = getline(&line, &size, f)) > 0) {
		size_t len = (size_t)n - (line[n - 1] == '\n');
		bool dry = !skip || *skip;

		if (len > LINE_MAX_BYTES || !show(c, out, line, len, dry))
			continue;
		passed++;
		if (skip && *skip)
			--*skip;
		if (skip && c->follow)
			(void)fflush(stdout);
	}
	return passed;
}

static ssize_t show_file(const struct events_options *c, const struct ih_output *out,
			 const char *path, uint64_t *skip)
{
	FILE *f = fopen(path, "re");
	ssize_t n;

	if (!f)
		return -errno;
	n = show_stream(c, out, f, skip);
	(void)fclose(f);
	return n;
}

static int show_files(const struct events_options *c, const struct ih_output *out)
{
	struct ih_text old = { 0 };
	uint64_t skip = 0;
	ssize_t n, before;

	if (ih_text_addf(&old, "%s.1", c->file) < 0)
		return -ENOMEM;
	if (c->lines) {
		before = show_file(c, out, old.data, NULL);
		n = show_file(c, out, c->file, NULL);
		n = (n > 0 ? n : 0) + (before > 0 ? before : 0);
		skip = (uint64_t)n > c->lines ? (uint64_t)n - c->lines : 0;
	}
	(void)show_file(c, out, old.data, &skip);
	n = show_file(c, out, c->file, &skip);
	ih_text_done(&old);
	return n < 0 ? (int)n : 0;
}

static int follow(const struct events_options *c, const struct ih_output *out, int fd)
{
	FILE *f = fdopen(fd, "r");
	uint64_t none = 0;

	if (!f) {
		(void)close(fd);
		return -errno;
	}
	(void)show_stream(c, out, f, &none);
	(void)fclose(f);
	return 0;
}

int ih_cmd_events(int argc, char **argv)
{
	struct events_options c;
	struct ih_diag diag = { 0 };
	struct ih_output out;
	int r = parse(argc, argv, &c), fd = -EBADF;

	if (r < 0)
		return ih_options_exit(r);
	ih_output_init(&out, stdout);
	r = 0;
	/* asked before the file is read: what happens meanwhile is shown twice rather than not */
	if (c.follow) {
		fd = ih_control_connect(c.socket, IH_CONTROL_EVENTS, &diag);
		r = fd < 0 ? fd : 0;
	}
	if (r == 0) {
		r = show_files(&c, &out);
		if (r < 0 && !(r == -ENOENT && c.follow))
			(void)ih_fail(&diag, r, "cannot read '%s': %s%s", c.file, strerror(-r),
				      r == -ENOENT ? "; does ihard-guard run?" : "");
		else
			r = 0;
	}
	(void)fflush(stdout);
	if (r == 0 && c.follow)
		r = follow(&c, &out, fd);
	if (r < 0)
		fprintf(stderr, "ihard events: %s\n", diag.text);
	return r < 0 ? IH_EXIT_FAILED : IH_EXIT_OK;
}
