/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What verify*.c share: verify.c holds the run together, verify_find.c follows references and
 * checks signatures, verify_hash.c reads what lies on the disk.
 */
#pragma once

#include <pthread.h>
#include <sys/stat.h>

#include "common/pool.h"
#include "integrity/narinfo.h"
#include "integrity/store_db.h"
#include "integrity/verify.h"

/* Files that one thread saw. */
struct ih_verify_files {
	struct ih_verified_file *list;
	size_t n, size;
};

struct ih_verify {
	struct ih_verify_options options;
	struct ih_closure *closure;
	struct ih_store_db *db; /* NULL: cannot be used, and no_db says why */
	struct ih_diag no_db;
	struct ih_narinfos *narinfos; /* NULL: none */
	int store_fd;

	pthread_mutex_t lock; /* db, narinfos, and adding to closure */
	size_t next_find;
	struct ih_problems problems; /* that belong to no object */

	uint32_t *order; /* objects to hash, the largest first */
	size_t n_order;
	size_t next_hash;	 /* atomic, as all below */
	bool given[IH_POOL_MAX]; /* the first objects are spread over the threads */
	size_t threads;		 /* that begin; what the pool has more is the reserve */
	pthread_cond_t reserve;	 /* with the lock: cold or no_more changed */
	bool cold, no_more;

	uint64_t bytes, bytes_total;
	size_t objects;
	uint64_t last_progress_ns; /* of the thread that is @telling */
	bool telling;
	int error;    /* the first fatal one */
	bool expired; /* the deadline came */

	struct ih_verify_files files;
	bool by_seal;	    /* a root is what the seal is a seal of */
	size_t next_sealed; /* atomic: object to hold against the seal */

	uint64_t started_ns, ended_ns;
	bool ran;
};

/* What is wrong with an object; without memory the whole run fails. */
void ih_verify_problem(struct ih_verify *v, struct ih_closure_object *o, enum ih_problem_kind kind,
		       const char *format, ...) __attribute__((format(printf, 4, 5)));
void ih_verify_fatal(struct ih_verify *v, int error);

/* True when the run is to end: fatal error, or the deadline. */
bool ih_verify_is_over(struct ih_verify *v);
/* Tell about progress, if it is time to; only from thread 0. */
void ih_verify_tell(struct ih_verify *v, bool finding);

/* Remember a file that is about to be looked into; hand what was remembered over to the run. */
void ih_verify_remember(struct ih_verify *v, struct ih_verify_files *files, uint32_t object,
			const struct statx *st);
void ih_verify_hand_over(struct ih_verify *v, struct ih_verify_files *files);
/* Remember the object itself, by the first of its nodes. */
void ih_verify_remember_object(struct ih_closure_object *o, const struct statx *st);

/* The phases, each run by every thread: references and signatures; what the seal has; the rest. */
void ih_verify_find(void *v, size_t thread);
void ih_verify_sealed(void *v, size_t thread);
void ih_verify_hash(void *v, size_t thread);
