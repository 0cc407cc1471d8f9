/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bootchain/history.c: appended, bounded, and readable after a crash at any byte. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "bootchain/history.h"
#include "common/text.h"

static char folder[64], path[80];

static void setup(void)
{
	/* memory, where there is such a folder: every record is synced */
	snprintf(folder, sizeof(folder), "%s/ihard-history-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/h.jsonl", folder);
}

static void teardown(void)
{
	unlink(path);
	rmdir(folder);
}

static void add(const char *event, uint64_t n)
{
	char text[16];
	struct ih_history_record r = { .time = n,
				       .boot = text,
				       .event = text,
				       .entry = text,
				       .reason = text,
				       .left = 1,
				       .done = 2 };
	struct ih_diag diag = { 0 };

	snprintf(text, sizeof(text), "%s", event);
	cr_assert_eq(ih_history_add(path, &r, &diag), 0, "%s", diag.text);
}

Test(history, keeps_what_was_added, .init = setup, .fini = teardown)
{
	struct ih_history h = { 0 };

	cr_assert_eq(ih_history_read(path, &h, NULL), 0, "no file is an empty history");
	cr_expect_eq(h.n, 0);
	add("good", 1);
	add("line\nbreak", 2);
	cr_assert_eq(ih_history_read(path, &h, NULL), 0);
	cr_assert_eq(h.n, 2);
	cr_expect_str_eq(h.records[0].event, "good");
	cr_expect_str_eq(h.records[1].event, "line\nbreak");
	cr_expect_eq(h.records[1].done, 2);
	cr_expect_eq(h.damaged, 0);
	ih_history_done(&h);
}

/* A crash leaves any prefix of the last line. The next record is whole, and so are those before. */
Test(history, cut_at_every_byte, .init = setup, .fini = teardown)
{
	struct stat one, two;

	add("first", 1);
	cr_assert_eq(stat(path, &one), 0);
	add("second", 2);
	cr_assert_eq(stat(path, &two), 0);
	for (off_t cut = one.st_size; cut <= two.st_size; cut++) {
		struct ih_history h = { 0 };
		size_t whole = cut == two.st_size ? 3 : 2;
		/* All but the line feed: the record is there, and closed by the next one. */
		bool closed = cut == two.st_size - 1;

		unlink(path);
		add("first", 1);
		add("second", 2);
		cr_assert_eq(truncate(path, cut), 0);
		add("third", 3);
		cr_assert_eq(ih_history_read(path, &h, NULL), 0);
		cr_expect_eq(h.n, closed ? 3 : whole, "cut at %ld: %zu", (long)cut, h.n);
		cr_expect_str_eq(h.records[h.n - 1].event, "third");
		cr_expect_eq(h.damaged, cut > one.st_size && whole == 2 && !closed);
		ih_history_done(&h);
	}
}

/* Writes a file that begins with the first bytes of a text, and goes on in zeros. */
static void put(const char *text, size_t len, size_t zeros)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, len), (ssize_t)len);
	cr_assert_eq(ftruncate(fd, (off_t)(len + zeros)), 0);
	close(fd);
}

/* How many records there are, the last of which must be the one that was just added. */
static size_t count_with_last(const char *event, size_t at)
{
	struct ih_history h = { 0 };
	size_t n;

	cr_assert_eq(ih_history_read(path, &h, NULL), 0);
	n = h.n;
	cr_assert_gt(n, 0);
	cr_assert_str_eq(h.records[n - 1].event, event, "cut at %zu", at);
	ih_history_done(&h);
	return n;
}

/*
 * Ten thousand power cuts: the file ends anywhere, or has its size already and not yet its bytes.
 * Every record before the cut is read, and so is the next that is written.
 */
Test(history, cut_anywhere, .init = setup, .fini = teardown, .timeout = 60)
{
	struct ih_text text = { 0 };
	size_t whole = 0, cuts = 0;

	for (int i = 0; i < 80; i++)
		(void)ih_text_addf(
			&text,
			"{\"time\":%d,\"boot\":\"b%d\",\"event\":\"e\",\"entry\":\"%.*s\","
			"\"reason\":\"\"}\n",
			i, i, i % 17, "ihard-aaaaaaaaaaaaa");
	for (size_t at = 0; at <= text.len; at++) {
		bool closed = at < text.len && text.data[at] == '\n';

		whole += at && text.data[at - 1] == '\n';
		for (size_t zeros = 0; zeros <= 64; zeros += 64, cuts++) {
			put(text.data, at, zeros);
			add("new", 1);
			cr_assert_eq(count_with_last("new", at), whole + 1 + (closed && !zeros),
				     "cut at %zu, %zu zeros", at, zeros);
		}
	}
	cr_expect_geq(cuts, 10000, "%zu cuts", cuts);
	ih_text_done(&text);
}

Test(history, bounded, .init = setup, .fini = teardown)
{
	struct ih_history h = { 0 };
	struct ih_text text = { 0 };
	int fd;

	for (int i = 0; i < IH_HISTORY_RECORDS; i++)
		(void)ih_text_addf(&text,
				   "{\"time\":%d,\"boot\":\"\",\"event\":\"e\",\"entry\":\"\","
				   "\"reason\":\"\"}\n",
				   i);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	cr_assert_eq(write(fd, text.data, text.len), (ssize_t)text.len);
	close(fd);
	ih_text_done(&text);
	add("last", 9999);
	cr_assert_eq(ih_history_read(path, &h, NULL), 0);
	cr_expect_leq(h.n, IH_HISTORY_RECORDS / 2 + 1);
	cr_expect_geq(h.n, IH_HISTORY_RECORDS / 2);
	cr_expect_str_eq(h.records[h.n - 1].event, "last");
	ih_history_done(&h);
}

Test(history, not_a_file, .init = setup, .fini = teardown)
{
	struct ih_history_record r = { 0 };
	struct ih_diag diag = { 0 };

	cr_assert_eq(symlink("/etc/passwd", path), 0);
	cr_expect_eq(ih_history_add(path, &r, &diag), -ELOOP);
	unlink(path);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_lt(ih_history_add(path, &r, &diag), 0);
}
