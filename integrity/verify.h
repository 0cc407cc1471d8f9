/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Verify a closure: every object reachable through references is held against what enough distinct
 * trusted keys signed. The database, the file system and everything in them are hostile; only the
 * keys and the roots are not. Names every problem and never stops at the first. Prints nothing.
 *
 * A reference is followed because a row claims it. That is safe, since references are signed: a
 * row that hides or adds one has no valid signature, and its object is untrusted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/abi/verified.h"
#include "common/diag.h"
#include "integrity/closure.h"
#include "integrity/seal.h"
#include "integrity/signature.h"

/* What a verification found, as the exit status of `nix store verify` has it. */
enum ih_verify_result {
	IH_VERIFY_CORRUPT = 1,	 /* content or metadata is not what was signed */
	IH_VERIFY_UNTRUSTED = 2, /* not signed by enough distinct trusted keys */
	IH_VERIFY_OTHER = 4,	 /* not in the database, could not be read, not enough time */
};

struct ih_verify_progress {
	size_t objects, objects_total;
	uint64_t bytes, bytes_total; /* of archives */
	uint64_t elapsed_ns;
	bool finding; /* still following references: totals grow */
};

struct ih_verify_options {
	const char *root;     /* put before every path; "" for the machine's own store */
	const char *dir;      /* logical store directory, "/nix/store" */
	const char *database; /* NULL: <root>/nix/var/nix/db/db.sqlite */
	const char *narinfo; /* a .narinfo, a file of many, or a directory of them, for objects that
			      * the database does not know; NULL: none */
	/* Holds objects' places and digests; the caller checked who signed it. What is in it needs
	 * neither database nor reading, as far as fs-verity protects it, when the seal's root is a
	 * root here. Of another root, objects that both have need no reading. NULL: none. */
	const struct ih_seal *seal;
	const struct ih_keys *keys;
	unsigned int sigs_needed;      /* distinct keys; 0 counts as 1 */
	bool accept_content_addressed; /* a fitting content address in place of signatures */
	bool no_contents, no_trust;
	bool no_references;   /* the roots only */
	bool direct;	      /* contents from the disk, past the page cache: see ih_nar_source */
	bool one_stream;      /* see ih_lanes */
	bool want_files;      /* remember each file, for the verified set */
	uid_t owner;	      /* to whom files in the store must belong */
	size_t threads;	      /* 0: one a core, and more while waiting for the disk */
	uint64_t deadline_ns; /* of CLOCK_MONOTONIC; 0: none. What is not done by then is a problem
			       */
	/* Called from one thread now and then; may be NULL. */
	void (*progress)(void *user, const struct ih_verify_progress *p);
	void *user;
};

struct ih_verify;

/**
 * ih_verify_new() - prepare a verification
 * @options: used, with all it points to, until ih_verify_free()
 *
 * A database that cannot be opened is a problem of every object, not of this call.
 *
 * Return: 0; -EINVAL for options that contradict each other; what opening the store failed with.
 */
int ih_verify_new(const struct ih_verify_options *options, struct ih_verify **ret,
		  struct ih_diag *diag);
void ih_verify_free(struct ih_verify *v);

/**
 * ih_verify_add() - add a root
 * @path: "/nix/store/<hash>-<name>", or a path below it; logical, as the database has it
 */
int ih_verify_add(struct ih_verify *v, const char *path, struct ih_diag *diag);

/* Add every object that the database has. */
int ih_verify_add_all(struct ih_verify *v, struct ih_diag *diag);

/**
 * ih_verify_run() - verify everything; once
 *
 * Return: 0 when everything was looked at, whatever was found; negative when memory or threads
 * gave out, and then no object counts as verified.
 */
int ih_verify_run(struct ih_verify *v, struct ih_diag *diag);

/* What was found in all: IH_VERIFY_… bits; 0 is the only pass, and never before ih_verify_run(). */
unsigned int ih_verify_result(const struct ih_verify *v);

/* The same of one object. */
unsigned int ih_verify_object_result(const struct ih_verify *v, const struct ih_closure_object *o);

const struct ih_closure *ih_verify_closure(const struct ih_verify *v);

/* Problems that belong to no object: rows that name none. */
const struct ih_problems *ih_verify_problems(const struct ih_verify *v);

/* How the database is read, when that is worth a word; else NULL. */
const char *ih_verify_note(const struct ih_verify *v);

/* Archive bytes that were hashed, and the time that ih_verify_run() took. */
uint64_t ih_verify_bytes(const struct ih_verify *v);
uint64_t ih_verify_elapsed_ns(const struct ih_verify *v);

/* Files of verified objects, when options asked for them: unsorted; valid until ih_verify_free().
 */
const struct ih_verified_file *ih_verify_files(const struct ih_verify *v, size_t *ret_n);

/**
 * ih_verify_digest() - one digest for a whole verified closure
 *
 * SHA-256 over the lines "<store path> sha256:<nix32 of the archive's hash>\n" of all objects, in
 * byte order of the paths: what `nix-store -qR` and `nix-store -q --hash` print can be hashed to
 * the same. This is what stage 2 measures.
 */
int ih_verify_digest(const struct ih_verify *v, uint8_t digest[IH_SHA256_SIZE]);

/* CLOCK_MONOTONIC in nanoseconds, as deadline_ns counts. */
uint64_t ih_verify_now_ns(void);

IH_DEFINE_CLEANUP(struct ih_verify *, ih_cleanup_verify, ih_verify_free)
