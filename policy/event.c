/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes events. The journal's native protocol: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
 */
#include "policy/event.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "common/json.h"

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

int ih_events_open(const char *where, struct ih_event_sink *ret, struct ih_diag *diag)
{
	struct ih_event_sink sink = { .fd = -EBADF };

	if (strcmp(where, "journal") == 0) {
		sink.journal = true;
		sink.fd = open_journal(diag);
		if (sink.fd < 0)
			return sink.fd;
	} else if (strcmp(where, "none") != 0) {
		sink.fd = open(where,
			       O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW |
				       O_NONBLOCK,
			       0600);
		if (sink.fd < 0)
			return ih_fail(diag, -errno, "cannot append events to '%s': %s", where,
				       strerror(errno));
	}
	*ret = sink;
	return 0;
}

void ih_events_close(struct ih_event_sink *sink)
{
	if (sink->fd >= 0)
		(void)close(sink->fd);
	sink->fd = -EBADF;
}

/* At most @size - 1 bytes of it. */
static size_t cut(const char *text, char *ret, size_t size)
{
	size_t len = strnlen(text, size - 1);

	memcpy(ret, text, len);
	ret[len] = '\0';
	return len;
}

static size_t count(char *const *argv)
{
	size_t n = 0;

	while (argv && argv[n])
		n++;
	return n;
}

static struct ih_json_out *arguments(char *const *argv)
{
	struct ih_json_out *array = ih_json_new_array();
	size_t bytes = 0;

	for (size_t n = 0; argv && argv[n] && n < IH_EVENT_ARGS_MAX; n++) {
		char text[IH_EVENT_TEXT_MAX + 1];

		bytes += cut(argv[n], text, sizeof(text));
		if (bytes > IH_EVENT_BYTES_MAX)
			break;
		ih_json_push(array, ih_json_new_string(text));
	}
	return array;
}

static void set_text(struct ih_json_out *o, const char *key, const char *text)
{
	if (text && *text)
		ih_json_set_string(o, key, text);
}

static void set_count(struct ih_json_out *o, const char *key, uint64_t n)
{
	if (n)
		ih_json_set_u64(o, key, n);
}

static struct ih_json_out *sources(const struct ih_event_fields *e)
{
	struct ih_json_out *array = ih_json_new_array();

	for (size_t i = 0; i < e->n_sources && i < IH_EVENT_SOURCES_MAX; i++) {
		const struct ih_event_source *s = &e->sources[i];
		struct ih_json_out *o = ih_json_new_object();
		char text[IH_EVENT_TEXT_MAX + 1];

		set_text(o, "kind", s->kind);
		set_text(o, "origin", s->origin);
		(void)cut(s->text ? s->text : "", text, sizeof(text));
		ih_json_set_string(o, "text", text);
		set_text(o, "trust", s->trust);
		ih_json_push(array, o);
	}
	return array;
}

/* RFC 3339, in UTC. */
static void print_time(const struct ih_event_fields *e, char ret[40])
{
	struct timespec ts = e->time;
	struct tm tm;
	size_t n;

	ret[0] = '\0';
	if (!ts.tv_sec && !ts.tv_nsec)
		(void)clock_gettime(CLOCK_REALTIME, &ts);
	if (!gmtime_r(&ts.tv_sec, &tm))
		return;
	n = strftime(ret, 24, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(ret + n, 40 - n, ".%06ldZ", ts.tv_nsec / 1000);
}

static void set_object(struct ih_json_out *o, const struct ih_event_fields *e)
{
	set_text(o, "program", e->program);
	set_text(o, "trust", e->trust);
	set_text(o, "script", e->script);
	set_text(o, "interpreter", e->interpreter);
	set_text(o, "mode", e->mode);
	if (e->argv) {
		ih_json_set_u64(o, "argc", count(e->argv));
		ih_json_set(o, "argv", arguments(e->argv));
	}
	if (e->n_sources) {
		ih_json_set_u64(o, "nSources", e->n_sources);
		ih_json_set(o, "sources", sources(e));
	}
}

static void set_subject(struct ih_json_out *o, const struct ih_event_fields *e)
{
	if (!e->pid)
		return;
	ih_json_set_u64(o, "pid", (uint64_t)e->pid);
	set_count(o, "parent", (uint64_t)e->parent);
	ih_json_set_u64(o, "uid", e->uid);
	ih_json_set_u64(o, "gid", e->gid);
	set_text(o, "comm", e->comm);
	set_text(o, "exe", e->exe);
	set_text(o, "unit", e->unit);
	set_text(o, "provenance", e->provenance);
}

int ih_event_json(const struct ih_event_fields *e, struct ih_text *ret)
{
	struct ih_json_out *o = ih_json_new_object();
	char time[40];

	print_time(e, time);
	ih_json_set_u64(o, "version", IH_EVENT_FORMAT);
	ih_json_set_string(o, "time", time);
	ih_json_set_string(o, "event", ih_event_kind_name(e->kind));
	ih_json_set_string(o, "gate", ih_event_gate_name(e->gate));
	if (e->kind == IH_EVENT_LOST)
		ih_json_set_u64(o, "lost", e->lost);
	else
		ih_json_set_string(o, "act", e->act ? e->act : "exec");
	set_text(o, "sentence", e->sentence);
	set_text(o, "advice", e->advice);
	set_text(o, "reason", e->reason);
	set_text(o, "policy", e->policy);
	set_text(o, "rule", e->rule);
	set_text(o, "ruleFile", e->rule_file);
	set_count(o, "ruleLine", e->rule_file ? e->rule_line : 0);
	set_object(o, e);
	set_subject(o, e);
	return ih_json_print(o, /* pretty= */ false, ret);
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

		(void)cut(s->text ? s->text : "", text, sizeof(text));
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
	ih_events_close(sink);
	sink->fd = fd;
	return send_once(sink, t);
}

static bool to_file(struct ih_event_sink *sink, const struct ih_text *t)
{
	ssize_t n;

	if (sink->is_torn && write(sink->fd, "\n", 1) != 1)
		return false;
	sink->is_torn = false;
	n = write(sink->fd, t->data, t->len);
	sink->is_torn = n > 0 && n < (ssize_t)t->len;
	return n == (ssize_t)t->len;
}

void ih_event_send(struct ih_event_sink *sink, const struct ih_event_fields *e)
{
	struct ih_text t = { 0 };
	bool is_sent = false;

	if (sink->fd < 0)
		return;
	if (sink->journal)
		is_sent = ih_event_journal(e, &t) == 0 && to_journal(sink, &t);
	else
		is_sent = ih_event_json(e, &t) == 0 && ih_text_add(&t, "\n", 1) == 0 &&
			  to_file(sink, &t);
	if (!is_sent)
		sink->lost++;
	ih_text_done(&t);
}
