/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events for the journal, whose native protocol is https://systemd.io/JOURNAL_NATIVE_PROTOCOL/.
 * Those for files are in event_json.c, so that programs without JSON have this alone.
 */
#include "policy/event.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static const struct {
	const char *word, *id, *priority; /* syslog(3): 4 warning, 5 notice, 6 information */
} kinds[] = {
	[IH_EVENT_DENIED] = { "denied", IH_EVENT_ID_DENIED, "4" },
	[IH_EVENT_AUDIT] = { "audit", IH_EVENT_ID_AUDIT, "5" },
	[IH_EVENT_ALLOWED] = { "allowed", IH_EVENT_ID_ALLOWED, "6" },
	[IH_EVENT_LOST] = { "lost", IH_EVENT_ID_LOST, "4" },
};

static const char *const gates[] = {
	[IH_EVENT_GATE_OUTER] = "outer",
	[IH_EVENT_GATE_TREE] = "tree",
	[IH_EVENT_GATE_KERNEL] = "kernel",
	[IH_EVENT_GATE_FANOTIFY] = "fanotify",
};

const char *ih_event_kind_name(enum ih_event_kind kind)
{
	return kind < IH_EVENT_KIND_MAX_ ? kinds[kind].word : "?";
}

const char *ih_event_gate_name(enum ih_event_gate gate)
{
	return gate < IH_EVENT_GATE_MAX_ ? gates[gate] : "?";
}

static int open_journal(struct ih_diag *diag)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
	_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return ih_fail(diag, -errno, "cannot reach the journal at '%s': %s", JOURNAL_SOCKET,
			       strerror(errno));
	return TAKE_FD(fd);
}

void ih_events_close(struct ih_event_sink *sink)
{
	if (sink->fd >= 0)
		(void)close(sink->fd);
	sink->fd = -EBADF;
	sink->put = NULL;
}

size_t ih_event_cut(const char *text, char *ret, size_t size)
{
	size_t len = strnlen(text, size - 1);

	memcpy(ret, text, len);
	ret[len] = '\0';
	return len;
}

/* A value with a line feed in it needs the form with a length, 64 bits little endian. */
static void add_field(struct ih_text *t, const char *key, const char *value)
{
	size_t len = value ? strlen(value) : 0;
	unsigned char size[8];

	if (!len)
		return;
	if (!strchr(value, '\n')) {
		(void)ih_text_addf(t, "%s=%s\n", key, value);
		return;
	}
	for (size_t i = 0; i < sizeof(size); i++)
		size[i] = (unsigned char)((uint64_t)len >> (8 * i));
	(void)ih_text_addf(t, "%s\n", key);
	(void)ih_text_add(t, size, sizeof(size));
	(void)ih_text_add(t, value, len);
	(void)ih_text_add(t, "\n", 1);
}

static void add_number(struct ih_text *t, const char *key, uint64_t n)
{
	(void)ih_text_addf(t, "%s=%llu\n", key, (unsigned long long)n);
}

/* The arguments as a shell would want them. */
static void add_command(struct ih_text *t, char *const *argv)
{
	struct ih_text line = { 0 };

	for (size_t i = 0; argv && argv[i] && i < IH_EVENT_ARGS_MAX; i++) {
		if (line.len > IH_EVENT_BYTES_MAX)
			break;
		if (i)
			(void)ih_text_add(&line, " ", 1);
		(void)ih_text_quote(&line, argv[i], strnlen(argv[i], IH_EVENT_TEXT_MAX));
	}
	t->oom = t->oom || line.oom;
	add_field(t, "IHARD_COMMAND", ih_text_get(&line));
	ih_text_done(&line);
}

/* One field a source; the journal takes many of one name. */
static void add_sources(struct ih_text *t, const struct ih_event_fields *e)
{
	for (size_t i = 0; i < e->n_sources && i < IH_EVENT_SOURCES_MAX; i++) {
		const struct ih_event_source *s = &e->sources[i];
		char text[IH_EVENT_TEXT_MAX + 1];
		struct ih_text line = { 0 };

		(void)ih_event_cut(s->text ? s->text : "", text, sizeof(text));
		(void)ih_text_addf(&line, "%s %s ", s->trust ? s->trust : "unknown",
				   s->kind ? s->kind : "?");
		(void)ih_text_quote(&line, text, strlen(text));
		t->oom = t->oom || line.oom;
		add_field(t, "IHARD_SOURCE", ih_text_get(&line));
		ih_text_done(&line);
	}
}

static void add_subject(struct ih_text *t, const struct ih_event_fields *e)
{
	if (!e->pid)
		return;
	add_number(t, "OBJECT_PID", (uint64_t)e->pid);
	if (e->parent)
		add_number(t, "IHARD_PARENT", (uint64_t)e->parent);
	add_number(t, "IHARD_UID", e->uid);
	add_number(t, "IHARD_GID", e->gid);
	add_field(t, "IHARD_COMM", e->comm);
	add_field(t, "IHARD_EXE", e->exe);
	add_field(t, "IHARD_UNIT", e->unit);
	add_field(t, "IHARD_PROVENANCE", e->provenance);
}

int ih_event_journal(const struct ih_event_fields *e, struct ih_text *t)
{
	const char *kind = ih_event_kind_name(e->kind);
	bool is_known = e->kind < IH_EVENT_KIND_MAX_;

	add_field(t, "MESSAGE", e->sentence && *e->sentence ? e->sentence : kind);
	add_field(t, "MESSAGE_ID", is_known ? kinds[e->kind].id : NULL);
	add_field(t, "PRIORITY", is_known ? kinds[e->kind].priority : NULL);
	add_field(t, "SYSLOG_IDENTIFIER", "ihard");
	add_field(t, "IHARD_EVENT", kind);
	add_field(t, "IHARD_GATE", ih_event_gate_name(e->gate));
	if (e->kind == IH_EVENT_LOST)
		add_number(t, "IHARD_LOST", e->lost);
	else
		add_field(t, "IHARD_ACT", e->act ? e->act : "exec");
	add_field(t, "IHARD_ADVICE", e->advice);
	add_field(t, "IHARD_REASON", e->reason);
	add_field(t, "IHARD_POLICY", e->policy);
	add_field(t, "IHARD_RULE", e->rule);
	add_field(t, "IHARD_RULE_FILE", e->rule_file);
	if (e->rule_file && e->rule_line)
		add_number(t, "IHARD_RULE_LINE", e->rule_line);
	add_field(t, "IHARD_PROGRAM", e->program);
	add_field(t, "IHARD_TRUST", e->trust);
	add_field(t, "IHARD_SCRIPT", e->script);
	add_field(t, "IHARD_INTERPRETER", e->interpreter);
	add_field(t, "IHARD_MODE", e->mode);
	add_command(t, e->argv);
	add_sources(t, e);
	add_subject(t, e);
	return t->oom ? -ENOMEM : 0;
}

static bool send_once(const struct ih_event_sink *sink, const struct ih_text *t)
{
	return send(sink->fd, t->data, t->len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)t->len;
}

/* A journal that was started anew has another socket at the same place. */
static bool to_journal(struct ih_event_sink *sink, const struct ih_text *t)
{
	int fd;

	if (send_once(sink, t))
		return true;
	if (errno != ECONNREFUSED && errno != ENOTCONN)
		return false;
	fd = open_journal(NULL);
	if (fd < 0)
		return false;
	(void)close(sink->fd);
	sink->fd = fd;
	return send_once(sink, t);
}

static bool put_journal(struct ih_event_sink *sink, const struct ih_event_fields *e)
{
	struct ih_text t = { 0 };
	bool is_sent;

	if (sink->fd < 0) {
		sink->fd = open_journal(NULL);
		if (sink->fd < 0) {
			sink->put = NULL; /* there is none: events were not asked for by name */
			return true;
		}
	}
	is_sent = ih_event_journal(e, &t) == 0 && to_journal(sink, &t);
	ih_text_done(&t);
	return is_sent;
}

struct ih_event_sink ih_events_journal_later(void)
{
	return (struct ih_event_sink){ .fd = -EBADF, .put = put_journal };
}

int ih_events_journal(struct ih_event_sink *ret, struct ih_diag *diag)
{
	int fd = open_journal(diag);

	if (fd < 0)
		return fd;
	*ret = (struct ih_event_sink){ .fd = fd, .put = put_journal };
	return 0;
}

void ih_event_send(struct ih_event_sink *sink, const struct ih_event_fields *e)
{
	if (sink->put && !sink->put(sink, e))
		sink->lost++;
}
