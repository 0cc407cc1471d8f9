/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The supervisor of the tree gate; see ptrace(2), whose terms are used here. */
#include "wrapper/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "wrapper/filter.h"
#include "wrapper/tasks.h"

#define OPTIONS                                                                                \
	(PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | \
	 PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL)

#define SUPERVISOR "ihard-tree" /* its name; at most 15 bytes */

/* How long a new child waits for its creator's event; longer means that the creator was killed. */
#define ORPHAN_MS 1000
#define LOOK_MS	  10

/* What the two say to each other while the caller is being put under the supervisor. */
struct hello {
	int error; /* 0, or negative errno */
	pid_t supervisor;
	struct ih_diag diag;
};

static bool is_stop_signal(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

/*
 * The process may be gone (SIGKILL) whenever we look; then its exit is reported next. One that is
 * there and cannot be told to go on would stand still for ever.
 */
static void go_on(pid_t pid, int sig)
{
	char line[160];

	if (ptrace(PTRACE_CONT, pid, NULL, (void *)(intptr_t)sig) == 0 || errno == ESRCH)
		return;
	(void)snprintf(line, sizeof(line),
		       "ihard: process %d was stopped to be judged, and cannot go on: %s\n", pid,
		       strerror(errno));
	ih_image_say(pid, line);
	(void)kill(pid, SIGKILL);
}

static void say(pid_t pid, const struct ih_tree_verdict *v)
{
	char line[IH_DIAG_MAX + 16];

	if (!v->sentence.text[0])
		return;
	(void)snprintf(line, sizeof(line), "ihard: %s\n", v->sentence.text);
	ih_image_say(pid, line);
}

static void refuse(pid_t pid, const struct ih_tree_verdict *v)
{
	say(pid, v);
	/* Nothing of the new image has run. SIGKILL needs no cooperation and cannot be held back.
	 */
	(void)kill(pid, SIGKILL);
}

static void on_exec(const struct ih_tree *tree, struct ih_tasks *tasks, pid_t pid)
{
	struct ih_tree_verdict v = { 0 };
	enum ih_provenance from;
	struct ih_image image;
	unsigned long former = 0;
	struct ih_task *t;
	int r;

	/* An exec by another thread than the leader: it comes back under the leader's number. */
	if (ptrace(PTRACE_GETEVENTMSG, pid, NULL, &former) < 0) {
		(void)ih_fail(&v.sentence, 0, "cannot tell whose exec process %d is: %s", pid,
			      strerror(errno));
		refuse(pid, &v);
		return;
	}
	from = ih_tasks_provenance(tasks, former ? (pid_t)former : pid);
	if (former && (pid_t)former != pid)
		ih_tasks_remove(tasks, (pid_t)former);

	r = ih_image_read(pid, &image, &v.sentence);
	if (r == 0) {
		tree->judge(tree->context, &image, from, &v);
		ih_image_done(&image);
	}
	t = ih_tasks_add(tasks, pid);
	if (r < 0 || !v.allow || !t) {
		refuse(pid, &v);
		go_on(pid, 0);
		return;
	}
	say(pid, &v); /* what is only reported */
	t->provenance = v.provenance;
	t->memory = v.memory;
	t->is_known = true;
	t->is_vfork = false;
	if (t->held)
		(void)kill(pid, t->held);
	t->held = 0;
	go_on(pid, 0);
}

/* An execve that has not begun: the place for a refusal that its caller can handle. */
static void on_attempt(const struct ih_tree *tree, const struct ih_tasks *tasks, pid_t pid,
		       const struct __ptrace_syscall_info *call)
{
	struct ih_tree_verdict v = { .allow = true };
	struct ih_attempt attempt;

	if (!tree->forebode || ih_attempt_read(pid, call, &attempt) < 0)
		return;
	tree->forebode(tree->context, &attempt, ih_tasks_provenance(tasks, pid), &v);
	ih_attempt_done(&attempt);
	if (!v.allow && ih_attempt_refuse(pid) == 0)
		say(pid, &v);
}

/* Nobody looks at memory again later: what cannot be refused ends. */
static void forbid(pid_t pid, const struct ih_tree_verdict *v)
{
	if (ih_attempt_refuse(pid) == 0)
		say(pid, v);
	else
		refuse(pid, v);
}

/* Memory that is to be executable. */
static void on_map(const struct ih_tree *tree, const struct ih_tasks *tasks, pid_t pid,
		   const struct __ptrace_syscall_info *call)
{
	struct ih_task *t = ih_tasks_find(tasks, pid);
	struct ih_tree_verdict v = { 0 };
	uint32_t nothing = 0;
	struct ih_map map;

	if (!tree->map)
		return;
	ih_map_read(pid, call, &map);
	tree->map(tree->context, &map, t && t->is_known ? &t->memory : &nothing, &v);
	ih_map_done(&map);
	if (!v.allow)
		forbid(pid, &v);
	else
		say(pid, &v); /* what is only reported */
}

/* A call that the filter stops at, see enum ih_filter_stop. */
static void on_call(const struct ih_tree *tree, const struct ih_tasks *tasks, pid_t pid)
{
	struct __ptrace_syscall_info call = { 0 };
	struct ih_tree_verdict v = { 0 };

	/* Linux 5.3. A process that was killed meanwhile is ESRCH. */
	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(call), &call) < 0) {
		if (errno == ESRCH)
			return;
		(void)ih_fail(&v.sentence, 0, "cannot tell what process %d asks for: %s", pid,
			      strerror(errno));
		forbid(pid, &v);
	} else if (call.op != PTRACE_SYSCALL_INFO_SECCOMP) {
		(void)ih_fail(&v.sentence, 0, "cannot tell what process %d asks for", pid);
		forbid(pid, &v);
	} else if (call.seccomp.ret_data == IH_FILTER_MEMORY) {
		on_map(tree, tasks, pid, &call);
	} else {
		on_attempt(tree, tasks, pid, &call);
	}
}

/* A creator's event names its child and comes before or after the child's own first stop. */
static void on_child(struct ih_tasks *tasks, pid_t pid, bool is_vfork)
{
	const struct ih_task *creator = ih_tasks_find(tasks, pid);
	const struct ih_task from =
		creator && creator->is_known
			? *creator
			: (struct ih_task){ .provenance = IH_PROVENANCE_UNVERIFIED };
	unsigned long child = 0;
	struct ih_task *t;

	/* Then the child goes on as an orphan, see release_orphans(). */
	if (ptrace(PTRACE_GETEVENTMSG, pid, NULL, &child) < 0) {
		go_on(pid, 0);
		return;
	}
	t = ih_tasks_add(tasks, (pid_t)child);
	if (!t) {
		(void)kill((pid_t)child, SIGKILL);
	} else {
		t->provenance = from.provenance;
		t->memory = from.memory;
		t->is_known = true;
		t->is_vfork = is_vfork;
		t->held = 0;
		if (t->is_waiting) {
			t->is_waiting = false;
			tasks->n_waiting--;
			go_on((pid_t)child, 0);
		}
	}
	go_on(pid, 0);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void on_stop(struct ih_tasks *tasks, pid_t pid, int sig)
{
	struct ih_task *t;

	if (is_stop_signal(sig)) {
		/* Stopped as a whole; stays so until SIGCONT, as without us. */
		if (ptrace(PTRACE_LISTEN, pid, NULL, NULL) < 0)
			go_on(pid, 0);
		return;
	}
	t = ih_tasks_add(tasks, pid);
	if (!t) {
		(void)kill(pid, SIGKILL);
		return;
	}
	if (!t->is_known) {
		t->is_waiting = true;
		t->since_ms = now_ms();
		tasks->n_waiting++;
		return;
	}
	go_on(pid, 0);
}

/*
 * A signal on its way. A child that runs on its creator's memory until it execs must not be stopped
 * before: the creator cannot stop meanwhile, so that ^Z would hang the terminal. That can happen
 * without us, too, but we make the time between vfork and exec longer.
 */
static void on_signal(struct ih_tasks *tasks, pid_t pid, int sig)
{
	struct ih_task *t = ih_tasks_find(tasks, pid);

	if (t && t->is_vfork && is_stop_signal(sig)) {
		t->held = sig;
		sig = 0;
	}
	go_on(pid, sig);
}

static void on_status(const struct ih_tree *tree, struct ih_tasks *tasks, pid_t pid, int status)
{
	if (WIFEXITED(status) || WIFSIGNALED(status)) {
		ih_tasks_remove(tasks, pid);
		return;
	}
	if (!WIFSTOPPED(status))
		return;
	switch (status >> 16) {
	case PTRACE_EVENT_EXEC:
		on_exec(tree, tasks, pid);
		break;
	case PTRACE_EVENT_SECCOMP:
		on_call(tree, tasks, pid);
		go_on(pid, 0);
		break;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		on_child(tasks, pid, status >> 16 == PTRACE_EVENT_VFORK);
		break;
	case PTRACE_EVENT_STOP:
		on_stop(tasks, pid, WSTOPSIG(status));
		break;
	case 0:
		on_signal(tasks, pid, WSTOPSIG(status));
		break;
	default:
		go_on(pid, 0);
	}
}

/*
 * A creator that was killed between making a child and its event never tells whose child it is.
 * Such a child goes on as unverified, which may do least.
 */
static void release_orphans(struct ih_tasks *tasks)
{
	uint64_t now = now_ms();

	for (size_t i = 0; i < tasks->size; i++) {
		struct ih_task *t = &tasks->slots[i];

		if (t->pid <= 0 || !t->is_waiting || now - t->since_ms < ORPHAN_MS)
			continue;
		t->is_waiting = false;
		t->is_known = true;
		t->provenance = IH_PROVENANCE_UNVERIFIED;
		tasks->n_waiting--;
		go_on(t->pid, 0);
	}
}

/* Whoever is left ends with us (PTRACE_O_EXITKILL); one of them can still say why. */
static void say_last_words(const struct ih_tasks *tasks, int error)
{
	char line[160];

	(void)snprintf(line, sizeof(line),
		       "ihard: the supervisor cannot watch any more, so everything below it ends: "
		       "%s\n",
		       strerror(error));
	for (size_t i = 0; i < tasks->size; i++)
		if (tasks->slots[i].pid > 0) {
			ih_image_say(tasks->slots[i].pid, line);
			return;
		}
}

static void supervise(const struct ih_tree *tree, struct ih_tasks *tasks)
{
	for (;;) {
		int status = 0;
		pid_t pid = waitpid(-1, &status, __WALL | (tasks->n_waiting ? WNOHANG : 0));

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0 && errno != ECHILD)
			say_last_words(tasks, errno);
		if (pid < 0)
			return; /* ECHILD: the tree has left */
		if (pid == 0) {
			const struct timespec look = { .tv_nsec = LOOK_MS * 1000000L };

			release_orphans(tasks);
			if (tasks->n_waiting)
				(void)nanosleep(&look, NULL);
			continue;
		}
		on_status(tree, tasks, pid, status);
	}
}

/* Keep nobody's pipe open, belong to no terminal, and leave when the tree leaves, not before. */
static int stand_aside(const int *keep, size_t n_keep)
{
	static const int ignored[] = { SIGHUP,	SIGINT,	 SIGQUIT, SIGTERM, SIGPIPE, SIGTSTP,
				       SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGALRM };
	_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	unsigned int from = 3;

	if (null < 0)
		return -errno;
	for (int fd = 0; fd < 3; fd++)
		if (dup2(null, fd) < 0)
			return -errno;
	for (size_t i = 0; i < n_keep; i++) {
		if (keep[i] < (int)from)
			continue;
		if (keep[i] > (int)from &&
		    syscall(SYS_close_range, from, (unsigned int)keep[i] - 1, 0) < 0)
			return -errno;
		from = (unsigned int)keep[i] + 1;
	}
	if (syscall(SYS_close_range, from, ~0U, 0) < 0)
		return -errno;
	null = -EBADF;
	if (chdir("/") < 0) /* hold no file system in use */
		return -errno;
	(void)setsid();
	for (size_t i = 0; i < IH_ARRAY_SIZE(ignored); i++)
		(void)signal(ignored[i], SIG_IGN);
	(void)prctl(PR_SET_NAME, SUPERVISOR, 0, 0, 0);
	return 0;
}

/* Our end would be the caller's, before it could say why (PTRACE_O_EXITKILL). */
static _Noreturn void let_go(pid_t caller, int sock, const struct hello *h)
{
	int status;

	if (ptrace(PTRACE_INTERRUPT, caller, NULL, NULL) == 0 &&
	    waitpid(caller, &status, __WALL) == caller)
		(void)ptrace(PTRACE_DETACH, caller, NULL, NULL);
	if (h->error < 0)
		(void)send(sock, h, sizeof(*h), MSG_NOSIGNAL);
	_exit(1);
}

/* Runs in the supervisor, never returns. */
static void supervisor(const struct ih_tree *tree, pid_t caller, int sock)
{
	struct ih_tasks tasks = { 0 };
	struct hello h = { .supervisor = getpid() };
	int keep[2] = { sock, tree->keep };
	struct ih_task *t;
	char go = 0;

	if (keep[1] >= 0 && keep[1] < keep[0]) {
		keep[0] = tree->keep;
		keep[1] = sock;
	}
	h.error = stand_aside(keep, 2);
	if (h.error < 0)
		(void)ih_fail(&h.diag, 0, "cannot set up the supervisor: %s", strerror(-h.error));
	t = h.error < 0 ? NULL : ih_tasks_add(&tasks, caller);
	if (h.error == 0 && !t)
		h.error = ih_fail(&h.diag, -ENOMEM, "cannot set up the supervisor: %s",
				  strerror(ENOMEM));
	if (t) {
		t->provenance = tree->first;
		t->is_known = true;
	}

	/* Yama lets only a named process trace one that is not its child; so we say our name first.
	 */
	if (send(sock, &h, sizeof(h), MSG_NOSIGNAL) != sizeof(h) || h.error < 0 ||
	    recv(sock, &go, 1, 0) != 1)
		_exit(1);
	if (ptrace(PTRACE_SEIZE, caller, NULL, (void *)OPTIONS) < 0)
		h.error = ih_fail(&h.diag, -errno,
				  "cannot watch the process tree: %s; is it being traced already? "
				  "--gate outer judges the outermost command only",
				  strerror(errno));
	/* Nobody may look into the supervisor from now on, or trace it. */
	if (h.error == 0 && prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) < 0)
		h.error = ih_fail(&h.diag, -errno, "cannot close the supervisor to others: %s",
				  strerror(errno));
	if (h.error == 0 && tree->begin)
		h.error = tree->begin(tree->context, &h.diag);
	if (h.error < 0 || send(sock, &h, sizeof(h), MSG_NOSIGNAL) != sizeof(h))
		let_go(caller, sock, &h);
	(void)close(sock);
	supervise(tree, &tasks);
	ih_tasks_done(&tasks);
	_exit(0);
}

/* Two forks: the supervisor is nobody's child to be waited for by the program that runs here next.
 */
static int start(const struct ih_tree *tree, int sock, int theirs, struct ih_diag *diag)
{
	pid_t caller = getpid(), middle;
	int status;

	middle = fork();
	if (middle < 0)
		return ih_fail(diag, -errno, "cannot start the supervisor: %s", strerror(errno));
	if (middle == 0) {
		pid_t pid = fork();

		if (pid != 0)
			_exit(pid < 0 ? 1 : 0);
		(void)close(sock);
		supervisor(tree, caller, theirs);
	}
	while (waitpid(middle, &status, 0) < 0)
		if (errno != EINTR)
			return ih_fail(diag, -errno, "cannot wait for the supervisor: %s",
				       strerror(errno));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return ih_fail(diag, -EAGAIN, "cannot start the supervisor: its fork failed");
	return 0;
}

static int hear(int sock, struct hello *ret, struct ih_diag *diag)
{
	ssize_t n = recv(sock, ret, sizeof(*ret), MSG_WAITALL);

	if (n != sizeof(*ret))
		return ih_fail(diag, -EPIPE, "the supervisor died before it could watch");
	if (ret->error < 0)
		return ih_fail(diag, ret->error, "%s", ret->diag.text);
	return 0;
}

int ih_tree_enter(const struct ih_tree *tree, struct ih_diag *diag)
{
	struct hello h;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return ih_fail(diag, -errno, "cannot talk to the supervisor: %s", strerror(errno));
	r = start(tree, pair[0], pair[1], diag);
	(void)close(pair[1]);
	if (r == 0)
		r = hear(pair[0], &h, diag);
	if (r == 0) {
		/* EINVAL: no Yama, then nothing is needed. */
		(void)prctl(PR_SET_PTRACER, (unsigned long)h.supervisor, 0UL, 0UL, 0UL);
		if (send(pair[0], "", 1, MSG_NOSIGNAL) != 1)
			r = ih_fail(diag, -EPIPE, "the supervisor died before it could watch");
	}
	if (r == 0)
		r = hear(pair[0], &h, diag);
	(void)close(pair[0]);
	return r;
}

bool ih_tree_is_watching(void)
{
	static const char key[] = "\nTracerPid:\t";
	char text[4096], name[32], comm[32];
	_close_ int fd = -EBADF, tracer = -EBADF;
	const char *at;
	ssize_t n;
	long pid;

	/* Whoever is watched was confined, and the first step of that never goes away. */
	if (prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL) == 0)
		return false;
	fd = openat(AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	at = strstr(text, key);
	pid = at ? strtol(at + sizeof(key) - 1, NULL, 10) : 0;
	if (pid <= 0)
		return false;
	(void)snprintf(name, sizeof(name), "/proc/%ld/comm", pid);
	tracer = open(name, O_RDONLY | O_CLOEXEC);
	n = tracer < 0 ? -1 : read(tracer, comm, sizeof(comm) - 1);
	if (n <= 0)
		return false;
	comm[n] = '\0';
	return strcmp(comm, SUPERVISOR "\n") == 0;
}
