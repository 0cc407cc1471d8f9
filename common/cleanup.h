/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ownership by scope: a local marked _close_ or _free_ is released when it goes out of scope, and
 * TAKE_FD()/TAKE_PTR() hand it over. Everything here keeps errno.
 */
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static inline void ih_cleanup_close(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	errno = saved;
}

static inline void ih_cleanup_free(void *p)
{
	int saved = errno;

	free(*(void **)p);
	errno = saved;
}

/* Declares the cleanup function of a type whose destructor takes NULL. */
#define IH_DEFINE_CLEANUP(type, name, destroy) \
	static inline void name(type *p)       \
	{                                      \
		int saved = errno;             \
                                               \
		destroy(*p);                   \
		errno = saved;                 \
	}

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _close_	     _cleanup_(ih_cleanup_close)
#define _free_	     _cleanup_(ih_cleanup_free)

#define TAKE_FD(fd)              \
	({                       \
		int *_p = &(fd); \
		int _fd = *_p;   \
                                 \
		*_p = -EBADF;    \
		_fd;             \
	})

#define TAKE_PTR(ptr)                          \
	({                                     \
		__typeof__(ptr) *_pp = &(ptr); \
		__typeof__(ptr) _q = *_pp;     \
                                               \
		*_pp = NULL;                   \
		_q;                            \
	})

#define IH_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
