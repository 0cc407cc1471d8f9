/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a file is: descriptor → trust class + evidence. Says what is, never what may be.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/abi/types.h"
#include "common/diag.h"
#include "common/provider.h"

struct ih_trust; /* opened providers and what was found out so far; not for two threads at once */

#define IH_EVIDENCE_KEYS_MAX 8

/* Why a file has its class. All zero is "unknown". */
struct ih_evidence {
	enum ih_trust_class trust;
	enum ih_provider_kind provider;
	char *path;   /* canonical: absolute, no symbolic link; NULL when it has none */
	char *object; /* store object, "/nix/store/<hash>-<name>", or the listed tree; or NULL */
	char *reason; /* one sentence, always there: what makes it trusted, or the first problem */
	char **problems; /* every problem found, one sentence each; reason repeats the first */
	size_t n_problems;
	char *signers[IH_EVIDENCE_KEYS_MAX]; /* distinct trusted keys whose signature is good */
	size_t n_signers;
	char *unstable; /* somebody other than root can make the name lead elsewhere, one sentence;
			 * NULL: nobody. What was opened is what was judged; the name must not be
			 * passed on */
	uint64_t device, inode; /* as st_dev, st_ino: of the file that was looked at */
	int64_t ctime_ns;
};

/**
 * ih_trust_open() - open the providers of a policy
 * @providers: used until ih_trust_free(), which does not free them
 *
 * A provider that cannot be used (no database, a bad key) does not fail the call: what it would
 * have vouched for is not trusted and the evidence says why.
 */
int ih_trust_open(const struct ih_provider *providers, size_t n, struct ih_trust **ret,
		  struct ih_diag *diag);
void ih_trust_free(struct ih_trust *t);

/* Was a file met that lies where a provider speaks that this program was linked without? Then its
 * class is the worst, and a program with all providers may know better. */
bool ih_trust_has_elsewhere(const struct ih_trust *t);

/**
 * ih_trust_path() - resolve a name once, open it, and say what it is
 * @dirfd: where a relative @path starts
 * @ret_fd: may be NULL; else an O_RDONLY descriptor (O_PATH for what cannot be read) of the very
 *	file that the evidence speaks of; the caller closes it
 *
 * Symbolic links are followed, component by component; every component walked is held against the
 * providers, and what counts is where the walk ends. A directory gets the class of what may lie in
 * it. FIFOs, sockets and devices, deleted files and memfds are untrusted.
 *
 * Return: 0 when the question could be answered (also with "untrusted"), or the negative errno of
 * opening (-ENOENT, …), evidence filled in either case; ih_evidence_done() it.
 */
int ih_trust_path(struct ih_trust *t, int dirfd, const char *path, int *ret_fd,
		  struct ih_evidence *ret);

/* The same for a descriptor that somebody else opened (its name comes from /proc/self/fd). */
int ih_trust_fd(struct ih_trust *t, int fd, struct ih_evidence *ret);

void ih_evidence_done(struct ih_evidence *e);
const char *ih_trust_class_name(enum ih_trust_class c);
