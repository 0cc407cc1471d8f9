/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard boot list`, `next`, `status`, `history`: what the loader sees, what it will do, what was.
 * Changes nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bootchain/bless.h"
#include "bootchain/history.h"
#include "cli/boot.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "common/cleanup.h"
#include "common/json.h"

struct settings {
	struct ih_boot_places places;
	bool json;
	uint64_t version, simulate;
	const char *entry;
};

enum { OPT_JSON = IH_BOOT_OWN, OPT_VERSION, OPT_SIMULATE, OPT_ENTRY, OPT_COUNT };

static const struct ih_option table[OPT_COUNT] = {
	IH_BOOT_OPTIONS,
	{ "json", NULL, "print JSON", false },
	{ "loader-version", "N", "of systemd-boot; default: what LoaderInfo says", false },
	{ "simulate", "N", "the next N boots, if each of them fails", false },
	{ "entry", "ID", "only this entry", false },
};

static int set_option(const struct ih_options *o, void *to, int c, const char *value)
{
	struct settings *s = to;

	if (c < IH_BOOT_OWN)
		ih_boot_place(&s->places, c, value);
	else if (c == OPT_JSON)
		s->json = true;
	else if (c == OPT_ENTRY)
		s->entry = value;
	else if (ih_parse_u64(value, c == OPT_VERSION ? 9999 : IH_SIMULATE_MAX,
			      c == OPT_VERSION ? &s->version : &s->simulate) < 0)
		return ih_usage_error(o, "option '--%s' takes a number, not '%s'", table[c].name,
				      value);
	return 0;
}

static int parse_options(struct ih_options *o, int argc, char **argv, struct settings *s)
{
	int r = ih_options_parse(o, argc, argv, set_option, s);

	return r ? r : ih_options_no_operand(o);
}

static int print_json(const struct ih_options *o, struct ih_json_out *out)
{
	struct ih_diag diag;

	return ih_output_json(out, &diag) < 0 ? ih_boot_failed(o, &diag) : IH_EXIT_OK;
}

struct listing {
	const struct ih_boot_machine *m;
	size_t *order;
	bool *shown;
	size_t n, next, booted;
	enum ih_next_why why;
};

/* Why the loader does not show an entry; NULL when it does. */
static const char *why_hidden(const struct listing *l, size_t i)
{
	const struct ih_entry *e = &l->m->entries.items[i];

	if (l->shown[i])
		return NULL;
	if (e->missing)
		return "the file that it starts is not there";
	if (e->type == IH_ENTRY_NONE)
		return "it names nothing to start";
	if (e->mixed)
		return "it names more than one thing to start";
	return "it is for another machine or a newer loader";
}

static const char *oddity_text(const struct ih_entry *e)
{
	if (e->count.oddity == IH_COUNT_MALFORMED && strchr(e->name, '+'))
		return "the '+' in its name is followed by no counter, so that it is not counted";
	if (e->count.oddity == IH_COUNT_TOO_LARGE)
		return "its counter is above 2147483647, so that the loader does not count it";
	if (!e->count.portable)
		return "its name has characters that boot entries may not have";
	return NULL;
}

static void print_entry(const struct listing *l, const struct ih_output *out, size_t i,
			const char *hidden)
{
	const struct ih_entry *e = &l->m->entries.items[i];
	enum ih_entry_state state = ih_count_state(&e->count);
	const char *odd = oddity_text(e);
	char tries[48] = "";

	if (e->count.counted)
		(void)snprintf(tries, sizeof(tries), " %u left, %u done", e->count.left,
			       e->count.done);
	printf("%s%s ", i == l->next && !hidden ? ">" : " ", i == l->booted ? "*" : " ");
	ih_output_tone(out,
		       hidden			? IH_TONE_FAINT
		       : state == IH_ENTRY_BAD	? IH_TONE_BAD
		       : state == IH_ENTRY_GOOD ? IH_TONE_GOOD
						: IH_TONE_NOTE,
		       "%-13s", hidden ? "hidden" : ih_state_name(state));
	printf(" %s%s%s\n", e->name, tries[0] ? " " : "", tries);
	if (e->title || e->version)
		printf("                 %s%s%s\n", e->title ? e->title : "",
		       e->title && e->version ? ", " : "", e->version ? e->version : "");
	if (hidden)
		printf("                 not shown: %s\n", hidden);
	if (odd)
		printf("                 note: %s\n", odd);
}

static void print_listing(const struct listing *l)
{
	const char *hidden;
	struct ih_output out;
	size_t i;

	ih_output_init(&out, stdout);
	for (i = 0; i < l->n; i++)
		print_entry(l, &out, l->order[i], NULL);
	for (i = 0; i < l->m->entries.n; i++) {
		hidden = why_hidden(l, i);
		if (hidden)
			print_entry(l, &out, i, hidden);
	}
	if (l->n)
		printf("\n> boots next: %s%s\n", ih_next_why_text(l->why),
		       l->booted < l->m->entries.n ? "; * is running" : "");
	else
		printf("%s\n", ih_next_why_text(IH_NEXT_NONE));
}

static struct ih_json_out *entry_json(const struct listing *l, size_t i)
{
	const struct ih_entry *e = &l->m->entries.items[i];
	struct ih_json_out *o = ih_json_new_object();
	const char *hidden = why_hidden(l, i);
	const char *odd = oddity_text(e);

	ih_json_set_string(o, "name", e->name);
	ih_json_set_string(o, "partition", e->partition == IH_PARTITION_ESP ? "esp" : "xbootldr");
	ih_json_set_string(o, "state", ih_state_name(ih_count_state(&e->count)));
	ih_json_set_bool(o, "counted", e->count.counted);
	if (e->count.counted) {
		ih_json_set_u64(o, "left", e->count.left);
		ih_json_set_u64(o, "done", e->count.done);
	}
	if (e->title)
		ih_json_set_string(o, "title", e->title);
	if (e->version)
		ih_json_set_string(o, "version", e->version);
	if (e->sort_key)
		ih_json_set_string(o, "sortKey", e->sort_key);
	ih_json_set_bool(o, "next", l->n && i == l->next);
	ih_json_set_bool(o, "running", i == l->booted);
	if (hidden)
		ih_json_set_string(o, "hidden", hidden);
	if (odd)
		ih_json_set_string(o, "note", odd);
	return o;
}

static struct ih_json_out *listing_json(const struct listing *l)
{
	struct ih_json_out *top = ih_json_new_object();
	struct ih_json_out *all = ih_json_new_array();
	size_t i;

	for (i = 0; i < l->n; i++)
		ih_json_push(all, entry_json(l, l->order[i]));
	for (i = 0; i < l->m->entries.n; i++)
		if (why_hidden(l, i))
			ih_json_push(all, entry_json(l, i));
	ih_json_set(top, "entries", all);
	ih_json_set_string(top, "why", ih_next_why_text(l->why));
	return top;
}

static void print_skipped(const struct ih_boot_machine *m)
{
	if (m->skipped.len)
		fputs(m->skipped.data, stderr);
}

int ih_boot_list(int argc, char **argv)
{
	struct ih_options o = {
		.verb = "boot list",
		.usage = "[options]",
		.about = "Lists the boot entries in the loader's order.",
		.table = table,
		.n = OPT_SIMULATE,
	};
	struct ih_boot_machine m = { 0 };
	_free_ size_t *order = NULL;
	_free_ bool *shown = NULL;
	struct settings s = { 0 };
	struct ih_diag diag = { 0 };
	struct listing l = { 0 };
	size_t i;
	int r;

	r = parse_options(&o, argc, argv, &s);
	if (r)
		return ih_options_exit(r);
	if (ih_boot_machine_read(&s.places, (unsigned int)s.version, &m, &diag) < 0)
		return ih_boot_failed(&o, &diag);
	order = calloc(m.entries.n + 1, sizeof(*order));
	shown = calloc(m.entries.n + 1, sizeof(*shown));
	if (!order || !shown) {
		ih_boot_machine_done(&m);
		(void)ih_fail(&diag, -ENOMEM, "out of memory");
		return ih_boot_failed(&o, &diag);
	}
	l = (struct listing){
		.m = &m, .order = order, .shown = shown, .booted = ih_boot_machine_booted(&m)
	};
	l.n = ih_entries_order(&m.entries, &m.state, order);
	for (i = 0; i < l.n; i++)
		shown[order[i]] = true;
	l.why = ih_entries_next(&m.entries, &m.state, &l.next);
	print_skipped(&m);
	r = IH_EXIT_OK;
	if (s.json)
		r = print_json(&o, listing_json(&l));
	else
		print_listing(&l);
	ih_boot_machine_done(&m);
	return r;
}

static int simulate(const struct ih_options *o, const struct settings *s, struct ih_boot_machine *m)
{
	_free_ struct ih_simulated_boot *boots = NULL;
	struct ih_json_out *all = s->json ? ih_json_new_array() : NULL;
	struct ih_diag diag = { 0 };
	size_t n = s->simulate ? s->simulate : 1;
	int i, found;

	boots = calloc(n, sizeof(*boots));
	found = boots ? ih_entries_simulate(&m->entries, &m->state, n, boots) : -ENOMEM;
	if (found < 0) {
		ih_json_out_free(all);
		(void)ih_fail(&diag, found, "cannot simulate: %s", strerror(-found));
		return ih_boot_failed(o, &diag);
	}
	for (i = 0; i < found; i++) {
		if (s->json) {
			struct ih_json_out *one = ih_json_new_object();

			ih_json_set_string(one, "file", boots[i].name);
			ih_json_set_string(one, "why", ih_next_why_text(boots[i].why));
			ih_json_push(all, one);
		} else if (s->simulate) {
			printf("%4d  %s: %s\n", i + 1, boots[i].name,
			       ih_next_why_text(boots[i].why));
		} else {
			printf("%s: %s\n", boots[i].name, ih_next_why_text(boots[i].why));
		}
	}
	if (s->json && print_json(o, all) != IH_EXIT_OK)
		return IH_EXIT_FAILED;
	if (!s->json && found == 0)
		printf("%s\n", ih_next_why_text(IH_NEXT_NONE));
	return found ? IH_EXIT_OK : IH_EXIT_DENIED;
}

int ih_boot_next(int argc, char **argv)
{
	struct ih_options o = {
		.verb = "boot next",
		.usage = "[options]",
		.about = "Says what boots next when nobody touches the menu, and why. The file\n"
			 "is named as it is called once the loader has counted.",
		.table = table,
		.n = OPT_ENTRY,
	};
	struct ih_boot_machine m = { 0 };
	struct settings s = { 0 };
	struct ih_diag diag = { 0 };
	int r;

	r = parse_options(&o, argc, argv, &s);
	if (r)
		return ih_options_exit(r);
	if (ih_boot_machine_read(&s.places, (unsigned int)s.version, &m, &diag) < 0)
		return ih_boot_failed(&o, &diag);
	print_skipped(&m);
	r = simulate(&o, &s, &m);
	ih_boot_machine_done(&m);
	return r;
}

static const char *boot_state(const struct ih_boot_machine *m, struct ih_diag *diag)
{
	enum ih_entry_state state;

	if (!m->has_variables)
		return "unknown: the machine was not booted by EFI";
	if (!m->variables.count_path)
		return "clean: the loader did not count this boot";
	if (ih_bless_state(&m->dirs, m->variables.count_path, &state, diag) < 0)
		return "unknown: the file of the entry is gone";
	return ih_state_name(state);
}

static int print_status(const struct ih_options *o, const struct settings *s,
			const struct ih_boot_machine *m)
{
	size_t booted = ih_boot_machine_booted(m);
	struct ih_diag diag = { 0 };
	const char *state = boot_state(m, &diag);
	const char *entry = booted < m->entries.n ? m->entries.items[booted].name : NULL;
	struct ih_json_out *top;
	struct ih_output out;

	if (s->json) {
		top = ih_json_new_object();
		ih_json_set_string(top, "loader", m->variables.info);
		ih_json_set_string(top, "selected", m->variables.selected);
		ih_json_set_string(top, "entry", entry);
		ih_json_set_string(top, "countPath", m->variables.count_path);
		ih_json_set_string(top, "state", state);
		return print_json(o, top);
	}
	ih_output_init(&out, stdout);
	ih_output_field(&out, 12, "state", "%s", state);
	ih_output_field(&out, 12, "loader", "%s",
			m->variables.info ? m->variables.info : "not known");
	ih_output_field(&out, 12, "selected", "%s",
			m->variables.selected ? m->variables.selected : "not known");
	ih_output_field(&out, 12, "entry", "%s", entry ? entry : "not on the boot partitions");
	if (m->variables.count_path)
		ih_output_field(&out, 12, "counted as", "%s", m->variables.count_path);
	return IH_EXIT_OK;
}

int ih_boot_status(int argc, char **argv)
{
	struct ih_options o = {
		.verb = "boot status",
		.usage = "[options]",
		.about = "Says how this boot came about and what it counts as.",
		.table = table,
		.n = OPT_SIMULATE,
	};
	struct ih_boot_machine m = { 0 };
	struct settings s = { 0 };
	struct ih_diag diag = { 0 };
	int r;

	r = parse_options(&o, argc, argv, &s);
	if (r)
		return ih_options_exit(r);
	if (ih_boot_machine_read(&s.places, (unsigned int)s.version, &m, &diag) < 0)
		return ih_boot_failed(&o, &diag);
	r = print_status(&o, &s, &m);
	ih_boot_machine_done(&m);
	return r;
}

static void print_record(const struct ih_history_record *r)
{
	time_t t = (time_t)r->time;
	char when[32] = "?";
	struct tm tm;

	if (gmtime_r(&t, &tm))
		(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	printf("%s UTC  %-13s %s", when, r->event, r->entry);
	if (r->left || r->done)
		printf(" (%llu left, %llu done)", (unsigned long long)r->left,
		       (unsigned long long)r->done);
	printf("%s%s\n", r->reason[0] ? ": " : "", r->reason);
}

static struct ih_json_out *record_json(const struct ih_history_record *r)
{
	struct ih_json_out *o = ih_json_new_object();

	ih_json_set_u64(o, "time", r->time);
	ih_json_set_string(o, "boot", r->boot);
	ih_json_set_string(o, "event", r->event);
	ih_json_set_string(o, "entry", r->entry);
	ih_json_set_u64(o, "left", r->left);
	ih_json_set_u64(o, "done", r->done);
	ih_json_set_string(o, "reason", r->reason);
	return o;
}

int ih_boot_history(int argc, char **argv)
{
	struct ih_options o = {
		.verb = "boot history",
		.usage = "[options]",
		.about = "Shows what happened to boot entries, oldest first.",
		.table = table,
		.n = OPT_COUNT,
	};
	struct ih_history h = { 0 };
	struct settings s = { 0 };
	struct ih_diag diag = { 0 };
	struct ih_json_out *all;
	size_t i;
	int r;

	r = parse_options(&o, argc, argv, &s);
	if (r)
		return ih_options_exit(r);
	if (ih_history_read(s.places.history ? s.places.history : IH_HISTORY_FILE, &h, &diag) < 0)
		return ih_boot_failed(&o, &diag);
	all = s.json ? ih_json_new_array() : NULL;
	for (i = 0; i < h.n; i++) {
		if (s.entry && strcmp(s.entry, h.records[i].entry) != 0)
			continue;
		if (s.json)
			ih_json_push(all, record_json(&h.records[i]));
		else
			print_record(&h.records[i]);
	}
	if (h.damaged)
		fprintf(stderr, "ihard boot history: %zu damaged line%s left out\n", h.damaged,
			h.damaged == 1 ? "" : "s");
	ih_history_done(&h);
	return s.json ? print_json(&o, all) : IH_EXIT_OK;
}
