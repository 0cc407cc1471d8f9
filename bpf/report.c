/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events in words. What the kernel copied into an event was written by whoever was stopped. */
#include "bpf/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "bpf/terminal.h"
#include "common/cleanup.h"
#include "common/text.h"
#include "integrity/trust.h"
#include "policy/explain.h"
#include "policy/words.h"

#define TERMINAL_LINES_A_SECOND 10

/* In words: what stands before and behind the file's name, and what is said without one. */
static const struct {
	const char *name, *before, *after, *without;
} acts[IH_ACT_MAX_] = {
	[IH_ACT_NONE] = { "unknown", "", " was refused", "something was refused" },
	[IH_ACT_EXEC] = { "exec", "", " may not be executed", "a file may not be executed" },
	[IH_ACT_CHECK] = { "check", "", " may not be executed", "a file may not be executed" },
	[IH_ACT_ARGUMENTS] = { "arguments", "", " was not started with these arguments",
			       "a program was not started with these arguments" },
	[IH_ACT_OPEN] = { "open", "", " may not be read as code",
			  "a file may not be read as code" },
	[IH_ACT_MAP] = { "map", "", " may not become executable memory",
			 "a file may not become executable memory" },
	[IH_ACT_MEMORY] = { "memory", "memory of ", " may not be executed after it was written",
			    "memory may not be executed after it was written" },
	[IH_ACT_TRACE] = { "trace", "", " may not be traced",
			   "another program's memory may not be written, nor it be traced" },
	[IH_ACT_MOUNT] = { "mount", "nothing may be mounted over ", "",
			   "this mount may not be changed" },
	[IH_ACT_BPF] = { "bpf", "", " may not be changed",
			 "bpf(2) and its file system are the guard's" },
	[IH_ACT_KERNEL] = { "kernel", "", " may not be loaded into the kernel",
			    "this may not be loaded into the kernel" },
	[IH_ACT_SIGNAL] = { "signal", "", " may not be signalled",
			    "the guard may not be signalled" },
	[IH_ACT_DEVICE] = { "device", "", " may not be written",
			    "the disk of the store may not be written" },
};

const char *ih_act_name(unsigned int act)
{
	return act < IH_ACT_MAX_ && acts[act].name ? acts[act].name : acts[0].name;
}

static const struct ih_rule_info *rule_of(const struct ih_report *r, const struct ih_event *e)
{
	if (!r->policy || !e->rule || e->rule > r->policy->n_rules)
		return NULL;
	return r->policy->info[e->rule - 1].given ? &r->policy->info[e->rule - 1] : NULL;
}

/* Some reasons mean something of their own where no file is asked about. */
static const char *why(const struct ih_event *e)
{
	if (e->act == IH_ACT_MEMORY)
		return "executable memory comes from trusted files only, and is never written";
	if (e->act == IH_ACT_TRACE)
		return "what it runs would no longer be what was looked at";
	if (e->reason == IH_REASON_SUBJECT && e->act >= IH_ACT_MOUNT)
		return "while the lock is on only the guard may";
	if (e->act == IH_ACT_DEVICE)
		return "files would change under those who were vouched for";
	if (e->act == IH_ACT_KERNEL)
		return "nobody vouches for it";
	return ih_reason_sentence((enum ih_reason)e->reason);
}

void ih_report_sentence(const struct ih_report *r, const struct ih_event *e, struct ih_diag *ret)
{
	const struct ih_rule_info *rule = rule_of(r, e);
	unsigned int act = e->act < IH_ACT_MAX_ ? e->act : IH_ACT_NONE;
	struct ih_text what = { 0 };

	if (e->path[0])
		(void)ih_text_addf(&what, "%s'%s'%s", acts[act].before, e->path, acts[act].after);
	else
		(void)ih_text_addf(&what, "%s", acts[act].without);
	(void)ih_fail(ret, 0, "%s: %s%s%s%s", ih_text_get(&what),
		      rule && rule->reason ? rule->reason : why(e), rule ? " (rule '" : "",
		      rule ? rule->name : "", rule ? "')" : "");
	ih_text_done(&what);
}

/* Since boot → since 1970. */
static struct timespec time_of(const struct ih_event *e)
{
	struct timespec real, boot;
	int64_t ns;

	(void)clock_gettime(CLOCK_REALTIME, &real);
	(void)clock_gettime(CLOCK_BOOTTIME, &boot);
	ns = (real.tv_sec - boot.tv_sec) * 1000000000LL + real.tv_nsec - boot.tv_nsec +
	     (int64_t)e->time_ns;
	return (struct timespec){ ns / 1000000000, ns % 1000000000 };
}

static void count(struct ih_report *r, const struct ih_event *e)
{
	unsigned int reason = e->reason < IH_REASON_MAX_ ? e->reason : IH_REASON_NONE;

	if (e->enforced && e->verdict == IH_DENY)
		r->denied[reason]++;
	else
		r->audited[reason]++;
	r->by_act[e->act < IH_ACT_MAX_ ? e->act : IH_ACT_NONE]++;
	if (e->act == IH_ACT_ARGUMENTS)
		r->by_mode[e->mode < IH_MODE_MAX_ ? e->mode : IH_MODE_UNCLEAR]++;
	if (r->by_rule)
		r->by_rule[r->policy && e->rule <= r->policy->n_rules ? e->rule : 0]++;
}

static void turn_file_over(struct ih_report *r)
{
	struct ih_text old = { 0 };
	struct ih_diag diag;
	struct stat st;

	if (r->file.fd < 0 || fstat(r->file.fd, &st) < 0 || st.st_size < IH_REPORT_FILE_MAX)
		return;
	if (ih_text_addf(&old, "%s.1", r->path) == 0 && rename(r->path, old.data) == 0) {
		ih_events_close(&r->file);
		(void)ih_events_open(r->path, &r->file, &diag);
	}
	ih_text_done(&old);
}

static void send(struct ih_report *r, const struct ih_event_fields *f)
{
	struct ih_text json = { 0 };

	turn_file_over(r);
	if (r->file.fd >= 0)
		ih_event_send(&r->file, f);
	if (r->journal.fd >= 0)
		ih_event_send(&r->journal, f);
	if (r->each && ih_event_json(f, &json) == 0)
		r->each(r->user, json.data, json.len);
	ih_text_done(&json);
}

/* A fork bomb of refused programs must not fill a terminal, nor keep the guard busy with it. */
static bool may_write_to_terminal(struct ih_report *r)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	if ((uint64_t)now.tv_sec != r->terminal_second) {
		r->terminal_second = (uint64_t)now.tv_sec;
		r->terminal_lines = 0;
	}
	return r->terminal_lines++ < TERMINAL_LINES_A_SECOND;
}

void ih_report_event(struct ih_report *r, const struct ih_event *e)
{
	const struct ih_rule_info *rule = rule_of(r, e);
	bool denied = e->enforced && e->verdict == IH_DENY;
	struct ih_diag sentence, path;
	struct ih_event_fields f = {
		.kind = denied ? IH_EVENT_DENIED : IH_EVENT_AUDIT,
		.gate = r->gate,
		.act = ih_act_name(e->act),
		.reason = ih_reason_name((enum ih_reason)e->reason),
		.policy = r->policy ? r->policy->name : NULL,
		.rule = rule ? rule->name : NULL,
		.rule_file = rule ? rule->file : NULL,
		.rule_line = rule ? rule->line : 0,
		.trust = ih_trust_class_name((enum ih_trust_class)e->trust),
		.pid = (pid_t)e->tgid,
		.parent = (pid_t)e->parent,
		.uid = e->uid,
		.gid = e->gid,
		.comm = e->comm,
		.provenance = ih_provenance_name((enum ih_provenance)e->provenance),
		.advice = ih_reason_advice((enum ih_reason)e->reason),
		.time = time_of(e),
	};

	count(r, e);
	ih_report_sentence(r, e, &sentence);
	(void)ih_fail(&path, 0, "%s", e->path);
	f.sentence = sentence.text;
	f.program = e->path[0] ? e->path : NULL;
	f.mode = e->act == IH_ACT_ARGUMENTS ? ih_mode_name((enum ih_mode)e->mode) : NULL;
	send(r, &f);
	if (r->to_stderr)
		fprintf(stderr, "ihard-guard: %s: %s, pid %u, user %u: %s\n",
			denied ? "denied" : "audit", e->comm, e->tgid, e->uid, sentence.text);
	/* who looked at the arguments (a mode is known) has told the process itself */
	if (r->gate == IH_EVENT_GATE_FANOTIFY && e->act == IH_ACT_ARGUMENTS && e->mode)
		denied = false;
	if (r->to_terminal && denied && may_write_to_terminal(r))
		ih_terminal_tell((pid_t)e->tgid, (pid_t)e->parent, sentence.text);
}

void ih_report_lost(struct ih_report *r, uint64_t lost)
{
	struct ih_event_fields f = {
		.kind = IH_EVENT_LOST,
		.gate = r->gate,
		.sentence = "events were lost, the verdicts were not",
		.lost = lost - r->lost,
	};

	if (lost <= r->lost)
		return;
	r->lost = lost;
	send(r, &f);
}

int ih_report_policy(struct ih_report *r, const struct ih_policy *policy)
{
	uint64_t *fresh = calloc(policy->n_rules + 1, sizeof(*fresh));

	if (!fresh)
		return -ENOMEM;
	free(r->by_rule);
	r->by_rule = fresh;
	r->policy = policy;
	return 0;
}

static int make_folder(const char *path, struct ih_diag *diag)
{
	_free_ char *folder = strdup(path);
	char *slash = folder ? strrchr(folder, '/') : NULL;

	if (!folder)
		return -ENOMEM;
	if (!slash || slash == folder)
		return 0;
	*slash = '\0';
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return ih_fail(diag, -errno, "cannot make '%s': %s", folder, strerror(errno));
	return 0;
}

int ih_report_open(struct ih_report *r, const char *path, bool journal, struct ih_diag *diag)
{
	struct ih_diag none;
	int error;

	r->file.fd = r->journal.fd = -EBADF;
	if (journal && ih_events_open("journal", &r->journal, &none) < 0)
		r->to_stderr = true;
	if (!path)
		return 0;
	r->path = strdup(path);
	if (!r->path)
		return -ENOMEM;
	error = make_folder(path, diag);
	return error < 0 ? error : ih_events_open(path, &r->file, diag);
}

void ih_report_close(struct ih_report *r)
{
	ih_events_close(&r->file);
	ih_events_close(&r->journal);
	free(r->path);
	free(r->by_rule);
	*r = (struct ih_report){ .file = { .fd = -EBADF }, .journal = { .fd = -EBADF } };
}
