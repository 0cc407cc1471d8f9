/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The links of the chain from the kernel on: closure, policy, guard, and what weakens them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bpf/control.h"
#include "cli/status.h"
#include "common/cleanup.h"
#include "common/fd.h"
#include "common/json.h"
#include "integrity/verified_set.h"
#include "policy/machine.h"

#define LINE_MAX_ 512 /* bytes of a file that holds one line */

/* The first line of a file; "" when it cannot be read. */
static void first_line(const char *folder, const char *name, char ret[LINE_MAX_])
{
	_free_ char *path = NULL, *data = NULL;
	size_t len;

	ret[0] = '\0';
	if (asprintf(&path, "%s/%s", folder, name) < 0) {
		path = NULL;
		return;
	}
	if (ih_read_file(AT_FDCWD, path, LINE_MAX_ - 1, &data, &len, NULL) == 0)
		snprintf(ret, LINE_MAX_, "%.*s", (int)strcspn(data, "\n"), data);
}

static void judge_set(struct ih_status *s, const struct ih_verified_header *h)
{
	bool complete = h->flags & IH_VERIFIED_COMPLETE, sealed = h->flags & IH_VERIFIED_SEALED;
	time_t ended = (time_t)h->time_s;
	struct ih_status_link *l;
	char when[40] = "?", measured[LINE_MAX_];
	struct tm tm;

	if (localtime_r(&ended, &tm))
		(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	first_line(s->state, "measured", measured);
	if (!complete) {
		l = ih_status_add(
			s, "closure", IH_STATUS_BAD,
			"the system is not what was signed, and was started all the same");
		(void)ih_text_addf(&l->mend, "ihard verify /run/current-system");
	} else {
		l = ih_status_add(s, "closure", IH_STATUS_GOOD,
				  "%s before it started: %llu objects, %llu files, %u %s each",
				  sealed ? "sealed" : "verified", (unsigned long long)h->n_objects,
				  (unsigned long long)h->n_files, h->sigs_needed,
				  h->sigs_needed == 1 ? "signature" : "signatures");
	}
	(void)ih_text_addf(&l->evidence, "%s%s%s", when, measured[0] ? "; measured: " : "",
			   measured);
}

void ih_status_closure(struct ih_status *s)
{
	_cleanup_(ih_cleanup_verified_set) struct ih_verified_set *set = NULL;
	struct ih_diag diag = { "" };
	struct ih_status_link *l;
	_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "%s/verified", s->state) < 0) {
		path = NULL;
		return;
	}
	r = ih_verified_set_read(path, &set, &diag);
	if (r == 0) {
		judge_set(s, ih_verified_set_header(set));
		return;
	}
	if (r == -EACCES) {
		ih_status_add(s, "closure", IH_STATUS_UNKNOWN,
			      "only root may read what was verified");
		return;
	}
	l = ih_status_add(s, "closure", r == -ENOENT ? IH_STATUS_WEAK : IH_STATUS_BAD, "%s",
			  r == -ENOENT ? "nobody verified the system before it started"
				       : diag.text);
	(void)ih_text_addf(&l->mend, "see ihard-stage2(8); now: ihard verify /run/current-system");
}

void ih_status_policy(struct ih_status *s)
{
	struct ih_diag note = { "" }, diag = { "" };
	struct ih_policy *policy = NULL;
	struct ih_status_link *l;

	if (ih_machine_policy(s->policy, NULL, &policy, &note, &diag) < 0) {
		ih_status_add(s, "policy", IH_STATUS_BAD, "%s", diag.text);
		return;
	}
	if (note.text[0]) {
		l = ih_status_add(s, "policy", IH_STATUS_BAD, "%s", note.text);
		(void)ih_text_addf(&l->mend, "ihard policy lint");
	} else if (!policy->enforce) {
		l = ih_status_add(s, "policy", IH_STATUS_WEAK, "reports only, and denies nothing");
		(void)ih_text_addf(&l->mend, "set \"enforce\": true when the reports are empty");
	} else {
		l = ih_status_add(s, "policy", IH_STATUS_GOOD, "enforces");
	}
	(void)ih_text_addf(&l->evidence, "%s, %zu rules", policy->name, (size_t)policy->n_rules);
	ih_policy_free(policy);
}

static bool member_bool(const struct ih_json *root, const char *key)
{
	struct ih_json v;
	bool b = false;

	return ih_json_member(root, key, &v) == 0 && ih_json_bool(&v, &b, NULL) == 0 && b;
}

static unsigned long long member_number(const struct ih_json *root, const char *key)
{
	struct ih_json v;
	uint64_t n = 0;

	return ih_json_member(root, key, &v) == 0 && ih_json_u64(&v, 0, UINT64_MAX, &n, NULL) == 0
		       ? n
		       : 0;
}

static const char *member_text(const struct ih_json *root, const char *key)
{
	const char *text = "";
	struct ih_json v;

	return ih_json_member(root, key, &v) == 0 && ih_json_string(&v, &text, NULL) == 0 ? text
											  : "";
}

static void judge_guard(struct ih_status *s, const struct ih_json *root)
{
	bool enforces = member_bool(root, "enforces"), locked = member_bool(root, "locked");
	struct ih_status_link *l;
	struct ih_json events;

	if (ih_json_member(root, "events", &events) == 0) {
		s->denied = member_number(&events, "denied");
		s->audited = member_number(&events, "audited");
		s->lost = member_number(&events, "lost");
	}
	if (!enforces) {
		l = ih_status_add(s, "guard", IH_STATUS_WEAK, "reports only, and refuses nothing");
		(void)ih_text_addf(&l->mend, "set \"enforce\": true, then: ihard guard reload");
	} else {
		l = ih_status_add(s, "guard", locked ? IH_STATUS_GOOD : IH_STATUS_WEAK,
				  "enforces by %s%s", member_text(root, "backend"),
				  locked ? "" : "; root can open the gates");
		if (!locked)
			(void)ih_text_addf(&l->mend, "start ihard-guard with --lock");
	}
	(void)ih_text_addf(&l->evidence, "vouches for %llu files; %s", member_number(root, "files"),
			   member_text(root, "cannot"));
	l = ih_status_add(s, "denials", s->lost ? IH_STATUS_WEAK : IH_STATUS_GOOD,
			  "%llu refused, %llu only reported, %llu events lost", s->denied,
			  s->audited, s->lost);
	if (s->denied || s->audited)
		(void)ih_text_addf(&l->mend, "ihard events");
}

void ih_status_guard(struct ih_status *s)
{
	struct ih_json_doc *doc = NULL;
	struct ih_text answer = { 0 };
	struct ih_diag diag = { "" };
	struct ih_status_link *l;
	struct ih_json root;
	int r = ih_control_ask(s->socket, IH_CONTROL_STATUS, &answer, &diag);

	if (r == 0)
		r = ih_json_parse("the guard's answer", answer.data, answer.len, &doc, &diag);
	if (r == 0) {
		root = ih_json_root(doc);
		judge_guard(s, &root);
	} else if (r == -EACCES || r == -EPERM) {
		ih_status_add(s, "guard", IH_STATUS_UNKNOWN, "only root may ask the guard");
	} else {
		l = ih_status_add(s, "guard", IH_STATUS_WEAK,
				  "no guard runs: nothing is enforced on the whole machine");
		(void)ih_text_addf(&l->evidence, "%s", diag.text);
		(void)ih_text_addf(&l->mend, "systemctl enable --now ihard-guard");
	}
	ih_json_free(doc);
	ih_text_done(&answer);
}

/* Settings of the kernel that root could get past the gates with, and what takes them away. */
static const struct {
	const char *file, *good; /* the value, or a part of it */
	const char *means, *mend;
} settings[] = {
	{ "proc/sys/kernel/kexec_load_disabled", "1", "another kernel can be started",
	  "sysctl kernel.kexec_load_disabled=1" },
	{ "proc/sys/kernel/modules_disabled", "1", NULL, NULL }, /* lockdown does as well */
	{ "proc/sys/kernel/unprivileged_bpf_disabled", NULL, "anybody may load BPF programs",
	  "sysctl kernel.unprivileged_bpf_disabled=2" },
	{ "proc/sys/vm/memfd_noexec", "2", "files in memory can be executable",
	  "sysctl vm.memfd_noexec=2" },
};

static bool locked_down(const struct ih_status *s)
{
	char line[LINE_MAX_];

	first_line(s->sys, "kernel/security/lockdown", line);
	return strstr(line, "[integrity]") || strstr(line, "[confidentiality]");
}

void ih_status_kernel(struct ih_status *s)
{
	bool lockdown = locked_down(s);
	struct ih_status_link *l =
		ih_status_add(s, "kernel", IH_STATUS_GOOD, "%s", "nothing weakens it");
	char value[LINE_MAX_];
	size_t found = 0;

	for (size_t i = 0; i < IH_ARRAY_SIZE(settings); i++) {
		bool kexec_or_modules = i < 2;

		first_line(s->proc, settings[i].file + strlen("proc/"), value);
		if (!settings[i].means || !value[0] || (kexec_or_modules && lockdown) ||
		    (settings[i].good ? !strcmp(value, settings[i].good) : value[0] != '0'))
			continue;
		(void)ih_text_addf(&l->evidence, "%s%s", found ? "; " : "", settings[i].means);
		(void)ih_text_addf(&l->mend, "%s%s", found ? "; " : "", settings[i].mend);
		found++;
	}
	if (!lockdown) {
		(void)ih_text_addf(&l->evidence, "%sroot can change the running kernel",
				   found ? "; " : "");
		(void)ih_text_addf(&l->mend, "%sboot with lockdown=integrity", found ? "; " : "");
		found++;
	}
	if (!found)
		return;
	l->verdict = IH_STATUS_WEAK;
	ih_text_done(&l->text);
	(void)ih_text_addf(&l->text, "%zu %s it", found,
			   found == 1 ? "thing weakens" : "things weaken");
}
