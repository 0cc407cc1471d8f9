/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The socket of `ihard guard` and `ihard events`: one request a connection, a line; see control.h.
 * Only root gets in: by the socket's mode, and by who the kernel says the peer is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "bpf/control.h"
#include "bpf/guard_priv.h"
#include "common/cleanup.h"
#include "common/text.h"

#define CLIENTS_MAX 64
#define BACKLOG_MAX (1u << 20) /* bytes that a follower may lag behind; then it loses events */

struct ih_guard_client {
	struct ih_guard_watch watch; /* first: what the loop hands back */
	struct ih_guard_client *next;
	char request[IH_CONTROL_REQUEST_MAX];
	size_t n_request;
	struct ih_text out;
	size_t sent;
	bool follows, waits; /* for events; for the end of a reload */
	bool asked;
};

static void drop(struct ih_guard *g, struct ih_guard_client *c)
{
	struct ih_guard_client **at = &g->clients;

	while (*at && *at != c)
		at = &(*at)->next;
	if (*at)
		*at = c->next;
	ih_guard_unwatch(g, &c->watch);
	(void)close(c->watch.fd);
	ih_text_done(&c->out);
	free(c);
}

static void want(struct ih_guard *g, struct ih_guard_client *c, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = c };

	(void)epoll_ctl(g->epoll, EPOLL_CTL_MOD, c->watch.fd, &e);
}

/* Return: false when the client is gone. */
static bool flush(struct ih_guard *g, struct ih_guard_client *c)
{
	while (c->sent < c->out.len) {
		ssize_t n = send(c->watch.fd, c->out.data + c->sent, c->out.len - c->sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			want(g, c, EPOLLIN | EPOLLOUT);
			return true;
		}
		if (n <= 0) {
			drop(g, c);
			return false;
		}
		c->sent += (size_t)n;
	}
	c->out.len = c->sent = 0;
	if (c->asked && !c->follows && !c->waits) {
		drop(g, c);
		return false;
	}
	want(g, c, EPOLLIN);
	return true;
}

static void answer(struct ih_guard *g, struct ih_guard_client *c, int result,
		   const struct ih_diag *diag)
{
	if (result < 0)
		(void)ih_text_addf(&c->out, "%s%s\n", IH_CONTROL_ERROR, diag->text);
	else
		(void)ih_text_addf(&c->out, IH_CONTROL_OK "\n");
}

static int unload(struct ih_guard *g, struct ih_diag *diag)
{
	if (g->config.lock)
		return ih_fail(diag, -EPERM,
			       "the gates are locked until the next boot (--lock): they stay");
	g->unload = g->end = true;
	return 0;
}

static void serve(struct ih_guard *g, struct ih_guard_client *c)
{
	struct ih_diag diag = { 0 };
	int r;

	c->asked = true;
	if (strcmp(c->request, IH_CONTROL_STATUS) == 0) {
		(void)ih_guard_status(g, &c->out);
	} else if (strcmp(c->request, IH_CONTROL_METRICS) == 0) {
		(void)ih_guard_metrics(g, &c->out);
	} else if (strcmp(c->request, IH_CONTROL_EVENTS) == 0) {
		c->follows = true;
	} else if (strcmp(c->request, IH_CONTROL_RELOAD) == 0) {
		r = ih_guard_reload(g, &diag);
		c->waits = r == 0;
		if (r < 0)
			answer(g, c, r, &diag);
	} else if (strcmp(c->request, IH_CONTROL_UNLOAD) == 0) {
		r = unload(g, &diag);
		answer(g, c, r, &diag);
	} else {
		r = ih_fail(&diag, -EINVAL, "the guard knows no request '%s'", c->request);
		answer(g, c, r, &diag);
	}
}

static void read_request(struct ih_guard *g, struct ih_guard_client *c)
{
	char *line_feed;
	ssize_t n;

	n = recv(c->watch.fd, c->request + c->n_request, sizeof(c->request) - 1 - c->n_request,
		 MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(g, c);
		return;
	}
	c->n_request += (size_t)n;
	c->request[c->n_request] = '\0';
	line_feed = strchr(c->request, '\n');
	if (c->asked || (!line_feed && c->n_request + 1 == sizeof(c->request))) {
		drop(g, c); /* one request, and a short one */
		return;
	}
	if (!line_feed)
		return;
	*line_feed = '\0';
	serve(g, c);
	(void)flush(g, c);
}

static void client_ready(struct ih_guard *g, struct ih_guard_watch *w, uint32_t events)
{
	struct ih_guard_client *c = (struct ih_guard_client *)w;

	if ((events & EPOLLOUT) && !flush(g, c))
		return;
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_request(g, c);
}

static bool is_root(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && who.uid == 0;
}

static void take_client(struct ih_guard *g, struct ih_guard_watch *w, uint32_t events)
{
	_close_ int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ih_guard_client *c;
	size_t n = 0;

	(void)events;
	for (c = g->clients; c; c = c->next)
		n++;
	if (fd < 0 || n >= CLIENTS_MAX || !is_root(fd))
		return;
	c = calloc(1, sizeof(*c));
	if (!c)
		return;
	c->watch = (struct ih_guard_watch){ fd, client_ready };
	if (ih_guard_watch(g, &c->watch, EPOLLIN) < 0) {
		free(c);
		return;
	}
	(void)TAKE_FD(fd);
	c->next = g->clients;
	g->clients = c;
}

void ih_guard_control_event(struct ih_guard *g, const char *json, size_t len)
{
	struct ih_guard_client *next;

	for (struct ih_guard_client *c = g->clients; c; c = next) {
		next = c->next;
		if (!c->follows || c->out.len - c->sent + len > BACKLOG_MAX)
			continue;
		if (ih_text_add(&c->out, json, len) == 0 && ih_text_add(&c->out, "\n", 1) == 0)
			(void)flush(g, c);
	}
}

void ih_guard_control_reloaded(struct ih_guard *g, int result, const struct ih_diag *diag)
{
	struct ih_guard_client *next;

	for (struct ih_guard_client *c = g->clients; c; c = next) {
		next = c->next;
		if (!c->waits)
			continue;
		c->waits = false;
		answer(g, c, result, diag);
		(void)flush(g, c);
	}
}

int ih_guard_control_open(struct ih_guard *g, struct ih_diag *diag)
{
	const char *path = g->options->socket;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_close_ int fd = -EBADF;
	mode_t before;
	int r;

	if (strlen(path) >= sizeof(address.sun_path))
		return ih_fail(diag, -ENAMETOOLONG, "'%s' is too long for a socket", path);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ih_fail(diag, -errno, "cannot make a socket: %s", strerror(errno));
	(void)unlink(path);
	before = umask(0177);
	r = bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	(void)umask(before);
	if (r == 0 && listen(fd, CLIENTS_MAX) < 0)
		r = -errno;
	if (r < 0)
		return ih_fail(diag, r, "cannot listen on '%s': %s", path, strerror(-r));
	g->control = (struct ih_guard_watch){ TAKE_FD(fd), take_client };
	return ih_guard_watch(g, &g->control, EPOLLIN);
}

void ih_guard_control_close(struct ih_guard *g)
{
	while (g->clients)
		drop(g, g->clients);
	if (g->control.fd < 0)
		return;
	(void)close(g->control.fd);
	(void)unlink(g->options->socket);
	g->control.fd = -EBADF;
}
