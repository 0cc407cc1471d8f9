/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables for bootchain/entry.c: entries and loader.conf are read as systemd-boot reads them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "bootchain/entry.h"

struct conf_row {
	char what[40], text[200];
	enum ih_entry_type type;
	bool mixed;
	/* "title|version|sort-key|machine-id|loader|options", '-' for what is not there */
	char fields[160];
	size_t n_initrds;
};

static const struct conf_row conf_rows[] = {
	{ "ordinary",
	  "title NixOS\nversion Generation 3\nsort-key nixos\nmachine-id ab\nlinux /EFI/k.efi\n"
	  "initrd /EFI/i.efi\noptions init=/x quiet\n",
	  IH_ENTRY_LINUX, false, "NixOS|Generation 3|nixos|ab|/EFI/k.efi|init=/x quiet", 1 },
	{ "no line end", "linux /k", IH_ENTRY_LINUX, false, "-|-|-|-|/k|-", 0 },
	{ "cr lf", "title a\r\nlinux /k\r\n", IH_ENTRY_LINUX, false, "a|-|-|-|/k|-", 0 },
	{ "blanks and tabs", "  title \t a b \t\n\tlinux\t/k\n", IH_ENTRY_LINUX, false,
	  "a b|-|-|-|/k|-", 0 },
	{ "quotes", "title \"a b\"\nlinux \"/k\"\n", IH_ENTRY_LINUX, false, "a b|-|-|-|/k|-", 0 },
	{ "one quote", "title \"a\nlinux /k\n", IH_ENTRY_LINUX, false, "\"a|-|-|-|/k|-", 0 },
	{ "comment", "#title a\n # x y\nlinux /k\n", IH_ENTRY_LINUX, false, "-|-|-|-|/k|-", 0 },
	{ "not a comment", "linux /k\noptions a #b\n", IH_ENTRY_LINUX, false, "-|-|-|-|/k|a #b",
	  0 },
	{ "later line wins", "title a\ntitle b\nlinux /k\nlinux /l\n", IH_ENTRY_LINUX, false,
	  "b|-|-|-|/l|-", 0 },
	{ "options add up", "linux /k\noptions a\noptions b c\n", IH_ENTRY_LINUX, false,
	  "-|-|-|-|/k|a b c", 0 },
	{ "several initrds", "linux /k\ninitrd /a\ninitrd /b\n", IH_ENTRY_LINUX, false,
	  "-|-|-|-|/k|-", 2 },
	{ "backslashes", "linux \\EFI\\\\x//k\n", IH_ENTRY_LINUX, false, "-|-|-|-|/EFI/x/k|-", 0 },
	{ "no slash in front", "linux k\n", IH_ENTRY_LINUX, false, "-|-|-|-|/k|-", 0 },
	{ "efi", "efi /shell.efi\n", IH_ENTRY_EFI, false, "-|-|-|-|/shell.efi|-", 0 },
	{ "uki", "uki /u.efi\n", IH_ENTRY_UKI_LINE, false, "-|-|-|-|/u.efi|-", 0 },
	{ "mixed", "linux /k\nefi /e\n", IH_ENTRY_EFI, true, "-|-|-|-|/e|-", 0 },
	{ "key without value", "linux\ntitle\n", IH_ENTRY_NONE, false, "-|-|-|-|-|-", 0 },
	{ "case matters", "LINUX /k\n", IH_ENTRY_NONE, false, "-|-|-|-|-|-", 0 },
	{ "unknown key", "linux /k\nfrobnicate yes\n", IH_ENTRY_LINUX, false, "-|-|-|-|/k|-", 0 },
	{ "empty", "", IH_ENTRY_NONE, false, "-|-|-|-|-|-", 0 },
};

static void fields_of(const struct ih_entry *e, char *ret, size_t size)
{
	snprintf(ret, size, "%s|%s|%s|%s|%s|%s", e->title ? e->title : "-",
		 e->version ? e->version : "-", e->sort_key ? e->sort_key : "-",
		 e->machine_id ? e->machine_id : "-", e->loader ? e->loader : "-",
		 e->options ? e->options : "-");
}

Test(entry, conf)
{
	for (size_t i = 0; i < sizeof(conf_rows) / sizeof(conf_rows[0]); i++) {
		const struct conf_row *row = &conf_rows[i];
		struct ih_entry e = { 0 };
		char fields[400];

		cr_assert_eq(
			ih_entry_parse_conf("a+3.conf", row->text, strlen(row->text), &e, NULL), 0,
			"%s", row->what);
		fields_of(&e, fields, sizeof(fields));
		cr_expect_str_eq(fields, row->fields, "%s: %s", row->what, fields);
		cr_expect_eq(e.type, row->type, "%s: type", row->what);
		cr_expect_eq(e.mixed, row->mixed, "%s: mixed", row->what);
		cr_expect_eq(e.n_initrds, row->n_initrds, "%s: initrds", row->what);
		cr_expect(e.count.counted && e.count.left == 3);
		ih_entry_done(&e);
		ih_entry_done(&e);
	}
}

Test(entry, conf_refused)
{
	struct ih_entry e = { 0 };
	struct ih_diag diag = { 0 };
	char many[4096] = "";

	cr_expect_eq(ih_entry_parse_conf("a.txt", "", 0, &e, &diag), -EINVAL);
	cr_expect_str_eq(diag.text, "'a.txt' is not the name of a boot entry");
	for (int i = 0; i <= IH_ENTRY_INITRDS_MAX; i++)
		strncat(many, "initrd /x\n", sizeof(many) - strlen(many) - 1);
	cr_expect_eq(ih_entry_parse_conf("a.conf", many, strlen(many), &e, &diag), -E2BIG);
}

struct osrel_row {
	char what[24], text[160];
	enum ih_entry_type type;
	char fields[120];
};

static const struct osrel_row osrel_rows[] = {
	{ "pretty",
	  "ID=nixos\nPRETTY_NAME=\"NixOS X (Generation 3)\"\nVERSION_ID=\"Generation 3\"\n",
	  IH_ENTRY_UKI, "NixOS X (Generation 3)|Generation 3|nixos|-|/EFI/Linux/a.efi|quiet" },
	{ "image first", "ID=a\nIMAGE_ID=b\nIMAGE_VERSION=7\nVERSION_ID=6\nNAME=c\n", IH_ENTRY_UKI,
	  "b|7|b|-|/EFI/Linux/a.efi|quiet" },
	{ "id only", "ID=a\n", IH_ENTRY_UKI, "a|-|a|-|/EFI/Linux/a.efi|quiet" },
	{ "name only", "NAME=a\nBUILD_ID=9\n", IH_ENTRY_UKI, "a|9|-|-|/EFI/Linux/a.efi|quiet" },
	{ "nothing to show", "VERSION=1\n", IH_ENTRY_NONE, "-|-|-|-|/EFI/Linux/a.efi|quiet" },
};

Test(entry, osrel)
{
	for (size_t i = 0; i < sizeof(osrel_rows) / sizeof(osrel_rows[0]); i++) {
		const struct osrel_row *row = &osrel_rows[i];
		struct ih_entry e = { 0 };
		char fields[400];

		cr_assert_eq(ih_entry_parse_osrel("a.efi", row->text, strlen(row->text), "quiet",
						  &e, NULL),
			     0, "%s", row->what);
		fields_of(&e, fields, sizeof(fields));
		cr_expect_str_eq(fields, row->fields, "%s: %s", row->what, fields);
		cr_expect_eq(e.type, row->type, "%s: type", row->what);
		ih_entry_done(&e);
	}
}

Test(entry, format_reads_back)
{
	const char *text = conf_rows[0].text;
	struct ih_entry e = { 0 }, again = { 0 };
	struct ih_text out = { 0 };
	char a[400], b[400];

	cr_assert_eq(ih_entry_parse_conf("a.conf", text, strlen(text), &e, NULL), 0);
	cr_assert_eq(ih_entry_format(&e, &out, NULL), 0);
	cr_assert_eq(ih_entry_parse_conf("a.conf", out.data, out.len, &again, NULL), 0);
	fields_of(&e, a, sizeof(a));
	fields_of(&again, b, sizeof(b));
	cr_expect_str_eq(a, b);
	cr_expect_eq(again.n_initrds, 1);
	ih_text_done(&out);
	ih_entry_done(&e);
	ih_entry_done(&again);
}

struct refused_row {
	char title[24];
};

static const struct refused_row refused_rows[] = {
	{ "a\nlinux /evil" }, { "a\rb" }, { "" }, { " a" }, { "a " }, { "\"a\"" },
};

Test(entry, format_refuses)
{
	for (size_t i = 0; i < sizeof(refused_rows) / sizeof(refused_rows[0]); i++) {
		struct ih_entry e = { 0 };
		struct ih_text out = { 0 };

		cr_assert_eq(ih_entry_parse_conf("a.conf", "linux /k\n", 9, &e, NULL), 0);
		e.title = strdup(refused_rows[i].title);
		cr_expect_eq(ih_entry_format(&e, &out, NULL), -EINVAL, "row %zu", i);
		ih_text_done(&out);
		ih_entry_done(&e);
	}
}

Test(entry, loader_conf)
{
	static const char text[] =
		"timeout 3\n#default no\ndefault ihard-*\npreferred ihard-x.efi\n"
		"default @nonsense\n";
	struct ih_loader_conf c = { 0 };

	cr_assert_eq(ih_loader_conf_parse(text, strlen(text), &c), 0);
	cr_expect_str_eq(c.default_entry, "ihard-*");
	cr_expect_str_eq(c.preferred_entry, "ihard-x.efi");
	cr_expect_str_eq(c.timeout, "3");
	ih_loader_conf_done(&c);
	cr_assert_eq(ih_loader_conf_parse("default @SAVED\n", 15, &c), 0);
	cr_expect_str_eq(c.default_entry, "@SAVED");
	ih_loader_conf_done(&c);
}
