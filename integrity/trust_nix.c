/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A Nix store: an object is verified when enough distinct trusted keys signed its fingerprint, what
 * lies on disk has the signed hash and size, and its metadata is canonical. The database says what
 * was signed and is believed in nothing else.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/text.h"
#include "integrity/content_address.h"
#include "integrity/nar.h"
#include "integrity/signature.h"
#include "integrity/store.h"
#include "integrity/store_db.h"
#include "integrity/trust_priv.h"
#include "integrity/verdicts.h"

struct nix {
	const struct ih_provider *provider;
	const char *dir; /* logical store directory */
	struct ih_place place;

	struct ih_keys keys;
	struct ih_problems faults; /* of the provider itself: a bad key, no database */
	struct ih_store_db *db;
	bool db_tried;
	int db_error;
	struct ih_diag db_diag;
	struct ih_verdicts verdicts;
};

/* One object on its way to a verdict. */
struct work {
	struct nix *nix;
	const struct ih_step *store, *top; /* steps of the walk */
	char path[PATH_MAX];		   /* logical */
	struct ih_store_object *row;
	struct ih_verdict *verdict;
};

static void nix_free(void *state)
{
	struct nix *n = state;

	ih_verdicts_done(&n->verdicts);
	ih_store_db_free(n->db);
	ih_problems_done(&n->faults);
	ih_keys_done(&n->keys);
	free(n);
}

static void locate(struct nix *n)
{
	const char *root = n->provider->root ? n->provider->root : "";
	struct ih_text path = { 0 };

	if (ih_text_addf(&path, "%s%s", root, n->dir) == 0)
		ih_place_locate(path.data, &n->place);
	ih_text_done(&path);
}

static int nix_open(const struct ih_provider *provider, void **ret)
{
	struct nix *n = calloc(1, sizeof(*n));
	int r;

	if (!n)
		return -ENOMEM;
	n->provider = provider;
	n->dir = provider->store ? provider->store : "/nix/store";
	locate(n);
	r = ih_provider_keys(provider, &n->keys, &n->faults);
	if (r < 0) {
		nix_free(n);
		return r;
	}
	*ret = n;
	return 0;
}

/* Opened when the first object is asked for, as most names lead into no store. */
static struct ih_store_db *database(struct nix *n)
{
	const struct ih_provider *p = n->provider;
	struct ih_text path = { 0 };

	if (n->db_tried)
		return n->db;
	n->db_tried = true;
	(void)ih_text_addf(&path, "%s%s", p->root ? p->root : "",
			   p->database ? p->database : "/nix/var/nix/db/db.sqlite");
	n->db_error = path.oom ? ih_fail(&n->db_diag, -ENOMEM, "no memory for the database")
			       : ih_store_db_open(path.data, n->dir, &n->db, &n->db_diag);
	ih_text_done(&path);
	return n->db;
}

static unsigned int keys_needed(const struct nix *n)
{
	return n->provider->sigs_needed ? n->provider->sigs_needed : 1;
}

/* Names of who signed, for people: "'a', 'b'"; they are claims. */
static void list_claimed(const char *signatures, struct ih_text *ret)
{
	for (const char *at = signatures; at && *at && ret->len < 200;) {
		size_t len, name;

		at += strspn(at, " \t\n");
		len = strcspn(at, " \t\n");
		name = strcspn(at, ": \t\n");
		if (len)
			(void)ih_text_addf(ret, "%s'%.*s'", ret->len ? ", " : "",
					   name < 60 ? (int)name : 60, at);
		at += len;
	}
}

static void explain_signers(struct work *k, const struct ih_signers *s)
{
	struct ih_problems *p = &k->verdict->problems;
	unsigned int needed = keys_needed(k->nix);
	struct ih_text claimed = { 0 };

	list_claimed(k->row->signatures, &claimed);
	if (!claimed.len)
		ih_problem(p, IH_PROBLEM_SIGNATURE, "nobody signed '%s'", k->path);
	else if (!k->nix->keys.n)
		ih_problem(p, IH_PROBLEM_SIGNATURE, "'%s' is signed by %s, but no key is trusted",
			   k->path, ih_text_get(&claimed));
	else if (s->bad && !s->distinct)
		ih_problem(p, IH_PROBLEM_SIGNATURE,
			   "the signature of '%s' by %s does not fit what the database says of it",
			   k->path, ih_text_get(&claimed));
	else if (!s->distinct)
		ih_problem(p, IH_PROBLEM_SIGNATURE,
			   "'%s' is signed by %s, whose key is not trusted", k->path,
			   ih_text_get(&claimed));
	else
		ih_problem(
			p, IH_PROBLEM_SIGNATURE,
			"'%s' is signed by %zu distinct trusted %s, %u are needed (signatures: %s)",
			k->path, s->distinct, s->distinct == 1 ? "key" : "keys", needed,
			ih_text_get(&claimed));
	ih_text_done(&claimed);
}

static struct ih_nar_source source_of(const struct work *k)
{
	return (struct ih_nar_source){
		.dirfd = k->store->fd,
		.name = k->top->name,
		.shown = k->path,
		.metadata = true,
		.owner = k->nix->provider->owner,
	};
}

/*
 * A claim counts once the content was held against it, and if the policy wants that. A lie is the
 * first thing to say about an object; a claim that holds and does not count is an afterthought.
 */
static bool check_claim(struct work *k, struct ih_problems *afterthought)
{
	const struct nix *n = k->nix;
	struct ih_nar_source source = source_of(k);
	struct ih_diag diag;
	int r;

	if (!k->row->ca)
		return false;
	r = ih_ca_check(n->dir, &source, k->row, &diag);
	if (r < 0)
		ih_problem(&k->verdict->problems,
			   r == -EBADMSG ? IH_PROBLEM_CONTENT : IH_PROBLEM_IO, "%s", diag.text);
	else if (!n->provider->accept_content_addressed)
		ih_problem(afterthought, IH_PROBLEM_SIGNATURE,
			   "the content address of '%s' holds, but the policy wants signatures",
			   k->path);
	else
		k->verdict->by_content = true;
	return k->verdict->by_content;
}

static void explain_unsigned(struct work *k, const struct ih_signers *s, int error)
{
	struct ih_problems *p = &k->verdict->problems;

	if (error == -EINVAL)
		ih_problem(p, IH_PROBLEM_DATABASE,
			   "the database gives '%s' no size, so nobody can have signed it",
			   k->path);
	else if (error == -E2BIG)
		ih_problem(p, IH_PROBLEM_SIGNATURE, "'%s' has more than %d signatures", k->path,
			   IH_SIGNATURES_MAX);
	else if (error < 0)
		ih_problem(p, IH_PROBLEM_IO, "the signatures of '%s' cannot be checked: %s",
			   k->path, strerror(-error));
	else
		explain_signers(k, s);
}

static void check_signatures(struct work *k)
{
	struct ih_signers s = { k->verdict->signers, IH_EVIDENCE_KEYS_MAX, 0, 0, 0, 0 };
	struct ih_text fingerprint = { 0 };
	struct ih_problems afterthought = { 0 };
	int r;

	r = ih_store_fingerprint(k->row, &fingerprint);
	if (r == 0)
		r = ih_signatures_check(&k->nix->keys, k->row->signatures, fingerprint.data,
					fingerprint.len, &s);
	ih_text_done(&fingerprint);
	k->verdict->n_signers = s.n;
	k->verdict->n_distinct = s.distinct;
	if ((r == 0 || r == -E2BIG) && s.distinct >= keys_needed(k->nix))
		return;
	if (!check_claim(k, &afterthought)) {
		explain_unsigned(k, &s, r);
		ih_problems_append(&k->verdict->problems, &afterthought);
	}
	ih_problems_done(&afterthought);
}

static void check_content(struct work *k)
{
	char recorded[IH_DIGEST_TEXT_SIZE], found[IH_DIGEST_TEXT_SIZE];
	struct ih_problems *p = &k->verdict->problems;
	struct ih_nar_source source = source_of(k);
	struct ih_problems metadata = { 0 };
	struct ih_digest d;
	uint64_t size;
	int r;

	r = ih_nar_digest(&source, &metadata, &d, &size);
	if (r < 0 && !metadata.total)
		ih_problem(p, IH_PROBLEM_IO, "cannot hash '%s': %s", k->path, strerror(-r));
	if (r == 0 && (size != k->row->nar_size ||
		       memcmp(d.bytes, k->row->nar_hash.bytes, IH_SHA256_SIZE) != 0)) {
		ih_digest_print(&k->row->nar_hash, recorded);
		ih_digest_print(&d, found);
		ih_problem(
			p, IH_PROBLEM_CONTENT,
			"the content of '%s' was changed: recorded is %s (%llu bytes), found is %s "
			"(%llu bytes)",
			k->path, recorded, (unsigned long long)k->row->nar_size, found,
			(unsigned long long)size);
	}
	ih_problems_append(p, &metadata);
	ih_problems_done(&metadata);
}

static void verify(struct work *k)
{
	struct ih_problems *p = &k->verdict->problems;
	struct ih_store_db *db = database(k->nix);
	struct ih_diag diag;

	if (!db)
		ih_problem(p, IH_PROBLEM_DATABASE, "%s", k->nix->db_diag.text);
	else if (ih_store_db_object(db, k->path, &k->row, &diag) < 0)
		ih_problem(p, IH_PROBLEM_DATABASE, "%s", diag.text);
	else {
		check_signatures(k);
		check_content(k);
	}
	ih_store_object_free(k->row);
	k->row = NULL;
	k->verdict->trust = p->total ? IH_TRUST_STORE : IH_TRUST_VERIFIED;
	if (p->total)
		ih_problems_append(p, &k->nix->faults);
}

static int find_verdict(struct work *k, const struct ih_step *end)
{
	struct ih_verdicts *all = &k->nix->verdicts;

	k->verdict = ih_verdicts_find(all, k->top->name);
	if (k->verdict && ih_verdict_is_current(k->verdict, k->top, end))
		return 0;
	k->verdict = ih_verdicts_renew(all, k->top->name);
	if (!k->verdict)
		return -ENOMEM;
	ih_verdict_begin(k->verdict, k->top);
	verify(k);
	return 0;
}

static int explain_verified(const struct ih_verdict *v, const char *path, struct ih_judgement *ret)
{
	struct ih_text t = { 0 };

	(void)ih_text_addf(&t, "'%s' is what ", path);
	if (v->by_content)
		(void)ih_text_addf(&t, "its own content address says; nobody else vouches for it");
	for (size_t i = 0; i < v->n_signers && !v->by_content; i++)
		(void)ih_text_addf(&t, "%s'%s'", i ? ", " : "", v->signers[i]);
	if (!v->by_content)
		(void)ih_text_addf(&t, " signed");
	if (t.oom) {
		ih_text_done(&t);
		return -ENOMEM;
	}
	ret->reason = t.data;
	return 0;
}

static int take_verdict(const struct work *k, struct ih_judgement *ret)
{
	const struct ih_verdict *v = k->verdict;

	ret->trust = v->trust;
	ih_problems_append(&ret->problems, &v->problems);
	for (size_t i = 0; i < v->n_signers; i++) {
		ret->signers[i] = strdup(v->signers[i]);
		if (!ret->signers[i])
			return -ENOMEM;
		ret->n_signers++;
	}
	return v->trust == IH_TRUST_VERIFIED ? explain_verified(v, k->path, ret) : 0;
}

/* The store's own directory: anybody's object may come to lie in it. */
static int judge_store(const struct nix *n, struct ih_judgement *ret)
{
	ret->trust = IH_TRUST_STORE;
	ih_problem(&ret->problems, IH_PROBLEM_METADATA,
		   "'%s' is the store itself: only the objects in it can be verified", n->dir);
	return 0;
}

static int nix_judge(void *state, const struct ih_walk *w, struct ih_judgement *ret)
{
	struct nix *n = state;
	int store = ih_place_find(&n->place, w), r;
	struct work k = { .nix = n };

	if (store < 0)
		return 0;
	ret->mine = true;
	if ((size_t)store + 1 == w->n)
		return judge_store(n, ret);
	k.store = &w->steps[store];
	k.top = &w->steps[store + 1];
	(void)snprintf(k.path, sizeof(k.path), "%s/%s", n->dir, k.top->name);
	ret->object = strdup(k.path);
	if (!ret->object)
		return -ENOMEM;
	if (!ih_store_base_is_valid(k.top->name, strlen(k.top->name))) {
		ret->trust = IH_TRUST_UNTRUSTED;
		ih_problem(&ret->problems, IH_PROBLEM_METADATA,
			   "'%s' lies in the store's directory but is no store object", k.path);
		return 0;
	}
	ih_walk_find_mounts(w, (size_t)store, "store's", &ret->problems);
	if (ret->problems.total) {
		ret->trust = IH_TRUST_UNTRUSTED;
		return 0;
	}
	r = find_verdict(&k, ih_walk_end(w));
	return r < 0 ? r : take_verdict(&k, ret);
}

const struct ih_trust_ops ih_trust_nix = { nix_open, nix_judge, nix_free };
