/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threads that read questions and answer them. At most IH_FAN_SLOW of them verify or look at the
 * same time; the others go on with what is known, and with the questions that those slow ones raise
 * themselves: whoever verifies a file opens files. A question that finds no thread waits in a
 * bounded list, and one that is not answered in time is answered "no".
 */
#include "bpf/fanotify_priv.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define QUESTIONS (FAN_OPEN_EXEC_PERM | FAN_OPEN_PERM)

uint64_t ih_fan_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* One of our own threads: is there such a thread in this process? */
static bool is_ours(pid_t tid)
{
	return syscall(SYS_tgkill, getpid(), tid, 0) == 0;
}

static void say(struct ih_fan *fan, int fd, bool allow)
{
	const struct fanotify_response response = { .fd = fd,
						    .response = allow ? FAN_ALLOW : FAN_DENY };

	/* ENOENT: the asker was killed meanwhile, or the deadline has answered. */
	(void)!write(fan->fd, &response, sizeof(response));
}

/* The mark first and then a second look: a write before the mark shows in the change time, a write
 * after it takes the mark away. */
static void ignore(struct ih_fan *fan, const struct ih_fan_question *q, uint64_t mask)
{
	struct ih_fan_file file;
	struct stat st;

	/* Nothing is remembered of a file that has only just changed. */
	if (ih_fan_files_get(&fan->files, &q->st, &file) < 0)
		return;
	ih_fan_ignore(fan, q->fd, mask);
	if (fstat(q->fd, &st) < 0 || ih_fan_files_get(&fan->files, &st, &file) < 0)
		(void)fanotify_mark(fan->fd, FAN_MARK_REMOVE | FAN_MARK_IGNORED_MASK, QUESTIONS,
				    q->fd, NULL);
}

static void arm(struct ih_fan *fan)
{
	const struct itimerspec in = { .it_value = { .tv_nsec = IH_FAN_TICK_MS * 1000000L } };

	if (!__atomic_exchange_n(&fan->tick_armed, true, __ATOMIC_ACQ_REL))
		(void)timerfd_settime(fan->tick, 0, &in, NULL);
}

static void settle(struct ih_fan *fan, const struct ih_fan_question *q,
		   const struct ih_fan_answer *answer)
{
	if (answer->allow && answer->ignore)
		ignore(fan, q, answer->ignore);
	say(fan, q->fd, answer->allow);
	if (ih_fan_pending_any(fan))
		arm(fan);
}

static void run_job(struct ih_fan *fan, struct ih_fan_job *job)
{
	struct ih_fan_question q = { .fd = job->fd, .tid = job->tid, .mask = job->mask };
	struct ih_fan_answer answer;
	bool late;

	ih_fan_answer_slow(fan, &q, &answer);
	(void)pthread_mutex_lock(&fan->jobs_lock);
	late = job->is_answered;
	job->is_answered = true;
	(void)pthread_mutex_unlock(&fan->jobs_lock);
	if (!late)
		settle(fan, &q, &answer);
	(void)close(q.fd);
}

/* The next one that waits, or NULL; with the lock. The first come is not always the first served:
 * all have the same deadline, and the list is short. */
static struct ih_fan_job *next_job(struct ih_fan *fan)
{
	for (size_t i = 0; i < IH_FAN_JOBS_MAX && fan->n_jobs; i++)
		if (fan->jobs[i].is_used && !fan->jobs[i].is_running)
			return &fan->jobs[i];
	return NULL;
}

/* Run it, and then what waited meanwhile. */
static void work(struct ih_fan *fan, struct ih_fan_job *job)
{
	while (job) {
		run_job(fan, job);
		(void)pthread_mutex_lock(&fan->jobs_lock);
		*job = (struct ih_fan_job){ 0 };
		fan->n_jobs--;
		job = next_job(fan);
		if (job)
			job->is_running = true;
		else
			fan->n_slow--;
		(void)pthread_mutex_unlock(&fan->jobs_lock);
	}
}

static struct ih_fan_job *free_job(struct ih_fan *fan)
{
	for (size_t i = 0; i < IH_FAN_JOBS_MAX; i++)
		if (!fan->jobs[i].is_used)
			return &fan->jobs[i];
	return NULL;
}

/*
 * One thread is woken for what arrives (EPOLLET: four would be, for one question), and is expected
 * to read until there is no more. Who turns to something slow has another look after the rest.
 */
static void call_another(struct ih_fan *fan)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET, .data.fd = fan->fd };

	(void)epoll_ctl(fan->poll, EPOLL_CTL_MOD, fan->fd, &e);
}

static void take_slow(struct ih_fan *fan, struct ih_fan_question *q)
{
	struct ih_fan_job *job;
	bool mine = false;

	(void)pthread_mutex_lock(&fan->jobs_lock);
	job = free_job(fan);
	if (job) {
		*job = (struct ih_fan_job){ .is_used = true,
					    .fd = q->fd,
					    .tid = q->tid,
					    .mask = q->mask,
					    .deadline_ms = ih_fan_now_ms() + IH_FAN_DEADLINE_MS };
		fan->n_jobs++;
		mine = fan->n_slow < IH_FAN_SLOW;
		job->is_running = mine;
		fan->n_slow += mine;
	}
	(void)pthread_mutex_unlock(&fan->jobs_lock);
	if (!job) {
		ih_fan_report(fan, q, q->mask & FAN_OPEN_EXEC_PERM ? IH_ACT_EXEC : IH_ACT_OPEN,
			      IH_REASON_TOO_MUCH);
		say(fan, q->fd, q->config.audit);
		(void)close(q->fd);
		return;
	}
	arm(fan);
	if (!mine)
		return;
	call_another(fan);
	work(fan, job);
}

static void on_question(struct ih_fan *fan, const struct fanotify_event_metadata *m)
{
	struct ih_fan_question q = { .fd = m->fd, .tid = m->pid, .mask = m->mask & QUESTIONS };
	struct ih_fan_answer answer;

	if (m->fd < 0)
		return; /* no descriptor could be made: the kernel has refused it */
	if (is_ours(m->pid)) {
		say(fan, m->fd, true);
		(void)close(m->fd);
		return;
	}
	if (ih_fan_answer_fast(fan, &q, &answer) == -EAGAIN) {
		take_slow(fan, &q);
		return;
	}
	settle(fan, &q, &answer);
	(void)close(q.fd);
}

/* One at a time: what one thread has read no other can answer. */
static void read_questions(struct ih_fan *fan)
{
	struct fanotify_event_metadata m;

	while (read(fan->fd, &m, sizeof(m)) == sizeof(m))
		if (m.vers == FANOTIFY_METADATA_VERSION)
			on_question(fan, &m);
}

/* Answers "no" to what has waited too long. Who runs the job goes on: what it finds out is good for
 * the next who asks. */
static void sweep_jobs(struct ih_fan *fan)
{
	uint64_t now = ih_fan_now_ms();

	(void)pthread_mutex_lock(&fan->jobs_lock);
	for (size_t i = 0; i < IH_FAN_JOBS_MAX && fan->n_jobs; i++) {
		struct ih_fan_job *job = &fan->jobs[i];

		if (!job->is_used || job->is_answered || now < job->deadline_ms)
			continue;
		job->is_answered = true;
		say(fan, job->fd, fan->config.audit);
	}
	(void)pthread_mutex_unlock(&fan->jobs_lock);
}

static void on_tick(struct ih_fan *fan)
{
	uint64_t expired;

	if (read(fan->tick, &expired, sizeof(expired)) != sizeof(expired))
		return; /* another thread had it */
	__atomic_store_n(&fan->tick_armed, false, __ATOMIC_RELEASE);
	sweep_jobs(fan);
	ih_fan_pending_sweep(fan);
	if (fan->flush_wanted)
		ih_fan_flush(fan);
	if (ih_fan_pending_any(fan) || __atomic_load_n(&fan->n_jobs, __ATOMIC_RELAXED))
		arm(fan);
}

static void *serve(void *argument)
{
	struct ih_fan *fan = argument;
	struct epoll_event event;

	for (;;) {
		int n = epoll_wait(fan->poll, &event, 1, -1);

		if (n < 0 && errno != EINTR)
			return NULL;
		if (n <= 0)
			continue;
		if (event.data.fd == fan->stop)
			return NULL;
		if (event.data.fd == fan->fd)
			read_questions(fan);
		else if (event.data.fd == fan->tick)
			on_tick(fan);
		else
			(void)ih_fan_watch(fan, "/proc/self", NULL);
	}
}

static int poll_for(struct ih_fan *fan, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	return epoll_ctl(fan->poll, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

int ih_fan_serve(struct ih_fan *fan, struct ih_diag *diag)
{
	sigset_t all, old;
	int r = poll_for(fan, fan->stop, EPOLLIN);

	r = r < 0 ? r : poll_for(fan, fan->fd, EPOLLIN | EPOLLET);
	r = r < 0 ? r : poll_for(fan, fan->tick, EPOLLIN);
	r = r < 0 ? r : poll_for(fan, fan->mounts, EPOLLPRI | EPOLLET);
	if (r < 0)
		return ih_fail(diag, r, "cannot wait for questions: %s", strerror(-r));
	/* The host's handling of signals stays as it is. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	while (r == 0 && fan->n_threads < IH_FAN_THREADS) {
		r = -pthread_create(&fan->threads[fan->n_threads], NULL, serve, fan);
		fan->n_threads += r == 0;
	}
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r < 0)
		return ih_fail(diag, r, "cannot start a thread: %s", strerror(-r));
	return 0;
}

void ih_fan_stop(struct ih_fan *fan)
{
	static const uint64_t one = 1;

	(void)!write(fan->stop, &one, sizeof(one));
	for (size_t i = 0; i < fan->n_threads; i++)
		(void)pthread_join(fan->threads[i], NULL);
	fan->n_threads = 0;
}
