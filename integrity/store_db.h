/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nix's database (schema 10), read only and as input from an attacker: whoever can write the disk
 * can write it. The only file that knows SQLite. It hands out rows that have the right form; what
 * they say is a claim until signatures and content were held against it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "common/diag.h"
#include "integrity/store.h"

#define IH_STORE_DB_WAIT_MS	  1000	    /* for a writer to let go */
#define IH_STORE_DB_QUERY_SECONDS 60	    /* of one query: a hostile schema can make it endless */
#define IH_STORE_DB_TEXT_MAX	  (1 << 20) /* bytes of one value */
#define IH_STORE_DB_ROWS_MAX	  10000000

struct ih_store_db;

/**
 * ih_store_db_open() - open a database
 * @path: of db.sqlite; the file "schema" beside it must say 10
 * @dir: the logical store directory that its paths must lie in
 *
 * Nothing is written: no lock file, no index, no log is made or removed. What an unclean shutdown
 * left in the write-ahead log is read; while a writer has the database open, its locks are
 * honoured.
 *
 * Return: 0, -ENOENT, -EPROTO for another schema, -EBADMSG for what is no Nix database, -EBUSY when
 * a writer keeps it locked, -EINVAL for what is no regular file.
 */
int ih_store_db_open(const char *path, const char *dir, struct ih_store_db **ret,
		     struct ih_diag *diag);
void ih_store_db_free(struct ih_store_db *db);

/**
 * ih_store_db_note() - what a user should know of how the database is read
 * Return: one sentence, or NULL when there is nothing to say.
 */
const char *ih_store_db_note(const struct ih_store_db *db);

/**
 * ih_store_db_object() - look one object up
 * @path: the object's whole path
 *
 * A look-up costs two prepared queries in a read transaction that is held since the first one, so
 * no lock is taken per row. When a writer changed the database meanwhile and the object is not
 * there, the look-up is made once more with the new state.
 *
 * Return: 0, -ENOENT, -EBADMSG with a sentence for a row that lies (bad hash, size, path or
 * reference, a reference to a row that is missing, two rows for one path), -E2BIG for more than
 * IH_STORE_REFS_MAX references, -EBUSY, -ETIME.
 */
int ih_store_db_object(struct ih_store_db *db, const char *path, struct ih_store_object **ret,
		       struct ih_diag *diag);

/**
 * ih_store_db_fn - called for each row
 * @o: the object, handed over (ih_store_object_free()); NULL for a row that lies
 * @path: what the row has as path, cleaned for messages
 * @bad: the sentence when @o is NULL
 *
 * Return: 0 to go on, negative to stop.
 */
typedef int (*ih_store_db_fn)(void *arg, struct ih_store_object *o, const char *path,
			      const struct ih_diag *bad);

/**
 * ih_store_db_each() - all objects, in order of their row ids, in one read transaction
 *
 * Memory: the text of all paths, and one object at a time.
 *
 * Return: 0, what @fn stopped with, or as ih_store_db_object().
 */
int ih_store_db_each(struct ih_store_db *db, ih_store_db_fn fn, void *arg, struct ih_diag *diag);

IH_DEFINE_CLEANUP(struct ih_store_db *, ih_cleanup_store_db, ih_store_db_free)
