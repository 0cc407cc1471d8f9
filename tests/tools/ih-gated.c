/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ih-gated [--audit] [--lock] TREE… -- COMMAND…
 * For tests of the kernel gate alone, without the guard: vouches for every regular file below the
 * trees, attaches, runs the command, prints events to stderr as "event ACT REASON PATH".
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf/loader.h"

static struct ih_gate *gate;
static unsigned int added;

static int vouch(const char *path, const struct stat *st, int type, struct FTW *where)
{
	struct ih_gate_file file = ih_gate_file_of(st);
	const char *name = path + where->base;

	(void)type;
	if (!S_ISREG(st->st_mode))
		return 0;
	file.seed.trust = IH_TRUST_OWNED;
	if (strcmp(name, "node") == 0)
		file.seed.flags |= IH_SEED_JIT;
	if (strcmp(name, "ih-gated") == 0)
		file.seed.flags |= IH_SEED_GUARD;
	added++;
	return ih_gate_add(gate, &file);
}

static void print(void *context, const struct ih_event *event)
{
	(void)context;
	fprintf(stderr, "event %u %u %s\n", event->act, event->reason, event->path);
}

static int fail(const struct ih_diag *diag)
{
	fprintf(stderr, "ih-gated: %s\n", diag->text);
	return 125;
}

static int run(char **command)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		execvp(command[0], command);
		_exit(127);
	}
	while (waitpid(child, &status, WNOHANG) == 0)
		(void)ih_gate_take_events(gate, 50);
	(void)ih_gate_take_events(gate, 50);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int print_programs(void)
{
	struct ih_gate_program programs[64];
	size_t n = ih_gate_programs(gate, programs, 64);

	for (size_t i = 0; i < n; i++)
		printf("%s %u %u\n", programs[i].name, programs[i].instructions,
		       programs[i].verified);
	return 0;
}

int main(int argc, char **argv)
{
	struct ih_gate_config config = { .version = IH_GATE_VERSION,
					 .epoch = 1,
					 .min_trust = IH_TRUST_OWNED };
	struct ih_diag diag = { 0 };
	bool list = false;
	int i = 1, r;

	for (; i < argc && strncmp(argv[i], "--", 2) == 0 && argv[i][2]; i++) {
		config.audit |= strcmp(argv[i], "--audit") == 0;
		config.lock |= strcmp(argv[i], "--lock") == 0;
		list |= strcmp(argv[i], "--programs") == 0;
	}
	if (ih_gate_open(NULL, &gate, &diag) < 0)
		return fail(&diag);
	if (list)
		return print_programs();
	for (; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (nftw(argv[i], vouch, 64, FTW_PHYS) != 0)
			fprintf(stderr, "ih-gated: could not vouch for all of '%s'\n", argv[i]);
	if (i + 1 >= argc)
		return 2;
	fprintf(stderr, "ih-gated: %u files\n", added);
	ih_gate_listen(gate, print, NULL);
	if (ih_gate_mark_guard(gate, &diag) < 0 || ih_gate_configure(gate, &config) < 0 ||
	    ih_gate_attach(gate, &diag) < 0)
		return fail(&diag);
	r = run(argv + i + 1);
	ih_gate_free(gate);
	return r;
}
