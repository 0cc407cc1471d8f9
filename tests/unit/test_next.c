/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables for bootchain/next.c: the loader's order, its choice, and boots that fail. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "bootchain/next.h"

#define LAYOUT_MAX 6

/* name and "sort-key|version|machine-id" ('-': not given; "efi" as the fourth makes it an efi
 * entry) */
struct file {
	char name[40], keys[40];
};

struct layout_row {
	char what[64];
	unsigned int version;
	struct file files[LAYOUT_MAX];
	char one_shot[24], default_variable[24], preferred_variable[24], saved[24];
	char loader_conf[80];
	char boots[160]; /* names after each of the next boots when all fail */
	enum ih_next_why why;
};

static const struct layout_row layout_rows[] = {
	{ "nothing", 252, { { "", "" } }, "", "", "", "", "", "", IH_NEXT_NONE },
	{ "one",
	  252,
	  { { "a.conf", "-|-|-" } },
	  "",
	  "",
	  "",
	  "",
	  "",
	  "a.conf a.conf",
	  IH_NEXT_FIRST },
	{ "counts down and falls back",
	  252,
	  { { "gen-1.efi", "n|1|-" }, { "gen-2+3.efi", "n|2|-" } },
	  "",
	  "",
	  "",
	  "",
	  "",
	  "gen-2+2-1.efi gen-2+1-2.efi gen-2+0-3.efi gen-1.efi gen-1.efi",
	  IH_NEXT_FIRST },
	{ "bad entries last, still tried when alone",
	  252,
	  { { "a+0-3.efi", "-|-|-" } },
	  "",
	  "",
	  "",
	  "",
	  "",
	  "a+0-4.efi a+0-5.efi",
	  IH_NEXT_FIRST },
	{ "all bad: the order decides",
	  252,
	  { { "a+1.efi", "-|-|-" }, { "b+1.efi", "-|-|-" } },
	  "",
	  "",
	  "",
	  "",
	  "",
	  "b+0-1.efi a+0-1.efi b+0-2.efi",
	  IH_NEXT_FIRST },
	{ "version within a sort key",
	  252,
	  { { "z.conf", "n|9|-" }, { "a.conf", "n|10|-" } },
	  "",
	  "",
	  "",
	  "",
	  "",
	  "a.conf",
	  IH_NEXT_FIRST },
	{ "sort key before version",
	  252,
	  { { "a.conf", "b|9|-" }, { "b.conf", "a|1|-" } },
	  "",
	  "",
	  "",
	  "",
	  "",
	  "b.conf",
	  IH_NEXT_FIRST },
	{ "machine id groups",
	  252,
	  { { "a.conf", "n|9|2" }, { "b.conf", "n|1|1" } },
	  "",
	  "",
	  "",
	  "",
	  "",
	  "b.conf",
	  IH_NEXT_FIRST },
	{ "a sort key goes before none",
	  252,
	  { { "z.conf", "-|99|-" }, { "a.conf", "n|1|-" } },
	  "",
	  "",
	  "",
	  "",
	  "",
	  "a.conf",
	  IH_NEXT_FIRST },
	{ "without a sort key by id, newest first",
	  252,
	  { { "linux-9.conf", "-|-|-" }, { "linux-10.conf", "-|-|-" } },
	  "",
	  "",
	  "",
	  "",
	  "",
	  "linux-10.conf",
	  IH_NEXT_FIRST },
	{ "same id but for the counter: more left first",
	  258,
	  { { "a+1.conf", "n|1|-" }, { "a+3.conf", "n|1|-" } },
	  "",
	  "",
	  "",
	  "",
	  "",
	  "a+2-1.conf a+1-2.conf",
	  IH_NEXT_FIRST },
	{ "default glob takes the first that matches",
	  252,
	  { { "x-9.efi", "a|9|-" }, { "nixos-1.efi", "n|1|-" }, { "nixos-2+2.efi", "n|2|-" } },
	  "",
	  "",
	  "",
	  "",
	  "default nixos-*\n",
	  "nixos-2+1-1.efi nixos-2+0-2.efi nixos-1.efi",
	  IH_NEXT_DEFAULT_CONF },
	{ "an exact default with the counter is lost after one boot",
	  252,
	  { { "a+3.efi", "n|2|-" }, { "b.efi", "n|3|-" } },
	  "",
	  "",
	  "",
	  "",
	  "default a+3.efi\n",
	  "a+2-1.efi b.efi",
	  IH_NEXT_DEFAULT_CONF },
	{ "until 257 an exact default does not match a counted name",
	  252,
	  { { "a+3.efi", "n|2|-" }, { "b.efi", "n|3|-" } },
	  "",
	  "",
	  "",
	  "",
	  "default a.efi\n",
	  "b.efi",
	  IH_NEXT_FIRST },
	{ "from 258 it does, and boots it even when bad",
	  258,
	  { { "a+1.efi", "n|2|-" }, { "b.efi", "n|1|-" } },
	  "",
	  "",
	  "",
	  "",
	  "default a.efi\n",
	  "a+0-1.efi a+0-2.efi",
	  IH_NEXT_DEFAULT_CONF },
	{ "preferred passes over bad ones",
	  260,
	  { { "a+1.efi", "n|2|-" }, { "b.efi", "n|1|-" } },
	  "",
	  "",
	  "",
	  "",
	  "preferred a.efi\ndefault *\n",
	  "a+0-1.efi b.efi",
	  IH_NEXT_PREFERRED_CONF },
	{ "preferred means nothing to older loaders",
	  259,
	  { { "a.efi", "n|2|-" }, { "b.efi", "n|1|-" } },
	  "",
	  "",
	  "",
	  "",
	  "preferred b.efi\n",
	  "a.efi",
	  IH_NEXT_FIRST },
	{ "case of the pattern does not matter",
	  252,
	  { { "Foo.efi", "n|1|-" }, { "b.efi", "n|2|-" } },
	  "",
	  "",
	  "",
	  "",
	  "default FOO*\n",
	  "Foo.efi",
	  IH_NEXT_DEFAULT_CONF },
	{ "one shot, once",
	  252,
	  { { "a.efi", "n|2|-" }, { "b.efi", "n|1|-" } },
	  "b.efi",
	  "",
	  "",
	  "",
	  "",
	  "b.efi a.efi",
	  IH_NEXT_ONE_SHOT },
	{ "variable before loader.conf",
	  252,
	  { { "a.efi", "n|3|-" }, { "b.efi", "n|2|-" }, { "c.efi", "n|1|-" } },
	  "",
	  "c.efi",
	  "",
	  "",
	  "default b.efi\n",
	  "c.efi",
	  IH_NEXT_DEFAULT_VARIABLE },
	{ "variable of an entry that is gone",
	  252,
	  { { "a.efi", "n|3|-" }, { "b.efi", "n|2|-" } },
	  "",
	  "c.efi",
	  "",
	  "",
	  "default b.efi\n",
	  "b.efi",
	  IH_NEXT_DEFAULT_CONF },
	{ "saved",
	  252,
	  { { "a.efi", "n|3|-" }, { "b.efi", "n|2|-" } },
	  "",
	  "",
	  "",
	  "b.efi",
	  "default @saved\n",
	  "b.efi",
	  IH_NEXT_DEFAULT_CONF },
	{ "saved by variable",
	  252,
	  { { "a.efi", "n|3|-" }, { "b.efi", "n|2|-" } },
	  "",
	  "@saved",
	  "",
	  "b.efi",
	  "default a.efi\n",
	  "b.efi",
	  IH_NEXT_DEFAULT_VARIABLE },
	{ "a malformed counter is part of the name",
	  252,
	  { { "a+x.efi", "n|1|-" } },
	  "",
	  "",
	  "",
	  "",
	  "",
	  "a+x.efi",
	  IH_NEXT_FIRST },
	{ "an efi entry is counted until 257",
	  252,
	  { { "a+2.conf", "n|1|-|efi" } },
	  "",
	  "",
	  "",
	  "",
	  "",
	  "a+1-1.conf",
	  IH_NEXT_FIRST },
	{ "and not from 258 on",
	  258,
	  { { "a+2.conf", "n|1|-|efi" } },
	  "",
	  "",
	  "",
	  "",
	  "",
	  "a+2.conf",
	  IH_NEXT_FIRST },
	{ "padded counters",
	  252,
	  { { "a+02-00.conf", "n|2|-" }, { "b.conf", "n|1|-" } },
	  "",
	  "",
	  "",
	  "",
	  "",
	  "a+1-1.conf a+0-2.conf b.conf",
	  IH_NEXT_FIRST },
	{ "specialisations are tried behind their generation",
	  252,
	  { { "g2+1.conf", "n|Generation 2|-" },
	    { "g2s+1.conf", "n|Generation 2-spec|-" },
	    { "g1.conf", "n|Generation 1|-" } },
	  "",
	  "",
	  "",
	  "",
	  "",
	  "g2s+0-1.conf g2+0-1.conf g1.conf",
	  IH_NEXT_FIRST },
};

static const char *or_null(const char *s)
{
	return *s ? s : NULL;
}

static void add(struct ih_entries *entries, const struct file *f)
{
	char keys[40], text[200];
	char *part[4] = { 0 };
	char *rest = keys;
	struct ih_entry e;

	memcpy(keys, f->keys, sizeof(keys));
	for (int i = 0; i < 4; i++)
		part[i] = strsep(&rest, "|");
	snprintf(text, sizeof(text), "sort-key %s\nversion %s\nmachine-id %s\n%s /k\n", part[0],
		 part[1], part[2], part[3] ? part[3] : "linux");
	cr_assert_eq(ih_entry_parse_conf(f->name, text, strlen(text), &e, NULL), 0);
	if (!strcmp(part[0], "-")) {
		free(e.sort_key);
		e.sort_key = NULL;
	}
	if (!strcmp(part[2], "-")) {
		free(e.machine_id);
		e.machine_id = NULL;
	}
	cr_assert_eq(ih_entries_add(entries, &e), 0);
}

static size_t count_words(const char *s)
{
	size_t n = *s != '\0';

	for (; *s; s++)
		n += *s == ' ';
	return n;
}

static void check_layout(const struct layout_row *row)
{
	struct ih_loader_state state = { .version = row->version };
	struct ih_simulated_boot boots[8] = { 0 };
	struct ih_entries entries = { 0 };
	struct ih_text got = { 0 };
	size_t unused = 0;
	int n;

	for (size_t i = 0; i < LAYOUT_MAX && row->files[i].name[0]; i++)
		add(&entries, &row->files[i]);
	state.one_shot = or_null(row->one_shot);
	state.default_variable = or_null(row->default_variable);
	state.preferred_variable = or_null(row->preferred_variable);
	state.last_booted = or_null(row->saved);
	cr_assert_eq(ih_loader_conf_parse(row->loader_conf, strlen(row->loader_conf), &state.conf),
		     0);

	cr_expect_eq(ih_entries_next(&entries, &state, &unused), row->why, "%s: why", row->what);
	n = ih_entries_simulate(&entries, &state, count_words(row->boots), boots);
	for (int i = 0; i < n; i++) {
		(void)ih_text_addf(&got, "%s%s", i ? " " : "", boots[i].name);
	}
	cr_expect_str_eq(ih_text_get(&got), row->boots, "%s: got %s", row->what, ih_text_get(&got));
	ih_text_done(&got);
	ih_loader_conf_done(&state.conf);
	ih_entries_done(&entries);
}

Test(next, layouts)
{
	for (size_t i = 0; i < sizeof(layout_rows) / sizeof(layout_rows[0]); i++)
		check_layout(&layout_rows[i]);
}

/* Each variable by itself, as the loader takes it: a pattern means its first match. */
Test(next, asked_for)
{
	struct ih_loader_state state = { .version = 252, .last_booted = "gen-1.conf" };
	struct file files[] = { { "gen-1.conf", "n|1|-" },
				{ "gen-2.conf", "n|2|-" },
				{ "gen-3.conf", "n|3|-" } };
	struct ih_asked_for asked[IH_ASKED_MAX];
	struct ih_entries entries = { 0 };

	for (size_t i = 0; i < 3; i++)
		add(&entries, &files[i]);
	cr_expect_eq(ih_entries_asked_for(&entries, &state, asked), 0);
	state.default_variable = "gen-9.conf";
	cr_expect_eq(ih_entries_asked_for(&entries, &state, asked), 0);
	state.default_variable = "gen-*";
	cr_expect_eq(ih_entries_asked_for(&entries, &state, asked), 1);
	cr_expect_eq(asked[0].entry, 2);
	state.default_variable = "@saved";
	state.one_shot = "gen-2.conf";
	state.preferred_variable = "gen-3.conf";
	cr_expect_eq(ih_entries_asked_for(&entries, &state, asked), 2,
		     "252 knows no preferred one");
	cr_expect_eq(asked[0].entry, 1);
	cr_expect_eq(asked[0].why, IH_NEXT_ONE_SHOT);
	cr_expect_eq(asked[1].entry, 0);
	cr_expect_eq(asked[1].why, IH_NEXT_DEFAULT_VARIABLE);
	state.version = 260;
	cr_expect_eq(ih_entries_asked_for(&entries, &state, asked), 3);
	cr_expect_eq(asked[1].entry, 2);
	ih_entries_done(&entries);
}

Test(next, left_out)
{
	struct ih_loader_state state = { .version = 252, .architecture = "x64" };
	struct ih_entries entries = { 0 };
	struct ih_entry e;
	size_t order[4];

	cr_assert_eq(ih_entry_parse_conf("a.conf", "linux /k\narchitecture aa64\n", 27, &e, NULL),
		     0);
	cr_assert_eq(ih_entries_add(&entries, &e), 0);
	cr_assert_eq(ih_entry_parse_conf("b.conf", "linux /k\n", 9, &e, NULL), 0);
	e.missing = true;
	cr_assert_eq(ih_entries_add(&entries, &e), 0);
	cr_assert_eq(ih_entry_parse_conf("c.conf", "linux /k\nefi /e\n", 16, &e, NULL), 0);
	cr_assert_eq(ih_entries_add(&entries, &e), 0);
	cr_expect_eq(ih_entries_order(&entries, &state, order), 1);
	cr_expect_eq(order[0], 2);
	state.version = 258;
	cr_expect_eq(ih_entries_order(&entries, &state, order), 0);
	ih_entries_done(&entries);
}

Test(next, thousands_are_fast)
{
	struct ih_loader_state state = { .version = 252 };
	struct ih_entries entries = { 0 };
	struct ih_simulated_boot boot;

	for (int i = 0; i < IH_ENTRIES_MAX; i++) {
		struct file f = { "", "n|1|-" };

		snprintf(f.name, sizeof(f.name), "gen-%d+1.conf", i * 7 % IH_ENTRIES_MAX);
		add(&entries, &f);
	}
	cr_assert_eq(ih_entries_simulate(&entries, &state, 1, &boot), 1);
	cr_expect_str_eq(boot.name, "gen-4095+0-1.conf");
	cr_expect_eq(ih_entries_simulate(&entries, &state, IH_SIMULATE_MAX + 1, &boot), -E2BIG);
	ih_entries_done(&entries);
}
