/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard seal`: freeze a verified closure, or any tree, with fs-verity, and sign what lies where;
 * hold a disk against a seal.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/verbs.h"
#include "common/fd.h"
#include "common/text.h"
#include "integrity/nix_conf.h"
#include "integrity/seal_disk.h"
#include "integrity/verify.h"

#define NIX_CONF "/etc/nix/nix.conf"

enum {
	OPTION_STORE,
	OPTION_STORE_DIR,
	OPTION_TREE,
	OPTION_KEY,
	OPTION_KEYS,
	OPTION_SIGS_NEEDED,
	OPTION_GENERATION,
	OPTION_OUTPUT,
	OPTION_CHECK,
};

static const struct ih_option table[] = {
	[OPTION_STORE] = { "store", "ROOT", "directory that holds nix/store" },
	[OPTION_STORE_DIR] = { "store-dir", "DIR", "logical store directory (/nix/store)" },
	[OPTION_TREE] = { "tree", NULL, "PATH is a directory tree, not a closure" },
	[OPTION_KEY] = { "key", "FILE", "secret key to sign the seal with, as Nix writes it" },
	[OPTION_KEYS] = { "trusted-public-keys", "KEYS", "name:base64 …; may be repeated", true },
	[OPTION_SIGS_NEEDED] = { "sigs-needed", "N", "distinct keys that must have signed (1)" },
	[OPTION_GENERATION] = { "generation", "N", "goes into the seal; with --check: the floor" },
	[OPTION_OUTPUT] = { "output", "FILE", "the seal to write" },
	[OPTION_CHECK] = { "check", "SEAL", "hold PATH against this seal; read no data" },
};

struct request {
	const char *root, *dir, *key, *output, *check, *path;
	struct ih_keys keys;
	bool tree, has_generation;
	unsigned int sigs_needed;
	uint64_t generation;
};

static int set_option(const struct ih_options *o, void *to, int option, const char *value)
{
	struct request *q = to;
	struct ih_diag diag = { 0 };
	uint64_t n;

	switch (option) {
	case OPTION_STORE:
		q->root = strcmp(value, "/") == 0 ? "" : value;
		return 0;
	case OPTION_STORE_DIR:
		q->dir = value;
		return 0;
	case OPTION_TREE:
		q->tree = true;
		return 0;
	case OPTION_KEY:
		q->key = value;
		return 0;
	case OPTION_KEYS:
		if (ih_keys_add_list(&q->keys, value, &diag) < 0)
			return ih_usage_error(o, "%s", diag.text);
		return 0;
	case OPTION_SIGS_NEEDED:
		if (ih_parse_u64(value, IH_KEYS_MAX, &n) < 0 || !n)
			return ih_usage_error(o,
					      "'--sigs-needed' needs a number from 1 to %d, not "
					      "'%s'",
					      IH_KEYS_MAX, value);
		q->sigs_needed = (unsigned int)n;
		return 0;
	case OPTION_GENERATION:
		if (ih_parse_u64(value, UINT64_MAX, &q->generation) < 0)
			return ih_usage_error(o, "'--generation' needs a number, not '%s'", value);
		q->has_generation = true;
		return 0;
	case OPTION_OUTPUT:
		q->output = value;
		return 0;
	default:
		q->check = value;
		return 0;
	}
}

static int check_request(const struct ih_options *o, const struct request *q)
{
	if (o->n_operands != 1)
		return ih_usage_error(o, "one path is needed, not %d", o->n_operands);
	if (q->check && (q->key || q->output))
		return ih_usage_error(o, "'--check' writes nothing: no '--key', no '--output'");
	if (!q->check && (!q->key || !q->output || !q->has_generation))
		return ih_usage_error(o, "a seal needs '--key', '--generation' and '--output'");
	return 0;
}

static int parse(int argc, char **argv, struct request *q)
{
	struct ih_options o = {
		.verb = "seal",
		.usage = "--key FILE --generation N --output SEAL [options] PATH\n"
			 "--check SEAL [options] PATH",
		.about = "Freezes a verified closure, or with --tree any directory tree, with "
			 "fs-verity, "
			 "and\nsigns what lies where, so that it can be verified without reading "
			 "it.",
		.table = table,
		.n = IH_ARRAY_SIZE(table),
	};
	int r = ih_options_parse(&o, argc, argv, set_option, q);

	if (!r)
		r = check_request(&o, q);
	q->path = r ? NULL : o.operands[0];
	return r;
}

/* Where the parent of a tree is, and its last component. */
static int open_tree(const char *path, char name[NAME_MAX + 1], struct ih_diag *diag)
{
	_free_ char *resolved = realpath(path, NULL);
	char *slash;
	int fd;

	if (!resolved)
		return ih_fail(diag, -errno, "cannot resolve '%s': %s", path, strerror(errno));
	slash = strrchr(resolved, '/');
	if (!slash[1])
		return ih_fail(diag, -EINVAL,
			       "the whole of '/' cannot be sealed: name a directory "
			       "in it");
	(void)snprintf(name, NAME_MAX + 1, "%s", slash + 1);
	*slash = '\0';
	fd = open(*resolved ? resolved : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ih_fail(diag, -errno, "cannot open '%s': %s", resolved, strerror(errno));
	return fd;
}

static int write_seal(const struct request *q, struct ih_text *seal, struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_secret_key) struct ih_secret_key *key = NULL;
	int r;

	r = ih_secret_key_read(q->key, &key, diag);
	if (r < 0)
		return r;
	r = ih_seal_sign(seal, key);
	if (r < 0)
		return ih_fail(diag, r, "cannot sign the seal: %s", strerror(-r));
	return ih_write_file_atomic(AT_FDCWD, q->output, 0444, seal->data, seal->len, diag);
}

static int seal_tree(const struct request *q, struct ih_text *seal, struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_seal_builder) struct ih_seal_builder *b = NULL;
	_free_ char *resolved = NULL;
	_close_ int parent = -EBADF;
	char name[NAME_MAX + 1];
	struct ih_seal_place place;
	int r;

	parent = open_tree(q->path, name, diag);
	if (parent < 0)
		return parent;
	resolved = realpath(q->path, NULL);
	place = (struct ih_seal_place){ parent, name, resolved ? resolved : q->path };
	r = ih_seal_builder_new(&b);
	if (r == 0)
		r = ih_seal_freeze(&place, diag);
	if (r == 0)
		r = ih_seal_add_object(b, place.shown, NULL, 0, 0);
	if (r == 0)
		r = ih_seal_describe(&place, b, diag);
	if (r < 0)
		return r;
	r = ih_seal_finish(b, place.shown, q->generation, NULL, seal);
	return r < 0 ? ih_fail(diag, r, "cannot write the seal: %s", strerror(-r)) : 0;
}

static struct ih_verify_options verify_options(const struct request *q)
{
	return (struct ih_verify_options){
		.root = q->root,
		.dir = q->dir,
		.keys = &q->keys,
		.sigs_needed = q->sigs_needed,
		.accept_content_addressed = true,
	};
}

static int print_problems(const struct ih_verify *v)
{
	const struct ih_closure *c = ih_verify_closure(v);

	for (size_t i = 0; i < ih_closure_size(c); i++) {
		const struct ih_problems *p = ih_closure_object(c, i)->problems;

		for (size_t k = 0; p && k < p->n; k++)
			printf("bad  %s\n", p->list[k]);
	}
	return 0;
}

/* Verify the closure; anything but good is an error, after its problems were printed. */
static int verify_closure(const struct ih_verify_options *options, const char *path,
			  struct ih_verify **ret, struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_verify) struct ih_verify *v = NULL;
	int r;

	r = ih_verify_new(options, &v, diag);
	if (r == 0)
		r = ih_verify_add(v, path, diag);
	if (r == 0)
		r = ih_verify_run(v, diag);
	if (r < 0)
		return r;
	if (ih_verify_result(v)) {
		(void)print_problems(v);
		return ih_fail(diag, -EKEYREJECTED, "'%s' is not what was signed", path);
	}
	*ret = TAKE_PTR(v);
	return 0;
}

static int by_base(const void *a, const void *b)
{
	const struct ih_closure_object *const *x = a, *const *y = b;

	return strcmp((*x)->base, (*y)->base);
}

static int seal_object(const struct request *q, int store, const struct ih_closure_object *o,
		       struct ih_seal_builder *b, struct ih_diag *diag)
{
	struct ih_seal_place place = { store, o->base, o->base };
	int r;

	(void)q;
	r = ih_seal_freeze(&place, diag);
	if (r == -EOPNOTSUPP)
		return ih_seal_add_object(b, o->base, o->nar_hash, o->nar_size,
					  IH_SEAL_OBJECT_FULL) < 0
			       ? -ENOMEM
			       : 1;
	if (r == 0)
		r = ih_seal_add_object(b, o->base, o->nar_hash, o->nar_size, 0);
	return r < 0 ? r : ih_seal_describe(&place, b, diag);
}

/* Freeze and describe every object, in order of names. Returns how many could not be frozen. */
static int seal_objects(const struct request *q, const struct ih_verify *v,
			struct ih_seal_builder *b, struct ih_diag *diag)
{
	const struct ih_closure *c = ih_verify_closure(v);
	size_t n = ih_closure_size(c);
	_free_ const struct ih_closure_object **sorted = calloc(n + 1, sizeof(*sorted));
	_close_ int store = -EBADF;
	char path[PATH_MAX];
	int unfrozen = 0;

	if (!sorted)
		return ih_fail(diag, -ENOMEM, "no memory");
	(void)snprintf(path, sizeof(path), "%s%s", q->root, q->dir);
	store = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store < 0)
		return ih_fail(diag, -errno, "cannot open '%s': %s", path, strerror(errno));
	for (size_t i = 0; i < n; i++)
		sorted[i] = ih_closure_object(c, i);
	qsort(sorted, n, sizeof(*sorted), by_base);
	for (size_t i = 0; i < n; i++) {
		int r = seal_object(q, store, sorted[i], b, diag);

		if (r < 0)
			return r;
		unfrozen += r;
	}
	return unfrozen;
}

/* Read everything once more, now that it is frozen, and see that the seal says what is there. */
static int confirm(const struct request *q, const struct ih_text *seal, struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_verify) struct ih_verify *v = NULL, *sealed = NULL;
	_cleanup_(ih_cleanup_seal) struct ih_seal *s = NULL;
	struct ih_verify_options options = verify_options(q);
	int r;

	r = verify_closure(&options, q->path, &v, diag);
	if (r == 0)
		r = ih_seal_parse(seal->data, seal->len, &s, diag);
	options.seal = s;
	if (r == 0)
		r = verify_closure(&options, q->path, &sealed, diag);
	ih_verify_free(TAKE_PTR(sealed)); /* it points into the seal */
	return r;
}

/* "<hash>-<name>" of a store path. */
static void base_of(const struct request *q, char *base, size_t size)
{
	const char *at = q->path + strlen(q->dir) + 1;

	(void)snprintf(base, size, "%.*s", (int)strcspn(at, "/"), at);
}

static int seal_closure(const struct request *q, struct ih_text *seal, struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_seal_builder) struct ih_seal_builder *b = NULL;
	_cleanup_(ih_cleanup_verify) struct ih_verify *v = NULL;
	struct ih_verify_options options = verify_options(q);
	uint8_t digest[IH_SHA256_SIZE];
	char base[NAME_MAX + 1];
	int r, unfrozen;

	options.no_contents = true;
	r = verify_closure(&options, q->path, &v, diag);
	if (r == 0)
		r = ih_verify_digest(v, digest);
	if (r == 0)
		r = ih_seal_builder_new(&b);
	if (r < 0)
		return r;
	unfrozen = seal_objects(q, v, b, diag);
	if (unfrozen < 0)
		return unfrozen;
	base_of(q, base, sizeof(base));
	r = ih_seal_finish(b, base, q->generation, digest, seal);
	if (r < 0)
		return ih_fail(diag, r, "cannot write the seal: %s", strerror(-r));
	r = confirm(q, seal, diag);
	if (r == 0)
		printf("%zu objects are sealed; %d of them are not frozen, since their file system "
		       "has no fs-verity, and will be read\n",
		       ih_closure_size(ih_verify_closure(v)), unfrozen);
	return r;
}

static int make(const struct request *q, struct ih_diag *diag)
{
	struct ih_text seal = { 0 };
	char store[PATH_MAX];
	int r;

	(void)snprintf(store, sizeof(store), "%s%s", q->root, q->dir);
	r = ih_seal_writable(q->tree ? q->path : store, diag);
	if (r == 0)
		r = q->tree ? seal_tree(q, &seal, diag) : seal_closure(q, &seal, diag);
	if (r == 0)
		r = write_seal(q, &seal, diag);
	ih_text_done(&seal);
	return r;
}

static int check_tree(const struct request *q, const struct ih_seal *s, struct ih_diag *diag)
{
	_free_ char *resolved = realpath(q->path, NULL);
	struct ih_problems problems = { 0 };
	_close_ int parent = -EBADF;
	struct ih_seal_place place;
	char name[NAME_MAX + 1];
	ssize_t object;
	int r;

	parent = open_tree(q->path, name, diag);
	if (parent < 0)
		return parent;
	object = ih_seal_find_object(s, resolved ? resolved : q->path);
	if (object < 0)
		return ih_fail(diag, -ENOENT, "'%s' is not in the seal", q->path);
	place = (struct ih_seal_place){ parent, name, q->path };
	r = ih_seal_check(s, (size_t)object, &place, NULL, NULL, &problems);
	for (size_t i = 0; i < problems.n; i++)
		printf("bad  %s\n", problems.list[i]);
	ih_problems_done(&problems);
	if (r == 1)
		return ih_fail(diag, -EKEYREJECTED,
			       "some files of '%s' are not frozen by fs-verity any more", q->path);
	return r < 0 ? ih_fail(diag, -EKEYREJECTED, "'%s' is not what was sealed", q->path) : 0;
}

static void print_checked(const struct ih_verify *v)
{
	const struct ih_closure *c = ih_verify_closure(v);
	size_t n = ih_closure_size(c), sealed = 0;

	for (size_t i = 0; i < n; i++)
		sealed += ih_closure_object(c, i)->flags & IH_OBJECT_SEALED ? 1 : 0;
	printf("%zu objects are what was sealed; %" PRIu64 " bytes were read\n", sealed,
	       ih_verify_bytes(v));
	if (sealed < n)
		printf("%zu objects are not in the seal, and are what was signed\n", n - sealed);
}

static int check(const struct request *q, struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_verify) struct ih_verify *v = NULL;
	_cleanup_(ih_cleanup_seal) struct ih_seal *s = NULL;
	struct ih_verify_options options = verify_options(q);
	int r;

	r = ih_seal_read(AT_FDCWD, q->check, &s, diag);
	if (r == 0)
		r = ih_seal_check_trust(s, &q->keys, q->sigs_needed, q->generation, diag);
	if (r < 0)
		return r;
	if (q->tree)
		return check_tree(q, s, diag);
	options.seal = s;
	r = verify_closure(&options, q->path, &v, diag);
	if (r == 0)
		print_checked(v);
	ih_verify_free(TAKE_PTR(v)); /* it points into the seal */
	return r;
}

static int load_keys(struct request *q, struct ih_diag *diag)
{
	if (q->keys.n || (q->tree && !q->check) || access(NIX_CONF, F_OK) < 0)
		return 0;
	return ih_nix_conf_keys(NIX_CONF, &q->keys, diag);
}

int ih_cmd_seal(int argc, char **argv)
{
	struct request q = { .root = "", .dir = "/nix/store", .sigs_needed = 1 };
	struct ih_diag diag = { 0 };
	int status, r = parse(argc, argv, &q);

	if (r) {
		status = ih_options_exit(r);
	} else {
		r = load_keys(&q, &diag);
		if (r == 0)
			r = q.check ? check(&q, &diag) : make(&q, &diag);
		if (r < 0)
			fprintf(stderr, "ihard seal: %s\n",
				diag.text[0] ? diag.text : strerror(-r));
		status = r == 0				      ? IH_EXIT_OK
			 : r == -EKEYREJECTED || r == -ESTALE ? IH_EXIT_DENIED
							      : IH_EXIT_FAILED;
	}
	ih_keys_done(&q.keys);
	return status;
}
