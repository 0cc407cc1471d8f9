/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks of a boot: read from a file, run one after the other. What follows from them is the
 * caller's. */
#include "bootchain/assess.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/json.h"

#define RETRY_MILLISECONDS 500

extern char **environ;

static const char *const top_keys[] = { "version", "checks", "timeLimit", "onFailure", NULL };
static const char *const check_keys[] = { "name", "unit", "command", "timeLimit", NULL };

static int read_seconds(const struct ih_json *object, uint64_t *ret, struct ih_diag *diag)
{
	struct ih_json v;

	if (ih_json_member(object, "timeLimit", &v) < 0)
		return 0;
	return ih_json_u64(&v, 1, IH_ASSESS_SECONDS_MAX, ret, diag);
}

static int set_words(struct ih_check *check, const char *const *words, size_t n)
{
	size_t i;

	check->words = calloc(n + 1, sizeof(*check->words));
	if (!check->words)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		check->words[i] = strdup(words[i]);
		if (!check->words[i])
			return -ENOMEM;
	}
	return 0;
}

static int read_unit(const struct ih_json *v, const char *systemctl, struct ih_check *check,
		     struct ih_diag *diag)
{
	const char *unit;
	int r;

	r = ih_json_string(v, &unit, diag);
	if (r < 0)
		return r;
	if (unit[0] == '-' || unit[0] == '\0' || !strchr(unit, '.'))
		return ih_json_fail(v, diag, -EBADMSG,
				    "must be the full name of a unit, such as 'sshd.service'");
	check->name = strdup(unit);
	return check->name
		       ? set_words(check,
				   (const char *const[]){ systemctl, "is-active", "--quiet", unit },
				   4)
		       : -ENOMEM;
}

static int read_command(const struct ih_json *v, struct ih_check *check, struct ih_diag *diag)
{
	char **words = NULL;
	size_t n = 0;
	int r;

	r = ih_json_strings(v, IH_ASSESS_WORDS_MAX, &words, &n, diag);
	if (r < 0)
		return r;
	if (n == 0 || words[0][0] != '/')
		r = ih_json_fail(v, diag, -EBADMSG,
				 "must be an array of words, the first an absolute path");
	if (r == 0)
		r = set_words(check, (const char *const *)words, n);
	if (r == 0) {
		check->name = strdup(words[0]);
		r = check->name ? 0 : -ENOMEM;
	}
	ih_strings_free(words, n);
	return r;
}

static int read_check(const struct ih_json *v, const char *systemctl, struct ih_check *check,
		      struct ih_diag *diag)
{
	struct ih_json unit, command, name;
	bool has_unit, has_command;
	const char *own;
	int r;

	r = ih_json_only(v, check_keys, diag);
	if (r < 0)
		return r;
	has_unit = ih_json_member(v, "unit", &unit) == 0;
	has_command = ih_json_member(v, "command", &command) == 0;
	if (has_unit == has_command)
		return ih_json_fail(v, diag, -EBADMSG,
				    "must have 'unit' or 'command', and not both");
	check->seconds = IH_ASSESS_SECONDS;
	r = read_seconds(v, &check->seconds, diag);
	if (r == 0)
		r = has_unit ? read_unit(&unit, systemctl, check, diag)
			     : read_command(&command, check, diag);
	if (r == 0 && ih_json_member(v, "name", &name) == 0) {
		r = ih_json_string(&name, &own, diag);
		if (r < 0)
			return r;
		free(check->name);
		check->name = strdup(own);
		r = check->name ? 0 : -ENOMEM;
	}
	return r;
}

static int read_checks(const struct ih_json *top, const char *systemctl, struct ih_assessment *a,
		       struct ih_diag *diag)
{
	struct ih_json list, v;
	size_t i;
	int r;

	if (ih_json_member(top, "checks", &list) < 0 || ih_json_type(&list) != IH_JSON_ARRAY)
		return ih_json_fail(top, diag, -EBADMSG, "needs 'checks', an array");
	if (ih_json_length(&list) == 0)
		return ih_json_fail(&list, diag, -EBADMSG,
				    "is empty: a boot that nobody checks is not good");
	if (ih_json_length(&list) > IH_ASSESS_CHECKS_MAX)
		return ih_json_fail(&list, diag, -EBADMSG, "has more than %d checks",
				    IH_ASSESS_CHECKS_MAX);
	a->checks = calloc(ih_json_length(&list), sizeof(*a->checks));
	if (!a->checks)
		return -ENOMEM;
	for (i = 0; ih_json_element(&list, i, &v) == 0; i++) {
		a->n = i + 1; /* so that what is half read is freed */
		r = read_check(&v, systemctl, &a->checks[i], diag);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_action(const struct ih_json *top, struct ih_assessment *a, struct ih_diag *diag)
{
	static const char *const words[] = { "fail", "bad", "reboot" };
	struct ih_json v;
	const char *word;
	size_t i;
	int r;

	if (ih_json_member(top, "onFailure", &v) < 0)
		return 0;
	r = ih_json_string(&v, &word, diag);
	if (r < 0)
		return r;
	for (i = 0; i < IH_ARRAY_SIZE(words); i++) {
		if (strcmp(word, words[i]) == 0) {
			a->action = (enum ih_assess_action)i;
			return 0;
		}
	}
	return ih_json_fail(&v, diag, -EBADMSG, "must be 'fail', 'bad' or 'reboot', not '%s'",
			    word);
}

static int read_all(const struct ih_json *top, const char *systemctl, struct ih_assessment *a,
		    struct ih_diag *diag)
{
	struct ih_json v;
	uint64_t version;
	int r;

	r = ih_json_only(top, top_keys, diag);
	if (r == 0 && ih_json_member(top, "version", &v) < 0)
		r = ih_json_fail(top, diag, -EBADMSG, "needs 'version', which is 1");
	if (r == 0)
		r = ih_json_u64(&v, 1, 1, &version, diag);
	if (r == 0)
		r = read_seconds(top, &a->seconds, diag);
	if (r == 0)
		r = read_action(top, a, diag);
	if (r == 0)
		r = read_checks(top, systemctl, a, diag);
	return r;
}

int ih_assess_parse(const char *name, const char *text, size_t len, const char *systemctl,
		    struct ih_assessment *ret, struct ih_diag *diag)
{
	struct ih_assessment a = { .seconds = IH_ASSESS_SECONDS_MAX };
	struct ih_json_doc *doc = NULL;
	struct ih_json top;
	int r;

	r = ih_json_parse(name, text, len, &doc, diag);
	if (r < 0)
		return r;
	top = ih_json_root(doc);
	r = read_all(&top, systemctl, &a, diag);
	ih_json_free(doc);
	if (r < 0) {
		ih_assessment_done(&a);
		return r == -ENOMEM ? ih_fail(diag, r, "out of memory") : r;
	}
	*ret = a;
	return 0;
}

void ih_assessment_done(struct ih_assessment *a)
{
	size_t i, k;

	for (i = 0; i < a->n; i++) {
		free(a->checks[i].name);
		for (k = 0; a->checks[i].words && a->checks[i].words[k]; k++)
			free(a->checks[i].words[k]);
		free(a->checks[i].words);
	}
	free(a->checks);
	*a = (struct ih_assessment){ 0 };
}

/* Running */

static uint64_t now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int start(const struct ih_check *check, pid_t *ret)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none;
	int r;

	if (posix_spawn_file_actions_init(&files) != 0)
		return -ENOMEM;
	if (posix_spawnattr_init(&attributes) != 0) {
		(void)posix_spawn_file_actions_destroy(&files);
		return -ENOMEM;
	}
	(void)sigemptyset(&none);
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	(void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	r = -posix_spawn(ret, check->words[0], &files, &attributes, check->words, environ);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&files);
	return r;
}

/* Waits by descriptor, so that no signal handler is needed. Return: true when it ended in time. */
static bool wait_until(pid_t pid, uint64_t end)
{
	_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t t;
	int r;

	if (fd < 0)
		return false;
	do {
		t = now();
		r = poll(&p, 1, t < end ? (int)(end - t) : 0);
	} while (r < 0 && errno == EINTR);
	return r > 0;
}

static void run_once(const struct ih_check *check, uint64_t end, struct ih_check_outcome *o)
{
	siginfo_t info = { 0 };
	bool in_time;
	pid_t pid;

	if (start(check, &pid) < 0) {
		o->result = IH_CHECK_FAILED;
		o->status = 127;
		return;
	}
	in_time = wait_until(pid, end);
	/* The group, and while its leader is not reaped: the number cannot be another's. */
	(void)kill(-pid, SIGKILL);
	while (waitid(P_PID, (id_t)pid, &info, WEXITED) < 0 && errno == EINTR)
		;
	o->status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
	o->result = !in_time	     ? IH_CHECK_TIMEOUT
		    : o->status == 0 ? IH_CHECK_PASSED
				     : IH_CHECK_FAILED;
}

/* A unit that is not active may still be starting. */
static bool is_unit_check(const struct ih_check *check)
{
	return check->words[1] && strcmp(check->words[1], "is-active") == 0;
}

struct ih_check_outcome ih_check_run(const struct ih_check *check, uint64_t milliseconds)
{
	const struct timespec pause = { .tv_nsec = RETRY_MILLISECONDS * 1000000L };
	struct ih_check_outcome o = { 0 };
	uint64_t begin = now();
	uint64_t end = begin + milliseconds;

	for (;;) {
		run_once(check, end, &o);
		if (o.result != IH_CHECK_FAILED || o.status == 127 || !is_unit_check(check) ||
		    now() + RETRY_MILLISECONDS >= end)
			break;
		(void)nanosleep(&pause, NULL);
	}
	o.milliseconds = now() - begin;
	return o;
}
