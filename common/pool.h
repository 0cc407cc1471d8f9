/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threads that all do the same: one a core, the caller among them. What they share is their own
 * business.
 */
#pragma once

#include <stddef.h>

#define IH_POOL_MAX 256

/* Cores that this process may run on; at least 1, at most IH_POOL_MAX. */
size_t ih_pool_cores(void);

/**
 * ih_pool_run() - run a function on several threads and wait for all of them
 * @threads: wanted; the caller is one of them. Where the system gives fewer, fewer run
 * @work: called once a thread, with the thread's number (0 is the caller)
 *
 * The threads block all signals, so that the caller's handling of them stays as it is.
 */
void ih_pool_run(size_t threads, void (*work)(void *shared, size_t number), void *shared);
