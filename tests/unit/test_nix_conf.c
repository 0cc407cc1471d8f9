/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables for integrity/nix_conf.c: which keys a nix.conf trusts, and which is none. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "integrity/nix_conf.h"

#define KEY "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

struct conf_row {
	char name[32], text[300], keys[32]; /* names with spaces behind */
	int error;
	char sentence[40];
};

static const struct conf_row conf_rows[] = {
	{ "nothing", "", "", 0, "" },
	{ "other settings", "cores = 4\nsubstituters = https://x # y\n", "", 0, "" },
	{ "one", "trusted-public-keys = a:" KEY "\n", "a ", 0, "" },
	{ "no newline at the end", "trusted-public-keys = a:" KEY, "a ", 0, "" },
	{ "two", "trusted-public-keys = a:" KEY " b:" KEY "\n", "a b ", 0, "" },
	{ "later replaces", "trusted-public-keys = a:" KEY "\ntrusted-public-keys = b:" KEY "\n",
	  "b ", 0, "" },
	{ "emptied", "trusted-public-keys = a:" KEY "\ntrusted-public-keys =\n", "", 0, "" },
	{ "extra adds", "extra-trusted-public-keys = b:" KEY "\ntrusted-public-keys = a:" KEY "\n",
	  "a b ", 0, "" },
	{ "old name", "binary-cache-public-keys = a:" KEY "\n", "a ", 0, "" },
	{ "comment", "# trusted-public-keys = a:" KEY "\n \t# x\n", "", 0, "" },
	{ "comment behind", "trusted-public-keys = a:" KEY " # b:" KEY "\n", "a ", 0, "" },
	{ "white space", " \ttrusted-public-keys\t=\ta:" KEY "\r\n", "a ", 0, "" },
	{ "a line that is none", "\n\nhello\n", "", -EBADMSG, "line 3: expected 'name = value'" },
	{ "no space before =", "trusted-public-keys= a:" KEY "\n", "", -EBADMSG, "line 1" },
	{ "no space behind =", "trusted-public-keys =a:" KEY "\n", "", -EBADMSG, "line 1" },
	{ "a bad key", "cores = 1\ntrusted-public-keys = a:AAAA\n", "", -EBADMSG,
	  "line 2: 'a:AAAA'" },
	{ "include without a file", "include\n", "", -EBADMSG, "takes one file" },
	{ "include of two", "include a b\n", "", -EBADMSG, "takes one file" },
	{ "missing include", "include /nothing/here\n", "", -ENOENT, "line 1: cannot open" },
	{ "missing !include", "!include /nothing/here\ntrusted-public-keys = a:" KEY "\n", "a ", 0,
	  "" },
};

static void join(const struct ih_keys *keys, char *ret, size_t size)
{
	size_t at = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < keys->n && at < size; i++)
		at += (size_t)snprintf(ret + at, size - at, "%s ", keys->list[i].name);
}

Test(nix_conf, lines)
{
	for (size_t i = 0; i < sizeof(conf_rows) / sizeof(conf_rows[0]); i++) {
		const struct conf_row *row = &conf_rows[i];
		struct ih_diag diag = { "" };
		struct ih_keys keys = { 0 };
		char names[64];

		cr_expect_eq(ih_nix_conf_parse("/etc/nix/nix.conf", row->text, &keys, &diag),
			     row->error, "%s: %s", row->name, diag.text);
		join(&keys, names, sizeof(names));
		cr_expect_str_eq(names, row->keys, "%s: got %s", row->name, names);
		cr_expect(strstr(diag.text, row->sentence), "%s: %s", row->name, diag.text);
		ih_keys_done(&keys);
	}
}

static void write_file(const char *dir, const char *name, const char *text, mode_t mode)
{
	char path[200];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0 && chmod(path, mode) == 0);
}

static int read_conf(const char *dir, const char *name, char *names, size_t size,
		     struct ih_diag *diag)
{
	struct ih_keys keys = { 0 };
	char path[200];
	int r;

	diag->text[0] = '\0';
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	r = ih_keys_from(path, &keys, diag);
	join(&keys, names, size);
	ih_keys_done(&keys);
	return r;
}

Test(nix_conf, files)
{
	char dir[] = "/tmp/ih-test-XXXXXX", names[64], command[64];
	struct ih_diag diag;

	cr_assert(mkdtemp(dir));
	write_file(dir, "a.conf", "trusted-public-keys = a:" KEY "\ninclude b.conf\n", 0644);
	write_file(dir, "b.conf", "extra-trusted-public-keys = b:" KEY "\n", 0644);
	cr_expect_eq(read_conf(dir, "a.conf", names, sizeof(names), &diag), 0, "%s", diag.text);
	cr_expect_str_eq(names, "a b ");
	write_file(dir, "b.conf", "extra-trusted-public-keys = b:" KEY "\n", 0664);
	cr_expect_eq(read_conf(dir, "a.conf", names, sizeof(names), &diag), -EPERM);
	cr_expect(strstr(diag.text, "line 2: others can write"), "%s", diag.text);
	write_file(dir, "b.conf", "include a.conf\n", 0644);
	cr_expect_eq(read_conf(dir, "a.conf", names, sizeof(names), &diag), -ELOOP);
	write_file(dir, "k.pub", "k:" KEY, 0644);
	cr_expect_eq(read_conf(dir, "k.pub", names, sizeof(names), &diag), 0, "%s", diag.text);
	cr_expect_str_eq(names, "k ");
	write_file(dir, "k.pub", "k:" KEY, 0666);
	cr_expect_eq(read_conf(dir, "k.pub", names, sizeof(names), &diag), -EPERM);
	cr_expect_eq(read_conf(dir, "none", names, sizeof(names), &diag), -ENOENT);
	cr_assert_eq(unlinkat(AT_FDCWD,
			      (snprintf(command, sizeof(command), "%s/a.conf", dir), command), 0),
		     0);
	cr_assert_eq(unlinkat(AT_FDCWD,
			      (snprintf(command, sizeof(command), "%s/b.conf", dir), command), 0),
		     0);
	cr_assert_eq(unlinkat(AT_FDCWD,
			      (snprintf(command, sizeof(command), "%s/k.pub", dir), command), 0),
		     0);
	cr_assert_eq(rmdir(dir), 0);
}
