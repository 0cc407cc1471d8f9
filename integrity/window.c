/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See window.h. A page that faults is replaced by zeros, and whoever looks finds out at the end. */
#include "integrity/window.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGES_MAX 512 /* of one window */

/* Windows of this thread: a fault is raised in the thread that looks. */
static _Thread_local struct ih_window *mine;

static struct ih_window *at_address(const void *address)
{
	const uint8_t *p = address;

	for (struct ih_window *w = mine; w; w = w->next)
		if (p >= w->at && p < w->at + w->len)
			return w;
	return NULL;
}

/* Only what signal-safety(7) allows; mmap() is a plain system call. */
static void on_bus(int number, siginfo_t *info, void *context)
{
	struct ih_window *w = info->si_code > 0 ? at_address(info->si_addr) : NULL;
	int saved = errno;

	(void)context;
	if (w && mmap(w->at, w->len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
			 MAP_FAILED) {
		w->lost = true;
		errno = saved;
		return;
	}
	/* Not ours: end as if nobody had taken it. */
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

static int handler_error;

static void take_signal(void)
{
	struct sigaction act = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };

	(void)sigemptyset(&act.sa_mask);
	if (sigaction(SIGBUS, &act, NULL) < 0)
		handler_error = -errno;
}

static int take_signal_once(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int r = pthread_once(&once, take_signal);

	return r ? -r : handler_error;
}

/* cachestat(2), Linux 6.5: the same number on every architecture; older headers lack it. */
#ifdef SYS_cachestat
#define CACHESTAT SYS_cachestat
#else
#define CACHESTAT 451
#endif

struct cache_range {
	uint64_t offset, len;
};

struct cache_counts {
	uint64_t cached, dirty, under_writeback, evicted, recently_evicted;
};

/*
 * Asks by the descriptor, so that nothing is mapped in vain, and by whole folios, where mincore(2)
 * looks each page up. 1 when all is cached, -EAGAIN when not, 0 when the kernel does not say: it is
 * older, or keeps it from those who may not write the file.
 */
static int asked_by_folios(int fd, uint64_t offset, size_t len, size_t page)
{
	struct cache_range range = { offset, len };
	struct cache_counts counts = { 0 };

	if (syscall(CACHESTAT, fd, &range, &counts, 0) < 0)
		return 0;
	return counts.cached >= (len + page - 1) / page ? 1 : -EAGAIN;
}

static int asked_by_pages(void *at, size_t len, size_t page)
{
	unsigned char pages[PAGES_MAX];
	size_t n = (len + page - 1) / page;

	if (n > PAGES_MAX)
		return -E2BIG;
	if (mincore(at, len, pages) < 0)
		return -errno;
	for (size_t i = 0; i < n; i++)
		if (!(pages[i] & 1))
			return -EAGAIN;
	return 0;
}

int ih_window_open(struct ih_window *w, int fd, uint64_t offset, size_t len, const uint8_t **ret)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), skip = (size_t)(offset % page);
	void *at;
	int known, r;

	r = take_signal_once();
	if (r < 0)
		return r;
	known = asked_by_folios(fd, offset - skip, skip + len, page);
	if (known < 0)
		return known;
	at = mmap(NULL, skip + len, PROT_READ, MAP_SHARED, fd, (off_t)(offset - skip));
	if (at == MAP_FAILED)
		return -errno;
	r = known ? 0 : asked_by_pages(at, skip + len, page);
	if (r < 0) {
		(void)munmap(at, skip + len);
		return r;
	}
	*w = (struct ih_window){ .at = at, .len = skip + len, .next = mine };
	mine = w;
	*ret = w->at + skip;
	return 0;
}

bool ih_window_close(struct ih_window *w)
{
	bool lost = w->lost;

	if (!w->at)
		return true;
	for (struct ih_window **p = &mine; *p; p = &(*p)->next)
		if (*p == w) {
			*p = w->next;
			break;
		}
	(void)munmap(w->at, w->len);
	*w = (struct ih_window){ 0 };
	return !lost;
}
