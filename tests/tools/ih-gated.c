/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ih-gated [--audit] [--lock] [--log FILE] [--store DIR] [--cost FILE] TREE… -- COMMAND…
 * For tests of the kernel gate alone, without the guard: vouches for every regular file below the
 * trees, attaches with profile server, runs the command, prints events to stderr as "event ACT
 * REASON PATH", or to FILE with "(COMM MODE PROVENANCE)" behind. --cost writes "PROGRAM RUNS
 * NANOSECONDS" when the command has ended, if kernel.bpf_stats_enabled says so.
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
#include "policy/grammar.h"
#include "policy/policy.h"

static struct ih_gate *gate;
static unsigned int added;
static FILE *log_file;

static int vouch(const char *path, const struct stat *st, int type, struct FTW *where)
{
	struct ih_gate_file file = ih_gate_file_of(st);
	const char *name = path + where->base;
	const struct ih_grammar *grammar;
	int fd;

	(void)type;
	if (!S_ISREG(st->st_mode))
		return 0;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0) {
		ih_gate_bind(&file, fd);
		close(fd);
	}
	file.seed.trust = IH_TRUST_OWNED;
	grammar = ih_grammars_find(ih_grammars_builtin(), name, NULL);
	if (grammar) {
		file.seed.grammar = ih_grammar_id(grammar) + 1;
		file.seed.flags |= ih_grammar_has_jit(grammar) ? IH_SEED_JIT : 0;
		file.seed.flags |= ih_grammar_is_launcher(grammar) ? IH_SEED_LAUNCHER
								   : IH_SEED_SCRIPTS;
	}
	if (strcmp(name, "ih-gated") == 0)
		file.seed.flags |= IH_SEED_GUARD;
	added++;
	return ih_gate_add(gate, &file);
}

static void print(void *context, const struct ih_event *event)
{
	(void)context;
	if (log_file)
		fprintf(log_file, "event %u %u %s (%s %u %u)\n", event->act, event->reason,
			event->path, event->comm, event->mode, event->provenance);
	else
		fprintf(stderr, "event %u %u %s\n", event->act, event->reason, event->path);
}

static int put_policy(struct ih_gate_config config, char **trees, size_t n, struct ih_diag *diag)
{
	const struct ih_grammars *grammars = ih_grammars_builtin();
	static uint16_t interpreters[IH_TABLES_GRAMMARS];
	struct ih_gate_policy put = { .config = config,
				      .grammars = ih_grammars_tables(grammars),
				      .interpreters = interpreters,
				      .trees = (const char *const *)trees,
				      .n_trees = n };
	struct ih_policy *policy;
	int r;

	r = ih_policy_profile("server", &policy, diag);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ih_grammars_count(grammars); i++)
		interpreters[i] = (uint16_t)ih_policy_interpreter(
			policy, ih_grammar_name(ih_grammars_at(grammars, i)));
	put.rules = policy->rules;
	put.n_rules = (uint32_t)policy->n_rules;
	r = ih_gate_put(gate, &put, diag);
	ih_policy_free(policy);
	return r;
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
	if (log_file)
		fflush(log_file);
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

static void write_cost(const char *path)
{
	struct ih_gate_program programs[64];
	size_t n = ih_gate_programs(gate, programs, 64);
	FILE *f = fopen(path, "we");

	for (size_t i = 0; f && i < n; i++)
		fprintf(f, "%s %llu %llu\n", programs[i].name, (unsigned long long)programs[i].runs,
			(unsigned long long)programs[i].run_ns);
	if (f)
		fclose(f);
}

int main(int argc, char **argv)
{
	struct ih_gate_config config = { .version = IH_GATE_VERSION,
					 .epoch = 1,
					 .min_trust = IH_TRUST_OWNED };
	struct ih_diag diag = { 0 };
	const char *store = NULL, *cost = NULL;
	bool list = false;
	int i = 1, first, r;

	for (; i < argc && strncmp(argv[i], "--", 2) == 0 && argv[i][2]; i++) {
		config.audit |= strcmp(argv[i], "--audit") == 0;
		config.lock |= strcmp(argv[i], "--lock") == 0;
		list |= strcmp(argv[i], "--programs") == 0;
		if (strcmp(argv[i], "--store") == 0 && i + 1 < argc)
			store = argv[++i];
		else if (strcmp(argv[i], "--cost") == 0 && i + 1 < argc)
			cost = argv[++i];
		else if (strcmp(argv[i], "--log") == 0 && i + 1 < argc)
			log_file = fopen(argv[++i], "we");
	}
	if (ih_gate_open(NULL, &gate, &diag) < 0)
		return fail(&diag);
	if (list)
		return print_programs();
	for (first = i; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (nftw(argv[i], vouch, 64, FTW_PHYS) != 0)
			fprintf(stderr, "ih-gated: could not vouch for all of '%s'\n", argv[i]);
	if (i + 1 >= argc)
		return 2;
	if (ih_gate_add_folder(gate, "/etc", IH_SEED_DATA, &diag) < 0 ||
	    (store && ih_gate_add_folder(gate, store, IH_SEED_STORE, &diag) < 0))
		return fail(&diag);
	fprintf(stderr, "ih-gated: %u files\n", added);
	ih_gate_listen(gate, print, NULL);
	if (ih_gate_mark_guard(gate, &diag) < 0 ||
	    put_policy(config, argv + first, (size_t)(i - first), &diag) < 0 ||
	    ih_gate_attach(gate, &diag) < 0)
		return fail(&diag);
	fprintf(stderr, "ih-gated: attached\n");
	r = run(argv + i + 1);
	if (cost)
		write_cost(cost);
	ih_gate_free(gate);
	if (log_file)
		fclose(log_file);
	return r;
}
