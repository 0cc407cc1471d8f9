/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hash many archives on one thread: two at a time where the processor gains by it
 * (integrity/sha256_x2.h), one at a time by integrity/hash.h elsewhere. Which archives, and what
 * their hashes mean, is the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "integrity/hash.h"
#include "integrity/nar.h"

/* One archive that is being hashed. */
struct ih_lane_job {
	struct ih_nar *nar; /* freed by the caller, after done() */
	void *cookie;	    /* the caller's */
};

struct ih_lanes {
	/* Fills the job with the next archive; false when there is none left. */
	bool (*next)(void *user, struct ih_lane_job *job);
	/**
	 * An archive is at its end. @error is what ih_nar_next() ended with (negative: @digest is
	 * void), -ECANCELED after stop(), or -ENOMEM.
	 */
	void (*done)(void *user, const struct ih_lane_job *job, int error,
		     const struct ih_digest *digest);
	/* Asked after every piece (about 128 KiB), told its length; true ends everything. */
	bool (*stop)(void *user, size_t piece);
	void *user;
	bool one_stream; /* never two at a time: for comparison, and for tests of that path */
};

/* Runs until next() says no and all archives are done. */
void ih_lanes_run(const struct ih_lanes *lanes);
