/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks a running guard. */
#include "bpf/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"

int ih_control_connect(const char *socket_path, const char *request, struct ih_diag *diag)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct ih_text line = { 0 };
	_close_ int fd = -EBADF;
	int r;

	if (strlen(socket_path) >= sizeof(address.sun_path))
		return ih_fail(diag, -ENAMETOOLONG, "'%s' is too long for a socket", socket_path);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ih_fail(diag, -errno, "cannot make a socket: %s", strerror(errno));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return ih_fail(diag, -errno, "cannot ask the guard at '%s': %s; %s", socket_path,
			       strerror(errno),
			       errno == EACCES ? "only root may" : "does ihard-guard run?");
	if (ih_text_addf(&line, "%s\n", request) < 0)
		return -ENOMEM;
	r = ih_write_full(fd, line.data, line.len);
	ih_text_done(&line);
	if (r < 0)
		return ih_fail(diag, r, "cannot ask the guard at '%s': %s", socket_path,
			       strerror(-r));
	return TAKE_FD(fd);
}

static int read_answer(int fd, struct ih_text *ret)
{
	char buffer[65536];

	for (;;) {
		ssize_t n = read(fd, buffer, sizeof(buffer));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		if (ret->len + (size_t)n > IH_CONTROL_ANSWER_MAX)
			return -EFBIG;
		if (ih_text_add(ret, buffer, (size_t)n) < 0)
			return -ENOMEM;
	}
}

int ih_control_ask(const char *socket_path, const char *request, struct ih_text *ret,
		   struct ih_diag *diag)
{
	_close_ int fd = ih_control_connect(socket_path, request, diag);
	const char *text;
	int r;

	if (fd < 0)
		return fd;
	r = read_answer(fd, ret);
	if (r == 0 && !ret->len)
		r = -ECONNRESET;
	if (r < 0)
		return ih_fail(diag, r, "the guard did not answer: %s%s", strerror(-r),
			       r == -ECONNRESET ? "; only root may ask" : "");
	text = ih_text_get(ret);
	if (strncmp(text, IH_CONTROL_ERROR, strlen(IH_CONTROL_ERROR)) == 0)
		return ih_fail(diag, -EREMOTEIO, "%.*s",
			       (int)strcspn(text + strlen(IH_CONTROL_ERROR), "\n"),
			       text + strlen(IH_CONTROL_ERROR));
	return 0;
}
