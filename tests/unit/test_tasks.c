/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tree gate's table against a plain array: adding, finding and removing in random order. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "wrapper/tasks.h"

#define PIDS 4096

Test(tasks, unknown_is_unverified)
{
	struct ih_tasks tasks = { 0 };

	cr_assert_eq(ih_tasks_provenance(&tasks, 1), IH_PROVENANCE_UNVERIFIED);
	cr_assert_not_null(ih_tasks_add(&tasks, 1));
	ih_tasks_find(&tasks, 1)->provenance = IH_PROVENANCE_VERIFIED;
	cr_assert_eq(ih_tasks_provenance(&tasks, 1), IH_PROVENANCE_UNVERIFIED,
		     "a provenance that nobody confirmed does not count");
	ih_tasks_find(&tasks, 1)->is_known = true;
	cr_assert_eq(ih_tasks_provenance(&tasks, 1), IH_PROVENANCE_VERIFIED);
	cr_assert_null(ih_tasks_add(&tasks, 0));
	cr_assert_null(ih_tasks_add(&tasks, -1));
	ih_tasks_done(&tasks);
}

Test(tasks, agrees_with_an_array)
{
	static bool there[PIDS];
	struct ih_tasks tasks = { 0 };
	size_t n = 0;

	srandom(1);
	for (int i = 0; i < 400000; i++) {
		pid_t pid = (pid_t)(random() % (PIDS - 1)) + 1;

		if (random() & 1) {
			struct ih_task *t = ih_tasks_add(&tasks, pid);

			cr_assert_not_null(t);
			t->since_ms = (uint64_t)pid;
			n += !there[pid];
			there[pid] = true;
		} else {
			ih_tasks_remove(&tasks, pid);
			n -= there[pid];
			there[pid] = false;
		}
		pid = (pid_t)(random() % (PIDS - 1)) + 1;
		cr_assert_eq(ih_tasks_find(&tasks, pid) != NULL, there[pid], "pid %d at step %d",
			     pid, i);
		if (there[pid])
			cr_assert_eq(ih_tasks_find(&tasks, pid)->since_ms, (uint64_t)pid);
	}
	cr_assert_eq(tasks.n, n);
	ih_tasks_done(&tasks);
}
