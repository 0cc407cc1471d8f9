/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A window onto what the page cache already holds of a file, to be read where it lies: copying
 * costs a fifth of what hashing does. A file that cannot be read, or shrinks, under a window raises
 * SIGBUS; the window then shows zeros and says so when it is closed. What is not cached is not
 * for windows: reading brings more requests in flight than page faults do.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ih_window {
	uint8_t *at; /* the mapping; NULL while closed */
	size_t len;  /* of the mapping, in bytes */
	bool lost;   /* some of it was not what the file holds */
	struct ih_window *next;
};

/**
 * ih_window_open() - look at @len bytes of @fd from @offset on
 * @w: closed; must stay where it is, and be closed by the same thread
 * @fd: need not outlive the call
 * @ret: the bytes, until ih_window_close(); they may change while they are looked at, as the file
 * may
 *
 * The first window takes SIGBUS over for the process; one that no window caused still ends it.
 *
 * Return: 0; -EAGAIN when not all of it is cached (mincore(2)), or the negative errno of mapping:
 * in each case the file is to be read instead.
 */
int ih_window_open(struct ih_window *w, int fd, uint64_t offset, size_t len, const uint8_t **ret);

/**
 * ih_window_close() - end the look; a closed window may be closed again
 *
 * Return: true when every byte that was shown was the file's.
 */
bool ih_window_close(struct ih_window *w);
