/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ih-asked [--audit] [--no-look] [--slow NAME] [--watch FOLDER]… --policy FILE -- COMMAND…
 * For tests of the fanotify back end alone, without the guard: trust is what the policy's providers
 * say when a file is wanted, arguments are judged unless --no-look. Prints events to stderr as
 * "event ACT REASON PATH". With --slow a file of that name takes eight seconds to judge.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf/backend.h"
#include "common/cleanup.h"
#include "wrapper/look.h"
#include "wrapper/session.h"

#define SLOW_SECONDS 8
#define WATCH_MAX    16

struct asked {
	struct ih_session session; /* for one thread at a time */
	pthread_mutex_t lock;
	const char *slow, *policy;
	const char *watch[WATCH_MAX + 1];
	size_t n_watch;
	bool audit, no_look, quiet;
};

static const char *base_of(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path;
}

static int judge(void *context, int fd, struct ih_gate_file *ret)
{
	struct asked *asked = context;
	const struct ih_grammar *grammar = NULL;
	struct ih_evidence e = { 0 };
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	*ret = ih_gate_file_of(&st);
	(void)pthread_mutex_lock(&asked->lock);
	r = ih_trust_fd(asked->session.trust, fd, &e);
	(void)pthread_mutex_unlock(&asked->lock);
	if (r == 0 && e.path) {
		ret->seed.trust = (__u8)e.trust;
		grammar = ih_grammars_find(asked->session.grammars, base_of(e.path), NULL);
		if (asked->slow && strcmp(base_of(e.path), asked->slow) == 0)
			(void)sleep(SLOW_SECONDS);
	}
	if (grammar) {
		ret->seed.grammar = ih_grammar_id(grammar) + 1;
		ret->seed.flags = ih_grammar_is_launcher(grammar) ? IH_SEED_LAUNCHER
								  : IH_SEED_SCRIPTS;
	}
	ih_evidence_done(&e);
	return r;
}

static int look(void *context, pid_t pid, const struct ih_caller *caller, struct ih_event *ret,
		enum ih_provenance *ret_to)
{
	struct asked *asked = context;
	struct ih_look look;
	int r;

	(void)pthread_mutex_lock(&asked->lock);
	r = ih_look(&asked->session, pid, caller->provenance, &look);
	(void)pthread_mutex_unlock(&asked->lock);
	ret->verdict = look.answer.verdict;
	ret->reason = look.answer.reason;
	ret->rule = look.answer.rule;
	ret->mode = (__u8)look.mode;
	ret->trust = (__u8)look.trust;
	ret->enforced = look.stops;
	*ret_to = look.to;
	if (look.stops) {
		char line[IH_DIAG_MAX + 16];

		(void)snprintf(line, sizeof(line), "ihard: %s\n", look.sentence.text);
		ih_image_say(pid, line);
	}
	return r;
}

static void print(void *context, const struct ih_event *event)
{
	const struct asked *asked = context;

	if (!asked->quiet)
		fprintf(stderr, "event %u %u %s\n", event->act, event->reason, event->path);
}

static int fail(const struct ih_diag *diag)
{
	fprintf(stderr, "ih-asked: %s\n", diag->text);
	return 125;
}

static int parse(int argc, char **argv, struct asked *asked)
{
	static const struct option options[] = {
		{ "audit", no_argument, NULL, 'a' },
		{ "no-look", no_argument, NULL, 'n' },
		{ "slow", required_argument, NULL, 's' },
		{ "watch", required_argument, NULL, 'w' },
		{ "policy", required_argument, NULL, 'p' },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "+", options, NULL)) >= 0) {
		asked->audit |= c == 'a';
		asked->no_look |= c == 'n';
		asked->quiet |= c == 'q';
		if (c == 's')
			asked->slow = optarg;
		if (c == 'p')
			asked->policy = optarg;
		if (c == 'w' && asked->n_watch < WATCH_MAX)
			asked->watch[asked->n_watch++] = optarg;
		if (c == '?')
			return -EINVAL;
	}
	return optind < argc && asked->policy ? 0 : -EINVAL;
}

static int run(void *state, char **command)
{
	const struct ih_backend_ops *ops = &ih_backend_fanotify;
	struct pollfd p = { .fd = ops->event_fd(state), .events = POLLIN };
	pid_t child = fork();
	int status;

	if (child == 0) {
		execvp(command[0], command);
		fprintf(stderr, "ih-asked: cannot start '%s': %s\n", command[0], strerror(errno));
		_exit(127);
	}
	while (waitpid(child, &status, WNOHANG) == 0)
		if (poll(&p, 1, 20) > 0)
			(void)ops->take_events(state);
	(void)ops->take_events(state);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	static struct asked asked = { .lock = PTHREAD_MUTEX_INITIALIZER };
	const struct ih_backend_ops *ops = &ih_backend_fanotify;
	struct ih_gate_policy policy = {
		.config = { .version = IH_GATE_VERSION, .epoch = 1, .min_trust = IH_TRUST_OWNED }
	};
	struct ih_backend_options options = { .listener = print, .judge = judge };
	struct ih_gate_counts counts;
	struct ih_diag diag = { 0 };
	void *state = NULL;
	int r;

	if (parse(argc, argv, &asked) < 0)
		return 2;
	if (ih_session_open(&asked.session, asked.policy, NULL, NULL, &diag) < 0)
		return fail(&diag);
	policy.config.audit = asked.audit;
	options.context = &asked;
	options.look = asked.no_look ? NULL : look;
	options.watch = asked.n_watch ? asked.watch : NULL;
	if (ops->probe(&diag) < 0 || ops->open(&options, &state, &diag) < 0 ||
	    ops->put(state, &policy, &diag) < 0 || ops->attach(state, &diag) < 0)
		return fail(&diag);
	fprintf(stderr, "ih-asked: attached\n");
	r = run(state, argv + optind);
	(void)ops->counts(state, &counts);
	if (counts.lost)
		fprintf(stderr, "ih-asked: %llu events lost\n", (unsigned long long)counts.lost);
	ops->free(state);
	ih_session_close(&asked.session);
	return r;
}
