/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ropes: what is put together is read as one, and a file must be what it was. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "bootchain/rope.h"

static char path[64];

static void put(const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
}

static void setup(void)
{
	int fd;

	snprintf(path, sizeof(path), "/tmp/ihard-rope-XXXXXX");
	fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	close(fd);
}

static void teardown(void)
{
	(void)unlink(path);
}

static void expect(const struct ih_rope *rope, const char *text, size_t len)
{
	struct ih_digest in_pieces, whole;
	struct ih_diag diag = { "" };
	uint8_t *data;

	cr_assert_eq(rope->len, len);
	cr_assert_eq(ih_rope_flatten(rope, &data, &diag), 0, "%s", diag.text);
	cr_assert_arr_eq(data, text, len);
	cr_assert_eq(ih_rope_hash(rope, IH_HASH_SHA256, &in_pieces, &diag), 0, "%s", diag.text);
	cr_assert_eq(ih_hash_once(IH_HASH_SHA256, text, len, &whole), 0);
	cr_assert_arr_eq(in_pieces.bytes, whole.bytes, IH_SHA256_SIZE);
	free(data);
}

Test(rope, pieces_are_one, .init = setup, .fini = teardown)
{
	struct ih_rope rope = { 0 }, more = { 0 };
	struct ih_diag diag = { "" };
	uint8_t head[8];
	size_t len;

	put("file", 4);
	expect(&rope, "", 0);
	cr_assert_eq(ih_rope_add(&rope, "", 0), 0);
	cr_assert_eq(ih_rope_add(&rope, "abc", 3), 0);
	cr_assert_eq(ih_rope_add_file(&rope, path, 4, &diag), 0, "%s", diag.text);
	cr_assert_eq(ih_rope_align(&rope, 4), 0);
	cr_assert_eq(ih_rope_align(&rope, 4), 0);
	cr_assert_eq(ih_rope_add_copy(&more, "more", 4), 0);
	cr_assert_eq(ih_rope_add_taken(&more, strdup("taken"), 5), 0);
	cr_assert_eq(ih_rope_move(&rope, &more), 0);
	expect(&more, "", 0);
	expect(&rope, "abcfile\0moretaken", 17);
	cr_assert_eq(ih_rope_head(&rope, head, 8, &len, &diag), 0);
	cr_assert_eq(len, 8);
	cr_assert_arr_eq(head, "abcfile", 8);
	ih_rope_done(&rope);
	ih_rope_done(&rope);
	cr_assert_eq(ih_rope_head(&rope, head, 8, &len, &diag), 0);
	cr_assert_eq(len, 0);
}

Test(rope, long_pieces, .init = setup, .fini = teardown)
{
	const size_t len = 2 * IH_ROPE_CHUNK + 7;
	char *text = calloc(1, 2 * len);
	struct ih_rope rope = { 0 };
	struct ih_diag diag = { "" };

	for (size_t i = 0; i < len; i++)
		text[len + i] = (char)(i * 7 + i / 251);
	put(text + len, len);
	cr_assert_eq(ih_rope_add_zeros(&rope, len), 0);
	cr_assert_eq(ih_rope_add_file(&rope, path, len, &diag), 0, "%s", diag.text);
	expect(&rope, text, 2 * len);
	ih_rope_done(&rope);
	free(text);
}

static void read_changed(const struct ih_rope *rope, const char *what)
{
	struct ih_diag diag = { "" };
	uint8_t *data;

	cr_assert_eq(ih_rope_flatten(rope, &data, &diag), -ESTALE, "%s", what);
	cr_assert(strstr(diag.text, "changed while it was read"), "%s: %s", what, diag.text);
}

Test(rope, a_file_must_be_what_it_was, .init = setup, .fini = teardown)
{
	struct ih_rope rope = { 0 };
	struct ih_diag diag = { "" };
	uint8_t *data;

	put("four", 4);
	cr_assert_eq(ih_rope_add_file(&rope, path, 3, &diag), -EFBIG);
	cr_assert_eq(ih_rope_add_file(&rope, "/", 4, &diag), -EINVAL);
	cr_assert_eq(ih_rope_add_file(&rope, path, 4, &diag), 0, "%s", diag.text);
	expect(&rope, "four", 4);
	usleep(20000); /* the kernel's clock for change times ticks */
	put("FOUR", 4);
	read_changed(&rope, "other content");
	ih_rope_done(&rope);
	cr_assert_eq(ih_rope_add_file(&rope, path, 4, &diag), 0);
	put("", 0);
	read_changed(&rope, "shorter");
	ih_rope_done(&rope);
	put("four", 4);
	cr_assert_eq(ih_rope_add_file(&rope, path, 4, &diag), 0);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(ih_rope_flatten(&rope, &data, &diag), -ENOENT);
	usleep(20000);
	put("four", 4);
	read_changed(&rope, "another file");
	ih_rope_done(&rope);
}
