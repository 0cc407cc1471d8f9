/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard boot assess`: runs the administrator's checks before boot-complete.target and decides. It
 * does not bless: that is done when the target is reached, which this verb's failure prevents.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bootchain/assess.h"
#include "bootchain/bless.h"
#include "bootchain/history.h"
#include "cli/boot.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "common/cleanup.h"
#include "common/fd.h"

#define SYSTEMCTL "/run/current-system/sw/bin/systemctl"

struct settings {
	struct ih_boot_places places;
	const char *file, *systemctl;
	bool check_only, quiet;
};

enum { OPT_FILE = IH_BOOT_OWN, OPT_SYSTEMCTL, OPT_CHECK_ONLY, OPT_QUIET, OPT_COUNT };

static const struct ih_option table[OPT_COUNT] = {
	IH_BOOT_OPTIONS,
	{ "file", "FILE", "the list of checks; default " IH_ASSESS_FILE, false },
	{ "systemctl", "PROGRAM", "for checks of units", false },
	{ "check-only", NULL, "run the checks, and do nothing when one fails", false },
	{ "quiet", NULL, "print only what failed", false },
};

static int set_option(const struct ih_options *o, void *to, int c, const char *value)
{
	struct settings *s = to;

	(void)o;
	if (c < IH_BOOT_OWN)
		ih_boot_place(&s->places, c, value);
	else if (c == OPT_FILE)
		s->file = value;
	else if (c == OPT_SYSTEMCTL)
		s->systemctl = value;
	else if (c == OPT_CHECK_ONLY)
		s->check_only = true;
	else
		s->quiet = true;
	return 0;
}

/* The list names programs that are run as root: only root may have written it. */
static int read_list(const char *path, char **ret, size_t *ret_len, struct ih_diag *diag)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return ih_fail(diag, -errno, "cannot open '%s': %s", path, strerror(errno));
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 022))
		return ih_fail(diag, -EPERM,
			       "'%s' can be written by others than its owner, or is not "
			       "root's",
			       path);
	return ih_read_fd(fd, path, IH_ASSESS_SIZE_MAX, ret, ret_len, diag);
}

static void print_outcome(const struct settings *s, const struct ih_check *check,
			  const struct ih_check_outcome *o)
{
	struct ih_output out;

	if (s->quiet && o->result == IH_CHECK_PASSED)
		return;
	ih_output_init(&out, stdout);
	ih_output_tone(&out, o->result == IH_CHECK_PASSED ? IH_TONE_GOOD : IH_TONE_BAD, "%-8s",
		       o->result == IH_CHECK_PASSED    ? "passed"
		       : o->result == IH_CHECK_TIMEOUT ? "too late"
						       : "failed");
	printf("%s", check->name);
	if (o->result == IH_CHECK_FAILED)
		printf(": exit status %d", o->status);
	printf(" (%llu ms)\n", (unsigned long long)o->milliseconds);
	(void)fflush(stdout);
}

/* All of them, also behind a failure, so that the history names each. Return: how many failed. */
static size_t run_checks(const struct settings *s, const struct ih_assessment *a,
			 struct ih_text *failed)
{
	uint64_t left = a->seconds * 1000;
	size_t n = 0;
	size_t i;

	for (i = 0; i < a->n; i++) {
		uint64_t own = a->checks[i].seconds * 1000;
		uint64_t limit = own < left ? own : left;
		struct ih_check_outcome o = ih_check_run(&a->checks[i], limit);

		left -= o.milliseconds < left ? o.milliseconds : left;
		print_outcome(s, &a->checks[i], &o);
		if (o.result == IH_CHECK_PASSED)
			continue;
		(void)ih_text_addf(failed, "%s%s", n ? ", " : "failed: ", a->checks[i].name);
		if (o.result == IH_CHECK_TIMEOUT)
			(void)ih_text_addf(failed, " (no end within %llu ms)",
					   (unsigned long long)limit);
		n++;
	}
	return n;
}

static void write_history(const struct settings *s, const char *event, const char *name,
			  const char *reason)
{
	char id[IH_ENTRY_NAME_MAX + 1] = "", boot[33];
	struct ih_diag diag = { 0 };
	struct ih_count c = { 0 };
	struct ih_history_record record;

	if (name) {
		(void)ih_count_parse(name, &c);
		(void)ih_count_id(name, id);
	}
	ih_boot_id(boot);
	record = (struct ih_history_record){ .time = (uint64_t)time(NULL),
					     .boot = boot,
					     .event = (char *)(uintptr_t)event,
					     .entry = id,
					     .reason = (char *)(uintptr_t)reason,
					     .left = c.left,
					     .done = c.done };
	if (ih_history_add(s->places.history ? s->places.history : IH_HISTORY_FILE, &record,
			   &diag) < 0)
		fprintf(stderr, "ihard boot assess: %s\n", diag.text);
}

/* Marks the entry bad, when the loader counted it. Its failure does not make the boot good. */
static void mark_bad(const struct ih_boot_machine *m, struct ih_options *o)
{
	struct ih_bless_result result = { 0 };
	struct ih_diag diag = { 0 };

	if (!m->variables.count_path)
		fprintf(stderr,
			"ihard %s: the loader did not count this boot: it cannot be marked\n",
			o->verb);
	else if (ih_bless(&m->dirs, m->variables.count_path, IH_MARK_BAD, 0, &result, &diag) < 0)
		(void)ih_boot_failed(o, &diag);
	else
		printf("'%s' is bad: it is not tried again\n", result.plan.target);
}

static void reboot_now(const struct settings *s, struct ih_options *o)
{
	char *words[] = { (char *)(uintptr_t)s->systemctl, (char *)(uintptr_t) "reboot", NULL };
	struct ih_check reboot = { .name = words[1], .words = words, .seconds = 30 };

	if (ih_check_run(&reboot, 30000).result != IH_CHECK_PASSED)
		fprintf(stderr, "ihard %s: cannot reboot by '%s reboot'\n", o->verb, s->systemctl);
}

static int decide(struct ih_options *o, const struct settings *s, const struct ih_assessment *a)
{
	struct ih_text failed = { 0 };
	struct ih_boot_machine m = { 0 };
	struct ih_diag diag = { 0 };
	const char *name = NULL;
	size_t n = run_checks(s, a, &failed);
	bool found;

	/* Where the entries cannot be read, the checks still decide. */
	found = ih_boot_machine_read(&s->places, 0, &m, &diag) == 0;
	if (!found)
		fprintf(stderr, "ihard %s: %s\n", o->verb, diag.text);
	if (found && m.variables.count_path)
		name = strrchr(m.variables.count_path, '/');
	name = name ? name + 1 : found ? m.variables.selected : NULL;
	if (!s->check_only)
		write_history(s, n ? "failed" : "assessed", name, ih_text_get(&failed));
	if (n && !s->check_only && found && a->action == IH_ASSESS_BAD)
		mark_bad(&m, o);
	if (n && !s->check_only && a->action == IH_ASSESS_REBOOT)
		reboot_now(s, o);
	if (n)
		fprintf(stderr, "ihard %s: %s\n", o->verb, ih_text_get(&failed));
	if (found)
		ih_boot_machine_done(&m);
	ih_text_done(&failed);
	return n ? IH_EXIT_DENIED : IH_EXIT_OK;
}

int ih_boot_assess(int argc, char **argv)
{
	struct ih_options o = {
		.verb = "boot assess",
		.usage = "[options]",
		.about = "Runs the checks that make a boot good. A service runs it before\n"
			 "boot-complete.target; when a check fails the target is not reached.",
		.table = table,
		.n = OPT_COUNT,
	};
	struct ih_assessment a = { 0 };
	_free_ char *text = NULL;
	struct ih_diag diag = { 0 };
	struct settings s = { 0 };
	size_t len = 0;
	int r;

	r = ih_options_parse(&o, argc, argv, set_option, &s);
	if (!r)
		r = ih_options_no_operand(&o);
	if (r)
		return ih_options_exit(r);
	if (!s.systemctl)
		s.systemctl = access(SYSTEMCTL, X_OK) == 0 ? SYSTEMCTL : "/usr/bin/systemctl";
	if (!s.file)
		s.file = IH_ASSESS_FILE;
	r = read_list(s.file, &text, &len, &diag);
	if (r == 0)
		r = ih_assess_parse(s.file, text, len, s.systemctl, &a, &diag);
	if (r < 0)
		return ih_boot_failed(&o, &diag);
	r = decide(&o, &s, &a);
	ih_assessment_done(&a);
	return r;
}
