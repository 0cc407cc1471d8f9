/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guard's table of files: held against a plain array over many random changes. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/catalog.h"

#define FILES 6000 /* more than a table begins with */

static struct ih_file_key key_of(unsigned int i)
{
	/* inodes in a row, and the same ones on two devices: what a real disk gives */
	return (struct ih_file_key){ .inode = i / 2 + 1, .device = 8u << 20 | (i & 1) };
}

static struct ih_seed seed_of(unsigned int i)
{
	return (struct ih_seed){ .ctime_s = i, .size = i * 3, .trust = 3 };
}

/* Numbers that are the same on every machine (Knuth's MMIX generator). */
static unsigned int next(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned int)(*state >> 33);
}

struct seen {
	unsigned char gone[FILES];
	size_t n;
};

static void gone(void *user, const struct ih_file_key *key)
{
	struct seen *s = user;
	unsigned int i = (unsigned int)(key->inode - 1) * 2 + (key->device & 1);

	cr_assert_lt(i, FILES);
	cr_assert_not(s->gone[i], "told twice");
	s->gone[i] = 1;
	s->n++;
}

Test(catalog, says_what_the_kernel_has_to_be_told)
{
	_cleanup_(ih_cleanup_catalog) struct ih_catalog *c = NULL;
	struct ih_file_key key = key_of(7);
	struct ih_seed seed = seed_of(7), found;

	cr_assert_eq(ih_catalog_new(2, &c), 0);
	cr_assert_eq(ih_catalog_get(c, &key, &found), -ENOENT);
	cr_assert_eq(ih_catalog_put(c, &key, &seed, 1), 1, "new");
	cr_assert_eq(ih_catalog_put(c, &key, &seed, 1), 0, "as it was");
	seed.ctime_ns = 9;
	cr_assert_eq(ih_catalog_put(c, &key, &seed, 1), 1, "changed");
	cr_assert_eq(ih_catalog_get(c, &key, &found), 0);
	cr_assert_eq(memcmp(&found, &seed, sizeof(seed)), 0);
	ih_catalog_forget(c, &key);
	cr_assert_eq(ih_catalog_put(c, &key, &seed, 1), 1, "forgotten");
}

Test(catalog, is_bounded)
{
	_cleanup_(ih_cleanup_catalog) struct ih_catalog *c = NULL;
	struct ih_seed seed = seed_of(1);

	cr_assert_eq(ih_catalog_new(2, &c), 0);
	for (unsigned int i = 0; i < 3; i++) {
		struct ih_file_key key = key_of(i);

		cr_assert_eq(ih_catalog_put(c, &key, &seed, 1), i < 2 ? 1 : -E2BIG);
	}
	cr_assert_eq(ih_catalog_count(c), 2);
}

/* What was put, taken out and put again in any order is there, and nothing else is. */
Test(catalog, holds_what_an_array_holds)
{
	static uint64_t owner[FILES]; /* 0: not there */
	_cleanup_(ih_cleanup_catalog) struct ih_catalog *c = NULL;
	uint64_t state = 1;
	size_t n = 0;

	cr_assert_eq(ih_catalog_new(FILES, &c), 0);
	for (unsigned int step = 0; step < 40000; step++) {
		unsigned int i = next(&state) % FILES;
		struct ih_file_key key = key_of(i);
		struct ih_seed seed = seed_of(i);

		if (next(&state) % 3) {
			cr_assert_eq(ih_catalog_put(c, &key, &seed, i % 50 + 1), !owner[i]);
			owner[i] = i % 50 + 1;
		} else {
			ih_catalog_forget(c, &key);
			owner[i] = 0;
		}
	}
	for (unsigned int i = 0; i < FILES; i++) {
		struct ih_file_key key = key_of(i);
		struct ih_seed seed;

		cr_assert_eq(ih_catalog_get(c, &key, &seed), owner[i] ? 0 : -ENOENT);
		n += owner[i] != 0;
	}
	cr_assert_eq(ih_catalog_count(c), n);
}

Test(catalog, drops_an_owner_and_nothing_else)
{
	static struct seen s;
	_cleanup_(ih_cleanup_catalog) struct ih_catalog *c = NULL;

	cr_assert_eq(ih_catalog_new(FILES, &c), 0);
	for (unsigned int i = 0; i < FILES; i++) {
		struct ih_file_key key = key_of(i);
		struct ih_seed seed = seed_of(i);

		cr_assert_eq(ih_catalog_put(c, &key, &seed, i % 3), 1);
	}
	cr_assert_eq(ih_catalog_drop(c, 1, gone, &s), FILES / 3);
	for (unsigned int i = 0; i < FILES; i++)
		cr_assert_eq(s.gone[i], i % 3 == 1);
	cr_assert_eq(ih_catalog_count(c), FILES - FILES / 3);
}

Test(catalog, sweeps_what_a_round_did_not_see)
{
	static struct seen s;
	_cleanup_(ih_cleanup_catalog) struct ih_catalog *c = NULL;

	cr_assert_eq(ih_catalog_new(FILES, &c), 0);
	for (unsigned int round = 0; round < 2; round++) {
		ih_catalog_begin(c);
		for (unsigned int i = 0; i < FILES; i += 1 + round) {
			struct ih_file_key key = key_of(i);
			struct ih_seed seed = seed_of(i);

			cr_assert_eq(ih_catalog_put(c, &key, &seed, 1), !round);
		}
	}
	cr_assert_eq(ih_catalog_sweep(c, gone, &s), FILES / 2);
	for (unsigned int i = 0; i < FILES; i++)
		cr_assert_eq(s.gone[i], i % 2);
}
