/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two lanes on one thread. Each lane offers a run of whole SHA-256 blocks; both are hashed together
 * for as long as both have some, and whoever is empty fetches more: the next piece of its archive,
 * the padding, or the next archive. So the lanes stay in step whatever the sizes of the archives.
 * Only what an archive would have to wait for the disk for is not waited for: the other is hashed
 * alone.
 */
#include "integrity/lanes.h"

#include <errno.h>
#include <string.h>

#include "integrity/sha256_x2.h"

struct lane {
	struct ih_lane_job job;
	bool busy;   /* has an archive */
	bool padded; /* and its last blocks are under way */
	int error;

	struct ih_sha256_lane hash;
	const uint8_t *blocks; /* what to hash next */
	size_t n_blocks;
	const uint8_t *rest; /* of the piece: comes behind blocks */
	size_t n_rest;
	uint64_t total;
	size_t fill; /* bytes in carry that do not make a block yet */
	uint8_t carry[IH_SHA256_BLOCK + IH_SHA256_PAD_MAX];
};

static bool stopped(const struct ih_lanes *lanes, size_t piece)
{
	return lanes->stop && lanes->stop(lanes->user, piece);
}

static void finish(const struct ih_lanes *lanes, struct lane *l)
{
	struct ih_digest digest = { .algo = IH_HASH_SHA256 };

	ih_sha256_lane_digest(&l->hash, digest.bytes);
	lanes->done(lanes->user, &l->job, l->error, l->error ? NULL : &digest);
	l->busy = false;
}

static bool start(const struct ih_lanes *lanes, struct lane *l)
{
	memset(l, 0, offsetof(struct lane, carry));
	if (!lanes->next(lanes->user, &l->job))
		return false;
	ih_sha256_lane_start(&l->hash);
	l->busy = true;
	return true;
}

/* Whole blocks of what is left of the piece, directly; the remainder waits in carry. */
static void offer_rest(struct lane *l)
{
	l->blocks = l->rest;
	l->n_blocks = l->n_rest / IH_SHA256_BLOCK;
	l->fill = l->n_rest % IH_SHA256_BLOCK;
	memcpy(l->carry, l->rest + l->n_blocks * IH_SHA256_BLOCK, l->fill);
	l->n_rest = 0;
}

/* A new piece: its first bytes complete the block that the last piece left unfinished. */
static void offer_piece(struct lane *l, const uint8_t *piece, size_t len)
{
	size_t missing = l->fill ? IH_SHA256_BLOCK - l->fill : 0;

	l->total += len;
	if (len < missing) {
		memcpy(l->carry + l->fill, piece, len);
		l->fill += len;
		return;
	}
	l->rest = piece + missing;
	l->n_rest = len - missing;
	if (!missing)
		return offer_rest(l);
	memcpy(l->carry + l->fill, piece, missing);
	l->blocks = l->carry;
	l->n_blocks = 1;
	l->fill = 0;
}

static void offer_padding(struct lane *l)
{
	size_t n = ih_sha256_x2_pad(l->carry + l->fill, l->fill, l->total);

	l->blocks = l->carry;
	l->n_blocks = (l->fill + n) / IH_SHA256_BLOCK;
	l->fill = 0;
	l->padded = true;
}

/*
 * Makes sure that the lane has blocks, unless they are still to come from the disk and it may not
 * @wait for them; false when there is nothing more to do in it.
 */
static bool refill(const struct ih_lanes *lanes, struct lane *l, bool wait)
{
	while (!l->n_blocks) {
		const void *piece = NULL;
		ssize_t len;

		if (l->busy && l->padded)
			finish(lanes, l);
		if (!l->busy && !start(lanes, l))
			return false;
		if (l->n_rest) {
			offer_rest(l);
			continue;
		}
		if (!wait && !ih_nar_is_ready(l->job.nar))
			return true;
		len = ih_nar_next(l->job.nar, &piece);
		if (len > 0 && stopped(lanes, (size_t)len))
			len = -ECANCELED;
		if (len > 0)
			offer_piece(l, piece, (size_t)len);
		else if (len == 0)
			offer_padding(l);
		else {
			l->error = (int)len;
			l->padded = true;
		}
	}
	return true;
}

static void consume(struct lane *l, size_t blocks)
{
	l->blocks += blocks * IH_SHA256_BLOCK;
	l->n_blocks -= blocks;
}

static void run_two(const struct ih_lanes *lanes)
{
	struct lane a = { 0 }, b = { 0 };

	for (;;) {
		/* While one has something to hash nobody waits for the other. */
		bool more_a = refill(lanes, &a, false);
		bool more_b = refill(lanes, &b, !a.n_blocks);
		size_t both;

		if (!more_b && !a.n_blocks)
			more_a = refill(lanes, &a, true);
		if (!more_a && !more_b)
			return;
		both = a.n_blocks < b.n_blocks ? a.n_blocks : b.n_blocks;
		if (both) {
			ih_sha256_x2_two(&a.hash, a.blocks, &b.hash, b.blocks, both);
			consume(&a, both);
			consume(&b, both);
		} else {
			struct lane *l = a.n_blocks ? &a : &b;

			ih_sha256_x2_one(&l->hash, l->blocks, l->n_blocks);
			consume(l, l->n_blocks);
		}
	}
}

static int hash_archive(const struct ih_lanes *lanes, struct ih_nar *nar, struct ih_hash *h,
			struct ih_digest *digest)
{
	const void *piece;
	ssize_t len;
	int r;

	while ((len = ih_nar_next(nar, &piece)) > 0) {
		if (stopped(lanes, (size_t)len))
			return -ECANCELED;
		r = ih_hash_add(h, piece, (size_t)len);
		if (r < 0)
			return r;
	}
	return len < 0 ? (int)len : ih_hash_end(h, digest);
}

static void run_one(const struct ih_lanes *lanes)
{
	struct ih_lane_job job;

	while (lanes->next(lanes->user, &job)) {
		_cleanup_(ih_cleanup_hash) struct ih_hash *h = NULL;
		struct ih_digest digest;
		int r;

		r = ih_hash_new(IH_HASH_SHA256, &h);
		if (r == 0)
			r = hash_archive(lanes, job.nar, h, &digest);
		lanes->done(lanes->user, &job, r, r < 0 ? NULL : &digest);
	}
}

void ih_lanes_run(const struct ih_lanes *lanes)
{
	if (ih_sha256_x2_can() && !lanes->one_stream)
		run_two(lanes);
	else
		run_one(lanes);
}
