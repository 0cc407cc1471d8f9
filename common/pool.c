/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pool: started, run and joined in one call. */
#include "common/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#define STACK_SIZE (256 * 1024)

struct worker {
	pthread_t thread;
	void (*work)(void *shared, size_t number);
	void *shared;
	size_t number;
};

size_t ih_pool_cores(void)
{
	cpu_set_t set;
	int n;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1; /* more than 1,024 cores, or a filter: slow, not wrong */
	n = CPU_COUNT(&set);
	return n < 1 ? 1 : n > IH_POOL_MAX ? IH_POOL_MAX : (size_t)n;
}

static void *start(void *data)
{
	struct worker *w = data;

	w->work(w->shared, w->number);
	return NULL;
}

/* Returns how many could be started. */
static size_t start_workers(struct worker *workers, size_t n)
{
	pthread_attr_t attributes;
	size_t started = 0;

	if (pthread_attr_init(&attributes))
		return 0;
	(void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
	while (started < n &&
	       !pthread_create(&workers[started].thread, &attributes, start, &workers[started]))
		started++;
	(void)pthread_attr_destroy(&attributes);
	return started;
}

void ih_pool_run(size_t threads, void (*work)(void *shared, size_t number), void *shared)
{
	struct worker workers[IH_POOL_MAX];
	sigset_t all, before;
	size_t started;

	threads = threads < 1 ? 1 : threads > IH_POOL_MAX ? IH_POOL_MAX : threads;
	for (size_t i = 0; i < threads - 1; i++)
		workers[i] = (struct worker){ .work = work, .shared = shared, .number = i + 1 };

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	started = start_workers(workers, threads - 1);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);

	work(shared, 0);
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(workers[i].thread, NULL);
}
