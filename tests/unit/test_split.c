/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables for policy/split.c: what each program makes of the same text. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "policy/split.h"

struct row {
	enum ih_splitting how;
	int result;		  /* number of words, or a negative errno */
	char text[40], words[48]; /* each in <> */
};

static const struct row rows[] = {
	{ IH_SPLITTING_SPACES, 0, "", "" },
	{ IH_SPLITTING_SPACES, 0, " \t\n ", "" },
	{ IH_SPLITTING_SPACES, 2, " a\t'b ", "<a><'b>" },
	{ IH_SPLITTING_DASHED, 3, "w -T Mx=a", "<-w><-T><-Mx=a>" },
	{ IH_SPLITTING_QUOTES, 3, "a 'b c' \"d\"e", "<a><b c><de>" },
	{ IH_SPLITTING_QUOTES, 2, "'' \"\"", "<><>" },
	{ IH_SPLITTING_QUOTES, 1, "a\\ ", "<a\\>" },
	{ IH_SPLITTING_QUOTES, -EBADMSG, "a 'b", "" },
	{ IH_SPLITTING_QUOTES, -EBADMSG, "'a\"", "" },
	{ IH_SPLITTING_RESPONSE, 3, "a 'b c'\n\"d\"e", "<a><b c><de>" },
	{ IH_SPLITTING_RESPONSE, 3, "a\\ b '\\'' \"\\\"\"", "<a b><'><\">" },
	{ IH_SPLITTING_RESPONSE, 2, "'' 'open -fplugin=x", "<><open -fplugin=x>" },
	{ IH_SPLITTING_RESPONSE, 1, "a\\", "<a>" },
	{ IH_SPLITTING_RESPONSE, 0, " \n", "" },
	{ IH_SPLITTING_NODE, 2, "-r \"a b\"", "<-r><a b>" },
	{ IH_SPLITTING_NODE, 1, "a\tb", "<a\tb>" },
	{ IH_SPLITTING_NODE, 1, "\"a\\\"b\"", "<a\"b>" },
	{ IH_SPLITTING_NODE, -EBADMSG, "\"a", "" },
	{ IH_SPLITTING_NODE, -EBADMSG, "\"a\\", "" },
	{ IH_SPLITTING_ENV, 3, "a 'b c' \"d\"", "<a><b c><d>" },
	{ IH_SPLITTING_ENV, 1, "a # b", "<a>" },
	{ IH_SPLITTING_ENV, 1, "a#b", "<a#b>" },
	{ IH_SPLITTING_ENV, 2, "a\\_b", "<a><b>" },
	{ IH_SPLITTING_ENV, 1, "\"a\\_b\"", "<a b>" },
	{ IH_SPLITTING_ENV, 1, "a\\cb", "<a>" },
	{ IH_SPLITTING_ENV, -EBADMSG, "\"a\\cb\"", "" },
	{ IH_SPLITTING_ENV, 2, "${A}x ${B}", "<one twox><>" },
	{ IH_SPLITTING_ENV, 1, "'${A}'", "<${A}>" },
	{ IH_SPLITTING_ENV, 0, "${NONE}", "" },
	{ IH_SPLITTING_ENV, -EBADMSG, "$A", "" },
	{ IH_SPLITTING_ENV, -EBADMSG, "${A", "" },
	{ IH_SPLITTING_ENV, -EBADMSG, "${}", "" },
	{ IH_SPLITTING_ENV, -EBADMSG, "a\\q", "" },
	{ IH_SPLITTING_ENV, -EBADMSG, "a\\", "" },
	{ IH_SPLITTING_ENV, -EBADMSG, "\"a'", "" },
	{ IH_SPLITTING_MAKE, 2, "ks -f", "<-ks><-f>" },
	{ IH_SPLITTING_MAKE, 1, "A=b", "<A=b>" },
	{ IH_SPLITTING_MAKE, 1, "-k\\ x", "<-k x>" },
};

static char first[] = "A=one two", second[] = "B=", third[] = "AB=no";
static char *const environment[] = { first, second, third, NULL };

Test(split, rows)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct ih_text got = { 0 };
		char **words = NULL;
		int n = ih_split(row->how, row->text, strlen(row->text), environment, &words);

		cr_expect_eq(n, row->result, "row %zu '%s': %d", i, row->text, n);
		for (int k = 0; k < n; k++)
			(void)ih_text_addf(&got, "<%s>", words[k]);
		if (n >= 0) {
			cr_expect_null(words[n], "row %zu: no end", i);
			cr_expect_str_eq(ih_text_get(&got), row->words, "row %zu '%s': %s", i,
					 row->text, ih_text_get(&got));
			free(words);
		}
		ih_text_done(&got);
	}
}

Test(split, limits)
{
	static char value[] = "A=0123456789012345678901234567890123456789";
	static char *const wide[] = { value, NULL };
	size_t len = 2 * (IH_SPLIT_WORDS_MAX + 1);
	char *text = malloc(len), *many = malloc(len), **words;

	cr_assert(text && many);
	for (size_t i = 0; i < len; i++)
		text[i] = i % 2 ? ' ' : 'a';
	cr_expect_eq(ih_split(IH_SPLITTING_SPACES, text, len, NULL, &words), -E2BIG, "one more");
	cr_expect_eq(ih_split(IH_SPLITTING_SPACES, text, len - 2, NULL, &words),
		     IH_SPLIT_WORDS_MAX);
	free(words);
	/* A variable that is asked for very often must not write past the block. */
	for (size_t i = 0; i + 4 <= len; i += 4)
		memcpy(many + i, "${A}", 4);
	cr_expect_eq(ih_split(IH_SPLITTING_ENV, many, len / 4 * 4, wide, &words), -E2BIG,
		     "grows too much");
	free(text);
	free(many);
}
