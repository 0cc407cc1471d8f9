/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables for bootchain/plan.c and loader_conf.c: files in, steps out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "bootchain/loader_conf.h"
#include "bootchain/plan.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C64 "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

/*
 * A file is "FOLDER LETTER[TAIL] [FLAGS]": f, 1, 2 for the folder; kernel-LLL….efi or
 * ihard-LLL…TAIL. Flags: w wanted, p present, d damaged, b booted, v asked for by a variable, x
 * needed by somebody else, r renewed, =L needs kernel L.
 */
struct plan_row {
	char what[48];
	char files[8][24];
	unsigned int tries;
	bool keep_all, collect_first, loader_conf;
	int error;
	char steps[160]; /* "+fA" write, "!fA" replace, "c" loader.conf, "-fA" remove */
	unsigned int peak;
};

static const struct plan_row rows[] = {
	{ "first", { "fA w", "1A w" }, 0, false, false, true, 0, "+fA +1A c", 3 },
	{ "counted", { "fA w", "1A w" }, 3, false, false, false, 0, "+fA +1A+3", 2 },
	{ "nothing to do", { "fA wp", "1A wp" }, 3, false, false, false, 0, "", 0 },
	{ "counter is kept", { "2A+1-2 wp" }, 3, false, false, false, 0, "", 0 },
	{ "damaged", { "fA wpd", "2A+1-2 wpd" }, 3, false, false, false, 0, "!fA !2A+1-2", 1 },
	{ "renewed", { "fA wpr", "1A wp" }, 0, false, false, false, 0, "!fA", 1 },
	{ "files before entries, wanted in any order",
	  { "1A w", "fA w", "2B w", "fB w" },
	  0,
	  false,
	  false,
	  true,
	  0,
	  "+fA +fB +1A +2B c",
	  5 },
	{ "entries go before their files",
	  { "fB p", "1B p =B", "1A wp" },
	  0,
	  false,
	  false,
	  false,
	  0,
	  "-1B -fB",
	  0 },
	{ "what a variable asks for stays, and its files",
	  { "fB p", "1B pv =B", "fC p", "1C p =C", "1A wp" },
	  0,
	  false,
	  false,
	  false,
	  0,
	  "-1C -fC",
	  0 },
	{ "removed last",
	  { "fB p", "1B p", "fA w", "1A w" },
	  0,
	  false,
	  false,
	  true,
	  0,
	  "+fA +1A c -1B -fB",
	  3 },
	{ "removed first when asked",
	  { "fB p", "1B p", "fA w", "1A wp" },
	  0,
	  false,
	  true,
	  false,
	  0,
	  "-1B -fB +fA",
	  0 },
	{ "not when nothing would be left",
	  { "fB p", "1B p", "fA w", "1A w" },
	  0,
	  false,
	  true,
	  false,
	  -EBUSY,
	  "",
	  0 },
	{ "unless what runs stays",
	  { "fB p", "1B pb =B", "fC p", "fA w", "1A w" },
	  0,
	  false,
	  true,
	  false,
	  0,
	  "-fC +fA +1A",
	  1 },
	{ "the running entry and its kernel stay",
	  { "fB p", "1B pb =B", "fC p", "1A wp" },
	  0,
	  false,
	  false,
	  false,
	  0,
	  "-fC",
	  0 },
	{ "tries left stay, with the kernel",
	  { "fB p", "1B+1-2 p =B", "1A wp" },
	  0,
	  false,
	  false,
	  false,
	  0,
	  "",
	  0 },
	{ "no tries left goes",
	  { "fB p", "1B+0-3 p =B", "1A wp" },
	  0,
	  false,
	  false,
	  false,
	  0,
	  "-1B+0-3 -fB",
	  0 },
	{ "needed by somebody else", { "fB px", "1A wp" }, 0, false, false, false, 0, "", 0 },
	{ "a generation is unreadable",
	  { "fB p", "2B p", "1A w" },
	  0,
	  true,
	  false,
	  false,
	  0,
	  "+1A",
	  1 },
	{ "a shared kernel",
	  { "fA wp", "1A wp =A", "1B p =A" },
	  0,
	  false,
	  false,
	  false,
	  0,
	  "-1B",
	  0 },
	{ "nothing wanted", { "1A p" }, 0, false, false, true, -EINVAL, "", 0 },
	{ "only files wanted", { "fA w", "1B p" }, 0, false, false, true, -EINVAL, "", 0 },
};

struct case_data {
	struct ih_wanted_file wanted[8];
	struct ih_present_file present[8];
	size_t n_wanted, n_present;
	char names[16][100];
	const char *refs[8][1];
	size_t n_names;
};

static const char *letters(char c)
{
	return c == 'A' ? A64 : c == 'B' ? B64 : C64;
}

static char *make_name(struct case_data *d, char folder, char letter, const char *tail)
{
	char *name = d->names[d->n_names++];

	if (folder == 'f')
		snprintf(name, 100, "kernel-%s.efi", letters(letter));
	else
		snprintf(name, 100, "ihard-%s%s.%s", letters(letter), tail,
			 folder == '1' ? "conf" : "efi");
	return name;
}

static void add_case(struct case_data *d, const char *text)
{
	enum ih_folder folder = text[0] == 'f'	 ? IH_FOLDER_FILES
				: text[0] == '1' ? IH_FOLDER_TYPE1
						 : IH_FOLDER_TYPE2;
	char tail[12] = "", flags[12] = "", need = 0;

	sscanf(text + 2, "%11[+0-9-]", tail);
	sscanf(text + 2 + strlen(tail), " %11[a-z] =%c", flags, &need);
	if (strchr(flags, 'w'))
		d->wanted[d->n_wanted++] = (struct ih_wanted_file){
			.folder = folder,
			.name = make_name(d, text[0], text[1], ""),
			.size = 1,
			.renew = strchr(flags, 'r') != NULL,
		};
	if (!strchr(flags, 'p'))
		return;
	d->present[d->n_present] = (struct ih_present_file){
		.folder = folder,
		.name = make_name(d, text[0], text[1], tail),
		.size = 1,
		.state = strchr(flags, 'd') ? IH_PRESENT_DAMAGED : IH_PRESENT_GOOD,
		.booted = strchr(flags, 'b') != NULL,
		.asked_for = strchr(flags, 'v') != NULL,
		.referenced_by_foreign = strchr(flags, 'x') != NULL,
	};
	if (need) {
		d->refs[d->n_present][0] = make_name(d, 'f', need, "");
		d->present[d->n_present].references = d->refs[d->n_present];
		d->present[d->n_present].n_references = 1;
	}
	d->n_present++;
}

/* "ihard-aaa…+3.conf" → "1A+3" */
static void add_short(struct ih_text *t, char sign, enum ih_folder folder, const char *name)
{
	const char *hash = strchr(name, '-') + 1;

	(void)ih_text_addf(t, "%s%c%c%c", t->len ? " " : "", sign, "f12"[folder],
			   hash[0] - 'a' + 'A');
	if (hash[64] == '+')
		(void)ih_text_addf(t, "%.*s", (int)strcspn(hash + 64, "."), hash + 64);
}

static void describe(const struct case_data *d, const struct ih_plan *p, struct ih_text *t)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct ih_plan_step *s = &p->steps[i];

		if (s->act == IH_PLAN_LOADER_CONF)
			(void)ih_text_addf(t, "%sc", t->len ? " " : "");
		else if (s->act == IH_PLAN_REMOVE)
			add_short(t, '-', d->present[s->index].folder, s->name);
		else
			add_short(t, s->act == IH_PLAN_WRITE ? '+' : '!',
				  d->wanted[s->index].folder, s->name);
	}
}

Test(plan, table)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct plan_row *row = &rows[i];
		struct case_data d = { 0 };
		struct ih_plan plan = { 0 };
		struct ih_text steps = { 0 };
		struct ih_plan_request rq;

		for (size_t k = 0; k < 8 && row->files[k][0]; k++)
			add_case(&d, row->files[k]);
		rq = (struct ih_plan_request){ d.wanted,	   d.n_wanted,	     d.present,
					       d.n_present,	   row->tries,	     row->keep_all,
					       row->collect_first, row->loader_conf, 1 };
		cr_expect_eq(ih_plan_make(&rq, &plan), row->error, "%s", row->what);
		describe(&d, &plan, &steps);
		cr_expect_str_eq(ih_text_get(&steps), row->steps, "%s: %s", row->what,
				 ih_text_get(&steps));
		cr_expect_eq(plan.peak, row->peak, "%s: peak %llu", row->what,
			     (unsigned long long)plan.peak);
		ih_text_done(&steps);
		ih_plan_done(&plan);
	}
}

struct ours_row {
	enum ih_folder folder;
	char name[90];
	bool ours;
};

static const struct ours_row ours_rows[] = {
	{ IH_FOLDER_TYPE2, "ihard-" A64 ".efi", true },
	{ IH_FOLDER_TYPE2, "IHARD-" A64 "+0-3.EFI", true },
	{ IH_FOLDER_TYPE2, "ihard-" A64 ".efi.tmp", true },
	{ IH_FOLDER_TYPE2, "ihard-" A64 "a.efi", false },
	{ IH_FOLDER_TYPE2, "ihard-aaaa.efi", false },
	{ IH_FOLDER_TYPE2, "ihard-mine.efi", false },
	{ IH_FOLDER_TYPE2, "nixos-" A64 ".efi", false },
	{ IH_FOLDER_TYPE2, "xihard-" A64 ".efi", false },
	{ IH_FOLDER_FILES, "kernel-" A64 ".efi", true },
	{ IH_FOLDER_FILES, "initrd-" A64 ".img.tmp", true },
	{ IH_FOLDER_FILES, "ihard-" A64 ".efi", false },
	{ IH_FOLDER_FILES, "README", false },
	{ IH_FOLDER_FILES, "", false },
};

Test(plan, is_ours)
{
	for (size_t i = 0; i < sizeof(ours_rows) / sizeof(ours_rows[0]); i++)
		cr_expect_eq(ih_plan_is_ours(ours_rows[i].folder, ours_rows[i].name),
			     ours_rows[i].ours, "'%s'", ours_rows[i].name);
}

struct conf_row {
	char what[32], old[80], name[24];
	bool is_first;
	unsigned int version;
	char want[140];
};

static const struct conf_row conf_rows[] = {
	{ "none", "", "ihard-x.efi", true, 252, "preferred ihard-x.efi\ndefault ihard-*\n" },
	{ "lines stay", "timeout 3\n#default no\n", "ihard-x.efi", true, 0,
	  "timeout 3\n#default no\npreferred ihard-x.efi\ndefault ihard-*\n" },
	{ "no line end", "timeout 3", "ihard-x.efi", true, 0,
	  "timeout 3\npreferred ihard-x.efi\ndefault ihard-*\n" },
	{ "old lines go", "default a\n preferred\tb\ndefaults c\n", "ihard-x.efi", true, 0,
	  "defaults c\npreferred ihard-x.efi\ndefault ihard-*\n" },
	{ "older generation, 252", "", "ihard-x.conf", false, 252,
	  "preferred ihard-x.conf\ndefault ihard-x[.+][ce1-9]*\n" },
	{ "older generation, 258", "", "ihard-x.conf", false, 258,
	  "preferred ihard-x.conf\ndefault ihard-*\n" },
	{ "older generation, unknown", "", "ihard-x.conf", false, 0,
	  "preferred ihard-x.conf\ndefault ihard-*\n" },
};

Test(plan, loader_conf)
{
	for (size_t i = 0; i < sizeof(conf_rows) / sizeof(conf_rows[0]); i++) {
		const struct conf_row *row = &conf_rows[i];
		struct ih_loader_choice choice = { row->name, row->is_first, row->version };
		struct ih_text out = { 0 }, again = { 0 };

		cr_assert_eq(ih_loader_conf_choose(row->old, strlen(row->old), &choice, &out), 0);
		cr_expect_str_eq(out.data, row->want, "%s: %s", row->what, out.data);
		cr_assert_eq(ih_loader_conf_choose(out.data, out.len, &choice, &again), 0);
		cr_expect_str_eq(again.data, row->want, "%s again", row->what);
		ih_text_done(&out);
		ih_text_done(&again);
	}
}
