/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One verification of a system's closure, in the initrd. */
#include "bootchain/stage2.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bootchain/stage2_extra.h"
#include "bootchain/tpm.h"
#include "common/fd.h"
#include "integrity/verified_set.h"

#define FAILED_EVENT "ihard unverified\n"

struct run {
	const struct ih_stage2 *s;
	struct ih_stage2_outcome *out;
	struct ih_verify *verify;
	struct ih_seal *seal;
	char narinfo[PATH_MAX];
	size_t shown, found;
};

/* One problem: to the report always, to the console while there is room. */
static void tell(struct run *run, const char *sentence)
{
	run->found++;
	(void)ih_text_addf(&run->out->report, "%s\n", sentence);
	if (run->shown < IH_STAGE2_SHOWN_MAX) {
		(void)ih_text_addf(&run->out->console, "  %s\n", sentence);
		run->shown++;
	}
}

static void tell_of(struct run *run, const struct ih_problems *p)
{
	struct ih_diag diag;

	for (size_t i = 0; p && i < p->n; i++)
		tell(run, p->list[i]);
	if (p && p->total > p->n) {
		(void)ih_fail(&diag, 0, "… and %zu more of this object", p->total - p->n);
		tell(run, diag.text);
	}
}

static void tell_problems(struct run *run)
{
	const struct ih_closure *c = ih_verify_closure(run->verify);

	tell_of(run, ih_verify_problems(run->verify));
	for (size_t i = 0; i < ih_closure_size(c); i++)
		tell_of(run, ih_closure_object(c, i)->problems);
}

static int prepare(struct run *run, struct ih_verify_options *o, struct ih_diag *diag)
{
	const struct ih_stage2_config *c = run->s->config;
	int n;

	*o = (struct ih_verify_options){
		.root = run->s->sysroot,
		.dir = c->store,
		.keys = &c->keys,
		.sigs_needed = c->sigs_needed,
		.accept_content_addressed = !c->no_content_addressed,
		.want_files = true,
	};
	if (c->time_limit)
		o->deadline_ns = ih_verify_now_ns() + c->time_limit * UINT64_C(1000000000);
	if (c->narinfo) {
		n = snprintf(run->narinfo, sizeof(run->narinfo), "%s%s", run->s->sysroot,
			     c->narinfo);
		if (n < 0 || (size_t)n >= sizeof(run->narinfo))
			return ih_fail(diag, -ENAMETOOLONG, "the name of the .narinfo is too long");
		o->narinfo = run->narinfo;
	}
	return 0;
}

/* The seal of the system's closure, <seal>/<hash>-<name>.seal. */
static int read_own_seal(struct run *run, const char *dir, struct ih_diag *diag)
{
	const struct ih_stage2_config *c = run->s->config;
	const char *base = run->s->init + strlen(c->store) + 1;
	char path[PATH_MAX];
	int n, r;

	n = snprintf(path, sizeof(path), "%s/%.*s.seal", dir, (int)strcspn(base, "/"), base);
	if (n < 0 || (size_t)n >= sizeof(path))
		return ih_fail(diag, -ENAMETOOLONG, "the name of the seal is too long");
	r = ih_seal_read(AT_FDCWD, path, &run->seal, diag);
	if (r == 0)
		r = ih_seal_check_trust(run->seal, &c->keys, c->sigs_needed, c->generation_floor,
					diag);
	if (r < 0)
		ih_seal_free(TAKE_PTR(run->seal));
	return r;
}

/*
 * One that is missing or cannot be trusted is a remark: then the newest of another system is good
 * for what both systems have, and the rest is read, unless the configuration requires a seal.
 */
static int load_seal(struct run *run, struct ih_verify_options *o, struct ih_diag *diag)
{
	const struct ih_stage2_config *c = run->s->config;
	size_t len = strlen(c->store);
	char dir[PATH_MAX];
	int n, r;

	if (!c->seal || strncmp(run->s->init, c->store, len) != 0 || run->s->init[len] != '/')
		return 0;
	n = snprintf(dir, sizeof(dir), "%s%s", run->s->sysroot, c->seal);
	if (n < 0 || (size_t)n >= sizeof(dir))
		return ih_fail(diag, -ENAMETOOLONG, "the name of the seal is too long");
	r = read_own_seal(run, dir, diag);
	if (r < 0 && c->require_seal)
		return r;
	if (r < 0) {
		(void)ih_text_addf(&run->out->report, "not by its own seal: %s\n", diag->text);
		r = ih_seal_read_newest(dir, &c->keys, c->sigs_needed, c->generation_floor,
					&run->seal, diag);
		(void)ih_text_addf(&run->out->report, "%s\n",
				   r < 0 ? "everything is read"
					 : "by the newest seal of another system, for what "
					   "both have");
	}
	o->seal = run->seal;
	return 0;
}

static int verify(struct run *run, struct ih_diag *diag)
{
	struct ih_verify_options options;
	int r;

	r = prepare(run, &options, diag);
	if (r == 0)
		r = load_seal(run, &options, diag);
	if (r == 0)
		r = ih_verify_new(&options, &run->verify, diag);
	if (r == 0)
		r = ih_verify_add(run->verify, run->s->init, diag);
	if (r == 0)
		r = ih_verify_run(run->verify, diag);
	return r;
}

static int event_of(struct run *run, struct ih_verified_header *header, struct ih_text *event)
{
	struct ih_digest digest = { .algo = IH_HASH_SHA256 };
	char text[IH_DIGEST_TEXT_SIZE];
	int r;

	r = ih_verify_digest(run->verify, digest.bytes);
	if (r < 0)
		return r;
	memcpy(header->closure, digest.bytes, sizeof(header->closure));
	ih_digest_print(&digest, text);
	return ih_text_addf(event, "ihard closure %s sigs %u\n", text, header->sigs_needed);
}

static int open_state(const struct run *run, struct ih_diag *diag)
{
	int fd;

	if (mkdir(run->s->state, 0755) < 0 && errno != EEXIST)
		return ih_fail(diag, -errno, "cannot make '%s': %s", run->s->state,
			       strerror(errno));
	fd = open(run->s->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return ih_fail(diag, -errno, "cannot open '%s': %s", run->s->state,
			       strerror(errno));
	return fd;
}

static int extend(const struct run *run, const struct ih_text *event, struct ih_diag *diag)
{
	_cleanup_(ih_tpm_freep) struct ih_tpm *tpm = NULL;
	int r;

	if (run->s->config->pcr < 0)
		return 0;
	r = ih_tpm_open(run->s->tcti, &tpm, diag);
	if (r == -ENODEV && !run->s->tcti) {
		(void)ih_text_addf(&run->out->report, "nothing was measured: %s\n", diag->text);
		return 0;
	}
	if (r == 0)
		r = ih_tpm_measure(tpm, (unsigned int)run->s->config->pcr, event->data, event->len,
				   diag);
	return r;
}

/*
 * The set is written before anything is measured: when it cannot be, what is measured is the
 * failure, and the register never claims what the agent cannot find.
 */
static int write_down(struct run *run, bool good, struct ih_text *event, struct ih_diag *diag)
{
	struct ih_verified_header header = { .sigs_needed = run->s->config->sigs_needed };
	_close_ int state = -EBADF;
	int r;

	if (run->seal) {
		header.generation = ih_seal_header(run->seal)->generation;
		header.flags |= IH_VERIFIED_SEALED;
	}
	state = open_state(run, diag);
	if (state < 0)
		return state;
	if (good) {
		r = event_of(run, &header, event);
		if (r < 0)
			return ih_fail(diag, r, "cannot digest the closure: %s", strerror(-r));
	} else if (ih_text_addf(event, FAILED_EVENT) < 0) {
		return -ENOMEM;
	}
	r = ih_verified_set_write(state, "verified", run->verify, &header, diag);
	if (r == 0)
		r = ih_write_file_atomic(state, "measured", 0444, event->data, event->len, diag);
	return r;
}

static void conclude(struct run *run, bool good)
{
	struct ih_text event = { 0 };
	struct ih_diag diag = { 0 };
	int r;

	if (run->verify) {
		r = write_down(run, good, &event, &diag);
		if (r < 0) {
			good = false;
			run->out->result |= IH_VERIFY_OTHER;
			tell(run, diag.text);
		}
	}
	if (!good) {
		event.len = 0;
		(void)ih_text_addf(&event, FAILED_EVENT);
	}
	r = extend(run, &event, &diag);
	if (r < 0) {
		good = false;
		run->out->result |= IH_VERIFY_OTHER;
		tell(run, diag.text);
	}
	run->out->verified = good && !event.oom;
	ih_text_done(&event);
}

static void summarize(struct run *run)
{
	struct ih_stage2_outcome *out = run->out;
	uint64_t ms = run->verify ? ih_verify_elapsed_ns(run->verify) / 1000000 : 0;
	size_t n = run->verify ? ih_closure_size(ih_verify_closure(run->verify)) : 0;
	const char *note = run->verify ? ih_verify_note(run->verify) : NULL;
	struct ih_text head = { 0 };

	if (note)
		(void)ih_text_addf(&out->report, "%s\n", note);
	if (run->found > run->shown)
		(void)ih_text_addf(&out->console, "  … and %zu more, in the journal\n",
				   run->found - run->shown);
	(void)ih_text_addf(&head,
			   "ihard: %s\nihard: %zu objects, %" PRIu64 " MB, %" PRIu64 ".%" PRIu64
			   " s; '%s'\n",
			   out->verified ? "the system is what was signed"
					 : "the system is NOT what was signed",
			   n, run->verify ? ih_verify_bytes(run->verify) / 1000000 : 0, ms / 1000,
			   ms % 1000 / 100, run->s->init);
	(void)ih_text_add(&out->report, ih_text_get(&head), head.len);
	(void)ih_text_add(&head, ih_text_get(&out->console), out->console.len);
	ih_text_done(&out->console);
	out->console = head;
}

/* What came in unsigned beside the image. Return: false when that is a failure. */
static bool judge_companions(struct run *run)
{
	const bool refuse = run->s->config->companions == IH_STAGE2_COMPANIONS_REFUSE;
	struct ih_stage2_extra extra;
	struct ih_diag diag;
	bool is_clean;
	int r = ih_stage2_extra_find(run->s->extra, &extra);

	if (r < 0)
		(void)ih_fail(&diag, r, "cannot look for companions in '%s': %s", run->s->extra,
			      strerror(-r));
	else if (extra.n)
		(void)ih_fail(&diag, 0,
			      "%zu unsigned companion%s came from the boot partition beside the "
			      "image: %s%s; registers 12 and 13 show them",
			      extra.n, extra.n > 1 ? "s" : "", ih_text_get(&extra.names),
			      extra.n > IH_STAGE2_EXTRA_NAMED_MAX ? ", …" : "");
	is_clean = r == 0 && !extra.n;
	ih_stage2_extra_done(&extra);
	if (!is_clean && !refuse)
		(void)ih_text_addf(&run->out->report, "%s\n", diag.text);
	if (is_clean || !refuse)
		return true;
	tell(run, diag.text);
	run->out->result |= IH_VERIFY_OTHER;
	return false;
}

void ih_stage2_run(const struct ih_stage2 *s, struct ih_stage2_outcome *ret)
{
	struct run run = { .s = s, .out = ret };
	struct ih_diag diag = { 0 };
	bool good = false;

	*ret = (struct ih_stage2_outcome){ .result = IH_VERIFY_OTHER };
	if (verify(&run, &diag) < 0) {
		tell(&run, diag.text);
	} else {
		ret->result = ih_verify_result(run.verify);
		good = ret->result == 0;
		if (!good)
			tell_problems(&run);
	}
	good = judge_companions(&run) && good;
	conclude(&run, good);
	summarize(&run);
	ih_verify_free(run.verify);
	ih_seal_free(run.seal);
}

void ih_stage2_outcome_done(struct ih_stage2_outcome *o)
{
	ih_text_done(&o->report);
	ih_text_done(&o->console);
	*o = (struct ih_stage2_outcome){ 0 };
}
