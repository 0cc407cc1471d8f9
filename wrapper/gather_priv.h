/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What gather.c (programs, shebangs, launchers) and gather_source.c (code sources of one program)
 * share.
 */
#pragma once

#include "wrapper/gather.h"

/* A walk under way. */
struct ih_walk {
	const struct ih_gather_input *in;
	struct ih_gathered *out;
	enum ih_trust_class least; /* of elements that stay in a path list */
};

/* Where the names of one exec are relative to. */
struct ih_place {
	int dirfd; /* AT_FDCWD, or an O_PATH descriptor of the exec's directory */
	char *const *envp;
};

/**
 * ih_find_program() - where execvp(3) would find a program
 * @ret: allocated: @name itself when it has a '/', else the first executable file along PATH
 *
 * Return: 0, -ENOENT, -ENOMEM.
 */
int ih_find_program(const struct ih_place *place, const char *name, char **ret);

/* Value of a variable, or NULL. */
const char *ih_env_value(char *const *envp, const char *name);

/* Look at every source of an invocation, in place of the hop. Return: 0 or -ENOMEM. */
int ih_gather_sources(struct ih_walk *w, struct ih_hop *hop, const struct ih_place *place,
		      const struct ih_invocation *inv);

/**
 * ih_expand_responses() - "@file" gives way to the words in that file
 * @hop: of a program whose grammar says so; its argv then is what the program has to be given
 *
 * A file that cannot be read, or is too long, leaves its word as it is.
 * Return: 0 or -ENOMEM.
 */
int ih_expand_responses(const struct ih_place *place, struct ih_hop *hop);

/* Add an empty finding. Return: NULL when there is no memory or IH_FINDINGS_MAX is met. */
struct ih_finding *ih_finding_add(struct ih_hop *hop);

/* Look at a file by name; what is known goes into the finding. */
int ih_finding_look(struct ih_walk *w, const struct ih_place *place, struct ih_finding *f,
		    const char *path);

/* A copy of descriptor @n of the process the command is for, or a negative errno. */
int ih_descriptor_of(pid_t pid, int n);

struct stat;
bool ih_is_null_device(const struct stat *st);

/* Mode, program, sources and flags, from what was found. */
void ih_hop_facts(struct ih_walk *w, struct ih_hop *hop, const struct ih_invocation *inv);
