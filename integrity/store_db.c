/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nix's database over SQLite. */
#include "integrity/store_db.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <sqlite3.h>

#include "common/fd.h"
#include "common/text.h"

#define SCHEMA		    "10"
#define SCHEMA_FILE_MAX	    64
#define VM_STEPS	    100000 /* between two looks at the clock */
/* The byte of the -shm file on which every connection holds a lock while it lives (os_unix.c). */
#define SHM_DEAD_MAN_SWITCH 128

#define COLUMN_HIDDEN 6 /* of PRAGMA table_xinfo: not 0 for generated and hidden columns */
#define COLUMNS	      "id, path, hash, narSize, ultimate, sigs, ca"

struct ih_store_db {
	sqlite3 *sql;
	sqlite3_stmt *object, *refs;
	char *path, *dir, *note;
	struct timespec mtime; /* of what was opened, to notice writers */
	off_t size;
	bool immutable, reading;
	struct timespec deadline;
};

/* How to read the file without writing beside it. */
enum how {
	HOW_LOCKED, /* as any reader: somebody has it open, or there is no log at all by design */
	HOW_IMMUTABLE, /* a log is expected and there is none: the file is all there is */
	HOW_LOG_ALONE, /* a log without a living index: index it in memory, lock nothing */
};

static int sqlite_errno(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_INTERRUPT:
		return -ETIME;
	case SQLITE_IOERR:
		return -EIO;
	case SQLITE_PERM:
	case SQLITE_READONLY:
		return -EACCES;
	default:
		return -EBADMSG;
	}
}

static int fail_sql(const struct ih_store_db *db, int rc, struct ih_diag *diag)
{
	int r = sqlite_errno(rc);

	if (r == -EBUSY)
		return ih_fail(
			diag, r,
			"the database '%s' is locked by a writer (waited %d ms). Try again when "
			"it is done",
			db->path, IH_STORE_DB_WAIT_MS);
	if (r == -ETIME)
		return ih_fail(diag, r, "the database '%s' took longer than %d s for one query",
			       db->path, IH_STORE_DB_QUERY_SECONDS);
	if (rc == SQLITE_SCHEMA)
		return ih_fail(diag, r,
			       "the database '%s' has no ordinary tables ValidPaths and Refs",
			       db->path);
	return ih_fail(diag, r, "cannot read the database '%s': %s", db->path,
		       db->sql ? sqlite3_errmsg(db->sql) : sqlite3_errstr(rc));
}

/* Only reads of these two tables: a view or a generated column that does more is refused. */
static int authorize(void *arg, int action, const char *a, const char *b, const char *c,
		     const char *d)
{
	if (action == SQLITE_SELECT || action == SQLITE_TRANSACTION)
		return SQLITE_OK;
	if (action == SQLITE_PRAGMA && strcmp(a, "table_xinfo") == 0)
		return SQLITE_OK;
	if (action == SQLITE_READ && (strcmp(a, "ValidPaths") == 0 || strcmp(a, "Refs") == 0 ||
				      strcmp(a, "sqlite_master") == 0))
		return SQLITE_OK;
	return SQLITE_DENY;
}

static int is_late(void *arg)
{
	const struct ih_store_db *db = arg;
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > db->deadline.tv_sec;
}

static void start_clock(struct ih_store_db *db)
{
	(void)clock_gettime(CLOCK_MONOTONIC, &db->deadline);
	db->deadline.tv_sec += IH_STORE_DB_QUERY_SECONDS;
}

/* Return: 1 when it is a regular file, 0 when it is not there. */
static int look(const char *path, const char *suffix, struct stat *st, struct ih_diag *diag)
{
	char name[PATH_MAX];
	int n;

	n = snprintf(name, sizeof(name), "%s%s", path, suffix);
	if (n < 0 || (size_t)n >= sizeof(name))
		return ih_fail(diag, -ENAMETOOLONG, "too long a name: '%.100s…'", path);
	*st = (struct stat){ 0 };
	if (lstat(name, st) < 0) {
		if (errno == ENOENT && *suffix)
			return 0;
		return ih_fail(diag, -errno, "cannot open the database '%s': %s", name,
			       strerror(errno));
	}
	if (!S_ISREG(st->st_mode))
		return ih_fail(diag, -EINVAL, "'%s' is not a regular file", name);
	return 1;
}

static int check_schema(const char *path, struct ih_diag *diag)
{
	const char *slash = strrchr(path, '/');
	_free_ char *text = NULL;
	char name[PATH_MAX];
	struct stat st;
	size_t len;
	int r;

	(void)snprintf(name, sizeof(name), "%.*sschema", slash ? (int)(slash - path + 1) : 0, path);
	r = look(name, "", &st, diag);
	if (r >= 0)
		r = ih_read_file(AT_FDCWD, name, SCHEMA_FILE_MAX, &text, &len, diag);
	if (r < 0)
		return r;
	text[strcspn(text, " \n")] = '\0';
	if (strcmp(text, SCHEMA) != 0)
		return ih_fail(diag, -EPROTO, "the database '%s' has schema '%s', expected %s",
			       path, text, SCHEMA);
	return 0;
}

/* Whether somebody has the log's index open; a stale one on a disk that we were given is not used.
 */
static bool is_alive(const char *path)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = SHM_DEAD_MAN_SWITCH, .l_len = 1
	};
	_close_ int fd = -EBADF;
	char name[PATH_MAX];

	(void)snprintf(name, sizeof(name), "%s-shm", path);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* Byte 18 of the header: 2 when the database is written through a log (SQLite file format, 1.3.3).
 */
static int has_log(const char *path, struct ih_diag *diag)
{
	_close_ int fd = -EBADF;
	char header[20];
	ssize_t n;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return ih_fail(diag, -errno, "cannot open the database '%s': %s", path,
			       strerror(errno));
	n = ih_pread_full(fd, header, sizeof(header), 0);
	if (n < (ssize_t)sizeof(header) || memcmp(header, "SQLite format 3", 16) != 0)
		return ih_fail(diag, -EBADMSG, "'%s' is no SQLite database", path);
	return header[18] == 2;
}

static int choose(struct ih_store_db *db, enum how *ret, struct ih_diag *diag)
{
	struct stat main, log, index, journal;
	int r, logged;

	r = look(db->path, "", &main, diag);
	if (r >= 0)
		r = look(db->path, "-wal", &log, diag);
	if (r >= 0)
		r = look(db->path, "-shm", &index, diag);
	if (r >= 0)
		r = look(db->path, "-journal", &journal, diag);
	if (r < 0)
		return r;
	logged = has_log(db->path, diag);
	if (logged < 0)
		return logged;

	db->mtime = main.st_mtim;
	db->size = main.st_size;
	if (!logged || (index.st_size && is_alive(db->path)))
		*ret = HOW_LOCKED;
	else
		*ret = log.st_size ? HOW_LOG_ALONE : HOW_IMMUTABLE;
	return 0;
}

/* Percent-encodes a path for a file: URI. */
static int make_uri(const char *path, const char *query, struct ih_text *ret)
{
	int r = ih_text_addf(ret, "file:");

	for (const unsigned char *c = (const unsigned char *)path; *c && r == 0; c++)
		r = strchr("?#%", *c) || *c < ' ' || *c >= 0x7f ? ih_text_addf(ret, "%%%02x", *c)
								: ih_text_add(ret, c, 1);
	return r < 0 ? r : ih_text_addf(ret, "?%s", query);
}

static int pragmas(struct ih_store_db *db, enum how how)
{
	int rc;

	rc = sqlite3_exec(
		db->sql,
		"PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;"
		"PRAGMA query_only=ON; PRAGMA temp_store=MEMORY;",
		NULL, NULL, NULL);
	/* With an exclusive lock, which this VFS does not take, the index is kept in memory. */
	if (rc == SQLITE_OK && how == HOW_LOG_ALONE)
		rc = sqlite3_exec(db->sql, "PRAGMA locking_mode=EXCLUSIVE;", NULL, NULL, NULL);
	return rc;
}

static void harden(sqlite3 *sql)
{
	(void)sqlite3_db_config(sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(sql, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	(void)sqlite3_db_config(sql, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	(void)sqlite3_db_config(sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	(void)sqlite3_limit(sql, SQLITE_LIMIT_LENGTH, IH_STORE_DB_TEXT_MAX);
	(void)sqlite3_limit(sql, SQLITE_LIMIT_SQL_LENGTH, 65536);
	(void)sqlite3_limit(sql, SQLITE_LIMIT_ATTACHED, 0);
	(void)sqlite3_limit(sql, SQLITE_LIMIT_TRIGGER_DEPTH, 1);
	(void)sqlite3_limit(sql, SQLITE_LIMIT_WORKER_THREADS, 0);
	(void)sqlite3_busy_timeout(sql, IH_STORE_DB_WAIT_MS);
}

static int connect_as(struct ih_store_db *db, enum how how)
{
	static const char *const queries[] = {
		[HOW_LOCKED] = "mode=ro&readonly_shm=1",
		[HOW_IMMUTABLE] = "mode=ro&immutable=1",
		[HOW_LOG_ALONE] = "mode=ro&vfs=unix-none",
	};
	struct ih_text uri = { 0 };
	int rc;

	if (make_uri(db->path, queries[how], &uri) < 0) {
		ih_text_done(&uri);
		return SQLITE_NOMEM;
	}
	rc = sqlite3_open_v2(uri.data, &db->sql,
			     SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
				     SQLITE_OPEN_PRIVATECACHE,
			     NULL);
	ih_text_done(&uri);
	if (rc != SQLITE_OK)
		return rc;
	harden(db->sql);
	rc = pragmas(db, how);
	if (rc == SQLITE_OK)
		rc = sqlite3_set_authorizer(db->sql, authorize, db);
	sqlite3_progress_handler(db->sql, VM_STEPS, is_late, db);
	return rc;
}

static int prepare(struct ih_store_db *db, const char *sql, sqlite3_stmt **ret)
{
	return sqlite3_prepare_v3(db->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);
}

static void disconnect(struct ih_store_db *db)
{
	(void)sqlite3_finalize(db->object);
	(void)sqlite3_finalize(db->refs);
	(void)sqlite3_close_v2(db->sql);
	db->object = db->refs = NULL;
	db->sql = NULL;
	db->reading = false;
}

/*
 * Columns that are computed when they are read: one expression can take as long as it likes, within
 * one step of the machine, where the clock is not looked at.
 */
static int check_columns(struct ih_store_db *db, const char *pragma)
{
	sqlite3_stmt *s = NULL;
	int rc;

	rc = prepare(db, pragma, &s);
	while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW)
		rc = sqlite3_column_int(s, COLUMN_HIDDEN) ? SQLITE_SCHEMA : SQLITE_OK;
	(void)sqlite3_finalize(s);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Two ordinary tables: no view, and no virtual table, whose module would run on hostile input. */
static int check_tables(struct ih_store_db *db)
{
	sqlite3_stmt *s = NULL;
	int rc, n = 0;

	rc = prepare(db,
		     "SELECT 1 FROM sqlite_master WHERE type = 'table' AND rootpage > 0 "
		     "AND (name = 'ValidPaths' OR name = 'Refs')",
		     &s);
	while (rc == SQLITE_OK && n < 3 && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		rc = SQLITE_OK;
		n++;
	}
	(void)sqlite3_finalize(s);
	if (rc == SQLITE_DONE)
		rc = n == 2 ? SQLITE_OK : SQLITE_SCHEMA;
	if (rc == SQLITE_OK)
		rc = check_columns(db, "PRAGMA table_xinfo(ValidPaths)");
	return rc == SQLITE_OK ? check_columns(db, "PRAGMA table_xinfo(Refs)") : rc;
}

/* Begins the read transaction with a first look at the tables, so that a lock shows here. */
static int begin(struct ih_store_db *db)
{
	int rc;

	start_clock(db);
	rc = sqlite3_exec(db->sql, "BEGIN", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = check_tables(db);
	if (rc == SQLITE_OK)
		rc = prepare(db, "SELECT " COLUMNS " FROM ValidPaths WHERE path = ?1 LIMIT 2",
			     &db->object);
	if (rc == SQLITE_OK)
		rc = prepare(db,
			     "SELECT r.reference, v.path FROM Refs r LEFT JOIN ValidPaths v "
			     "ON v.id = r.reference WHERE r.referrer = ?1",
			     &db->refs);
	db->reading = rc == SQLITE_OK;
	return rc;
}

static int set_note(struct ih_store_db *db, enum how how)
{
	free(db->note);
	db->note = NULL;
	if (how != HOW_LOG_ALONE)
		return 0;
	db->note = strdup("the database was not closed cleanly: its write-ahead log is read, too, "
			  "without its index and without locks");
	return db->note ? 0 : -ENOMEM;
}

static int attach(struct ih_store_db *db, struct ih_diag *diag)
{
	enum how how;
	int r, rc;

	r = choose(db, &how, diag);
	if (r < 0)
		return r;
	db->immutable = how == HOW_IMMUTABLE;
	rc = connect_as(db, how);
	if (rc == SQLITE_OK)
		rc = begin(db);
	if (rc != SQLITE_OK)
		return fail_sql(db, rc, diag);
	return set_note(db, how);
}

int ih_store_db_open(const char *path, const char *dir, struct ih_store_db **ret,
		     struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_store_db) struct ih_store_db *db = NULL;
	int r;

	r = ih_store_dir_check(dir, diag);
	if (r == 0)
		r = check_schema(path, diag);
	if (r < 0)
		return r;
	db = calloc(1, sizeof(*db));
	if (!db)
		return ih_fail(diag, -ENOMEM, "no memory for the database '%s'", path);
	db->path = strdup(path);
	db->dir = strdup(dir);
	if (!db->path || !db->dir)
		return ih_fail(diag, -ENOMEM, "no memory for the database '%s'", path);
	r = attach(db, diag);
	if (r < 0)
		return r;

	*ret = TAKE_PTR(db);
	return 0;
}

void ih_store_db_free(struct ih_store_db *db)
{
	if (!db)
		return;
	disconnect(db);
	free(db->note);
	free(db->path);
	free(db->dir);
	free(db);
}

const char *ih_store_db_note(const struct ih_store_db *db)
{
	return db->note;
}

/* A column's text: NULL for NULL, and -EBADMSG for another type or a NUL byte in it. */
static int column_text(sqlite3_stmt *s, int i, const char **ret)
{
	const char *text;

	if (sqlite3_column_type(s, i) == SQLITE_NULL) {
		*ret = NULL;
		return 0;
	}
	if (sqlite3_column_type(s, i) != SQLITE_TEXT)
		return -EBADMSG;
	text = (const char *)sqlite3_column_text(s, i);
	if (!text)
		return -ENOMEM;
	if (strlen(text) != (size_t)sqlite3_column_bytes(s, i))
		return -EBADMSG;
	*ret = text;
	return 0;
}

static int copy_column(sqlite3_stmt *s, int i, char **ret)
{
	const char *text;
	int r;

	r = column_text(s, i, &text);
	if (r < 0 || !text)
		return r;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

static int read_size(sqlite3_stmt *s, int i, uint64_t *ret)
{
	sqlite3_int64 n = sqlite3_column_int64(s, i);

	if (sqlite3_column_type(s, i) == SQLITE_NULL)
		n = 0;
	else if (sqlite3_column_type(s, i) != SQLITE_INTEGER || n < 0)
		return -EBADMSG;
	*ret = (uint64_t)n;
	return 0;
}

static int read_path(const struct ih_store_db *db, sqlite3_stmt *s, int i, char **ret,
		     struct ih_diag *diag)
{
	const char *base;
	int r;

	r = copy_column(s, i, ret);
	if (r == -ENOMEM)
		return ih_fail(diag, r, "no memory for a row");
	if (r < 0 || !*ret)
		return ih_fail(diag, -EBADMSG, "the database has a row whose path is no text");
	r = ih_store_path_parse(db->dir, *ret, &base, diag);
	return r < 0 ? ih_fail_within(diag, -EBADMSG, "the database has a bad row") : 0;
}

static int read_row(const struct ih_store_db *db, sqlite3_stmt *s, struct ih_store_object *o,
		    struct ih_diag *diag)
{
	const char *hash = NULL;
	int r;

	o->id = sqlite3_column_int64(s, 0);
	r = read_path(db, s, 1, &o->path, diag);
	if (r < 0)
		return r;
	o->base = o->path + strlen(db->dir) + 1;
	o->ultimate = sqlite3_column_int(s, 4) == 1;
	if (column_text(s, 2, &hash) < 0 || !hash ||
	    ih_digest_parse(hash, strlen(hash), &o->nar_hash) < 0 ||
	    o->nar_hash.algo != IH_HASH_SHA256)
		return ih_fail(diag, -EBADMSG,
			       "the database has no SHA-256 as hash of '%s' but '%.100s'", o->path,
			       hash ? hash : "");
	if (read_size(s, 3, &o->nar_size) < 0)
		return ih_fail(diag, -EBADMSG, "the database has no size as narSize of '%s'",
			       o->path);
	if (copy_column(s, 5, &o->signatures) < 0)
		return ih_fail(diag, -EBADMSG, "the database has no text as signatures of '%s'",
			       o->path);
	if (copy_column(s, 6, &o->ca) < 0)
		return ih_fail(diag, -EBADMSG,
			       "the database has no text as content address of '%s'", o->path);
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Fingerprints want references in byte order and each once. */
static void sort_refs(struct ih_store_object *o)
{
	size_t n = 0;

	if (!o->n_refs)
		return;
	qsort(o->refs, o->n_refs, sizeof(*o->refs), by_text);
	for (size_t i = 0; i < o->n_refs; i++) {
		if (n && strcmp(o->refs[n - 1], o->refs[i]) == 0)
			free(o->refs[i]);
		else
			o->refs[n++] = o->refs[i];
	}
	o->n_refs = n;
}

/* Takes @path, also on failure. */
static int add_ref(struct ih_store_object *o, char *path, struct ih_diag *diag)
{
	_free_ char *owned = path;

	if (o->n_refs >= IH_STORE_REFS_MAX)
		return ih_fail(diag, -E2BIG, "the database gives '%s' more than %d references",
			       o->path, IH_STORE_REFS_MAX);
	if ((o->n_refs & (o->n_refs - 1)) == 0) { /* grows at powers of two */
		size_t size = o->n_refs ? o->n_refs * 2 : 1;
		char **refs = realloc(o->refs, size * sizeof(*refs));

		if (!refs)
			return ih_fail(diag, -ENOMEM, "no memory for references");
		o->refs = refs;
	}
	o->refs[o->n_refs++] = TAKE_PTR(owned);
	return 0;
}

static int read_ref(const struct ih_store_db *db, struct ih_store_object *o, struct ih_diag *diag)
{
	_free_ char *path = NULL;
	int r;

	if (sqlite3_column_type(db->refs, 1) == SQLITE_NULL)
		return ih_fail(diag, -EBADMSG,
			       "'%s' refers to row %lld of the database, which is missing", o->path,
			       (long long)sqlite3_column_int64(db->refs, 0));
	r = read_path(db, db->refs, 1, &path, diag);
	if (r < 0)
		return ih_fail_within(diag, r, "a reference of '%s'", o->path);
	return add_ref(o, TAKE_PTR(path), diag);
}

static int read_refs(struct ih_store_db *db, struct ih_store_object *o, struct ih_diag *diag)
{
	int rc, r = 0;

	(void)sqlite3_bind_int64(db->refs, 1, o->id);
	while ((rc = sqlite3_step(db->refs)) == SQLITE_ROW && r == 0)
		r = read_ref(db, o, diag);
	if (r == 0 && rc != SQLITE_DONE)
		r = fail_sql(db, rc, diag);
	(void)sqlite3_reset(db->refs);
	if (r == 0)
		sort_refs(o);
	return r;
}

static int find_row(struct ih_store_db *db, const char *path, struct ih_store_object *o,
		    struct ih_diag *diag)
{
	int rc, r;

	(void)sqlite3_bind_text(db->object, 1, path, -1, SQLITE_STATIC);
	rc = sqlite3_step(db->object);
	if (rc == SQLITE_DONE)
		r = ih_fail(diag, -ENOENT, "'%s' is not in the database '%s'", path, db->path);
	else if (rc != SQLITE_ROW)
		r = fail_sql(db, rc, diag);
	else
		r = read_row(db, db->object, o, diag);
	if (r == 0 && sqlite3_step(db->object) == SQLITE_ROW)
		r = ih_fail(diag, -EBADMSG, "the database has two rows for '%s'", path);
	(void)sqlite3_reset(db->object);
	(void)sqlite3_clear_bindings(db->object);
	return r;
}

static int find(struct ih_store_db *db, const char *path, struct ih_store_object **ret,
		struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_store_object) struct ih_store_object *o = calloc(1, sizeof(*o));
	int r;

	if (!o)
		return ih_fail(diag, -ENOMEM, "no memory for '%s'", path);
	start_clock(db);
	r = find_row(db, path, o, diag);
	/* An index or a collation of the schema's own could find another row than was asked for. */
	if (r == 0 && strcmp(o->path, path) != 0)
		r = ih_fail(diag, -EBADMSG, "the database answers '%s' when asked for '%s'",
			    o->path, path);
	if (r == 0)
		r = read_refs(db, o, diag);
	if (r < 0)
		return r;

	*ret = TAKE_PTR(o);
	return 0;
}

/* Whether a writer came by since we opened or began to read. */
static bool is_stale(const struct ih_store_db *db)
{
	struct stat main, log;

	if (!db->immutable)
		return true; /* the transaction is held: only a new one sees what was written */
	return look(db->path, "", &main, NULL) != 1 || look(db->path, "-wal", &log, NULL) < 0 ||
	       log.st_size || main.st_size != db->size || main.st_mtim.tv_sec != db->mtime.tv_sec ||
	       main.st_mtim.tv_nsec != db->mtime.tv_nsec;
}

int ih_store_db_object(struct ih_store_db *db, const char *path, struct ih_store_object **ret,
		       struct ih_diag *diag)
{
	int r;

	if (!db->reading) {
		disconnect(db);
		r = attach(db, diag);
		if (r < 0)
			return r;
	}
	r = find(db, path, ret, diag);
	if (r == 0 || !is_stale(db))
		return r;
	disconnect(db);
	r = attach(db, diag);
	return r < 0 ? r : find(db, path, ret, diag);
}

/* All ids and paths, sorted by id, for resolving references in bulk. */
struct paths {
	struct path {
		int64_t id;
		char *text;
	} * list;
	size_t n, size;
};

static void paths_done(struct paths *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->list[i].text);
	free(p->list);
}

static int paths_add(struct paths *p, int64_t id, const char *text)
{
	if (p->n == p->size) {
		size_t size = p->size ? p->size * 2 : 1024;
		struct path *list = realloc(p->list, size * sizeof(*list));

		if (!list)
			return -ENOMEM;
		p->list = list;
		p->size = size;
	}
	p->list[p->n].id = id;
	p->list[p->n].text = strdup(text);
	return p->list[p->n].text ? (p->n++, 0) : -ENOMEM;
}

static const char *paths_find(const struct paths *p, int64_t id)
{
	size_t low = 0, high = p->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (p->list[mid].id == id)
			return p->list[mid].text;
		if (p->list[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* Rows with a path of another form are left out: whoever refers to them lies. */
static int paths_load(struct ih_store_db *db, struct paths *p, struct ih_diag *diag)
{
	sqlite3_stmt *s = NULL;
	int rc, r = 0;

	rc = prepare(db, "SELECT id, path FROM ValidPaths ORDER BY id", &s);
	while (rc == SQLITE_OK && r == 0 && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		int64_t id = sqlite3_column_int64(s, 0);
		const char *text, *base;

		rc = SQLITE_OK;
		if (p->n >= IH_STORE_DB_ROWS_MAX)
			r = ih_fail(diag, -E2BIG, "the database '%s' has more than %d rows",
				    db->path, IH_STORE_DB_ROWS_MAX);
		else if ((p->n && id <= p->list[p->n - 1].id))
			r = ih_fail(diag, -EBADMSG, "the database '%s' has two rows %lld", db->path,
				    (long long)id);
		else if (column_text(s, 1, &text) == 0 && text &&
			 ih_store_path_parse(db->dir, text, &base, NULL) == 0 &&
			 paths_add(p, id, text) < 0)
			r = ih_fail(diag, -ENOMEM, "no memory for the rows of '%s'", db->path);
	}
	if (r == 0 && rc != SQLITE_DONE)
		r = fail_sql(db, rc, diag);
	(void)sqlite3_finalize(s);
	return r;
}

struct walk {
	struct ih_store_db *db;
	const struct paths *paths;
	sqlite3_stmt *objects, *refs;
	bool have_ref; /* a row of refs waits */
};

static int next_ref(struct walk *w, struct ih_diag *diag)
{
	int rc = sqlite3_step(w->refs);

	w->have_ref = rc == SQLITE_ROW;
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : fail_sql(w->db, rc, diag);
}

/*
 * Both statements run in order of the referrer's id, so the references of one row lie together.
 * Return: 0, or the failure of reading; what is wrong with the row itself goes to @bad.
 */
static int walk_refs(struct walk *w, struct ih_store_object *o, int *bad_error, struct ih_diag *bad,
		     struct ih_diag *diag)
{
	int r = 0;

	while (w->have_ref && r == 0 && sqlite3_column_int64(w->refs, 0) <= o->id) {
		int64_t to = sqlite3_column_int64(w->refs, 1);
		bool ours = sqlite3_column_int64(w->refs, 0) == o->id;
		const char *path = ours && !*bad_error ? paths_find(w->paths, to) : NULL;
		char *copy = path ? strdup(path) : NULL;

		if (path && !copy)
			r = ih_fail(diag, -ENOMEM, "no memory for references");
		else if (path)
			*bad_error = add_ref(o, copy, bad);
		else if (ours && !*bad_error)
			*bad_error =
				ih_fail(bad, -EBADMSG,
					"'%s' refers to row %lld of the database, which is missing",
					o->path, (long long)to);
		if (r == 0)
			r = next_ref(w, diag);
	}
	return r;
}

static int walk_row(struct walk *w, ih_store_db_fn fn, void *arg, struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_store_object) struct ih_store_object *o = calloc(1, sizeof(*o));
	struct ih_diag bad = { "" };
	_free_ char *shown = NULL;
	int r, error;

	if (!o)
		return ih_fail(diag, -ENOMEM, "no memory for a row");
	error = read_row(w->db, w->objects, o, &bad);
	r = walk_refs(w, o, &error, &bad, diag);
	if (r < 0)
		return r;
	if (error == -ENOMEM)
		return ih_fail(diag, error, "%s", bad.text);
	sort_refs(o);
	shown = strdup(o->path ? o->path : "");
	if (!shown)
		return ih_fail(diag, -ENOMEM, "no memory for a row");
	return error ? fn(arg, NULL, shown, &bad) : fn(arg, TAKE_PTR(o), shown, NULL);
}

static int walk_all(struct walk *w, ih_store_db_fn fn, void *arg, struct ih_diag *diag)
{
	int rc, r;

	rc = prepare(w->db, "SELECT " COLUMNS " FROM ValidPaths ORDER BY id", &w->objects);
	if (rc == SQLITE_OK)
		rc = prepare(w->db, "SELECT referrer, reference FROM Refs ORDER BY referrer",
			     &w->refs);
	if (rc != SQLITE_OK)
		return fail_sql(w->db, rc, diag);
	r = next_ref(w, diag);
	while (r == 0 && (rc = sqlite3_step(w->objects)) == SQLITE_ROW)
		r = walk_row(w, fn, arg, diag);
	if (r == 0 && rc != SQLITE_DONE)
		r = fail_sql(w->db, rc, diag);
	return r;
}

int ih_store_db_each(struct ih_store_db *db, ih_store_db_fn fn, void *arg, struct ih_diag *diag)
{
	struct paths paths = { 0 };
	struct walk w = { .db = db, .paths = &paths };
	int r = 0;

	if (!db->reading) {
		disconnect(db);
		r = attach(db, diag);
	}
	if (r == 0) {
		start_clock(db);
		r = paths_load(db, &paths, diag);
	}
	if (r == 0)
		r = walk_all(&w, fn, arg, diag);
	(void)sqlite3_finalize(w.objects);
	(void)sqlite3_finalize(w.refs);
	paths_done(&paths);
	return r;
}
