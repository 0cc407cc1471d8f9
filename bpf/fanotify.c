/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fanotify permission events as a back end, for kernels without BPF security programs. Lives and
 * dies with the guard: whoever can kill the guard opens the gate.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "bpf/fanotify_priv.h"

#define FLUSH_EVERY_MS 100

/*
 * The queue is unlimited because a limited one fails open: the kernel lets pass what it cannot
 * queue (fanotify_handle_event()). It is bounded all the same, for every question in it holds the
 * thread that asks. Marks are unlimited because the usual limit is 8,192 inodes; they are counted
 * here and do not hold inodes in memory.
 */
static int make_group(void)
{
	int fd = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK |
				       FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS | FAN_REPORT_TID,
			       O_RDONLY | O_CLOEXEC | O_LARGEFILE | O_NONBLOCK | O_NOATIME);

	return fd < 0 ? -errno : fd;
}

static int fan_probe(struct ih_diag *diag)
{
	int fd = make_group(), r = 0;

	if (fd == -ENOSYS || fd == -EINVAL)
		return ih_fail(diag, -EOPNOTSUPP,
			       "this kernel has no fanotify permission events; it needs "
			       "CONFIG_FANOTIFY_ACCESS_PERMISSIONS=y");
	if (fd < 0)
		return ih_fail(diag, fd, "cannot listen to fanotify: %s; it needs CAP_SYS_ADMIN",
			       strerror(-fd));
	if (fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN_EXEC_PERM, AT_FDCWD, "/proc/self/exe") < 0)
		r = ih_fail(diag, -EOPNOTSUPP,
			    "this kernel asks nobody before it executes a file (%s); it needs "
			    "Linux 5.0 and CONFIG_FANOTIFY_ACCESS_PERMISSIONS=y",
			    strerror(errno));
	(void)close(fd);
	return r;
}

static void close_all(struct ih_fan *fan)
{
	const int fds[] = { fan->fd, fan->poll, fan->stop, fan->tick, fan->mounts, fan->event_fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	for (size_t i = 0; i < fan->n_triggers; i++)
		(void)close(fan->triggers[i].fd);
}

/* Closing the group answers "yes" to every question in it. */
static void fan_free(void *state)
{
	struct ih_fan *fan = state;

	if (!fan)
		return;
	ih_fan_stop(fan);
	close_all(fan);
	for (size_t i = 0; i < IH_FAN_JOBS_MAX; i++)
		if (fan->jobs[i].is_used)
			(void)close(fan->jobs[i].fd);
	ih_fan_files_done(&fan->files);
	ih_fan_tasks_done(&fan->tasks);
	free(fan);
}

static int open_all(struct ih_fan *fan)
{
	struct stat st;

	fan->fd = make_group();
	fan->poll = epoll_create1(EPOLL_CLOEXEC);
	fan->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fan->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fan->tick = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	fan->mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (fan->fd < 0)
		return fan->fd;
	if (fan->poll < 0 || fan->stop < 0 || fan->event_fd < 0 || fan->tick < 0 ||
	    fan->mounts < 0 || stat("/proc/self/ns/mnt", &st) < 0)
		return -errno;
	fan->mount_namespace = st.st_ino;
	return 0;
}

static int fan_open(const struct ih_backend_options *options, void **ret, struct ih_diag *diag)
{
	struct ih_fan *fan = calloc(1, sizeof(*fan));
	int r;

	if (!fan)
		return ih_fail(diag, -ENOMEM, "no memory for the gate");
	fan->options = *options;
	r = ih_fan_files_init(&fan->files,
			      options->limits.files ? options->limits.files : IH_FAN_FILES);
	r = r < 0 ? r : ih_fan_tasks_init(&fan->tasks);
	if (r < 0) {
		free(fan);
		return ih_fail(diag, r, "no memory for the gate");
	}
	(void)pthread_rwlock_init(&fan->policy_lock, NULL);
	(void)pthread_mutex_init(&fan->marks_lock, NULL);
	(void)pthread_mutex_init(&fan->jobs_lock, NULL);
	(void)pthread_mutex_init(&fan->events_lock, NULL);
	r = open_all(fan);
	if (r < 0) {
		fan_free(fan);
		return ih_fail(diag, r, "cannot listen to fanotify: %s", strerror(-r));
	}
	*ret = fan;
	return 0;
}

/* Rules, grammars and names are look()'s matter; what is kept is the configuration. */
static int fan_put(void *state, const struct ih_gate_policy *policy, struct ih_diag *diag)
{
	struct ih_fan *fan = state;
	bool is_new;

	if (policy->config.version != IH_GATE_VERSION)
		return ih_fail(diag, -EINVAL, "a policy for another version of the gate");
	(void)pthread_rwlock_wrlock(&fan->policy_lock);
	is_new = fan->config.epoch != policy->config.epoch;
	fan->config = policy->config;
	(void)pthread_rwlock_unlock(&fan->policy_lock);
	if (is_new)
		ih_fan_files_forget_found(&fan->files);
	ih_fan_flush(fan);
	return 0;
}

/* A mark cannot be taken from an inode by number: all go, at most ten times a second. */
static void ask_again(struct ih_fan *fan)
{
	const struct itimerspec in = { .it_value = { .tv_nsec = FLUSH_EVERY_MS * 1000000L } };

	if (ih_fan_now_ms() - fan->flushed_ms >= FLUSH_EVERY_MS) {
		ih_fan_flush(fan);
		return;
	}
	fan->flush_wanted = true;
	(void)timerfd_settime(fan->tick, 0, &in, NULL);
}

static int fan_add(void *state, const struct ih_gate_file *file)
{
	const struct ih_fan_file known = { .file = *file };
	struct ih_fan *fan = state;
	struct ih_fan_file old;
	int r;

	if (ih_fan_files_find(&fan->files, &file->key, &old) < 0)
		return ih_fan_files_put(&fan->files, &known);
	r = ih_fan_files_put(&fan->files, &known);
	if (old.file.seed.trust != file->seed.trust || old.file.seed.flags != file->seed.flags ||
	    old.file.seed.grammar != file->seed.grammar)
		ask_again(fan);
	return r;
}

static int fan_remove(void *state, const struct ih_file_key *key)
{
	struct ih_fan *fan = state;

	ih_fan_files_remove(&fan->files, key);
	ask_again(fan);
	return 0;
}

static int fan_attach(void *state, struct ih_diag *diag)
{
	struct ih_fan *fan = state;
	int r = ih_fan_serve(fan, diag);

	if (r == 0)
		r = ih_fan_watch(fan, "/proc/self", diag);
	return ih_fan_is_passed_over(r) && !fan->options.watch ? 0 : r;
}

static int fan_event_fd(void *state)
{
	return ((struct ih_fan *)state)->event_fd;
}

static bool take_event(struct ih_fan *fan, struct ih_event *ret)
{
	bool there;

	(void)pthread_mutex_lock(&fan->events_lock);
	there = fan->n_events > 0;
	if (there) {
		*ret = fan->events[fan->first_event];
		fan->first_event = (fan->first_event + 1) % IH_FAN_EVENTS_MAX;
		fan->n_events--;
	}
	(void)pthread_mutex_unlock(&fan->events_lock);
	return there;
}

static int fan_take_events(void *state)
{
	struct ih_fan *fan = state;
	struct ih_event event;
	uint64_t waiting;
	int n = 0;

	(void)!read(fan->event_fd, &waiting, sizeof(waiting));
	for (; take_event(fan, &event); n++)
		if (fan->options.listener)
			fan->options.listener(fan->options.context, &event);
	return n;
}

static int fan_counts(void *state, struct ih_gate_counts *ret)
{
	struct ih_fan *fan = state;

	(void)pthread_mutex_lock(&fan->events_lock);
	*ret = fan->counts;
	(void)pthread_mutex_unlock(&fan->events_lock);
	return 0;
}

const struct ih_backend_ops ih_backend_fanotify = {
	.name = "fanotify",
	.title = "fanotify permission events",
	.cannot =
		"it cannot stop memory that becomes executable, ptrace, memfds, file systems that "
		"only another mount namespace sees, or root; and with the guard's death it opens",
	.asks = true,
	.survives = false,
	.probe = fan_probe,
	.open = fan_open,
	.free = fan_free,
	.put = fan_put,
	.add = fan_add,
	.remove = fan_remove,
	.attach = fan_attach,
	.event_fd = fan_event_fd,
	.take_events = fan_take_events,
	.counts = fan_counts,
};
