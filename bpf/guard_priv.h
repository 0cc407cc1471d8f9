/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the guard's own files share. One thread runs the loop and owns everything here; the worker
 * thread verifies and walks, and touches only the catalog, the back end's table and its own job. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "bpf/backend.h"
#include "bpf/catalog.h"
#include "bpf/fill.h"
#include "bpf/guard.h"
#include "bpf/report.h"
#include "integrity/trust.h"
#include "policy/grammar.h"
#include "policy/policy.h"

#define IH_GUARD_FILES_DEFAULT (1u << 19)
#define IH_GUARD_VERIFY_MS     10000 /* that a caller waits at most for an object to be verified */

struct ih_guard;

/* Something to poll. */
struct ih_guard_watch {
	int fd;
	void (*ready)(struct ih_guard *g, struct ih_guard_watch *w, uint32_t events);
};

/* A policy and all that was opened for it. */
struct ih_guard_rules {
	struct ih_policy *policy;
	struct ih_grammars *own_grammars; /* or NULL */
	const struct ih_grammars *grammars;
	struct ih_trust *trust; /* the loop's; the worker opens its own */
	struct ih_diag note;	/* why it is not the one that was meant, or empty */
	unsigned int users;	/* beside the first; counted by the loop only */
};

/* For the worker: everything again (@object NULL), or one store object. */
struct ih_guard_job {
	char *object;
	int result;
	struct ih_diag diag;
	struct ih_fill fill;
	struct ih_guard_rules *rules; /* that it works by; a reload puts them in force afterwards */
	uint64_t queued_ns;
	struct ih_guard_job *next;
};

struct ih_guard_worker {
	pthread_t thread;
	bool running;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct ih_guard_job *queue, *done;
	bool stop;
	struct ih_guard_watch watch; /* an eventfd: something is done */
};

struct ih_guard_client;
struct ih_guard_want;

struct ih_guard {
	const struct ih_guard_options *options;
	const struct ih_backend_ops *backend;
	void *state;
	struct ih_diag weaker;	 /* why a stronger back end was passed over */
	pthread_mutex_t judging; /* rules, while a back end's thread may look into them */
	struct ih_guard_rules *rules;
	struct ih_gate_config config;
	struct ih_catalog *catalog;
	struct ih_report report;
	struct ih_guard_worker worker;
	struct ih_guard_want *want;

	int epoll;
	struct ih_guard_watch events, signals, timer, control;
	struct ih_guard_client *clients;
	int notify;
	uint64_t watchdog_us;

	time_t started, loaded; /* CLOCK_REALTIME */
	uint64_t reloads, reload_failures;
	struct ih_diag last_failure;
	struct ih_fill filled;	 /* results of the last full round */
	struct ih_file_key self; /* our own program */
	bool adopted;		 /* gates were in force before */
	bool stale;		 /* the kernel holds something against a file that is good again */
	bool reloading;
	uint64_t ticks;
	bool unload;
	bool end;
};

/* To people: stderr, which is the journal for a service. */
void ih_guard_say(const struct ih_guard *g, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int ih_guard_watch(struct ih_guard *g, struct ih_guard_watch *w, uint32_t events);
void ih_guard_unwatch(struct ih_guard *g, struct ih_guard_watch *w);
uint64_t ih_guard_now_ns(void);

/* guard_rules.c */
int ih_guard_rules_load(struct ih_guard *g, struct ih_guard_rules **ret, struct ih_diag *diag);
void ih_guard_rules_free(struct ih_guard_rules *rules);
struct ih_fill ih_guard_fill(struct ih_guard *g, const struct ih_guard_rules *rules);
int ih_guard_put(struct ih_guard *g, struct ih_guard_rules *rules, struct ih_diag *diag);

/* The same rules with a new epoch: the kernel looks again at what it kept with inodes. */
void ih_guard_renew(struct ih_guard *g);

/* Begin a reload; it ends when the worker is done. Return: -EBUSY, -EPERM while locked, … */
int ih_guard_reload(struct ih_guard *g, struct ih_diag *diag);
void ih_guard_reloaded(struct ih_guard *g, struct ih_guard_job *job);

/* guard_worker.c */
int ih_guard_worker_start(struct ih_guard *g, struct ih_diag *diag);
void ih_guard_worker_stop(struct ih_guard *g);
int ih_guard_queue(struct ih_guard *g, const char *object, struct ih_guard_rules *rules);

/* guard_control.c: the socket */
int ih_guard_control_open(struct ih_guard *g, struct ih_diag *diag);
void ih_guard_control_close(struct ih_guard *g);
/* An event for those who follow. */
void ih_guard_control_event(struct ih_guard *g, const char *json, size_t len);
void ih_guard_control_reloaded(struct ih_guard *g, int result, const struct ih_diag *diag);

/* guard_status.c: text for status and metrics */
int ih_guard_status(struct ih_guard *g, struct ih_text *ret);
int ih_guard_metrics(struct ih_guard *g, struct ih_text *ret);
void ih_guard_metrics_write(struct ih_guard *g);

/* guard_want.c: files that are wanted before they are known */
int ih_guard_want_open(struct ih_guard *g, struct ih_diag *diag);
void ih_guard_want_close(struct ih_guard *g);
void ih_guard_want_tick(struct ih_guard *g);
void ih_guard_want_done(struct ih_guard *g, const struct ih_guard_job *job);
void ih_guard_want_refused(struct ih_guard *g, const struct ih_event *e);
void ih_guard_want_renew(struct ih_guard *g);
