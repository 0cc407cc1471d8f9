/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard-stage2`, for the initrd: reads what it is told, lets stage2.c verify, prints, and does
 * what the configuration says when the system is not what was signed. Exit status 0 means: go on.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bootchain/stage2.h"
#include "bootchain/stage2_extra.h"
#include "common/cleanup.h"
#include "common/fd.h"
#include "config.h"
#include "stage2_builtin.inc" /* what -Dstage2_config compiled in: builtin[], empty by default */

#define CONFIG	    "/etc/ihard/stage2.conf"
#define CMDLINE	    "/proc/cmdline"
#define CONFIG_MAX  (256 * 1024)
#define CMDLINE_MAX (64 * 1024)
#define GRACE	    10 /* seconds beyond the time limit, until the watchdog acts */

enum {
	EXIT_VERIFIED = 0,
	EXIT_UNVERIFIED = 1,
	EXIT_USAGE_ERROR = 2,
};

struct request {
	const char *config, *cmdline, *init, *sysroot, *state, *tcti, *extra;
	bool dry; /* never reboot */
};

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "cmdline", required_argument, NULL, 'k' },
	{ "init", required_argument, NULL, 'i' },
	{ "sysroot", required_argument, NULL, 'r' },
	{ "state", required_argument, NULL, 's' },
	{ "tcti", required_argument, NULL, 't' },
	{ "extra", required_argument, NULL, 'e' },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "version", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static int print_help(void)
{
	printf("usage: ihard-stage2 [--config FILE] [--cmdline FILE] [--init PATH] [--sysroot "
	       "DIR]\n"
	       "                    [--state DIR] [--tcti TCTI] [--extra DIR] [--dry-run]\n\n"
	       "Verifies the closure that init= names before the initrd hands over to it.\n"
	       "ihard-stage2(8) is the manual.\n");
	return EXIT_VERIFIED;
}

/* Return: -1 to go on, else the exit status. */
static int parse(int argc, char **argv, struct request *q)
{
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			q->config = optarg;
			break;
		case 'k':
			q->cmdline = optarg;
			break;
		case 'i':
			q->init = optarg;
			break;
		case 'r':
			q->sysroot = strcmp(optarg, "/") == 0 ? "" : optarg;
			break;
		case 's':
			q->state = optarg;
			break;
		case 't':
			q->tcti = optarg;
			break;
		case 'e':
			q->extra = optarg;
			break;
		case 'n':
			q->dry = true;
			break;
		case 'v':
			printf("ihard-stage2 %s\n", IH_VERSION);
			return EXIT_VERIFIED;
		case 'h':
			return print_help();
		default:
			return EXIT_USAGE_ERROR;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "ihard-stage2: '%s' is one word too many\n", argv[optind]);
		return EXIT_USAGE_ERROR;
	}
	return -1;
}

/* The configuration is code: whoever writes it decides what may run. @path: NULL, where it is by
 * default. */
static int load_config(const char *path, struct ih_stage2_config *ret, struct ih_diag *diag)
{
	_close_ int fd = -EBADF;
	_free_ char *text = NULL;
	struct stat st;
	size_t len;
	int r;

	fd = open(path ? path : CONFIG, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT && !path && IH_ARRAY_SIZE(builtin))
		return ih_stage2_config_parse("the configuration that is compiled in",
					      (const char *)builtin[0].text, builtin[0].len, ret,
					      diag);
	path = path ? path : CONFIG;
	if (fd < 0 || fstat(fd, &st) < 0)
		return ih_fail(diag, -errno, "cannot open '%s': %s", path, strerror(errno));
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & 022)
		return ih_fail(diag, -EPERM, "'%s' can be written by others than root", path);
	r = ih_read_fd(fd, path, CONFIG_MAX, &text, &len, diag);
	return r < 0 ? r : ih_stage2_config_parse(path, text, len, ret, diag);
}

/* What the signed command line says: the system, and keys where the configuration wants them. */
static int load_cmdline(const struct request *q, struct ih_stage2_config *config, char **ret,
			struct ih_diag *diag)
{
	_free_ char *cmdline = NULL, *init = NULL;
	size_t len;
	int r = 0;

	if (q->init && !(init = strdup(q->init)))
		return ih_fail(diag, -ENOMEM, "no memory");
	if (!init || config->keys_from_command_line)
		r = ih_read_file(AT_FDCWD, q->cmdline, CMDLINE_MAX, &cmdline, &len, diag);
	if (r == 0 && cmdline)
		r = ih_stage2_config_add_cmdline(config, cmdline, diag);
	if (r == 0 && !init)
		r = ih_stage2_find_init(cmdline, &init, diag);
	if (r == 0)
		*ret = TAKE_PTR(init);
	return r;
}

static void wait_seconds(unsigned int seconds)
{
	struct timespec left = { .tv_sec = seconds };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/*
 * At once: neither sync(), for nothing was written, nor reboot(2), which shuts devices down first:
 * neither ends on a disk that hangs. Root may always ask so (Linux, drivers/tty/sysrq.c).
 */
static void restart(void)
{
	_close_ int fd = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, "b", 1);
	(void)reboot(RB_AUTOBOOT);
}

/* What follows from a failure. Returns the exit status where there is one. */
static int act(const struct ih_stage2_config *c, bool dry)
{
	switch (c->on_failure) {
	case IH_STAGE2_WARN:
		fprintf(stderr, "ihard: going on with an unverified system, as configured\n");
		return EXIT_VERIFIED;
	case IH_STAGE2_REBOOT:
		fprintf(stderr, "ihard: rebooting in %u s; a counted boot entry loses a try\n",
			c->reboot_delay);
		if (dry)
			return EXIT_UNVERIFIED;
		wait_seconds(c->reboot_delay);
		restart();
		fprintf(stderr, "ihard: cannot reboot: %s\n", strerror(errno));
		return EXIT_UNVERIFIED;
	default:
		fprintf(stderr, "ihard: stopping here\n");
		return EXIT_UNVERIFIED;
	}
}

struct watchdog {
	const struct ih_stage2_config *config;
	bool dry;
};

/*
 * The verification minds its own time limit, but a thread that hangs in a read of a broken disk
 * does not come to mind anything. It cannot be ended, either: so the process is.
 */
static void *watch(void *data)
{
	const struct watchdog *w = data;

	wait_seconds(w->config->time_limit + GRACE);
	fprintf(stderr, "ihard: the system was NOT verified: no answer within %u s\n",
		w->config->time_limit + GRACE);
	_exit(act(w->config, w->dry));
}

static int start_watchdog(struct watchdog *w)
{
	pthread_t thread;

	if (!w->config->time_limit)
		return 0;
	return -pthread_create(&thread, NULL, watch, w);
}

static int verify(const struct request *q, const struct ih_stage2_config *c, const char *init)
{
	struct watchdog watchdog = { .config = c, .dry = q->dry };
	struct ih_stage2 s = {
		.sysroot = q->sysroot,
		.state = q->state,
		.init = init,
		.tcti = q->tcti,
		.extra = q->extra,
		.config = c,
	};
	struct ih_stage2_outcome out;
	bool verified;
	int r;

	r = start_watchdog(&watchdog);
	if (r < 0) {
		fprintf(stderr, "ihard: cannot start the watchdog: %s\n", strerror(-r));
		return act(c, q->dry);
	}
	ih_stage2_run(&s, &out);
	verified = out.verified;
	fputs(ih_text_get(&out.report), stdout);
	(void)fflush(stdout);
	fputs(ih_text_get(&out.console), stderr);
	ih_stage2_outcome_done(&out);
	return verified ? EXIT_VERIFIED : act(c, q->dry);
}

int main(int argc, char **argv)
{
	struct request q = { .cmdline = CMDLINE,
			     .sysroot = "/sysroot",
			     .state = "/run/ihard",
			     .extra = IH_STAGE2_EXTRA };
	struct ih_stage2_config config = { 0 };
	struct ih_diag diag = { 0 };
	_free_ char *init = NULL;
	int status;

	status = parse(argc, argv, &q);
	if (status >= 0)
		return status;
	(void)signal(SIGPIPE, SIG_IGN); /* a console that is gone must not end the verification */
	if (load_config(q.config, &config, &diag) < 0) {
		/* without a configuration the strictest one: halt */
		fprintf(stderr, "ihard: the system was NOT verified: %s\n", diag.text);
		return EXIT_UNVERIFIED;
	}
	if (load_cmdline(&q, &config, &init, &diag) < 0) {
		fprintf(stderr, "ihard: the system was NOT verified: %s\n", diag.text);
		status = act(&config, q.dry);
	} else {
		status = verify(&q, &config, init);
	}
	ih_stage2_config_done(&config);
	return status;
}
