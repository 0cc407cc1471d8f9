/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard verify`: whether a closure in a Nix store is what was signed. The work is integrity's, the
 * printing verify_report.c's.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "cli/verify_report.h"
#include "common/fd.h"
#include "common/text.h"
#include "integrity/nix_conf.h"
#include "integrity/verify.h"

#define NIX_CONF    "/etc/nix/nix.conf"
#define SIGS_MAX    IH_KEYS_MAX
#define SECONDS_MAX (7 * 24 * 3600)

enum {
	OPTION_STORE,
	OPTION_STORE_DIR,
	OPTION_DATABASE,
	OPTION_NARINFO,
	OPTION_ALL,
	OPTION_RECURSIVE,
	OPTION_NO_RECURSIVE,
	OPTION_NO_CONTENTS,
	OPTION_NO_TRUST,
	OPTION_SIGS_NEEDED,
	OPTION_KEYS,
	OPTION_KEY_FILE,
	OPTION_NIX_CONF,
	OPTION_NO_CONTENT_ADDRESSED,
	OPTION_THREADS,
	OPTION_ONE_STREAM,
	OPTION_DIRECT,
	OPTION_TIME_LIMIT,
	OPTION_EVIDENCE,
	OPTION_REPAIR_PLAN,
	OPTION_JSON,
	OPTION_QUIET,
};

static const struct ih_option table[] = {
	[OPTION_STORE] = { "store", "ROOT",
			   "directory that holds nix/store, as nix --store has it" },
	[OPTION_STORE_DIR] = { "store-dir", "DIR", "logical store directory (/nix/store)" },
	[OPTION_DATABASE] = { "database", "FILE", "db.sqlite (ROOT/nix/var/nix/db/db.sqlite)" },
	[OPTION_NARINFO] = { "narinfo", "PATH", ".narinfo files for what the database lacks" },
	[OPTION_ALL] = { "all", NULL, "every object in the database" },
	[OPTION_RECURSIVE] = { "recursive", NULL, "with all references (always, unless:)" },
	[OPTION_NO_RECURSIVE] = { "no-recursive", NULL, "only the paths themselves" },
	[OPTION_NO_CONTENTS] = { "no-contents", NULL, "signatures only: read no file" },
	[OPTION_NO_TRUST] = { "no-trust", NULL, "contents only: look at no signature" },
	[OPTION_SIGS_NEEDED] = { "sigs-needed", "N", "distinct keys that must have signed (1)" },
	[OPTION_KEYS] = { "trusted-public-keys", "KEYS", "name:base64 …; may be repeated", true },
	[OPTION_KEY_FILE] = { "key-file", "FILE", "file of public keys; may be repeated", true },
	[OPTION_NIX_CONF] = { "nix-conf", "FILE", "keys of this nix.conf (" NIX_CONF ")" },
	[OPTION_NO_CONTENT_ADDRESSED] = { "no-content-addressed", NULL,
					  "demand signatures of content-addressed objects, too" },
	[OPTION_THREADS] = { "threads", "N", "threads (one a core)" },
	[OPTION_ONE_STREAM] = { "one-stream", NULL, "never hash two files at a time on a core" },
	[OPTION_DIRECT] = { "direct", NULL, "read the disk itself, past the page cache" },
	[OPTION_TIME_LIMIT] = { "time-limit", "SECONDS",
				"what is not done by then is not verified" },
	[OPTION_EVIDENCE] = { "evidence", NULL, "also list what is good, and who signed it" },
	[OPTION_REPAIR_PLAN] = { "repair-plan", NULL, "print only the paths to fetch again" },
	[OPTION_JSON] = { "json", NULL, "print one JSON document" },
	[OPTION_QUIET] = { "quiet", NULL, "no progress, no summary" },
};

struct request {
	struct ih_verify_options options;
	struct ih_keys keys;
	const char *nix_conf;
	bool has_keys, has_limit, all, recursive, json, quiet, evidence, repair_plan;
	uint64_t time_limit;
	char **paths;
	int n_paths;
};

/* "auto", "local" and "daemon" are the machine's own store, "local?root=DIR" a chroot store. */
static const char *parse_store(const char *value)
{
	static const char prefix[] = "local?root=";

	if (strcmp(value, "auto") == 0 || strcmp(value, "local") == 0 ||
	    strcmp(value, "daemon") == 0 || strcmp(value, "/") == 0)
		return "";
	if (strncmp(value, prefix, strlen(prefix)) == 0)
		return value + strlen(prefix);
	return value;
}

static int parse_number(const struct ih_options *o, int option, const char *value, uint64_t max,
			uint64_t *ret)
{
	if (ih_parse_u64(value, max, ret) < 0)
		return ih_usage_error(o, "option '--%s' needs a number up to %llu, not '%s'",
				      table[option].name, (unsigned long long)max, value);
	return 0;
}

static int add_key_file(struct ih_keys *keys, const char *path, struct ih_diag *diag)
{
	_free_ char *text = NULL;
	size_t len;
	int r;

	r = ih_read_file(AT_FDCWD, path, IH_KEY_FILE_MAX, &text, &len, diag);
	if (r == 0)
		r = ih_keys_add_list(keys, text, diag);
	return r;
}

static int add_keys(struct request *q, int option, const char *value)
{
	struct ih_diag diag = { 0 };
	int r;

	q->has_keys = true;
	if (option == OPTION_KEYS)
		r = ih_keys_add_list(&q->keys, value, &diag);
	else
		r = add_key_file(&q->keys, value, &diag);
	if (r < 0)
		fprintf(stderr, "ihard verify: %s\n", diag.text);
	return r < 0 ? IH_EXIT_FAILED : 0;
}

static int set_flag(struct request *q, int option)
{
	bool *const flags[IH_ARRAY_SIZE(table)] = {
		[OPTION_ALL] = &q->all,
		[OPTION_RECURSIVE] = &q->recursive,
		[OPTION_NO_RECURSIVE] = &q->options.no_references,
		[OPTION_NO_CONTENTS] = &q->options.no_contents,
		[OPTION_NO_TRUST] = &q->options.no_trust,
		[OPTION_ONE_STREAM] = &q->options.one_stream,
		[OPTION_DIRECT] = &q->options.direct,
		[OPTION_EVIDENCE] = &q->evidence,
		[OPTION_REPAIR_PLAN] = &q->repair_plan,
		[OPTION_JSON] = &q->json,
		[OPTION_QUIET] = &q->quiet,
	};

	if (option == OPTION_NO_CONTENT_ADDRESSED)
		q->options.accept_content_addressed = false;
	else
		*flags[option] = true;
	return 0;
}

static int set_option(const struct ih_options *o, void *to, int option, const char *value)
{
	struct request *q = to;
	uint64_t n = 0;
	int r;

	switch (option) {
	case OPTION_STORE:
		q->options.root = parse_store(value);
		return 0;
	case OPTION_STORE_DIR:
		q->options.dir = value;
		return 0;
	case OPTION_DATABASE:
		q->options.database = value;
		return 0;
	case OPTION_NARINFO:
		q->options.narinfo = value;
		return 0;
	case OPTION_NIX_CONF:
		q->nix_conf = value;
		return 0;
	case OPTION_KEYS:
	case OPTION_KEY_FILE:
		return add_keys(q, option, value);
	case OPTION_SIGS_NEEDED:
		r = parse_number(o, option, value, SIGS_MAX, &n);
		q->options.sigs_needed = (unsigned int)n;
		return r;
	case OPTION_THREADS:
		r = parse_number(o, option, value, 256, &n);
		q->options.threads = (size_t)n;
		return r;
	case OPTION_TIME_LIMIT:
		q->has_limit = true;
		return parse_number(o, option, value, SECONDS_MAX, &q->time_limit);
	default:
		return set_flag(q, option);
	}
}

static int check_request(const struct ih_options *o, const struct request *q)
{
	if (!q->all && !q->n_paths)
		return ih_usage_error(o, "which path? 'ihard verify --all' takes all of them");
	if (q->all && q->n_paths)
		return ih_usage_error(o, "'--all' and a path ('%s') exclude each other",
				      q->paths[0]);
	if (ih_options_exclude(o, OPTION_RECURSIVE, OPTION_NO_RECURSIVE) ||
	    ih_options_exclude(o, OPTION_JSON, OPTION_REPAIR_PLAN))
		return IH_OPTIONS_ERROR;
	if (q->options.no_contents && q->options.no_trust)
		return ih_usage_error(o,
				      "'--no-contents' and '--no-trust' leave nothing to verify");
	return 0;
}

static int parse(int argc, char **argv, struct request *q)
{
	struct ih_options o = {
		.verb = "verify",
		.usage = "[options] PATH…\n[options] --all",
		.about = "Verifies that store paths and all they refer to are what trusted keys "
			 "signed.\n"
			 "Exit status: 1 corrupt + 2 not trusted + 4 other trouble; 125: could not "
			 "try.",
		.table = table,
		.n = IH_ARRAY_SIZE(table),
	};
	int r = ih_options_parse(&o, argc, argv, set_option, q);

	q->paths = o.operands;
	q->n_paths = o.n_operands;
	return r ? r : check_request(&o, q);
}

static int load_keys(struct request *q, struct ih_diag *diag)
{
	const char *conf = q->nix_conf;

	if (q->options.no_trust)
		return 0;
	if (!conf && !q->has_keys)
		conf = access(NIX_CONF, F_OK) == 0 ? NIX_CONF : NULL;
	return conf ? ih_nix_conf_keys(conf, &q->keys, diag) : 0;
}

/* A result link, or a name below the root, as well as "/nix/store/…". */
static int add_path(const struct request *q, struct ih_verify *v, const char *path,
		    struct ih_diag *diag)
{
	char logical[PATH_MAX], *resolved;
	size_t root = strlen(q->options.root), dir = strlen(q->options.dir);
	const char *inside;
	int r;

	if (strncmp(path, q->options.dir, dir) == 0 && path[dir] == '/')
		return ih_verify_add(v, path, diag);
	resolved = realpath(path, NULL);
	if (!resolved)
		return ih_fail(diag, -errno, "cannot resolve '%s': %s", path, strerror(errno));
	inside = strncmp(resolved, q->options.root, root) == 0 ? resolved + root : resolved;
	(void)snprintf(logical, sizeof(logical), "%s", inside);
	free(resolved);
	r = ih_verify_add(v, logical, diag);
	return r < 0 ? ih_fail_within(diag, r, "'%s'", path) : 0;
}

static int verify(struct request *q, struct ih_verify **ret, struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_verify) struct ih_verify *v = NULL;
	struct ih_output out;
	int r;

	ih_output_init(&out, stderr);
	if (!q->quiet && out.terminal)
		q->options.progress = ih_verify_report_progress;
	q->options.user = &out;
	r = ih_verify_new(&q->options, &v, diag);
	if (r == 0 && q->all)
		r = ih_verify_add_all(v, diag);
	for (int i = 0; i < q->n_paths && r == 0; i++)
		r = add_path(q, v, q->paths[i], diag);
	if (r == 0)
		r = ih_verify_run(v, diag);
	if (q->options.progress)
		fputs("\r\033[K", stderr);
	if (r < 0)
		return r;

	*ret = TAKE_PTR(v);
	return 0;
}

static int report(const struct request *q, const struct ih_verify *v)
{
	struct ih_verify_report r = {
		.verify = v,
		.keys = &q->keys,
		.dir = q->options.dir,
		.sigs_needed = q->options.sigs_needed ? q->options.sigs_needed : 1,
		.evidence = q->evidence,
		.repair_plan = q->repair_plan,
		.no_contents = q->options.no_contents,
		.no_trust = q->options.no_trust,
		.quiet = q->quiet,
	};

	if (q->json && ih_verify_report_json(&r) < 0) {
		fprintf(stderr, "ihard verify: no memory for the report\n");
		return IH_EXIT_FAILED;
	}
	if (!q->json)
		ih_verify_report_text(&r);
	if (fflush(stdout) == EOF) {
		fprintf(stderr, "ihard verify: cannot write the report: %s\n", strerror(errno));
		return IH_EXIT_FAILED;
	}
	return (int)ih_verify_result(v);
}

int ih_cmd_verify(int argc, char **argv)
{
	struct request q = {
		.options = { .root = "", .dir = "/nix/store", .accept_content_addressed = true },
	};
	_cleanup_(ih_cleanup_verify) struct ih_verify *v = NULL;
	struct ih_diag diag = { 0 };
	int status, r = parse(argc, argv, &q);

	if (r) {
		/* bit 2 of the exit status means "not trusted": usage errors cannot have it */
		status = r == IH_OPTIONS_HELP ? IH_EXIT_OK : IH_EXIT_FAILED;
	} else {
		q.options.keys = &q.keys;
		if (q.has_limit)
			q.options.deadline_ns = ih_verify_now_ns() + q.time_limit * 1000000000;
		if (load_keys(&q, &diag) < 0 || verify(&q, &v, &diag) < 0) {
			fprintf(stderr, "ihard verify: %s\n", diag.text);
			status = IH_EXIT_FAILED;
		} else {
			status = report(&q, v);
		}
	}
	ih_verify_free(TAKE_PTR(v)); /* it points to the keys */
	ih_keys_done(&q.keys);
	return status;
}
