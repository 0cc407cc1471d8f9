/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a policy's trust providers to files that a back end lets run: trees are walked, store
 * objects are verified, and each file found good is put into the catalog and told to the back end.
 * Decides nothing about rules.
 */
#pragma once

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "bpf/backend.h"
#include "bpf/catalog.h"
#include "common/diag.h"
#include "common/provider.h"
#include "integrity/trust.h"
#include "policy/grammar.h"

#define IH_FILL_ROOTS_MAX 64
#define IH_FILL_DEPTH_MAX 256 /* directories in each other; what lies deeper is not vouched for */

/* Where stage 2 leaves what it verified. */
#define IH_FILL_VERIFIED "/run/ihard/verified"

struct ih_fill {
	const struct ih_backend_ops *backend;
	void *state;
	struct ih_catalog *catalog;
	const struct ih_grammars *grammars;
	const struct ih_provider *providers;
	size_t n_providers;

	/* Store objects whose closures are verified at once, links followed
	 * ("/run/current-system"); others are verified when they are wanted. */
	const char *const *roots;
	size_t n_roots;
	bool all; /* every object that a database knows */

	bool use_verified;	  /* stage 2's set may be believed: nobody could have written it */
	struct ih_file_key guard; /* the guard's own program */
	volatile bool *stop;	  /* set by another thread: give up soon */

	/* Told of each file that is vouched for; may be NULL. */
	void (*each)(void *user, int fd, enum ih_trust_class trust);

	/* What people should know, a sentence each; may be NULL. */
	void (*note)(void *user, const char *sentence);
	void *user;

	/* Results, added up. */
	uint64_t files, objects;
	uint64_t busy; /* left out: open for writing */
	uint64_t full; /* left out: no room in the back end's table */
	uint64_t bad;  /* store objects that are not what was signed */
};

/**
 * ih_fill_all() - all providers, trees first
 *
 * What cannot be used is noted and left out. With a sweep afterwards what is gone from the disk is
 * gone from the back end as well.
 *
 * Return: 0, or -ENOMEM.
 */
int ih_fill_all(struct ih_fill *f);

/**
 * ih_fill_fd() - one file that somebody wants now
 * @trust: opened for the same providers
 *
 * A file below a listed tree is judged at once; one in a store is -EAGAIN, and @ret_object is its
 * object's logical path: give it to ih_fill_object().
 *
 * Return: 0 when it is vouched for, -EACCES when nobody does, -EAGAIN, another negative errno.
 */
int ih_fill_fd(struct ih_fill *f, struct ih_trust *trust, int fd, char **ret_object);

/**
 * ih_fill_judge() - what is this file, for a back end that asks
 * @trust: not for two threads at once
 *
 * Tells nobody. A store object is verified meanwhile.
 *
 * Return: 0 with all of *ret filled, also for what nobody vouches for; a negative errno.
 */
int ih_fill_judge(const struct ih_fill *f, struct ih_trust *trust, int fd,
		  struct ih_gate_file *ret);

/**
 * ih_fill_object() - verify a store object and all it references, and vouch for what is good
 * @object: logical path, "/nix/store/<hash>-<name>"
 * @deadline_ns: see struct ih_verify_options
 *
 * Return: 0 when the object itself is good, -EACCES when it is not what was signed (@diag says
 * why), -ENOENT when no provider's store holds it.
 */
int ih_fill_object(struct ih_fill *f, const char *object, uint64_t deadline_ns,
		   struct ih_diag *diag);

/* Which provider's store holds a path as the kernel names it, and its logical object; or NULL. */
const struct ih_provider *ih_fill_store_of(const struct ih_fill *f, const char *path,
					   char **ret_object);

/**
 * ih_fill_put() - vouch for one file
 * @fd: open for reading; a file that is open for writing anywhere is left out
 * @name: its base name: says whether it is an interpreter
 * Return: 0, -ETXTBSY, -E2BIG, …
 */
int ih_fill_put(struct ih_fill *f, int fd, const char *name, enum ih_trust_class trust,
		uint64_t owner);
