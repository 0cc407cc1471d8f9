/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From an argv and an environment to facts: finds the program, follows shebangs and launchers, asks
 * the grammar what the words mean, looks at each code source once and holds what it looked at.
 * Decides nothing and prints nothing; `ihard check` explains the result, `ihard run` acts on it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/abi/decide.h"
#include "common/diag.h"
#include "integrity/trust.h"
#include "policy/grammar.h"
#include "policy/invocation.h"
#include "policy/policy.h"
#include "wrapper/image.h"

#define IH_HOPS_MAX	24  /* programs of one command: launchers, what they launch */
#define IH_SHEBANGS_MAX 5   /* as many as Linux follows (exec_binprm() in fs/exec.c) */
#define IH_FINDINGS_MAX 320 /* code sources of one program */

/* What standard input of the program will be. The worst is zero. */
enum ih_stdin_kind {
	IH_STDIN_PIPE = 0, /* or anything else that nobody can look into */
	IH_STDIN_FILE,	   /* a regular file */
	IH_STDIN_TTY,
	IH_STDIN_NULL, /* /dev/null, or closed: no code comes from it */
	IH_STDIN_MAX_,
};

/* What a code source means for the verdict. */
enum ih_standing {
	IH_STANDING_COUNTS =
		0,	      /* its trust class is one of those that the rules are held against */
	IH_STANDING_MODE,     /* no file: the mode speaks for it (inline text, standard input) */
	IH_STANDING_HARMLESS, /* nothing comes from it: not there, /dev/null, pure text */
	IH_STANDING_ENVIRONMENT, /* from the environment and trusted */
	IH_STANDING_FILTERED,	 /* untrusted element of a path list that has trusted ones left */
	IH_STANDING_REFUSED,	 /* from the environment and not trusted */
};

/* One code source, looked at. Texts are owned and NUL-terminated. */
struct ih_finding {
	enum ih_source_kind kind;
	enum ih_origin origin;
	enum ih_standing standing;
	bool main;
	int arg; /* as in struct ih_source */
	char *via, *text;
	struct ih_evidence evidence;
	int fd; /* of what was looked at, or -EBADF */
};

/* One program of the command. */
struct ih_hop {
	char **argv; /* as the program gets it, NULL-terminated; owned */
	size_t argc;
	bool is_expanded;	     /* argv is not what was asked for: see response.c */
	int launched_by;	     /* index of the hop whose argv holds this command, or -1 */
	char *name;		     /* as it was found, before links; owned */
	const char *script;	     /* argument that a '#!' line put there, in argv; or NULL */
	struct ih_evidence evidence; /* of the file that is executed */
	int fd;
	const struct ih_grammar *grammar; /* NULL: no interpreter */
	enum ih_mode mode;
	char reason[256]; /* what made the mode */
	struct ih_finding *findings;
	size_t n_findings;
	struct ih_facts facts; /* all but provenance, unit, uid and gid: those the caller adds */
};

struct ih_gathered {
	struct ih_hop hops[IH_HOPS_MAX];
	size_t n_hops; /* at least 1 */
};

/* Whose command it is. All zero but the first five: our own, to be started with execvp(3). */
struct ih_gather_input {
	const struct ih_grammars *grammars;
	struct ih_trust *trust;
	int argc;
	char *const *argv; /* argv[0] is looked up as execvp(3) does it */
	char *const *envp;
	enum ih_stdin_kind stdin_kind;
	bool stdin_is_ours; /* descriptor 0 of this process is what the program will read */
	const struct ih_policy
		*policy;  /* for the treatment of environments; decides nothing here */
	unsigned int uid; /* who asks */

	const char *program;	      /* what execve(2) is given in place of argv[0], or NULL */
	const char *directory;	      /* where relative names start; NULL: our working directory */
	pid_t pid;		      /* whose descriptors /dev/fd/N and 0 are; 0: ours */
	const struct ih_image *image; /* the program is mapped already: nothing is looked up, no
				       * '#!' followed, and no path list can be filtered any more */
};

/**
 * ih_gather() - find out everything that a decision needs to know
 * @ret: always filled, to be given to ih_gathered_done()
 *
 * Whatever cannot be found out is in the facts as such: a program that is not there has class
 * unknown, an interpreter line that cannot be followed is mode unclear with the reason in the hop.
 *
 * Return: 0, or -ENOMEM.
 */
int ih_gather(const struct ih_gather_input *in, struct ih_gathered *ret, struct ih_diag *diag);
void ih_gathered_done(struct ih_gathered *g);

/* What descriptor 0 of this process is; or of another that is stopped. */
enum ih_stdin_kind ih_stdin_kind_of_ours(void);
enum ih_stdin_kind ih_stdin_kind_of(pid_t pid);

/**
 * ih_gather_environment() - what an environment means to one interpreter, whatever it will run
 * @grammar: NULL: what it means to any program
 * @ret: findings of origin environment only; to be given to ih_hop_done()
 *
 * Return: 0 or -ENOMEM.
 */
int ih_gather_environment(const struct ih_gather_input *in, const struct ih_grammar *grammar,
			  struct ih_hop *ret);
void ih_hop_done(struct ih_hop *hop);

const char *ih_standing_name(enum ih_standing standing);
