/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nix archives: what lies at a path, written as Nix writes it before hashing (Nix manual,
 * "Nix Archive (NAR) format"). Made piece by piece, so that two archives can be hashed in turns on
 * one core; memory does not grow with the size of files, only with the longest directories on the
 * way down. While it walks it also says what the archive does not record and Nix would not have
 * left there: owners, modes, capabilities, ACLs, mounts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "common/cleanup.h"
#include "integrity/hash.h"
#include "integrity/problems.h"

#define IH_NAR_DEPTH_MAX   64	   /* directories in each other, as Nix refuses more */
#define IH_NAR_NAME_MAX	   255	   /* bytes of an entry's name */
#define IH_NAR_TARGET_MAX  4095	   /* bytes of a symbolic link's target */
#define IH_NAR_ENTRIES_MAX 1000000 /* entries of one directory */

struct ih_nar;

struct ih_nar_source {
	int dirfd;	   /* of the directory that holds the object, usually the store's */
	const char *name;  /* one component; a symbolic link is the object, not followed */
	const char *shown; /* the object's path in messages */
	bool metadata;	   /* report what is not canonical, for objects that belong to @owner */
	uid_t owner;
	bool direct; /* files' contents from the disk, not from the page cache, asked for ahead:
		      * slower where they are cached, and -EOPNOTSUPP where the file system cannot.
		      * Then up to 256 files are open at a time, or a
		      * quarter of RLIMIT_NOFILE */
	bool copied; /* nothing is looked at where it lies in the cache: a window is memory that
		      * counts, and many archives at a time have many */
	/* Told of every node as it is begun, before its content is read; may be NULL. */
	void (*seen)(void *user, const char *path, const struct statx *st);
	void *user;
};

/**
 * ih_nar_new() - begin the archive of one object
 * @source: its strings are used until ih_nar_free()
 * @problems: gets one sentence for everything found on the way
 *
 * Return: 0 or -ENOMEM; the object is first looked at in ih_nar_next().
 */
int ih_nar_new(const struct ih_nar_source *source, struct ih_problems *problems,
	       struct ih_nar **ret);

/* The same with an object that is there, whose buffers are kept: for whoever reads thousands. */
int ih_nar_restart(struct ih_nar *n, const struct ih_nar_source *source,
		   struct ih_problems *problems);

/**
 * ih_nar_next() - the next piece
 * @ret: valid until the next call
 *
 * Nothing is followed and nothing left: files are opened beneath the object, component by
 * component, without following links, and belong to the mount of @source.dirfd. A file that cannot
 * be read, is no file, directory or link, or changes its size meanwhile does not stop the walk, so
 * that all such files are named; the archive is then worthless and the last call says so.
 *
 * Return: bytes in @ret; 0 when the archive is whole and at its end; at the end of a worthless one
 * the negative errno of the first trouble.
 */
ssize_t ih_nar_next(struct ih_nar *n, const void **ret);

/* False when ih_nar_next() would have to wait for what was asked for ahead. */
bool ih_nar_is_ready(struct ih_nar *n);

/* Bytes handed out up to here. */
uint64_t ih_nar_size(const struct ih_nar *n);

void ih_nar_free(struct ih_nar *n);

/**
 * ih_nar_digest() - SHA-256 and size of a whole archive
 * Return: 0, or what ih_nar_next() ended with; @problems tells of metadata in either case.
 */
int ih_nar_digest(const struct ih_nar_source *source, struct ih_problems *problems,
		  struct ih_digest *ret, uint64_t *ret_size);

IH_DEFINE_CLEANUP(struct ih_nar *, ih_cleanup_nar, ih_nar_free)
