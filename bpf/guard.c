/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guard's life: open, fill, enforce, listen, end. See guard.h. */
#include "bpf/guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "bpf/guard_priv.h"
#include "bpf/notify.h"
#include "common/cleanup.h"
#include "common/fd.h"
#include "common/text.h"

#define EVENTS_AT_ONCE	16
#define TICK_SECONDS	1
#define METRICS_TICKS	10
#define WATCHDOG_PARTS	3 /* a sign of life, so many times in the time allowed */
#define DESCRIPTORS_MAX 65536

uint64_t ih_guard_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

void ih_guard_say(const struct ih_guard *g, const char *format, ...)
{
	char text[IH_DIAG_MAX];
	va_list args;

	(void)g;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "ihard-guard: %s\n", text);
}

int ih_guard_watch(struct ih_guard *g, struct ih_guard_watch *w, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = w };

	return epoll_ctl(g->epoll, EPOLL_CTL_ADD, w->fd, &e) < 0 ? -errno : 0;
}

void ih_guard_unwatch(struct ih_guard *g, struct ih_guard_watch *w)
{
	(void)epoll_ctl(g->epoll, EPOLL_CTL_DEL, w->fd, NULL);
}

static void take_events(struct ih_guard *g, struct ih_guard_watch *w, uint32_t events)
{
	(void)w;
	(void)events;
	(void)g->backend->take_events(g->state);
}

static void on_event(void *context, const struct ih_event *event)
{
	struct ih_guard *g = context;

	ih_report_event(&g->report, event);
	ih_guard_want_refused(g, event);
}

static void to_followers(void *user, const char *json, size_t len)
{
	ih_guard_control_event(user, json, len);
}

static int judge(void *context, int fd, struct ih_gate_file *ret)
{
	struct ih_guard *g = context;
	int r = -EAGAIN;

	(void)pthread_mutex_lock(&g->judging);
	if (g->rules) {
		struct ih_fill fill = ih_guard_fill(g, g->rules);

		r = ih_fill_judge(&fill, g->rules->trust, fd, ret);
	}
	(void)pthread_mutex_unlock(&g->judging);
	return r;
}

static int look(void *context, pid_t pid, const struct ih_caller *caller, struct ih_event *ret,
		enum ih_provenance *ret_to)
{
	struct ih_guard *g = context;
	int r = -EAGAIN;

	(void)pthread_mutex_lock(&g->judging);
	if (g->rules) {
		const struct ih_guard_lookers with = { .policy = g->rules->policy,
						       .grammars = g->rules->grammars,
						       .trust = g->rules->trust,
						       .audit = g->config.audit };

		r = g->options->look(&with, pid, caller, ret, ret_to);
	}
	(void)pthread_mutex_unlock(&g->judging);
	return r;
}

static void take_signal(struct ih_guard *g, struct ih_guard_watch *w, uint32_t events)
{
	struct signalfd_siginfo info;
	struct ih_diag diag;

	(void)events;
	while (read(w->fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			g->end = true;
		else if (ih_guard_reload(g, &diag) < 0)
			ih_guard_say(g, "cannot reload: %s", diag.text);
	}
}

static void tick(struct ih_guard *g, struct ih_guard_watch *w, uint32_t events)
{
	struct ih_gate_counts counts;
	uint64_t n;

	(void)events;
	(void)!read(w->fd, &n, sizeof(n));
	if (g->watchdog_us)
		ih_notify(g->notify, "WATCHDOG=1");
	(void)g->backend->take_events(g->state);
	if (g->backend->counts(g->state, &counts) == 0)
		ih_report_lost(&g->report, counts.lost);
	ih_guard_want_tick(g);
	if (g->stale)
		ih_guard_renew(g);
	if (g->ticks++ % METRICS_TICKS == 0)
		ih_guard_metrics_write(g);
}

static int open_signals(struct ih_guard *g)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	/* leases are broken with SIGIO, see fill.c; terminals and clients go away */
	(void)signal(SIGIO, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGTTOU, SIG_IGN);
	g->signals = (struct ih_guard_watch){ signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
					      take_signal };
	return g->signals.fd < 0 ? -errno : ih_guard_watch(g, &g->signals, EPOLLIN);
}

static int open_timer(struct ih_guard *g)
{
	struct itimerspec every = { { TICK_SECONDS, 0 }, { TICK_SECONDS, 0 } };
	uint64_t us = g->watchdog_us / WATCHDOG_PARTS;

	if (us && us < TICK_SECONDS * 1000000ULL)
		every.it_value.tv_sec = every.it_interval.tv_sec = 0,
		every.it_value.tv_nsec = every.it_interval.tv_nsec = (long)us * 1000;
	g->timer =
		(struct ih_guard_watch){ timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK),
					 tick };
	if (g->timer.fd < 0 || timerfd_settime(g->timer.fd, 0, &every, NULL) < 0)
		return -errno;
	return ih_guard_watch(g, &g->timer, EPOLLIN);
}

/* The machine is closed while the guard is gone, so it should be the last to go. */
static void settle(void)
{
	struct rlimit files = { DESCRIPTORS_MAX, DESCRIPTORS_MAX };
	_close_ int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	(void)setrlimit(RLIMIT_NOFILE, &files);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (fd >= 0)
		(void)ih_write_full(fd, "-1000", 5);
}

static int open_loop(struct ih_guard *g, struct ih_diag *diag)
{
	int r;

	g->notify = ih_notify_open(&g->watchdog_us);
	g->epoll = epoll_create1(EPOLL_CLOEXEC);
	r = g->epoll < 0 ? -errno : open_signals(g);
	if (r == 0)
		r = open_timer(g);
	return r < 0 ? ih_fail(diag, r, "cannot make what the guard waits with: %s", strerror(-r))
		     : 0;
}

static int open_backend(struct ih_guard *g, struct ih_diag *diag)
{
	struct ih_backend_options options = {
		.limits.files = g->options->files ? g->options->files : IH_GUARD_FILES_DEFAULT,
		.listener = on_event,
		.judge = judge,
		.look = g->options->look ? look : NULL,
		.context = g,
	};
	int r;

	g->backend = ih_backend_choose(g->options->backend, &g->weaker);
	if (!g->backend)
		return ih_fail(diag, -EOPNOTSUPP, "nothing here can enforce: %s", g->weaker.text);
	if (g->weaker.text[0])
		ih_guard_say(g, "%s is used, because %s; %s", g->backend->title, g->weaker.text,
			     g->backend->cannot);
	if (g->backend->found && g->backend->found(&g->config) == 0)
		g->adopted = true;
	g->report.gate = strcmp(g->backend->name, "fanotify") == 0 ? IH_EVENT_GATE_FANOTIFY
								   : IH_EVENT_GATE_KERNEL;
	r = ih_catalog_new(options.limits.files, &g->catalog);
	return r < 0 ? r : g->backend->open(&options, &g->state, diag);
}

/* Whose it is, is whose the folder is: see proc(5). */
static bool is_roots(const char *number)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%s", number);
	return stat(path, &st) == 0 && st.st_uid == 0;
}

static void mark_process(struct ih_guard *g, const char *number)
{
	char path[64];
	struct ih_gate_file file;
	struct ih_seed seed;
	struct stat st;
	uint64_t pid;

	if (ih_parse_u64(number, INT32_MAX, &pid) < 0 || pid == (uint64_t)getpid())
		return;
	(void)snprintf(path, sizeof(path), "/proc/%s/exe", number);
	if (stat(path, &st) < 0)
		return;
	file = ih_gate_file_of(&st);
	if (ih_catalog_get(g->catalog, &file.key, &seed) < 0 || seed.ctime_s != file.seed.ctime_s ||
	    seed.ctime_ns != file.seed.ctime_ns)
		return;
	if ((seed.flags & IH_SEED_MANAGER) && !is_roots(number))
		seed.flags |= IH_SEED_LOGIN;
	(void)g->backend->mark(g->state, (pid_t)pid, &seed);
}

/*
 * What runs already was started when nobody looked. A process whose program is vouched for is what
 * it would be had it been started now: process 1, which hands text to shells, first of all. What an
 * interpreter runs cannot be told any more: ih_gate_mark() calls it unverified.
 */
static void mark_processes(struct ih_guard *g)
{
	const struct dirent *entry;
	DIR *proc;

	if (g->adopted || !g->backend->mark)
		return;
	proc = opendir("/proc");
	if (!proc)
		return;
	while ((entry = readdir(proc)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			mark_process(g, entry->d_name);
	(void)closedir(proc);
}

/* Everything is known before anything is enforced, but for what is verified when it is wanted. */
static int begin(struct ih_guard *g, struct ih_diag *diag)
{
	struct ih_guard_rules *rules;
	int r = ih_guard_rules_load(g, &rules, diag);

	if (r < 0)
		return r;
	g->filled = ih_guard_fill(g, rules);
	r = ih_fill_all(&g->filled);
	if (r == 0)
		r = ih_guard_put(g, rules, diag);
	if (r < 0) {
		ih_guard_rules_free(rules);
		return diag->text[0] ? r : ih_fail(diag, r, "%s", strerror(-r));
	}
	mark_processes(g);
	diag->text[0] = '\0';
	r = g->backend->attach(g->state, diag);
	if (r == 0 && diag->text[0])
		ih_guard_say(g, "not everything is guarded: %s", diag->text);
	if (r == 0)
		mark_processes(g); /* those that were started meanwhile */
	if (r == 0 && g->options->keep && g->backend->keep)
		r = g->backend->keep(g->state, diag);
	if (r < 0)
		return r;
	g->events = (struct ih_guard_watch){ g->backend->event_fd(g->state), take_events };
	return g->events.fd >= 0 ? ih_guard_watch(g, &g->events, EPOLLIN) : 0;
}

static void announce(const struct ih_guard *g)
{
	const char *how = g->config.audit ? "reports" : "enforces";

	ih_guard_say(g, "%s by %s: policy '%s', %zu files are vouched for%s%s", how,
		     g->backend->title, g->rules->policy->name, ih_catalog_count(g->catalog),
		     g->config.lock ? ", locked until the next boot" : "",
		     g->adopted ? ", in place of the guard before" : "");
	ih_notify(g->notify, "READY=1\nSTATUS=%s policy '%s' by %s", how, g->rules->policy->name,
		  g->backend->name);
}

static void loop(struct ih_guard *g)
{
	struct epoll_event events[EVENTS_AT_ONCE];

	while (!g->end) {
		int n = epoll_wait(g->epoll, events, EVENTS_AT_ONCE, -1);

		for (int i = 0; i < n; i++) {
			struct ih_guard_watch *w = events[i].data.ptr;

			w->ready(g, w, events[i].events);
		}
	}
	(void)g->backend->take_events(g->state);
}

static void finish(struct ih_guard *g)
{
	struct ih_diag diag;

	ih_notify(g->notify, "STOPPING=1");
	ih_guard_want_close(g);
	ih_guard_worker_stop(g);
	ih_guard_control_close(g);
	if (g->unload && g->backend->release && g->backend->release(g->state, &diag) < 0)
		ih_guard_say(g, "cannot open the gates: %s", diag.text);
	else if (g->options->keep && g->backend->survives && !g->unload && g->rules)
		ih_guard_say(g, "ends; the gates stay as they are");
	if (g->state)
		g->backend->free(g->state);
	ih_guard_rules_free(g->rules);
	ih_catalog_free(g->catalog);
	ih_report_close(&g->report);
	if (g->notify >= 0)
		(void)close(g->notify);
	if (g->epoll >= 0)
		(void)close(g->epoll);
}

int ih_guard_run(const struct ih_guard_options *options, struct ih_diag *diag)
{
	struct ih_guard g = {
		.options = options,
		.epoll = -EBADF,
		.notify = -EBADF,
		.control.fd = -EBADF,
		.report = { .to_terminal = true, .to_stderr = options->verbose },
		.started = time(NULL),
	};
	struct stat self;
	int r;

	settle();
	if (stat("/proc/self/exe", &self) == 0)
		g.self = ih_gate_file_of(&self).key;
	(void)pthread_mutex_init(&g.judging, NULL);
	g.report.each = to_followers;
	g.report.user = &g;
	r = ih_report_open(&g.report, options->events, /* journal= */ true, diag);
	if (r == 0)
		r = open_loop(&g, diag);
	if (r == 0)
		r = open_backend(&g, diag);
	if (r == 0)
		r = begin(&g, diag);
	if (r == 0)
		r = ih_guard_worker_start(&g, diag);
	if (r == 0)
		r = ih_guard_want_open(&g, diag);
	if (r == 0 && options->socket)
		r = ih_guard_control_open(&g, diag);
	if (r == 0) {
		announce(&g);
		loop(&g);
	}
	finish(&g);
	return r;
}
