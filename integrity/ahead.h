/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A queue of an archive's pieces, in order: bytes that are at hand, and parts of files that are
 * still being read past the page cache. A disk is only fast while it has many requests to choose
 * from, so that files are asked for long before they are waited for, small ones many at a time:
 * what lies side by side is then fetched as one. Memory is bounded, and used again in a ring.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define IH_AHEAD_TEXT_MAX 8192 /* bytes at hand that are put in at once */

struct ih_ahead;

/* Return: 0 or -ENOMEM. Where the kernel gives no asynchronous reads, each is done when asked for.
 */
int ih_ahead_new(struct ih_ahead **ret);

/* Forget what is queued, once nothing writes to memory any more. */
void ih_ahead_empty(struct ih_ahead *a);

void ih_ahead_free(struct ih_ahead *a);

/* True when so much was taken out that it is worth to put in more; not before, to ask for many. */
bool ih_ahead_is_low(const struct ih_ahead *a);

/**
 * ih_ahead_space() - where to write bytes that are at hand
 *
 * Return: IH_AHEAD_TEXT_MAX bytes, or NULL when there is no room now.
 */
char *ih_ahead_space(struct ih_ahead *a);

/* Put in @len bytes that were written there. */
void ih_ahead_put(struct ih_ahead *a, size_t len);

/**
 * ih_ahead_file() - put in a file's content
 * @fd: opened with O_DIRECT; taken over, whatever comes of it
 * @size: bytes that it must turn out to have
 * @path: for whoever asks where there is trouble
 *
 * Nothing else can be put in before ih_ahead_ask() has returned true.
 *
 * Return: 0 or -ENOMEM.
 */
int ih_ahead_file(struct ih_ahead *a, int fd, uint64_t size, const char *path);

/* Ask for as much of the file as there is room for. Return: whether all of it was asked for. */
bool ih_ahead_ask(struct ih_ahead *a);

/* What was asked for goes to the disk now. */
void ih_ahead_send(struct ih_ahead *a);

/* False when ih_ahead_next() would have to wait. */
bool ih_ahead_is_ready(struct ih_ahead *a);

/**
 * ih_ahead_next() - the next piece, once it is there
 * @ret: valid until the next call
 * @path: of the file there is trouble with, told once a file; valid until the next call
 *
 * Return: bytes in @ret; 0 when nothing is queued; -ESTALE when a file has another size than it was
 * said to have, or the negative errno of reading it.
 */
ssize_t ih_ahead_next(struct ih_ahead *a, const void **ret, const char **path);
