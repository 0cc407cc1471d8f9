/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes events. The journal's native protocol: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
 */
#include "wrapper/event.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "common/json.h"
#include "common/text.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static const struct {
	const char *word, *id, *priority; /* syslog(3): 4 warning, 5 notice, 6 information */
} kinds[] = {
	[IH_EVENT_DENIED] = { "denied", IH_EVENT_ID_DENIED, "4" },
	[IH_EVENT_AUDIT] = { "audit", IH_EVENT_ID_AUDIT, "5" },
	[IH_EVENT_ALLOWED] = { "allowed", IH_EVENT_ID_ALLOWED, "6" },
};

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

static struct ih_json_out *arguments(char *const *argv)
{
	struct ih_json_out *array = ih_json_new_array();
	size_t n = 0;

	for (; argv && argv[n] && n < IH_EVENT_ARGS_MAX; n++) {
		char cut[IH_EVENT_ARG_MAX + 1];

		(void)snprintf(cut, sizeof(cut), "%s", argv[n]);
		ih_json_push(array, ih_json_new_string(cut));
	}
	return array;
}

static void set_text(struct ih_json_out *o, const char *key, const char *text)
{
	if (text && *text)
		ih_json_set_string(o, key, text);
}

static int as_json(const struct ih_event_fields *e, struct ih_text *ret)
{
	struct ih_json_out *o = ih_json_new_object();
	char now[40] = "";
	struct timespec ts;
	struct tm tm;

	if (clock_gettime(CLOCK_REALTIME, &ts) == 0 && gmtime_r(&ts.tv_sec, &tm)) {
		size_t n = strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%S", &tm);

		(void)snprintf(now + n, sizeof(now) - n, ".%06ldZ", ts.tv_nsec / 1000);
	}
	ih_json_set_u64(o, "version", 1);
	ih_json_set_string(o, "time", now);
	ih_json_set_string(o, "event", kinds[e->kind].word);
	ih_json_set_string(o, "gate", e->tree ? "tree" : "outer");
	set_text(o, "sentence", e->sentence);
	set_text(o, "advice", e->advice);
	set_text(o, "reason", e->reason);
	set_text(o, "program", e->program);
	set_text(o, "script", e->script);
	set_text(o, "interpreter", e->interpreter);
	set_text(o, "mode", e->mode);
	set_text(o, "provenance", e->provenance);
	set_text(o, "policy", e->policy);
	set_text(o, "rule", e->rule);
	set_text(o, "rule_file", e->rule_file);
	if (e->rule_file)
		ih_json_set_u64(o, "rule_line", e->rule_line);
	ih_json_set_u64(o, "pid", (uint64_t)e->pid);
	ih_json_set_u64(o, "uid", e->uid);
	ih_json_set(o, "argv", arguments(e->argv));
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

static void as_journal(const struct ih_event_fields *e, struct ih_text *t)
{
	struct ih_text line = { 0 };

	for (size_t i = 0; e->argv && e->argv[i] && i < IH_EVENT_ARGS_MAX; i++) {
		if (i)
			(void)ih_text_add(&line, " ", 1);
		(void)ih_text_quote(&line, e->argv[i], strnlen(e->argv[i], IH_EVENT_ARG_MAX));
	}
	add_field(t, "MESSAGE", e->sentence && *e->sentence ? e->sentence : kinds[e->kind].word);
	add_field(t, "MESSAGE_ID", kinds[e->kind].id);
	add_field(t, "PRIORITY", kinds[e->kind].priority);
	add_field(t, "SYSLOG_IDENTIFIER", "ihard");
	add_field(t, "IHARD_EVENT", kinds[e->kind].word);
	add_field(t, "IHARD_GATE", e->tree ? "tree" : "outer");
	add_field(t, "IHARD_ADVICE", e->advice);
	add_field(t, "IHARD_REASON", e->reason);
	add_field(t, "IHARD_PROGRAM", e->program);
	add_field(t, "IHARD_SCRIPT", e->script);
	add_field(t, "IHARD_INTERPRETER", e->interpreter);
	add_field(t, "IHARD_MODE", e->mode);
	add_field(t, "IHARD_PROVENANCE", e->provenance);
	add_field(t, "IHARD_POLICY", e->policy);
	add_field(t, "IHARD_RULE", e->rule);
	add_field(t, "IHARD_RULE_FILE", e->rule_file);
	if (e->rule_file)
		add_number(t, "IHARD_RULE_LINE", e->rule_line);
	add_number(t, "OBJECT_PID", (uint64_t)e->pid);
	add_number(t, "IHARD_UID", e->uid);
	add_field(t, "IHARD_COMMAND", ih_text_get(&line));
	ih_text_done(&line);
}

void ih_event_send(struct ih_event_sink *sink, const struct ih_event_fields *e)
{
	struct ih_text t = { 0 };
	ssize_t n = -1;

	if (sink->fd < 0)
		return;
	if (sink->journal) {
		as_journal(e, &t);
		if (!t.oom)
			n = send(sink->fd, ih_text_get(&t), t.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	} else if (as_json(e, &t) == 0 && ih_text_add(&t, "\n", 1) == 0) {
		n = write(sink->fd, t.data, t.len);
	}
	if (n != (ssize_t)t.len)
		sink->lost++;
	ih_text_done(&t);
}
