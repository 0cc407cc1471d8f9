/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A kill has no errno. The sentence goes to the controlling terminal, by its device number
 * (proc(5), tty_nr), whatever descriptors the process had. */
#include "bpf/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "common/text.h"

#define PTS_MAJOR_FIRST 136 /* Documentation/admin-guide/devices.txt */
#define PTS_MAJOR_LAST	143
#define STAT_MAX	4096
#define TRIES		5
#define TRY_AGAIN_NS	10000000

/* Device number of the controlling terminal, 0 for none. The name in parentheses may hold anything,
 * so the fields are counted from the last one. */
static dev_t terminal_of(pid_t pid)
{
	_free_ char *text = NULL;
	char path[64], *at, *end;
	size_t len;
	long nr = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (ih_read_file(AT_FDCWD, path, STAT_MAX, &text, &len, NULL) < 0)
		return 0;
	at = strrchr(text, ')');
	if (!at || at[1] != ' ')
		return 0;
	at += 2;
	for (int field = 3; field < 7; field++) {
		at = strchr(at, ' ');
		if (!at)
			return 0;
		at++;
	}
	nr = strtol(at, &end, 10);
	if (end == at || nr <= 0)
		return 0;
	/* new_encode_dev() of include/linux/kdev_t.h */
	return makedev((nr >> 8) & 0xfff, (nr & 0xff) | ((nr >> 12) & 0xfff00));
}

static int open_terminal(dev_t device)
{
	char link[64], target[PATH_MAX], path[PATH_MAX + 8];
	const char *name;
	struct stat st;
	ssize_t n;
	int fd;

	if (major(device) >= PTS_MAJOR_FIRST && major(device) <= PTS_MAJOR_LAST) {
		(void)snprintf(path, sizeof(path), "/dev/pts/%u",
			       (major(device) - PTS_MAJOR_FIRST) * 256 + minor(device));
	} else {
		(void)snprintf(link, sizeof(link), "/sys/dev/char/%u:%u", major(device),
			       minor(device));
		n = readlink(link, target, sizeof(target) - 1);
		if (n <= 0)
			return -1;
		target[n] = '\0';
		name = strrchr(target, '/');
		(void)snprintf(path, sizeof(path), "/dev/%s", name ? name + 1 : target);
	}
	fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != device)) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* While another process writes to a terminal, nobody else can without waiting (Linux:
 * tty_write_lock() in drivers/tty/tty_io.c); a terminal that was stopped never can, and is not
 * waited for. */
static void write_line(int fd, const struct ih_text *line)
{
	const struct timespec a_while = { .tv_nsec = TRY_AGAIN_NS };

	for (int i = 0; i < TRIES; i++) {
		if (write(fd, line->data, line->len) >= 0 || errno != EAGAIN)
			return;
		(void)nanosleep(&a_while, NULL);
	}
}

void ih_terminal_tell(pid_t pid, pid_t parent, const char *sentence)
{
	dev_t device = terminal_of(pid);
	_close_ int fd = -EBADF;
	struct ih_text line = { 0 };

	if (!device)
		device = terminal_of(parent);
	if (!device)
		return;
	fd = open_terminal(device);
	if (fd >= 0 && ih_text_addf(&line, "\r\nihard: %s\r\n", sentence) == 0)
		write_line(fd, &line);
	ih_text_done(&line);
}
