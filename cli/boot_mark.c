/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard boot bless|bad|indeterminate|reset-tries`: renames the entry that booted, or one that is
 * named, and writes it down in the history.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "bootchain/bless.h"
#include "bootchain/history.h"
#include "cli/boot.h"
#include "cli/verbs.h"
#include "common/cleanup.h"
#include "common/fd.h"

#define DEFAULT_TRIES 3
#define CMDLINE_MAX   (64U << 10)

struct settings {
	struct ih_boot_places places;
	enum ih_mark mark;
	const char *event;
	uint64_t tries;
	const char *reason, *cmdline, *entry;
	bool force, quiet;
};

enum { OPT_REASON = IH_BOOT_OWN, OPT_FORCE, OPT_QUIET, OPT_CMDLINE, OPT_TRIES, OPT_COUNT };

static const struct ih_option table[OPT_COUNT] = {
	IH_BOOT_OPTIONS,
	{ "reason", "TEXT", "why, for the history", false },
	{ "force", NULL, "also when another entry is running (kexec)", false },
	{ "quiet", NULL, "say nothing when it went well", false },
	{ "cmdline", "FILE", "the running command line; default /proc/cmdline", false },
	{ "tries", "N", "how many boots from now on; default 3", false },
};

static const struct {
	const char *verb, *name, *about, *event;
	enum ih_mark mark;
} marks[] = {
	{ "bless", "boot bless", "The boot was good: the entry is not counted any more.", "good",
	  IH_MARK_GOOD },
	{ "bad", "boot bad", "The boot was bad: the loader does not choose the entry again.", "bad",
	  IH_MARK_BAD },
	{ "indeterminate", "boot indeterminate",
	  "Takes a bless or bad back: the entry is counted as the loader left it.", "indeterminate",
	  IH_MARK_INDETERMINATE },
	{ "reset-tries", "boot reset-tries",
	  "The next boots of the entry are counted again, so that later breakage is noticed, too.",
	  "armed", IH_MARK_ARM },
};

static int set_option(const struct ih_options *o, void *to, int c, const char *value)
{
	struct settings *s = to;

	if (c < IH_BOOT_OWN)
		ih_boot_place(&s->places, c, value);
	else if (c == OPT_REASON)
		s->reason = value;
	else if (c == OPT_FORCE)
		s->force = true;
	else if (c == OPT_QUIET)
		s->quiet = true;
	else if (c == OPT_CMDLINE)
		s->cmdline = value;
	else if (ih_parse_u64(value, IH_COUNT_MAX, &s->tries) < 0 || s->tries == 0)
		return ih_usage_error(o, "option '--tries' takes a number above 0, not '%s'",
				      value);
	return 0;
}

/* An entry by its name, with or without its counter. */
static const struct ih_entry *find_entry(const struct ih_boot_machine *m, const char *name)
{
	size_t i;

	for (i = 0; i < m->entries.n; i++)
		if (strcasecmp(m->entries.items[i].name, name) == 0)
			return &m->entries.items[i];
	for (i = 0; i < m->entries.n; i++)
		if (ih_count_same_entry(m->entries.items[i].name, name))
			return &m->entries.items[i];
	return NULL;
}

static int path_of(const struct ih_entry *e, struct ih_text *ret)
{
	return ih_text_addf(ret, "/%s/%s", e->type == IH_ENTRY_UKI ? IH_TYPE2_DIR : IH_TYPE1_DIR,
			    e->name);
}

/*
 * Which file is meant. Without a name it is what the loader counted; for arming it may also be an
 * entry that is not counted any more.
 * Return: 0; 1 when there is nothing to do, with a sentence; a negative errno.
 */
static int find_path(const struct settings *s, const struct ih_boot_machine *m, struct ih_text *ret,
		     struct ih_diag *diag)
{
	const struct ih_entry *e = NULL;
	size_t booted = ih_boot_machine_booted(m);

	if (s->entry) {
		e = find_entry(m, s->entry);
		if (!e)
			return ih_fail(diag, -ENOENT,
				       "there is no boot entry '%s'; 'ihard boot list' "
				       "shows them",
				       s->entry);
	} else if (m->variables.count_path) {
		return ih_text_addf(ret, "%s", m->variables.count_path);
	} else if (!m->has_variables) {
		return ih_fail(diag, -EOPNOTSUPP,
			       "the machine was not booted by EFI; name the entry that is meant");
	} else if (s->mark == IH_MARK_ARM && booted < m->entries.n) {
		e = &m->entries.items[booted];
	} else {
		(void)ih_fail(diag, 0, "the loader did not count this boot: nothing to do");
		return 1;
	}
	return path_of(e, ret);
}

/* After a kexec the variables name an entry that is not what runs. */
static int check_running(const struct settings *s, const struct ih_boot_machine *m,
			 struct ih_diag *diag)
{
	_free_ char *cmdline = NULL;
	size_t booted = ih_boot_machine_booted(m);
	size_t len = 0;
	int r;

	if (s->force || s->entry || booted == m->entries.n)
		return 0;
	r = ih_read_file(AT_FDCWD, s->cmdline ? s->cmdline : "/proc/cmdline", CMDLINE_MAX, &cmdline,
			 &len, diag);
	if (r < 0)
		return r;
	if (ih_bless_is_running(&m->entries.items[booted], cmdline))
		return 0;
	return ih_fail(
		diag, -ESTALE,
		"the running system was not started from '%s' but by kexec, and says nothing "
		"about it; --force marks it all the same",
		m->entries.items[booted].name);
}

static void write_history(const struct settings *s, const char *name, struct ih_options *o)
{
	char id[IH_ENTRY_NAME_MAX + 1] = "", boot[33];
	struct ih_diag diag = { 0 };
	struct ih_count c = { 0 };
	struct ih_history_record record;

	(void)ih_count_parse(name, &c);
	(void)ih_count_id(name, id);
	ih_boot_id(boot);
	record = (struct ih_history_record){ .time = (uint64_t)time(NULL),
					     .boot = boot,
					     .event = (char *)(uintptr_t)s->event,
					     .entry = id,
					     .reason = (char *)(uintptr_t)(s->reason ? s->reason
										     : ""),
					     .left = c.left,
					     .done = c.done };
	/* The mark is made; a history that cannot be written does not undo it. */
	if (ih_history_add(s->places.history ? s->places.history : IH_HISTORY_FILE, &record,
			   &diag) < 0)
		fprintf(stderr, "ihard %s: %s\n", o->verb, diag.text);
}

static void print_plan(const struct ih_bless_result *result)
{
	const struct ih_bless_plan *p = &result->plan;
	size_t i;

	for (i = 0; i < p->n; i++) {
		const struct ih_bless_step *s = &p->steps[i];

		if (s->act == IH_BLESS_REMOVE)
			printf("removed '%s', a copy of it\n", s->from);
		else if (s->act == IH_BLESS_REPLACE)
			printf("'%s' replaced '%s', which had other content\n", s->from, s->to);
		else
			printf("'%s' is now '%s'\n", s->from, s->to);
	}
	if (p->armed_since)
		printf("'%s' was armed since it booted, and stays so\n", p->target);
	else if (p->n == 0)
		printf("'%s' is so already\n", p->target);
	if (p->left)
		printf("%zu other file%s of the entry with other content stay%s\n", p->left,
		       p->left == 1 ? "" : "s", p->left == 1 ? "s" : "");
}

static int mark(struct ih_options *o, const struct settings *s)
{
	struct ih_bless_result result = { 0 };
	struct ih_boot_machine m = { 0 };
	struct ih_text path = { 0 };
	struct ih_diag diag = { 0 };
	int r;

	r = ih_boot_machine_read(&s->places, 0, &m, &diag);
	if (r < 0)
		return ih_boot_failed(o, &diag);
	r = find_path(s, &m, &path, &diag);
	if (r == 0)
		r = check_running(s, &m, &diag);
	if (r == 0)
		r = ih_bless(&m.dirs, path.data, s->mark, (uint32_t)s->tries, &result, &diag);
	if (r == 0 && !s->quiet)
		print_plan(&result);
	if (r == 0 && result.plan.n)
		write_history(s, strrchr(path.data, '/') + 1, o);
	if (r == 1 && !s->quiet)
		printf("%s\n", diag.text);
	ih_text_done(&path);
	ih_boot_machine_done(&m);
	if (r == -ESTALE) {
		fprintf(stderr, "ihard %s: %s\n", o->verb, diag.text);
		return IH_EXIT_DENIED;
	}
	return r < 0 ? ih_boot_failed(o, &diag) : IH_EXIT_OK;
}

int ih_boot_mark(int argc, char **argv)
{
	struct settings s = { .tries = DEFAULT_TRIES };
	struct ih_options o = { .usage = "[options] [ENTRY]", .table = table, .n = OPT_TRIES };
	size_t i;
	int r;

	for (i = 0; i + 1 < IH_ARRAY_SIZE(marks); i++)
		if (strcmp(argv[0], marks[i].verb) == 0)
			break;
	o.verb = marks[i].name;
	o.about = marks[i].about;
	s.mark = marks[i].mark;
	s.event = marks[i].event;
	if (s.mark == IH_MARK_ARM)
		o.n = OPT_COUNT;
	r = ih_options_parse(&o, argc, argv, set_option, &s);
	if (!r && o.n_operands > 1)
		r = ih_usage_error(&o, "takes one entry at most");
	if (r)
		return ih_options_exit(r);
	s.entry = o.operands[0];
	return mark(&o, &s);
}
