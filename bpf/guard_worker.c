/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One thread beside the loop for what takes long: verifying store objects, walking trees. The loop
 * goes on answering meanwhile.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bpf/guard_priv.h"
#include "common/cleanup.h"
#include "integrity/verify.h"

static void do_job(struct ih_guard_job *job)
{
	uint64_t deadline = job->queued_ns + IH_GUARD_VERIFY_MS * 60000000ULL;

	if (job->object)
		job->result = ih_fill_object(&job->fill, job->object, deadline, &job->diag);
	else
		job->result = ih_fill_all(&job->fill);
	if (job->result < 0 && !job->diag.text[0])
		(void)ih_fail(&job->diag, job->result, "%s", strerror(-job->result));
}

static void *work(void *user)
{
	struct ih_guard_worker *w = user;
	const uint64_t one = 1;

	(void)pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		struct ih_guard_job *job = w->queue;

		if (!job) {
			(void)pthread_cond_wait(&w->wake, &w->lock);
			continue;
		}
		w->queue = job->next;
		(void)pthread_mutex_unlock(&w->lock);
		do_job(job);
		(void)pthread_mutex_lock(&w->lock);
		job->next = w->done;
		w->done = job;
		(void)!write(w->watch.fd, &one, sizeof(one));
	}
	(void)pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void free_job(struct ih_guard_job *job)
{
	ih_guard_rules_free(job->rules);
	free(job->object);
	free(job);
}

static void take_done(struct ih_guard *g, struct ih_guard_watch *watch, uint32_t events)
{
	struct ih_guard_job *job;
	uint64_t n;

	(void)events;
	(void)!read(watch->fd, &n, sizeof(n));
	(void)pthread_mutex_lock(&g->worker.lock);
	job = g->worker.done;
	g->worker.done = NULL;
	(void)pthread_mutex_unlock(&g->worker.lock);
	while (job) {
		struct ih_guard_job *next = job->next;

		if (job->object)
			ih_guard_want_done(g, job);
		else
			ih_guard_reloaded(g, job);
		free_job(job);
		job = next;
	}
}

/* @rules: of a reload, taken on success; NULL: those in force, which stay until the job is done. */
int ih_guard_queue(struct ih_guard *g, const char *object, struct ih_guard_rules *rules)
{
	struct ih_guard_job *job = calloc(1, sizeof(*job)), **at;

	if (!job)
		return -ENOMEM;
	job->object = object ? strdup(object) : NULL;
	if (object && !job->object) {
		free(job);
		return -ENOMEM;
	}
	job->fill = ih_guard_fill(g, rules ? rules : g->rules);
	job->rules = rules ? rules : g->rules;
	job->rules->users += !rules;
	job->queued_ns = ih_guard_now_ns();
	(void)pthread_mutex_lock(&g->worker.lock);
	for (at = &g->worker.queue; *at; at = &(*at)->next)
		;
	*at = job;
	(void)pthread_cond_signal(&g->worker.wake);
	(void)pthread_mutex_unlock(&g->worker.lock);
	return 0;
}

int ih_guard_worker_start(struct ih_guard *g, struct ih_diag *diag)
{
	struct ih_guard_worker *w = &g->worker;
	sigset_t all, before;
	int r;

	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->wake, NULL);
	w->watch = (struct ih_guard_watch){ eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), take_done };
	if (w->watch.fd < 0)
		return ih_fail(diag, -errno, "cannot make an event descriptor: %s",
			       strerror(errno));
	r = ih_guard_watch(g, &w->watch, EPOLLIN);
	if (r < 0)
		return r;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&w->thread, NULL, work, w);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	w->running = r == 0;
	return r < 0 ? ih_fail(diag, r, "cannot start a thread: %s", strerror(-r)) : 0;
}

static void free_jobs(struct ih_guard_job *job)
{
	while (job) {
		struct ih_guard_job *next = job->next;

		free_job(job);
		job = next;
	}
}

void ih_guard_worker_stop(struct ih_guard *g)
{
	struct ih_guard_worker *w = &g->worker;

	if (!w->running)
		return;
	(void)pthread_mutex_lock(&w->lock);
	w->stop = true;
	(void)pthread_cond_signal(&w->wake);
	(void)pthread_mutex_unlock(&w->lock);
	(void)pthread_join(w->thread, NULL);
	free_jobs(w->queue);
	free_jobs(w->done);
	w->running = false;
	(void)close(w->watch.fd);
}
