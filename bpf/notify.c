/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One datagram a message, as "Notification protocol" in sd_notify(3) has it. */
#include "bpf/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/text.h"

#define MESSAGE_MAX 2048

int ih_notify_open(uint64_t *ret_watchdog_us)
{
	const char *path = secure_getenv("NOTIFY_SOCKET"), *us = secure_getenv("WATCHDOG_USEC");
	const char *whose = secure_getenv("WATCHDOG_PID");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_close_ int fd = -EBADF;
	uint64_t pid;
	size_t len;

	*ret_watchdog_us = 0;
	if (us &&
	    (!whose || (ih_parse_u64(whose, UINT32_MAX, &pid) == 0 && pid == (uint64_t)getpid())))
		(void)ih_parse_u64(us, UINT64_MAX, ret_watchdog_us);
	if (!path || (path[0] != '/' && path[0] != '@'))
		return -ENOENT;
	len = strlen(path);
	if (len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

void ih_notify(int fd, const char *format, ...)
{
	char text[MESSAGE_MAX];
	va_list args;
	int n;

	if (fd < 0)
		return;
	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n > 0)
		(void)send(fd, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1,
			   MSG_NOSIGNAL | MSG_DONTWAIT);
}
