/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The back end of fanotify permission events (fanotify(7)), in parts:
 *	fanotify.c	 what the guard calls
 *	fanotify_marks.c which file systems are watched, which files need not be asked about again
 *	fanotify_files.c what is known of files
 *	fanotify_asker.c who opens, as /proc tells
 *	fanotify_tasks.c who is about to become an interpreter, and what those that are came from
 *	fanotify_judge.c one question, answered
 *	fanotify_serve.c threads, the queue of slow questions, deadlines
 * docs/decisions/0004-fanotify.md says why it is made so.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "bpf/backend.h"

#define IH_FAN_THREADS	    4	      /* answer questions */
#define IH_FAN_SLOW	    2	      /* of them may verify or look at the same time */
#define IH_FAN_JOBS_MAX	    256	      /* slow questions at hand or waiting; more are refused */
#define IH_FAN_DEADLINE_MS  5000      /* for one answer; then it is no */
#define IH_FAN_TICK_MS	    100	      /* how often deadlines and stale entries are looked at */
#define IH_FAN_FILES	    262144    /* unless the guard says how many */
#define IH_FAN_IGNORED_MAX  (1 << 20) /* ignored inodes; then all are asked about again */
#define IH_FAN_PENDING_MAX  4096      /* execs of interpreters under way */
#define IH_FAN_RUNNING_MAX  65536     /* interpreters of which it is known what they run */
#define IH_FAN_TRIGGERS_MAX 64	      /* C libraries */
#define IH_FAN_EVENTS_MAX   1024      /* that wait for the guard; more are lost and counted */
#define IH_FAN_RACY_MS	    20	      /* a change time younger than this may hide another change */

/* What is in a file, from its first bytes. */
enum ih_fan_nature {
	IH_FAN_PLAIN = 0,
	IH_FAN_SCRIPT,	   /* begins with '#!' */
	IH_FAN_ELF,	   /* a library or a program that the dynamic loader completes */
	IH_FAN_ELF_STATIC, /* … that runs without opening a C library */
	IH_FAN_LOADER,	   /* the dynamic loader itself: the kernel executes it for every program */
};

struct ih_fan_file {
	struct ih_gate_file file;
	uint8_t nature; /* enum ih_fan_nature */
	bool is_known;	/* nature was looked at */
	bool is_found;	/* judged when it was wanted: forgotten with the next epoch */
};

struct ih_fan_files {
	pthread_rwlock_t lock;
	struct ih_fan_file *slots; /* open addressing; inode 0 is free */
	size_t size, n, max;
};

/* An exec of an interpreter that was let begin and has not shown its arguments yet. */
struct ih_fan_pending {
	pid_t tgid, tid;	/* tid: of the thread that called execve */
	struct ih_file_key exe; /* of the interpreter */
	struct ih_caller from;
};

struct ih_fan_running {
	pid_t tgid;
	uint64_t start; /* as /proc/PID/stat has it: numbers of processes come back */
	uint8_t provenance;
};

struct ih_fan_tasks {
	pthread_mutex_t lock;
	struct ih_fan_pending pending[IH_FAN_PENDING_MAX];
	size_t n_pending;
	struct ih_fan_running *running; /* IH_FAN_RUNNING_MAX of them */
};

struct ih_fan_trigger {
	struct ih_file_key key;
	int fd;
};

struct ih_fan_job {
	bool is_used, is_running, is_answered;
	int fd;
	pid_t tid;
	uint64_t mask, deadline_ms;
};

struct ih_fan {
	struct ih_backend_options options;
	int fd;	      /* the fanotify group */
	int poll;     /* epoll: fd, stop, tick, mounts */
	int stop;     /* eventfd */
	int tick;     /* timerfd, armed while something is under way */
	int mounts;   /* /proc/self/mountinfo */
	int event_fd; /* eventfd: events wait */
	pthread_t threads[IH_FAN_THREADS];
	size_t n_threads;

	pthread_rwlock_t policy_lock;
	struct ih_gate_config config;

	struct ih_fan_files files;
	struct ih_fan_tasks tasks;

	pthread_mutex_t marks_lock;
	struct ih_fan_trigger triggers[IH_FAN_TRIGGERS_MAX];
	size_t n_triggers;
	size_t n_ignored;
	bool triggers_ignored;
	bool flush_wanted;
	uint64_t flushed_ms;
	ino_t mount_namespace;

	pthread_mutex_t jobs_lock;
	struct ih_fan_job jobs[IH_FAN_JOBS_MAX];
	size_t n_jobs, n_slow;
	bool tick_armed;

	pthread_mutex_t events_lock;
	struct ih_event events[IH_FAN_EVENTS_MAX];
	size_t first_event, n_events;
	struct ih_gate_counts counts;
};

/* One question, while it is answered. */
struct ih_fan_question {
	int fd;
	pid_t tid;
	uint64_t mask;
	struct stat st;
	struct ih_fan_file file;
	struct ih_gate_config config;
};

struct ih_fan_answer {
	bool allow;
	uint64_t ignore; /* questions about this inode that need not come again */
};

/* fanotify_files.c. get(): 0 only for the very file that was looked at, change time and all. */
int ih_fan_files_init(struct ih_fan_files *files, size_t max);
void ih_fan_files_done(struct ih_fan_files *files);
int ih_fan_files_put(struct ih_fan_files *files, const struct ih_fan_file *file);
int ih_fan_files_get(struct ih_fan_files *files, const struct stat *st, struct ih_fan_file *ret);
int ih_fan_files_find(struct ih_fan_files *files, const struct ih_file_key *key,
		      struct ih_fan_file *ret);
void ih_fan_files_remove(struct ih_fan_files *files, const struct ih_file_key *key);
void ih_fan_files_forget_found(struct ih_fan_files *files);
static inline bool ih_fan_same(const struct ih_file_key *a, const struct ih_file_key *b)
{
	return a->inode == b->inode && a->device == b->device;
}

/* fanotify_marks.c */
bool ih_fan_is_passed_over(int error);
int ih_fan_watch(struct ih_fan *fan, const char *proc, struct ih_diag *diag);
void ih_fan_watch_namespace_of(struct ih_fan *fan, pid_t tid);
void ih_fan_ignore(struct ih_fan *fan, int fd, uint64_t mask);
void ih_fan_flush(struct ih_fan *fan);
bool ih_fan_is_trigger(struct ih_fan *fan, const struct ih_fan_question *q);
void ih_fan_triggers_wake(struct ih_fan *fan);
void ih_fan_triggers_rest(struct ih_fan *fan);

/* fanotify_asker.c: facts about a thread that waits for our answer, so that they hold still. */
struct ih_fan_call {
	long number; /* of the system call, -1 unknown */
	uint64_t program_counter;
	bool writes; /* it opens for writing only, or truncates: no code comes in by that */
};
/* of(): of who waits for our answer; now(): of anybody, -ETIMEDOUT when it runs. */
int ih_fan_call_of(pid_t tid, struct ih_fan_call *ret);
int ih_fan_call_now(pid_t tid, struct ih_fan_call *ret);
bool ih_fan_is_exec(const struct ih_fan_call *call);
bool ih_fan_is_loader(pid_t tid, const struct ih_fan_call *call);
bool ih_fan_is_loader_name(const char *path);
int ih_fan_exe_of(pid_t tid, struct stat *ret);
pid_t ih_fan_tgid_of(pid_t tid);
bool ih_fan_is_roots(pid_t tid);
int ih_fan_parent_of(pid_t tid, pid_t *ret_parent, uint64_t *ret_start);
bool ih_fan_is_addressed(const char *exe, int fd);
bool ih_fan_reads_as_code(const char *exe, const char *file);
int ih_fan_name_of(const char *link, char *ret, size_t size);

/* fanotify_tasks.c */
int ih_fan_tasks_init(struct ih_fan_tasks *tasks);
void ih_fan_tasks_done(struct ih_fan_tasks *tasks);
int ih_fan_pending_add(struct ih_fan *fan, pid_t tid, const struct ih_gate_file *exe);
bool ih_fan_pending_take(struct ih_fan *fan, pid_t tid, struct ih_fan_pending *ret);
bool ih_fan_pending_any(struct ih_fan *fan);
bool ih_fan_pending_has(struct ih_fan *fan, pid_t tid);
void ih_fan_pending_sweep(struct ih_fan *fan);
void ih_fan_running_set(struct ih_fan *fan, pid_t tgid, enum ih_provenance provenance);
struct ih_caller ih_fan_caller(struct ih_fan *fan, pid_t tid);

/* fanotify_judge.c. Return: 0 with the answer, -EAGAIN when it takes a slow look. */
int ih_fan_answer_fast(struct ih_fan *fan, struct ih_fan_question *q, struct ih_fan_answer *ret);
void ih_fan_answer_slow(struct ih_fan *fan, struct ih_fan_question *q, struct ih_fan_answer *ret);
void ih_fan_report(struct ih_fan *fan, const struct ih_fan_question *q, __u16 act, __u16 reason);
void ih_fan_event_add(struct ih_fan *fan, const struct ih_event *event);

/* fanotify_serve.c */
int ih_fan_serve(struct ih_fan *fan, struct ih_diag *diag);
void ih_fan_stop(struct ih_fan *fan);
uint64_t ih_fan_now_ms(void);
