/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes that matter: execs of interpreters that have been let begin and must still show their
 * arguments, and interpreters that run, with what they were allowed as. The kernel tells a listener
 * nothing when an exec fails or a process ends: both are found out by looking.
 */
#include "bpf/fanotify_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUNNING_WAYS  8
#define ANCESTORS_MAX 16 /* forks between an interpreter and who asks */

int ih_fan_tasks_init(struct ih_fan_tasks *tasks)
{
	tasks->running = calloc(IH_FAN_RUNNING_MAX, sizeof(*tasks->running));
	if (!tasks->running)
		return -ENOMEM;
	return -pthread_mutex_init(&tasks->lock, NULL);
}

void ih_fan_tasks_done(struct ih_fan_tasks *tasks)
{
	free(tasks->running);
	tasks->running = NULL;
	(void)pthread_mutex_destroy(&tasks->lock);
}

static bool is_thread(pid_t tgid, pid_t tid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d", tgid, tid);
	return access(path, F_OK) == 0;
}

/* A process has as many entries as execs under way: each of its threads may call execve(), and one
 * that fails must not hide another that does not. */
int ih_fan_pending_add(struct ih_fan *fan, pid_t tid, const struct ih_gate_file *exe)
{
	struct ih_fan_pending new = { .tgid = ih_fan_tgid_of(tid), .tid = tid, .exe = exe->key };
	struct ih_fan_tasks *tasks = &fan->tasks;
	size_t at = 0;
	int r = 0;

	if (new.tgid <= 0)
		return -ESRCH;
	new.from = ih_fan_caller(fan, tid);
	new.from.by_table &= (exe->seed.flags & IH_SEED_SHELL) != 0;
	(void)pthread_mutex_lock(&tasks->lock);
	while (at < tasks->n_pending && tasks->pending[at].tid != tid)
		at++;
	if (at == tasks->n_pending && at == IH_FAN_PENDING_MAX)
		r = -E2BIG;
	else if (at == tasks->n_pending)
		tasks->n_pending++;
	if (r == 0)
		tasks->pending[at] = new;
	(void)pthread_mutex_unlock(&tasks->lock);
	if (r == 0)
		ih_fan_triggers_wake(fan);
	return r;
}

bool ih_fan_pending_any(struct ih_fan *fan)
{
	return __atomic_load_n(&fan->tasks.n_pending, __ATOMIC_ACQUIRE) > 0;
}

/* May the thread have something to show? Cheap: the file's questions are many. */
bool ih_fan_pending_has(struct ih_fan *fan, pid_t tid)
{
	bool has = false;

	if (!ih_fan_pending_any(fan))
		return false;
	(void)pthread_mutex_lock(&fan->tasks.lock);
	for (size_t i = 0; i < fan->tasks.n_pending && !has; i++)
		has = fan->tasks.pending[i].tgid == tid;
	(void)pthread_mutex_unlock(&fan->tasks.lock);
	return has;
}

static void remove_pending(struct ih_fan_tasks *tasks, size_t at)
{
	tasks->pending[at] = tasks->pending[tasks->n_pending - 1];
	__atomic_store_n(&tasks->n_pending, tasks->n_pending - 1, __ATOMIC_RELEASE);
}

/* The exec is over when the thread that called it leads the process (exec makes it the leader), and
 * it is this exec when what runs is that interpreter. */
static bool has_become(const struct ih_fan_pending *p)
{
	struct stat st;
	struct ih_gate_file exe;

	if (p->tid != p->tgid && is_thread(p->tgid, p->tid))
		return false;
	if (ih_fan_exe_of(p->tgid, &st) < 0)
		return false;
	exe = ih_gate_file_of(&st);
	return ih_fan_same(&exe.key, &p->exe);
}

/* Is the thread that asks, outside of execve(), an interpreter that has not been looked at? */
bool ih_fan_pending_take(struct ih_fan *fan, pid_t tid, struct ih_fan_pending *ret)
{
	struct ih_fan_tasks *tasks = &fan->tasks;
	bool found = false;

	(void)pthread_mutex_lock(&tasks->lock);
	for (size_t i = 0; i < tasks->n_pending && !found; i++) {
		/* A new image has one thread, the leader. */
		if (tasks->pending[i].tgid != tid || !has_become(&tasks->pending[i]))
			continue;
		*ret = tasks->pending[i];
		remove_pending(tasks, i);
		found = true;
	}
	(void)pthread_mutex_unlock(&tasks->lock);
	return found;
}

/* Execs that came to nothing: the process is gone, or the caller has come back from execve(). A
 * process that was stopped before its first open keeps its entry, however long. */
static bool is_stale(const struct ih_fan_pending *p)
{
	struct ih_fan_call call;

	if (!is_thread(p->tgid, p->tgid))
		return true;
	if (has_become(p))
		return false;
	if (p->tid != p->tgid && !is_thread(p->tgid, p->tid))
		return true;
	return ih_fan_call_now(p->tid, &call) == 0 && !ih_fan_is_exec(&call);
}

void ih_fan_pending_sweep(struct ih_fan *fan)
{
	struct ih_fan_tasks *tasks = &fan->tasks;

	(void)pthread_mutex_lock(&tasks->lock);
	for (size_t i = tasks->n_pending; i-- > 0;)
		if (is_stale(&tasks->pending[i]))
			remove_pending(tasks, i);
	(void)pthread_mutex_unlock(&tasks->lock);
	ih_fan_triggers_rest(fan);
}

/* Where a process may be written down: a few places, so that two with like numbers do not drive
 * each other out. */
static struct ih_fan_running *running_places(const struct ih_fan_tasks *tasks, pid_t tgid)
{
	return &tasks->running[((size_t)tgid * RUNNING_WAYS) % IH_FAN_RUNNING_MAX];
}

void ih_fan_running_set(struct ih_fan *fan, pid_t tgid, enum ih_provenance provenance)
{
	struct ih_fan_running new = { .tgid = tgid, .provenance = (uint8_t)provenance };
	struct ih_fan_running *places = running_places(&fan->tasks, tgid), *to = NULL;
	pid_t parent;

	if (ih_fan_parent_of(tgid, &parent, &new.start) < 0)
		return;
	(void)pthread_mutex_lock(&fan->tasks.lock);
	for (size_t i = 0; i < RUNNING_WAYS; i++)
		if (places[i].tgid == tgid)
			to = &places[i];
	for (size_t i = 0; i < RUNNING_WAYS && !to; i++)
		if (!places[i].tgid || !is_thread(places[i].tgid, places[i].tgid))
			to = &places[i];
	to = to ? to : &places[0];
	*to = new;
	(void)pthread_mutex_unlock(&fan->tasks.lock);
}

static bool find_running(struct ih_fan_tasks *tasks, pid_t tgid, uint64_t start,
			 enum ih_provenance *ret)
{
	const struct ih_fan_running *places = running_places(tasks, tgid);
	bool found = false;

	(void)pthread_mutex_lock(&tasks->lock);
	for (size_t i = 0; i < RUNNING_WAYS && !found; i++) {
		found = places[i].tgid == tgid && places[i].start == start;
		if (found)
			*ret = (enum ih_provenance)places[i].provenance;
	}
	(void)pthread_mutex_unlock(&tasks->lock);
	return found;
}

/* The text that it hands over is what a person wrote. */
static bool is_persons(pid_t tgid, uint8_t flags)
{
	return (flags & IH_SEED_LOGIN) ||
	       ((flags & (IH_SEED_MANAGER | IH_SEED_TABLES)) && !ih_fan_is_roots(tgid));
}

/*
 * What kind of code calls execve: of a plain program its file tells; of an interpreter it was
 * written down when it started. A fork of one runs the same file and has no entry of its own: then
 * its parent's counts. Who cannot be told is unverified.
 */
struct ih_caller ih_fan_caller(struct ih_fan *fan, pid_t tid)
{
	struct ih_caller caller = { .provenance = IH_PROVENANCE_UNVERIFIED };
	struct ih_file_key first = { 0 };
	struct ih_fan_file file;
	pid_t at = ih_fan_tgid_of(tid), parent;
	struct stat st;
	uint64_t start;

	for (int i = 0, n = 0; n < ANCESTORS_MAX && at > 0; i++, n++, at = parent) {
		if (ih_fan_exe_of(at, &st) < 0 || ih_fan_files_get(&fan->files, &st, &file) < 0 ||
		    ih_fan_parent_of(at, &parent, &start) < 0)
			return caller;
		if (i && !ih_fan_same(&first, &file.file.key))
			return caller;
		first = file.file.key;
		if (is_persons(at, file.file.seed.flags)) {
			caller.provenance = IH_PROVENANCE_INTERACTIVE;
			caller.by_table = n == 0 && (file.file.seed.flags & IH_SEED_TABLES);
			return caller;
		}
		if (!file.file.seed.grammar && (file.file.seed.flags & IH_SEED_LAUNCHER)) {
			i = -1; /* its caller's doing: what that one is */
			continue;
		}
		if (!file.file.seed.grammar) {
			if (file.file.seed.trust >= IH_TRUST_OWNED)
				caller.provenance = IH_PROVENANCE_VERIFIED;
			return caller;
		}
		if (find_running(&fan->tasks, at, start, &caller.provenance))
			return caller;
	}
	return caller;
}
