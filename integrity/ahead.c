/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See ahead.h. By the kernel's own asynchronous reads (io_submit(2)), and not io_uring(7), which
 * containers and hardened kernels forbid. A batch is submitted under one plug, so that the block
 * layer joins what lies side by side.
 */
#include "integrity/ahead.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"

#define DATA_SIZE  (1024 * 1024)
#define TEXT_SIZE  (64 * 1024)
#define PART_SIZE  (256 * 1024) /* of a file, in one request */
#define ALIGN	   4096		/* any device's block divides it */
#define PIECES	   512
#define FILES_MAX  256 /* open at a time */
#define BATCH	   64
#define EVENTS	   64
#define LOW(whole) ((whole) / 4 * 3)

struct file {
	int fd;
	uint64_t size;
	unsigned int users; /* pieces, and the file that is being asked for */
	bool bad;	    /* told */
	char path[];
};

enum state {
	READY, /* bytes that were at hand, or a read that ended */
	ASKED,
	SENT,
};

struct piece {
	enum state state;
	void *at;
	size_t len;	   /* bytes there must be */
	size_t held;	   /* of its ring */
	struct file *file; /* NULL: bytes at hand */
	int64_t got;	   /* bytes that were read, or a negative errno */
	struct iocb request;
};

/* Space that is given back in the order in which it was taken. */
struct ring {
	char *base;
	size_t size, head, used;
};

struct ih_ahead {
	aio_context_t kernel; /* 0: none is given, and reads are done at once */
	struct ring data, text;
	char *space; /* given out, not put in yet */
	size_t skipped;
	size_t first, end; /* pieces; both only grow */
	bool shown;	   /* the first was handed out */
	size_t flying;	   /* sent, and not back yet */
	size_t files, files_max;
	struct file *file; /* being asked for */
	uint64_t asked;	   /* of its bytes, and one behind its end */
	struct iocb *batch[BATCH];
	size_t n_batch;
	struct piece pieces[PIECES];
};

/* @len bytes in one go; what is left at the ring's end is skipped, and counts as held. */
static char *ring_space(struct ring *r, size_t len, size_t *ret_skipped)
{
	size_t skipped;

	if (!r->used)
		r->head = 0;
	skipped = len > r->size - r->head ? r->size - r->head : 0;
	if (len > r->size - r->used || skipped > r->size - r->used - len)
		return NULL;
	*ret_skipped = skipped;
	return r->base + (skipped ? 0 : r->head);
}

/* Takes space that ring_space() gave. Return: what is to be given back. */
static size_t ring_take(struct ring *r, size_t len, size_t skipped)
{
	r->head = ((skipped ? 0 : r->head) + len) % r->size;
	r->used += skipped + len;
	return skipped + len;
}

static struct piece *piece_at(struct ih_ahead *a, size_t number)
{
	return &a->pieces[number % PIECES];
}

static void leave_file(struct ih_ahead *a, struct file *f)
{
	if (--f->users)
		return;
	(void)close(f->fd);
	free(f);
	a->files--;
}

/* For whatever the kernel does not take. */
static void read_now(struct piece *p)
{
	const struct iocb *q = &p->request;
	ssize_t got;

	do
		got = pread(p->file->fd, p->at, q->aio_nbytes, q->aio_offset);
	while (got < 0 && errno == EINTR);
	p->got = got < 0 ? -errno : got;
	p->state = READY;
}

static struct piece *piece_of(struct iocb *request)
{
	return (void *)((char *)request - offsetof(struct piece, request));
}

void ih_ahead_send(struct ih_ahead *a)
{
	for (size_t i = 0; i < a->n_batch;) {
		long sent = -1;

		if (a->kernel)
			sent = syscall(SYS_io_submit, a->kernel, (long)(a->n_batch - i),
				       a->batch + i);
		if (sent <= 0)
			read_now(piece_of(a->batch[i++]));
		for (; sent > 0; sent--, a->flying++)
			piece_of(a->batch[i++])->state = SENT;
	}
	a->n_batch = 0;
}

/* Ends all that is under way: the call waits until nothing writes to memory any more. */
static void give_kernel_up(struct ih_ahead *a, int error)
{
	(void)syscall(SYS_io_destroy, a->kernel);
	a->kernel = 0;
	for (size_t i = a->first; i != a->end; i++)
		if (piece_at(a, i)->state == SENT) {
			piece_at(a, i)->got = error;
			piece_at(a, i)->state = READY;
		}
	a->flying = 0;
}

/* Takes note of what is back; waits until at least one is, or not at all. */
static void collect(struct ih_ahead *a, bool wait)
{
	struct io_event events[EVENTS];
	const long no_time[2] = { 0 };
	long n;

	do
		n = syscall(SYS_io_getevents, a->kernel, (long)wait, (long)EVENTS, events,
			    wait ? NULL : no_time);
	while (n < 0 && errno == EINTR);
	if (n < 0 || (n == 0 && wait))
		return give_kernel_up(a, n < 0 ? -errno : -EIO);
	for (long i = 0; i < n; i++) {
		struct piece *p = piece_of((void *)(uintptr_t)events[i].obj);

		p->got = events[i].res;
		p->state = READY;
		a->flying--;
	}
}

static void wait_for(struct ih_ahead *a, const struct piece *p)
{
	if (p->state == ASKED)
		ih_ahead_send(a);
	while (p->state == SENT)
		collect(a, true);
}

static void drop_first(struct ih_ahead *a)
{
	struct piece *p = piece_at(a, a->first++);

	if (p->file) {
		a->data.used -= p->held;
		leave_file(a, p->file);
	} else {
		a->text.used -= p->held;
	}
	a->shown = false;
}

static struct piece *add_piece(struct ih_ahead *a, void *at, size_t len, size_t held)
{
	struct piece *p = piece_at(a, a->end++);

	p->state = READY;
	p->at = at;
	p->len = len;
	p->held = held;
	p->file = NULL;
	return p;
}

bool ih_ahead_is_low(const struct ih_ahead *a)
{
	return a->data.used <= LOW(a->data.size) && a->text.used <= LOW(a->text.size) &&
	       a->end - a->first <= LOW(PIECES) && a->files <= LOW(a->files_max);
}

char *ih_ahead_space(struct ih_ahead *a)
{
	if (a->end - a->first == PIECES || a->files >= a->files_max)
		return NULL;
	a->space = ring_space(&a->text, IH_AHEAD_TEXT_MAX, &a->skipped);
	return a->space;
}

void ih_ahead_put(struct ih_ahead *a, size_t len)
{
	struct piece *last = a->end - a->first > a->shown ? piece_at(a, a->end - 1) : NULL;
	char *at = TAKE_PTR(a->space);
	size_t held;

	if (!at || !len)
		return;
	held = ring_take(&a->text, len, a->skipped);
	if (!last || last->file || (char *)last->at + last->len != at) {
		(void)add_piece(a, at, len, held);
		return;
	}
	last->len += len;
	last->held += held;
}

int ih_ahead_file(struct ih_ahead *a, int fd, uint64_t size, const char *path)
{
	size_t len = strlen(path) + 1;
	struct file *f = malloc(sizeof(*f) + len);

	if (!f) {
		(void)close(fd);
		return -ENOMEM;
	}
	*f = (struct file){ .fd = fd, .size = size, .users = 1 };
	memcpy(f->path, path, len);
	a->files++;
	a->file = f;
	a->asked = 0;
	return 0;
}

/* One byte more than the size asks for tells whether the file grew, without a further request. */
static bool ask_part(struct ih_ahead *a)
{
	uint64_t left = a->file->size - a->asked;
	size_t want = left < PART_SIZE ? (size_t)left + 1 : PART_SIZE, skipped;
	struct piece *p;
	char *at;

	want = (want + ALIGN - 1) / ALIGN * ALIGN;
	if (a->end - a->first == PIECES)
		return false;
	at = ring_space(&a->data, want, &skipped);
	if (!at)
		return false;
	p = add_piece(a, at, left < want ? (size_t)left : want, ring_take(&a->data, want, skipped));
	p->file = a->file;
	p->file->users++;
	p->state = ASKED;
	p->request = (struct iocb){
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = (uint32_t)p->file->fd,
		.aio_buf = (uintptr_t)at,
		.aio_nbytes = want,
		.aio_offset = (int64_t)a->asked,
	};
	a->asked += want;
	a->batch[a->n_batch++] = &p->request;
	if (a->n_batch == BATCH)
		ih_ahead_send(a);
	return true;
}

bool ih_ahead_ask(struct ih_ahead *a)
{
	/* A file that is known to be bad is not read to its end, wherever that is said to be. */
	while (a->file && !a->file->bad && a->asked <= a->file->size)
		if (!ask_part(a))
			return false;
	if (a->file)
		leave_file(a, TAKE_PTR(a->file));
	return true;
}

/* 0, or what is wrong with the file and was not told before. */
static int judge(struct piece *p)
{
	if (!p->file || p->got == (int64_t)p->len || p->file->bad)
		return 0;
	p->file->bad = true;
	return p->got < 0 ? (int)p->got : -ESTALE;
}

bool ih_ahead_is_ready(struct ih_ahead *a)
{
	struct piece *p = piece_at(a, a->first + a->shown);

	if (a->first + a->shown == a->end)
		return true;
	if (p->state == SENT)
		collect(a, false);
	return p->state != SENT;
}

ssize_t ih_ahead_next(struct ih_ahead *a, const void **ret, const char **path)
{
	if (a->shown)
		drop_first(a);
	while (a->first != a->end) {
		struct piece *p = piece_at(a, a->first);
		int error;

		wait_for(a, p);
		error = judge(p);
		if (error || (p->len && !(p->file && p->file->bad))) {
			a->shown = true;
			if (error)
				*path = p->file->path;
			else
				*ret = p->at;
			return error ? error : (ssize_t)p->len;
		}
		drop_first(a);
	}
	return 0;
}

void ih_ahead_empty(struct ih_ahead *a)
{
	a->n_batch = 0; /* what was never sent does not come back */
	while (a->flying)
		collect(a, true);
	while (a->first != a->end)
		drop_first(a);
	if (a->file)
		leave_file(a, TAKE_PTR(a->file));
}

/* Two queues may share the descriptors that a process may have, and leave half of them. */
static size_t may_open(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 4 >= FILES_MAX)
		return FILES_MAX;
	return limit.rlim_cur >= 4 * 4 ? limit.rlim_cur / 4 : 4;
}

int ih_ahead_new(struct ih_ahead **ret)
{
	struct ih_ahead *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->data = (struct ring){ .base = aligned_alloc(ALIGN, DATA_SIZE), .size = DATA_SIZE };
	a->text = (struct ring){ .base = malloc(TEXT_SIZE), .size = TEXT_SIZE };
	if (!a->data.base || !a->text.base) {
		ih_ahead_free(a);
		return -ENOMEM;
	}
	a->files_max = may_open();
	if (syscall(SYS_io_setup, PIECES, &a->kernel) < 0)
		a->kernel = 0;
	*ret = a;
	return 0;
}

void ih_ahead_free(struct ih_ahead *a)
{
	if (!a)
		return;
	ih_ahead_empty(a);
	if (a->kernel)
		(void)syscall(SYS_io_destroy, a->kernel);
	free(a->data.base);
	free(a->text.base);
	free(a);
}
