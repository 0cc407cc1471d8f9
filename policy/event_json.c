/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events as lines of JSON (docs/schema/event.schema.json), and where events go by name. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/json.h"
#include "policy/event.h"

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

		bytes += ih_event_cut(argv[n], text, sizeof(text));
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
		(void)ih_event_cut(s->text ? s->text : "", text, sizeof(text));
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

static bool put_file(struct ih_event_sink *sink, const struct ih_event_fields *e)
{
	struct ih_text t = { 0 };
	bool is_sent = ih_event_json(e, &t) == 0 && ih_text_add(&t, "\n", 1) == 0 &&
		       to_file(sink, &t);

	ih_text_done(&t);
	return is_sent;
}

int ih_events_open(const char *where, struct ih_event_sink *ret, struct ih_diag *diag)
{
	struct ih_event_sink sink = { .fd = -EBADF };

	if (strcmp(where, "journal") == 0)
		return ih_events_journal(ret, diag);
	if (strcmp(where, "none") != 0) {
		sink.put = put_file;
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
