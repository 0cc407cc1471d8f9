/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Database images. The first byte says how many 512-byte blocks from the end are the write-ahead
 * log; the rest is db.sqlite. What is handed out has the right form, whatever the image says.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "integrity/store_db.h"
#include "tests/fuzz/fuzz.h"

#define BLOCK 512

static char dir[64], db[96], wal[96], schema[96];

static void clean(void)
{
	(void)unlink(db);
	(void)unlink(wal);
	(void)unlink(schema);
	(void)rmdir(dir);
}

static void put(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || ih_write_full(fd, data, len) < 0)
		abort();
	(void)close(fd);
}

static void prepare(void)
{
	(void)snprintf(dir, sizeof(dir), "%s", "/tmp/ih-fuzz-db-XXXXXX");
	if (!mkdtemp(dir))
		abort();
	(void)snprintf(db, sizeof(db), "%s/db.sqlite", dir);
	(void)snprintf(wal, sizeof(wal), "%s/db.sqlite-wal", dir);
	(void)snprintf(schema, sizeof(schema), "%s/schema", dir);
	put(schema, "10", 2);
	(void)atexit(clean);
}

static void check(const struct ih_store_object *o)
{
	const char *base;

	if (ih_store_path_parse("/nix/store", o->path, &base, NULL) < 0)
		abort();
	for (size_t i = 0; i < o->n_refs; i++)
		if (ih_store_path_parse("/nix/store", o->refs[i], &base, NULL) < 0 ||
		    (i && strcmp(o->refs[i - 1], o->refs[i]) >= 0))
			abort();
}

static int each(void *arg, struct ih_store_object *o, const char *path, const struct ih_diag *bad)
{
	if (!o && !bad->text[0])
		abort();
	if (o)
		check(o);
	ih_store_object_free(o);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ih_store_object *o = NULL;
	struct ih_store_db *d = NULL;
	struct ih_diag diag = { "" };
	size_t log;

	if (!dir[0])
		prepare();
	if (!size)
		return 0;
	log = (size_t)data[0] * BLOCK < size - 1 ? (size_t)data[0] * BLOCK : 0;
	put(db, data + 1, size - 1 - log);
	put(wal, data + size - log, log);
	if (ih_store_db_open(db, "/nix/store", &d, &diag) < 0) {
		if (!diag.text[0])
			abort();
		return 0;
	}
	if (ih_store_db_object(d, "/nix/store/00000000000000000000000000000001-o1", &o, &diag) == 0)
		check(o);
	ih_store_object_free(o);
	(void)ih_store_db_each(d, each, NULL, &diag);
	ih_store_db_free(d);
	return 0;
}
