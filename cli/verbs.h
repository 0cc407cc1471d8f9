/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verbs of `ihard`, one cmd_<verb>.c each, and the exit codes that ihard(1) promises.
 */
#pragma once

enum ih_exit {
	IH_EXIT_OK = 0, /* done; for a question: allowed */
	IH_EXIT_DENIED = 1,
	IH_EXIT_USAGE = 2,
	IH_EXIT_FAILED = 125, /* ihard itself could not find out */
};

struct ih_verb {
	const char *name;
	const char *summary;		   /* fits one line of `ihard --help` */
	int (*run)(int argc, char **argv); /* argv[0] is the verb; returns an exit code */
};

/*
 * What the dynamic loader or a library of ihard's own would act on is handed to ihard-verbs under
 * another name, so that the environment that is to be judged does not reach the judge.
 */
#define IH_SET_ASIDE "IHARD_SET_ASIDE_"

/**
 * ih_verbs_run() - a verb that is a table of verbs: `ihard @name VERB`
 * @verbs: ends with a row without a name
 */
int ih_verbs_run(const char *name, const struct ih_verb *verbs, int argc, char **argv);

int ih_cmd_boot(int argc, char **argv);
int ih_cmd_bootspec(int argc, char **argv);
int ih_cmd_check(int argc, char **argv);
int ih_cmd_events(int argc, char **argv);
int ih_cmd_guard(int argc, char **argv);
int ih_cmd_interpreters(int argc, char **argv);
int ih_cmd_policy(int argc, char **argv);
int ih_cmd_run(int argc, char **argv);
int ih_cmd_seal(int argc, char **argv);
int ih_cmd_status(int argc, char **argv);
int ih_cmd_store(int argc, char **argv);
int ih_cmd_verify(int argc, char **argv);
