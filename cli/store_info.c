/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One store object, from all sides. */
#include "cli/store_info.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/text.h"
#include "integrity/content_address.h"
#include "integrity/nar.h"
#include "integrity/nix_conf.h"
#include "integrity/store_db.h"

/* Keys that can be read; one that cannot is the verdict's business. */
static void collect_keys(const struct ih_provider *p, struct ih_keys *keys)
{
	for (size_t i = 0; i < p->n_keys; i++)
		(void)ih_keys_add(keys, p->keys[i], strlen(p->keys[i]), NULL);
	if (p->keys_from)
		(void)ih_keys_from(p->keys_from, keys, NULL);
}

static int check_signature(const struct ih_keys *keys, const char *word, size_t len,
			   struct ih_store_info *info)
{
	_free_ char *one = strndup(word, len);
	const char *names[1];
	struct ih_signers signers = { .names = names, .max = 1 };
	struct ih_store_signature *more;

	more = realloc(info->signatures, (info->n_signatures + 1) * sizeof(*more));
	if (!one || !more) {
		info->signatures = more ? more : info->signatures;
		return -ENOMEM;
	}
	info->signatures = more;
	more += info->n_signatures;
	*more = (struct ih_store_signature){ .name = strndup(word, strcspn(one, ":")) };
	if (!more->name)
		return -ENOMEM;
	info->n_signatures++;
	if (info->fingerprint && ih_signatures_check(keys, one, info->fingerprint,
						     strlen(info->fingerprint), &signers) == 0)
		more->state = signers.distinct ? IH_SIGNATURE_GOOD
			      : signers.bad    ? IH_SIGNATURE_BAD
					       : IH_SIGNATURE_UNKNOWN;
	return 0;
}

static int check_signatures(const struct ih_provider *p, struct ih_store_info *info)
{
	const char *s = info->recorded->signatures;
	struct ih_keys keys = { 0 };
	int r = 0;

	collect_keys(p, &keys);
	while (s && *s && r == 0 && info->n_signatures < IH_SIGNATURES_MAX) {
		size_t len;

		s += strspn(s, " \t\n");
		len = strcspn(s, " \t\n");
		if (len)
			r = check_signature(&keys, s, len, info);
		s += len;
	}
	ih_keys_done(&keys);
	return r;
}

/* What lies on disk, and whether a content-address claim holds for it. */
static int look_at_disk(const struct ih_provider *p, struct ih_store_info *info)
{
	struct ih_text store = { 0 };
	struct ih_nar_source source = { .metadata = true, .shown = info->evidence.object };
	const char *slash = strrchr(info->evidence.object, '/');
	_close_ int fd = -EBADF;
	struct ih_diag diag = { 0 };

	source.name = slash ? slash + 1 : info->evidence.object;
	if (ih_text_addf(&store, "%s%s", p->root ? p->root : "", p->store) < 0)
		return -ENOMEM;
	fd = open(ih_text_get(&store), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ih_text_done(&store);
	if (fd < 0) {
		ih_problem(&info->problems, IH_PROBLEM_IO, "cannot open the store: %s",
			   strerror(errno));
		return 0;
	}
	source.dirfd = fd;
	if (ih_nar_digest(&source, &info->problems, &info->found, &info->found_size) < 0)
		info->found_size = 0;
	source.metadata = false;
	if (info->recorded && info->recorded->ca &&
	    ih_ca_check(p->store, &source, info->recorded, &diag) < 0) {
		info->ca_problem = strdup(diag.text);
		return info->ca_problem ? 0 : -ENOMEM;
	}
	return 0;
}

static int look_at_row(const struct ih_provider *p, struct ih_store_info *info)
{
	struct ih_text path = { 0 }, print = { 0 };
	struct ih_store_db *db = NULL;
	struct ih_diag diag = { 0 };
	int r;

	r = ih_text_addf(&path, "%s%s", p->root ? p->root : "",
			 p->database ? p->database : "/nix/var/nix/db/db.sqlite");
	if (r == 0)
		r = ih_store_db_open(ih_text_get(&path), p->store, &db, &diag);
	if (r == 0)
		r = ih_store_db_object(db, info->evidence.object, &info->recorded, &diag);
	if (r == -ENOENT && !diag.text[0])
		(void)ih_fail(&diag, r, "the database does not have it");
	if (r < 0)
		info->why_not = strdup(diag.text);
	else if (ih_store_fingerprint(info->recorded, &print) == 0)
		info->fingerprint = TAKE_PTR(print.data);
	ih_text_done(&print);
	ih_text_done(&path);
	ih_store_db_free(db);
	if (r < 0)
		return info->why_not ? 0 : -ENOMEM;
	return check_signatures(p, info);
}

static bool has_object(const struct ih_provider *p, const char *object)
{
	size_t len = p->kind == IH_PROVIDER_NIX && p->store ? strlen(p->store) : 0;

	return len && !strncmp(object, p->store, len) && object[len] == '/';
}

int ih_store_info_find(struct ih_trust *trust, const struct ih_provider *providers, size_t n,
		       const char *path, struct ih_store_info *ret, struct ih_diag *diag)
{
	int r;

	*ret = (struct ih_store_info){ 0 };
	r = ih_trust_path(trust, AT_FDCWD, path, NULL, &ret->evidence);
	if (r == -ENOMEM)
		return ih_fail(diag, r, "out of memory");
	if (!ret->evidence.object)
		return ih_fail(diag, -ENOENT, "'%s' lies in no store object: %s", path,
			       ret->evidence.reason ? ret->evidence.reason : "it is not there");
	for (size_t i = 0; i < n; i++) {
		if (!has_object(&providers[i], ret->evidence.object))
			continue;
		r = look_at_row(&providers[i], ret);
		if (r == 0)
			r = look_at_disk(&providers[i], ret);
		return r < 0 ? ih_fail(diag, r, "out of memory") : 0;
	}
	return ih_fail(diag, -ENOENT, "'%s' lies in no Nix store of the policy", path);
}

void ih_store_info_done(struct ih_store_info *info)
{
	for (size_t i = 0; i < info->n_signatures; i++)
		free(info->signatures[i].name);
	free(info->signatures);
	free(info->fingerprint);
	free(info->why_not);
	free(info->ca_problem);
	ih_problems_done(&info->problems);
	ih_store_object_free(info->recorded);
	ih_evidence_done(&info->evidence);
	*info = (struct ih_store_info){ 0 };
}
