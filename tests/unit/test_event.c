/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events as JSON and as the journal's datagrams: fields, limits, hostile text, files that fill up.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/json.h"
#include "policy/event.h"

#define MANY 100

static char sh[] = "sh", option[] = "-c", text_echo[] = "echo";
static char *const argv_plain[] = { sh, option, text_echo, NULL };

static struct ih_json_doc *parse(const struct ih_event_fields *e)
{
	struct ih_json_doc *doc = NULL;
	struct ih_text t = { 0 };
	struct ih_diag diag = { "" };

	cr_assert_eq(ih_event_json(e, &t), 0);
	cr_assert_null(memchr(t.data, '\n', t.len), "one line");
	cr_assert_eq(ih_json_parse("event", t.data, t.len, &doc, &diag), 0, "%s", diag.text);
	ih_text_done(&t);
	return doc;
}

static const char *text_of(const struct ih_json_doc *doc, const char *key)
{
	struct ih_json root = ih_json_root(doc), v;
	const char *text = NULL;

	if (ih_json_member(&root, key, &v) == 0)
		cr_assert_eq(ih_json_string(&v, &text, NULL), 0);
	return text;
}

static uint64_t number_of(const struct ih_json_doc *doc, const char *key)
{
	struct ih_json root = ih_json_root(doc), v;
	uint64_t n = 0;

	cr_assert_eq(ih_json_member(&root, key, &v), 0, "no '%s'", key);
	cr_assert_eq(ih_json_u64(&v, 0, UINT64_MAX, &n, NULL), 0);
	return n;
}

Test(event, zero_is_a_denial_of_an_exec)
{
	const struct ih_event_fields e = { 0 };
	struct ih_json_doc *doc = parse(&e);

	cr_assert_str_eq(text_of(doc, "event"), "denied");
	cr_assert_str_eq(text_of(doc, "act"), "exec");
	cr_assert_str_eq(text_of(doc, "gate"), "outer");
	cr_assert_null(text_of(doc, "sentence"), "what is not known is left out");
	cr_assert_eq(number_of(doc, "version"), 1);
	ih_json_free(doc);
}

Test(event, numbers_that_mean_nothing_have_a_word)
{
	cr_assert_str_eq(ih_event_kind_name((enum ih_event_kind)77), "?");
	cr_assert_str_eq(ih_event_gate_name((enum ih_event_gate)77), "?");
	cr_assert_str_eq(ih_event_kind_name(IH_EVENT_LOST), "lost");
	cr_assert_str_eq(ih_event_gate_name(IH_EVENT_GATE_FANOTIFY), "fanotify");
}

Test(event, time_is_utc)
{
	const struct ih_event_fields e = { .time = { .tv_sec = 951782400, .tv_nsec = 1234567 } };
	struct ih_json_doc *doc = parse(&e);

	cr_assert_str_eq(text_of(doc, "time"), "2000-02-29T00:00:00.001234Z");
	ih_json_free(doc);
}

Test(event, long_vectors_are_cut_and_counted)
{
	static char *argv[MANY + 1], huge[4 * IH_EVENT_TEXT_MAX];
	static struct ih_event_source sources[IH_EVENT_SOURCES_MAX];
	struct ih_event_fields e = { .argv = argv, .sources = sources, .n_sources = MANY };
	struct ih_json_doc *doc;
	struct ih_json root, v;
	struct ih_text t = { 0 };

	memset(huge, 'x', sizeof(huge) - 1);
	for (size_t i = 0; i < MANY; i++)
		argv[i] = huge;
	for (size_t i = 0; i < IH_EVENT_SOURCES_MAX; i++)
		sources[i].text = huge;
	doc = parse(&e);
	cr_assert_eq(number_of(doc, "argc"), MANY);
	cr_assert_eq(number_of(doc, "nSources"), MANY);
	root = ih_json_root(doc);
	cr_assert_eq(ih_json_member(&root, "argv", &v), 0);
	cr_assert_leq(ih_json_length(&v) * IH_EVENT_TEXT_MAX, IH_EVENT_BYTES_MAX);
	cr_assert_gt(ih_json_length(&v), 8);
	cr_assert_eq(ih_json_member(&root, "sources", &v), 0);
	cr_assert_eq(ih_json_length(&v), IH_EVENT_SOURCES_MAX);
	ih_json_free(doc);

	cr_assert_eq(ih_event_journal(&e, &t), 0);
	cr_assert_lt(t.len, 200UL << 10, "a datagram that the socket's buffer takes: %zu", t.len);
	ih_text_done(&t);
}

/* A name cannot add a field: it goes with its length. */
Test(event, line_feeds_cannot_add_fields)
{
	const struct ih_event_fields e = { .script = "/x\nPRIORITY=0\nIHARD_EVENT=allowed",
					   .sentence = "a\nb" };
	static const char script[] = "IHARD_SCRIPT\n\x21\0\0\0\0\0\0\0/x\nPRIORITY=0\n";
	static const char message[] = "MESSAGE\n\3\0\0\0\0\0\0\0a\nb\n";
	struct ih_text t = { 0 };

	cr_assert_eq(ih_event_journal(&e, &t), 0);
	cr_assert_not_null(memmem(t.data, t.len, script, sizeof(script) - 1));
	cr_assert_not_null(memmem(t.data, t.len, message, sizeof(message) - 1));
	cr_assert_not_null(memmem(t.data, t.len, "IHARD_EVENT=denied\n", 19));
	ih_text_done(&t);
}

Test(event, bytes_that_are_no_text)
{
	static char bad[] = "\xff\xfe", odd[] = "\"\\\n\x01";
	static char *argv[] = { sh, bad, odd, NULL };
	const struct ih_event_fields e = { .argv = argv, .program = "/\xc3" };
	struct ih_json_doc *doc = parse(&e);

	cr_assert_str_eq(text_of(doc, "program"), "/\xef\xbf\xbd");
	ih_json_free(doc);
}

Test(event, lost_says_how_many)
{
	const struct ih_event_fields e = { .kind = IH_EVENT_LOST,
					   .gate = IH_EVENT_GATE_KERNEL,
					   .lost = 17 };
	struct ih_json_doc *doc = parse(&e);
	struct ih_text t = { 0 };

	cr_assert_eq(number_of(doc, "lost"), 17);
	cr_assert_null(text_of(doc, "act"));
	ih_json_free(doc);
	cr_assert_eq(ih_event_journal(&e, &t), 0);
	cr_assert_not_null(strstr(ih_text_get(&t), "\nIHARD_LOST=17\n"));
	cr_assert_not_null(strstr(ih_text_get(&t), "\nMESSAGE_ID=" IH_EVENT_ID_LOST "\n"));
	ih_text_done(&t);
}

Test(event, a_file_gets_whole_lines)
{
	const struct ih_event_fields e = { .argv = argv_plain };
	char name[] = "/tmp/ih-event.XXXXXX";
	int own = mkstemp(name);
	struct ih_event_sink sink;
	struct stat st;
	char text[4096];
	ssize_t n;

	cr_assert_geq(own, 0);
	cr_assert_eq(ih_events_open(name, &sink, NULL), 0);
	ih_event_send(&sink, &e);
	sink.is_torn = true; /* as after a disk that was full */
	ih_event_send(&sink, &e);
	cr_assert_eq(sink.lost, 0);
	cr_assert_eq(sink.is_torn, false);
	n = read(own, text, sizeof(text) - 1);
	cr_assert_gt(n, 0);
	text[n] = '\0';
	cr_assert_not_null(strstr(text, "}\n\n{"), "a torn line is ended first");
	cr_assert_eq(fstat(own, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
	ih_events_close(&sink);
	ih_events_close(&sink);
	(void)close(own);
	(void)unlink(name);
}

Test(event, what_cannot_be_written_is_counted)
{
	const struct ih_event_fields e = { .argv = argv_plain };
	struct ih_event_sink sink;

	cr_assert_eq(ih_events_open("/dev/full", &sink, NULL), 0);
	ih_event_send(&sink, &e);
	ih_event_send(&sink, &e);
	cr_assert_eq(sink.lost, 2);
	ih_events_close(&sink);
	cr_assert_eq(ih_events_open("none", &sink, NULL), 0);
	ih_event_send(&sink, &e);
	cr_assert_eq(sink.lost, 0, "nobody asked for it");
	cr_assert_eq(ih_events_open("/nowhere/events", &sink, NULL), -ENOENT);
}
