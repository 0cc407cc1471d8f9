/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* integrity/problems.c and verdicts.c: bounded lists, and verdicts that are found again. */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "integrity/problems.h"
#include "integrity/verdicts.h"

Test(problems, bounded)
{
	struct ih_problems p = { 0 }, q = { 0 };

	for (int i = 0; i < IH_PROBLEMS_MAX + 10; i++)
		ih_problem(&p, i ? IH_PROBLEM_IO : IH_PROBLEM_CONTENT, "problem %d\n", i);
	cr_expect_eq(p.n, IH_PROBLEMS_MAX);
	cr_expect_eq(p.total, IH_PROBLEMS_MAX + 10);
	cr_expect_eq(p.kinds, IH_PROBLEM_IO | IH_PROBLEM_CONTENT);
	cr_expect_str_eq(p.list[0], "problem 0?", "control characters do not reach the terminal");
	ih_problem(&q, IH_PROBLEM_METADATA, "first");
	ih_problems_append(&q, &p);
	cr_expect_str_eq(q.list[0], "first");
	cr_expect_str_eq(q.list[1], "problem 0?");
	cr_expect_eq(q.total, IH_PROBLEMS_MAX + 11);
	cr_expect_eq(q.kinds, IH_PROBLEM_IO | IH_PROBLEM_CONTENT | IH_PROBLEM_METADATA);
	ih_problems_done(&p);
	ih_problems_done(&p);
	ih_problems_done(&q);
}

Test(verdicts, found_again)
{
	struct ih_verdicts v = { 0 };
	char base[32];

	cr_expect_null(ih_verdicts_find(&v, "x"));
	for (unsigned int i = 0; i < 5000; i++) {
		struct ih_verdict *one;

		(void)snprintf(base, sizeof(base), "base-%u", i);
		one = ih_verdicts_renew(&v, base);
		cr_assert(one && one->trust == IH_TRUST_UNKNOWN);
		one->inode = i;
	}
	for (unsigned int i = 0; i < 5000; i++) {
		(void)snprintf(base, sizeof(base), "base-%u", i);
		cr_assert(ih_verdicts_find(&v, base) && ih_verdicts_find(&v, base)->inode == i);
	}
	cr_expect_null(ih_verdicts_find(&v, "base-5000"));
	ih_problem(&ih_verdicts_find(&v, "base-7")->problems, IH_PROBLEM_IO, "old");
	cr_expect_eq(ih_verdicts_renew(&v, "base-7")->problems.total, 0, "renewed is empty");
	cr_expect_eq(v.n, 5000);
	ih_verdicts_done(&v);
	ih_verdicts_done(&v);
}
