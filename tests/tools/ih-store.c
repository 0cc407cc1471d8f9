/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The integrity layer by hand, for tests:
 *   ih-store nar [--metadata] PATH…   "sha256:<nix32> <size> <path>", problems to stderr
 *   ih-store dump PATH                the archive itself
 *   ih-store row DB DIR PATH…         fingerprint of each, as the database claims it
 *   ih-store each DB DIR              all fingerprints
 *   ih-store ca REAL DB DIR PATH…     content held against its own claim; REAL is put before PATH
 *   ih-store keys FILE…               the keys of these files (nix.conf or key lists)
 *   ih-store sign SECRET TEXT         signature over TEXT
 * Exit status: 0, or 1 when anything failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "integrity/content_address.h"
#include "integrity/nar.h"
#include "integrity/nix_conf.h"
#include "integrity/signature.h"
#include "integrity/store.h"
#include "integrity/store_db.h"

static struct ih_diag diag;

static int complain(int r)
{
	fprintf(stderr, "ih-store: %s\n", diag.text);
	return r;
}

/* Opens the directory that holds @path; its last component stays the object. */
static int open_parent(const char *path, struct ih_nar_source *ret, char *copy, size_t size)
{
	char *slash;

	(void)snprintf(copy, size, "%s", path);
	slash = strrchr(copy, '/');
	*ret = (struct ih_nar_source){ .name = slash ? slash + 1 : copy, .shown = path };
	if (slash)
		*slash = '\0';
	ret->dirfd = open(!slash	  ? "."
			  : slash == copy ? "/"
					  : copy,
			  O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret->dirfd < 0)
		return ih_fail(&diag, -errno, "cannot open '%s': %s", copy, strerror(errno));
	return 0;
}

static void print_problems(struct ih_problems *p)
{
	for (size_t i = 0; i < p->n; i++)
		fprintf(stderr, "%s\n", p->list[i]);
	if (p->total > p->n)
		fprintf(stderr, "and %zu more\n", p->total - p->n);
	ih_problems_done(p);
}

static int nar(const char *path, bool metadata)
{
	struct ih_problems problems = { 0 };
	struct ih_nar_source source;
	char copy[PATH_MAX], text[IH_DIGEST_TEXT_SIZE];
	struct ih_digest d;
	uint64_t size;
	int r;

	r = open_parent(path, &source, copy, sizeof(copy));
	if (r < 0)
		return complain(r);
	source.metadata = metadata;
	r = ih_nar_digest(&source, &problems, &d, &size);
	(void)close(source.dirfd);
	if (r == 0) {
		ih_digest_print(&d, text);
		printf("%s %" PRIu64 " %s\n", text, size, path);
	}
	if (problems.total)
		r = -EBADMSG;
	print_problems(&problems);
	return r;
}

static int do_nar(int argc, char **argv)
{
	bool metadata = argc && strcmp(argv[0], "--metadata") == 0;
	int r = 0;

	for (int i = metadata; i < argc; i++)
		if (nar(argv[i], metadata) < 0)
			r = -1;
	return r;
}

static int do_dump(int argc, char **argv)
{
	struct ih_problems problems = { 0 };
	struct ih_nar_source source;
	char copy[PATH_MAX];
	struct ih_nar *n = NULL;
	const void *piece;
	ssize_t len;

	if (open_parent(argv[0], &source, copy, sizeof(copy)) < 0)
		return complain(-1);
	if (ih_nar_new(&source, &problems, &n) < 0)
		return -1;
	while ((len = ih_nar_next(n, &piece)) > 0)
		(void)fwrite(piece, 1, (size_t)len, stdout);
	ih_nar_free(n);
	(void)close(source.dirfd);
	print_problems(&problems);
	return (int)len;
}

static void print_object(const struct ih_store_object *o)
{
	struct ih_text t = { 0 };

	if (ih_store_fingerprint(o, &t) < 0)
		printf("%s has no fingerprint\n", o->path);
	else
		printf("%s\n", t.data);
	ih_text_done(&t);
}

static int do_row(int argc, char **argv)
{
	struct ih_store_db *db;
	int r, bad = 0;

	r = ih_store_db_open(argv[0], argv[1], &db, &diag);
	if (r < 0)
		return complain(r);
	if (ih_store_db_note(db))
		fprintf(stderr, "note: %s\n", ih_store_db_note(db));
	for (int i = 2; i < argc; i++) {
		struct ih_store_object *o = NULL;

		r = ih_store_db_object(db, argv[i], &o, &diag);
		if (r < 0)
			bad = complain(r);
		else
			print_object(o);
		ih_store_object_free(o);
	}
	ih_store_db_free(db);
	return bad;
}

static int each(void *arg, struct ih_store_object *o, const char *path, const struct ih_diag *bad)
{
	int *errors = arg;

	if (o)
		print_object(o);
	else {
		fprintf(stderr, "%s\n", bad->text);
		++*errors;
	}
	ih_store_object_free(o);
	return 0;
}

static int do_each(int argc, char **argv)
{
	struct ih_store_db *db;
	int r, errors = 0;

	r = ih_store_db_open(argv[0], argv[1], &db, &diag);
	if (r < 0)
		return complain(r);
	r = ih_store_db_each(db, each, &errors, &diag);
	ih_store_db_free(db);
	return r < 0 ? complain(r) : -errors;
}

static int check_ca(const char *real, const char *dir, const struct ih_store_object *o)
{
	struct ih_nar_source source;
	char copy[PATH_MAX], path[PATH_MAX];
	int r;

	(void)snprintf(path, sizeof(path), "%s%s", real, o->path);
	r = open_parent(path, &source, copy, sizeof(copy));
	if (r < 0)
		return r;
	r = ih_ca_check(dir, &source, o, &diag);
	(void)close(source.dirfd);
	return r;
}

static int do_ca(int argc, char **argv)
{
	struct ih_store_db *db;
	int r, bad = 0;

	r = ih_store_db_open(argv[1], argv[2], &db, &diag);
	if (r < 0)
		return complain(r);
	for (int i = 3; i < argc; i++) {
		struct ih_store_object *o = NULL;

		r = ih_store_db_object(db, argv[i], &o, &diag);
		if (r == 0)
			r = check_ca(argv[0], argv[2], o);
		if (r < 0)
			bad = complain(r);
		else
			printf("%s %s\n", o->ca, o->path);
		ih_store_object_free(o);
	}
	ih_store_db_free(db);
	return bad;
}

static int do_keys(int argc, char **argv)
{
	struct ih_keys keys = { 0 };
	int bad = 0;

	for (int i = 0; i < argc; i++)
		if (ih_keys_from(argv[i], &keys, &diag) < 0)
			bad = complain(-1);
	for (size_t i = 0; i < keys.n; i++)
		printf("%s\n", keys.list[i].name);
	ih_keys_done(&keys);
	return bad;
}

static int do_sign(int argc, char **argv)
{
	char signature[IH_SIGNATURE_TEXT_MAX];
	struct ih_secret_key *key;
	int r;

	r = ih_secret_key_read(argv[0], &key, &diag);
	if (r < 0)
		return complain(r);
	r = ih_secret_key_sign(key, argv[1], strlen(argv[1]), signature);
	if (r == 0)
		printf("%s\n", signature);
	ih_secret_key_free(key);
	return r;
}

static const struct {
	const char *name;
	int min;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{ "nar", 1, do_nar },	{ "dump", 1, do_dump }, { "row", 3, do_row },
	{ "each", 2, do_each }, { "ca", 4, do_ca },	{ "keys", 1, do_keys },
	{ "sign", 2, do_sign },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < IH_ARRAY_SIZE(verbs); i++)
		if (argc >= 2 + verbs[i].min && strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 2, argv + 2) ? 1 : 0;
	fprintf(stderr, "usage: ih-store nar|dump|row|each|ca|keys|sign …\n");
	return 1;
}
