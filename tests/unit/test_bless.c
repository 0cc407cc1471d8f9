/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables for bootchain/bless.c: what is renamed, and that every interruption ends in the same
 * state. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "bootchain/bless.h"

#define FILES_MAX 5

/* "name=content"; the content of the booted file is A. */
struct bless_row {
	char what[64];
	char booted[24];
	enum ih_mark mark;
	char before[FILES_MAX][24];
	int error;
	char after[120]; /* sorted by name, with spaces between */
};

static const struct bless_row rows[] = {
	{ "good", "a+2-1.efi", IH_MARK_GOOD, { "a+2-1.efi=A" }, 0, "a.efi=A" },
	{ "good twice", "a+2-1.efi", IH_MARK_GOOD, { "a.efi=A" }, 0, "a.efi=A" },
	{ "good after bad", "a+2-1.efi", IH_MARK_GOOD, { "a+0-1.efi=A" }, 0, "a.efi=A" },
	{ "good on the last try", "a+0-3.efi", IH_MARK_GOOD, { "a+0-3.efi=A" }, 0, "a.efi=A" },
	{ "good, with a copy without counter",
	  "a+2-1.efi",
	  IH_MARK_GOOD,
	  { "a+2-1.efi=A", "a.efi=A" },
	  0,
	  "a.efi=A" },
	{ "good, with another one without counter",
	  "a+2-1.efi",
	  IH_MARK_GOOD,
	  { "a+2-1.efi=A", "a.efi=B" },
	  0,
	  "a.efi=A" },
	{ "good, with a counted copy",
	  "a+2-1.efi",
	  IH_MARK_GOOD,
	  { "a+2-1.efi=A", "a+0-3.efi=A" },
	  0,
	  "a.efi=A" },
	{ "good, with another counted one",
	  "a+2-1.efi",
	  IH_MARK_GOOD,
	  { "a+2-1.efi=A", "a+1.efi=B" },
	  0,
	  "a+1.efi=B a.efi=A" },
	{ "good, padded", "a+02-01.efi", IH_MARK_GOOD, { "a+02-01.efi=A" }, 0, "a.efi=A" },
	{ "good, armed since", "a+2-1.efi", IH_MARK_GOOD, { "a+5.efi=A" }, 0, "a+5.efi=A" },
	{ "bad", "a+2-1.efi", IH_MARK_BAD, { "a+2-1.efi=A" }, 0, "a+0-1.efi=A" },
	{ "bad twice", "a+2-1.efi", IH_MARK_BAD, { "a+0-1.efi=A" }, 0, "a+0-1.efi=A" },
	{ "bad after good", "a+2-1.efi", IH_MARK_BAD, { "a.efi=A" }, 0, "a+0-1.efi=A" },
	{ "bad, with a copy that would boot",
	  "a+2-1.efi",
	  IH_MARK_BAD,
	  { "a+2-1.efi=A", "a.efi=A" },
	  0,
	  "a+0-1.efi=A" },
	{ "bad, with another one that may boot",
	  "a+2-1.efi",
	  IH_MARK_BAD,
	  { "a+2-1.efi=A", "a.efi=B" },
	  0,
	  "a+0-1.efi=A a.efi=B" },
	{ "indeterminate after good",
	  "a+2-1.efi",
	  IH_MARK_INDETERMINATE,
	  { "a.efi=A" },
	  0,
	  "a+2-1.efi=A" },
	{ "indeterminate after bad",
	  "a+2-1.efi",
	  IH_MARK_INDETERMINATE,
	  { "a+0-1.efi=A" },
	  0,
	  "a+2-1.efi=A" },
	{ "indeterminate as it is",
	  "a+2-1.efi",
	  IH_MARK_INDETERMINATE,
	  { "a+2-1.efi=A" },
	  0,
	  "a+2-1.efi=A" },
	{ "indeterminate without tries",
	  "a+0-3.efi",
	  IH_MARK_INDETERMINATE,
	  { "a+0-3.efi=A" },
	  -EINVAL,
	  "a+0-3.efi=A" },
	{ "arm what is good", "a.efi", IH_MARK_ARM, { "a.efi=A" }, 0, "a+3.efi=A" },
	{ "arm what is bad", "a+0-3.efi", IH_MARK_ARM, { "a+0-3.efi=A" }, 0, "a+3.efi=A" },
	{ "arm what was blessed", "a+2-1.efi", IH_MARK_ARM, { "a.efi=A" }, 0, "a+3.efi=A" },
	{ "arm twice", "a+2-1.efi", IH_MARK_ARM, { "a+3.efi=A" }, 0, "a+3.efi=A" },
	{ "arm with a copy", "a.efi", IH_MARK_ARM, { "a.efi=A", "a+0-1.efi=A" }, 0, "a+3.efi=A" },
	{ "nothing there", "a+2-1.efi", IH_MARK_GOOD, { "b+2-1.efi=A" }, -ENOENT, "b+2-1.efi=A" },
	{ "others stay",
	  "a+2-1.efi",
	  IH_MARK_GOOD,
	  { "a+2-1.efi=A", "b+1.efi=A", "a.efi.tmp=A" },
	  0,
	  "a.efi=A a.efi.tmp=A b+1.efi=A" },
};

static char root[] = "/tmp/ihard-bless-XXXXXX";
static int root_fd = -1;

static void remove_all(void)
{
	int fd = openat(root_fd, "EFI/Linux", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < 26; i++) {
		static const char *const tails[] = { "",   "+1", "+2-1",   "+0-1", "+0-3",
						     "+3", "+5", "+02-01", "+0",   "+1-2" };

		for (size_t k = 0; k < sizeof(tails) / sizeof(tails[0]); k++) {
			char name[32];

			snprintf(name, sizeof(name), "%c%s.efi", 'a' + i, tails[k]);
			(void)unlinkat(fd, name, 0);
		}
	}
	(void)unlinkat(fd, "a.efi.tmp", 0);
	close(fd);
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(root));
	root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(root_fd, 0);
	cr_assert_eq(mkdirat(root_fd, "EFI", 0755), 0);
	cr_assert_eq(mkdirat(root_fd, "EFI/Linux", 0755), 0);
}

static void teardown(void)
{
	remove_all();
	unlinkat(root_fd, "EFI/Linux", AT_REMOVEDIR);
	unlinkat(root_fd, "EFI", AT_REMOVEDIR);
	close(root_fd);
	rmdir(root);
}

static void make_files(const struct bless_row *row)
{
	for (int i = 0; i < FILES_MAX && row->before[i][0]; i++) {
		char path[64];
		const char *equals = strchr(row->before[i], '=');
		int fd;

		snprintf(path, sizeof(path), "EFI/Linux/%.*s", (int)(equals - row->before[i]),
			 row->before[i]);
		fd = openat(root_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		cr_assert_eq(write(fd, equals + 1, 1), 1);
		close(fd);
	}
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void list_files(struct ih_text *out)
{
	char path[64];
	struct dirent **names;
	int n;

	snprintf(path, sizeof(path), "%s/EFI/Linux", root);
	n = scandir(path, &names, NULL, by_name);
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			char file[400], c = '?';
			int fd;

			snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
			fd = open(file, O_RDONLY | O_CLOEXEC);
			cr_assert_eq(read(fd, &c, 1), 1);
			close(fd);
			(void)ih_text_addf(out, "%s%s=%c", out->len ? " " : "", names[i]->d_name,
					   c);
		}
		free(names[i]);
	}
	free(names);
}

static int bless_once(const struct bless_row *row)
{
	struct ih_boot_dirs dirs = { .n = 1 };
	struct ih_bless_result result = { 0 };
	struct ih_diag diag = { 0 };
	char path[64];
	int r;

	dirs.dirs[0] = (struct ih_boot_dir){ IH_PARTITION_ESP, root_fd, root };
	snprintf(path, sizeof(path), "/EFI/Linux/%s", row->booted);
	r = ih_bless(&dirs, path, row->mark, 3, &result, &diag);
	if (r < 0)
		cr_expect(diag.text[0], "%s: a sentence", row->what);
	return r;
}

Test(bless, table, .init = setup, .fini = teardown)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct bless_row *row = &rows[i];

		remove_all();
		make_files(row);
		/* Twice: the second time there is nothing left to do. */
		for (int k = 0; k < 2; k++) {
			struct ih_text after = { 0 };

			cr_expect_eq(bless_once(row), row->error, "%s", row->what);
			list_files(&after);
			cr_expect_str_eq(ih_text_get(&after), row->after, "%s: %s", row->what,
					 ih_text_get(&after));
			ih_text_done(&after);
		}
	}
}

/* What a plan's first steps leave behind, the plan made anew brings to the same end. */
static void interrupt(const struct bless_row *row, size_t after_steps)
{
	struct ih_variant v[FILES_MAX] = { 0 };
	struct ih_bless_plan plan = { 0 };
	struct ih_text end = { 0 };
	char content[FILES_MAX] = { 0 };
	size_t n = 0;
	int source;

	for (int i = 0; i < FILES_MAX && row->before[i][0]; i++) {
		const char *equals = strchr(row->before[i], '=');

		snprintf(v[n].name, sizeof(v[n].name), "%.*s", (int)(equals - row->before[i]),
			 row->before[i]);
		if (!ih_count_same_entry(v[n].name, row->booted))
			continue;
		content[n++] = equals[1];
	}
	for (size_t i = 0; i < n; i++)
		v[i].same = content[i] == 'A';
	if (ih_bless_plan(row->booted, row->mark, 3, v, n, &plan) < 0 || after_steps >= plan.n)
		return;
	source = ih_bless_source(row->booted, plan.target, row->mark, v, n);
	cr_assert_geq(source, 0);

	remove_all();
	make_files(row);
	for (size_t i = 0; i < after_steps; i++) {
		const struct ih_bless_step *s = &plan.steps[i];
		int fd = openat(root_fd, "EFI/Linux", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (s->act == IH_BLESS_REMOVE)
			cr_assert_eq(unlinkat(fd, s->from, 0), 0);
		else
			cr_assert_eq(renameat(fd, s->from, fd, s->to), 0);
		close(fd);
	}
	cr_expect_eq(bless_once(row), 0, "%s after %zu steps", row->what, after_steps);
	list_files(&end);
	cr_expect_str_eq(ih_text_get(&end), row->after, "%s after %zu steps: %s", row->what,
			 after_steps, ih_text_get(&end));
	ih_text_done(&end);
}

Test(bless, interrupted_anywhere, .init = setup, .fini = teardown)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t k = 1; k < FILES_MAX; k++)
			interrupt(&rows[i], k);
}

struct path_row {
	char path[48];
};

static const struct path_row path_rows[] = {
	{ "" },
	{ "EFI/Linux/a+2-1.efi" },
	{ "/EFI/Linux/../../a+2-1.efi" },
	{ "/EFI/Linux/x/a+2-1.efi" },
	{ "/EFI/BOOT/BOOTX64+2-1.EFI" },
	{ "/EFI/Linux/" },
	{ "/EFI/Linux/a+2-1" },
	{ "/EFI/Linux" },
};

Test(bless, paths_that_are_no_entry, .init = setup, .fini = teardown)
{
	for (size_t i = 0; i < sizeof(path_rows) / sizeof(path_rows[0]); i++) {
		struct ih_boot_dirs dirs = { .n = 1 };
		struct ih_bless_result result = { 0 };

		dirs.dirs[0] = (struct ih_boot_dir){ IH_PARTITION_ESP, root_fd, root };
		cr_expect_eq(ih_bless(&dirs, path_rows[i].path, IH_MARK_GOOD, 0, &result, NULL),
			     -EINVAL, "'%s'", path_rows[i].path);
	}
}

struct running_row {
	char options[48], cmdline[48];
	bool running;
};

static const struct running_row running_rows[] = {
	{ "init=/a quiet", "initrd=x init=/a quiet\n", true },
	{ "init=/a", "init=/b", false },
	{ "init=/a", "quiet", false },
	{ "quiet", "init=/b", true },
	{ "", "init=/b", true },
	{ "init=/a", "init=/b init=/a", true },
	{ "init=/a", "xinit=/a", false },
};

Test(bless, after_kexec)
{
	for (size_t i = 0; i < sizeof(running_rows) / sizeof(running_rows[0]); i++) {
		struct ih_entry e = { .options = (char *)(uintptr_t)running_rows[i].options };

		cr_expect_eq(ih_bless_is_running(&e, running_rows[i].cmdline),
			     running_rows[i].running, "row %zu", i);
	}
}
