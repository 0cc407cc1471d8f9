/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard status`: the whole chain at a glance, from the firmware to the last denial. Reads only.
 * What is looked at is in status_boot.c and status_system.c; here it is printed.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "cli/output.h"
#include "cli/status.h"
#include "cli/verbs.h"
#include "common/json.h"

enum {
	OPT_STATE = IH_BOOT_OWN,
	OPT_SOCKET,
	OPT_POLICY,
	OPT_SYS,
	OPT_PROC,
	OPT_STRICT,
	OPT_JSON,
	OPT_METRICS,
	OPT_COUNT
};

static const struct ih_option table[OPT_COUNT] = {
	IH_BOOT_OPTIONS,
	[OPT_STATE] = { "state", "DIR", "what stage 2 left (/run/ihard)", false },
	[OPT_SOCKET] = { "socket", "PATH", "of the guard (/run/ihard/guard.socket)", false },
	[OPT_POLICY] = { "policy", "FILE", "in place of the machine's", false },
	[OPT_SYS] = { "sys", "DIR", "in place of /sys", false },
	[OPT_PROC] = { "proc", "DIR", "in place of /proc", false },
	[OPT_STRICT] = { "strict", NULL, "what is weak counts as bad, too", false },
	[OPT_JSON] = { "json", NULL, "print one JSON document", false },
	[OPT_METRICS] = { "metrics", NULL, "print Prometheus text", false },
};

struct settings {
	struct ih_status status;
	bool strict, json, metrics;
};

struct ih_status_link *ih_status_add(struct ih_status *s, const char *name,
				     enum ih_status_verdict verdict, const char *format, ...)
{
	struct ih_status_link *l = &s->links[s->n < IH_STATUS_LINKS_MAX ? s->n++ : s->n - 1];
	char text[1024];
	va_list ap;

	l->name = name;
	l->verdict = verdict;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	(void)ih_text_addf(&l->text, "%s", text);
	return l;
}

void ih_status_done(struct ih_status *s)
{
	for (size_t i = 0; i < s->n; i++) {
		ih_text_done(&s->links[i].text);
		ih_text_done(&s->links[i].evidence);
		ih_text_done(&s->links[i].mend);
	}
	s->n = 0;
}

const char *ih_status_word(enum ih_status_verdict verdict)
{
	static const char *const words[IH_STATUS_VERDICTS] = {
		[IH_STATUS_BAD] = "bad",
		[IH_STATUS_WEAK] = "weak",
		[IH_STATUS_UNKNOWN] = "unknown",
		[IH_STATUS_GOOD] = "good",
	};

	return words[verdict < IH_STATUS_VERDICTS ? verdict : IH_STATUS_BAD];
}

static int take_option(const struct ih_options *o, void *to, int option, const char *value)
{
	struct settings *s = to;

	(void)o;
	switch (option) {
	case OPT_STATE:
		s->status.state = value;
		break;
	case OPT_SOCKET:
		s->status.socket = value;
		break;
	case OPT_POLICY:
		s->status.policy = value;
		break;
	case OPT_SYS:
		s->status.sys = value;
		break;
	case OPT_PROC:
		s->status.proc = value;
		break;
	case OPT_STRICT:
		s->strict = true;
		break;
	case OPT_JSON:
		s->json = true;
		break;
	case OPT_METRICS:
		s->metrics = true;
		break;
	default:
		ih_boot_place(&s->status.places, option, value);
	}
	return 0;
}

static enum ih_status_verdict worst(const struct ih_status *s)
{
	enum ih_status_verdict v = IH_STATUS_GOOD;

	for (size_t i = 0; i < s->n; i++)
		if (s->links[i].verdict < v)
			v = s->links[i].verdict;
	return v;
}

static void print_text(const struct ih_status *s)
{
	static const enum ih_tone tones[IH_STATUS_VERDICTS] = {
		[IH_STATUS_BAD] = IH_TONE_BAD,
		[IH_STATUS_WEAK] = IH_TONE_NOTE,
		[IH_STATUS_UNKNOWN] = IH_TONE_FAINT,
		[IH_STATUS_GOOD] = IH_TONE_GOOD,
	};
	struct ih_output out;

	ih_output_init(&out, stdout);
	for (size_t i = 0; i < s->n; i++) {
		const struct ih_status_link *l = &s->links[i];

		ih_output_tone(&out, tones[l->verdict], "%-8s", ih_status_word(l->verdict));
		ih_output_tone(&out, IH_TONE_STRONG, "%-13s", l->name);
		printf("%s\n", ih_text_get(&l->text));
		if (l->evidence.len)
			ih_output_field(&out, 21, "", "%s", ih_text_get(&l->evidence));
		if (l->mend.len)
			ih_output_field(&out, 21, "", "→ %s", ih_text_get(&l->mend));
	}
}

static int print_json(const struct ih_status *s, struct ih_diag *diag)
{
	struct ih_json_out *top = ih_json_new_object(), *list = ih_json_new_array();

	for (size_t i = 0; i < s->n; i++) {
		const struct ih_status_link *l = &s->links[i];
		struct ih_json_out *one = ih_json_new_object();

		ih_json_set_string(one, "name", l->name);
		ih_json_set_string(one, "verdict", ih_status_word(l->verdict));
		ih_json_set_string(one, "text", ih_text_get(&l->text));
		if (l->evidence.len)
			ih_json_set_string(one, "evidence", ih_text_get(&l->evidence));
		if (l->mend.len)
			ih_json_set_string(one, "mend", ih_text_get(&l->mend));
		ih_json_push(list, one);
	}
	ih_json_set_u64(top, "version", 1);
	ih_json_set_string(top, "verdict", ih_status_word(worst(s)));
	ih_json_set(top, "links", list);
	return ih_output_json(top, diag);
}

/* https://prometheus.io/docs/instrumenting/exposition_formats/ */
static void print_metrics(const struct ih_status *s)
{
	printf("# HELP ihard_status A link of the chain: 3 good, 2 unknown, 1 weak, 0 bad.\n"
	       "# TYPE ihard_status gauge\n");
	for (size_t i = 0; i < s->n; i++)
		printf("ihard_status{link=\"%s\"} %d\n", s->links[i].name, s->links[i].verdict);
	printf("# HELP ihard_denials_total Acts that the guard refused since it started.\n"
	       "# TYPE ihard_denials_total counter\nihard_denials_total %llu\n",
	       s->denied);
}

static int show(struct settings *s)
{
	struct ih_diag diag = { "" };
	enum ih_status_verdict v = worst(&s->status);
	int r = 0;

	if (s->json)
		r = print_json(&s->status, &diag);
	else if (s->metrics)
		print_metrics(&s->status);
	else
		print_text(&s->status);
	if (r < 0) {
		fprintf(stderr, "ihard status: %s\n", diag.text);
		return IH_EXIT_FAILED;
	}
	return v == IH_STATUS_BAD || (s->strict && v == IH_STATUS_WEAK) ? IH_EXIT_DENIED
									: IH_EXIT_OK;
}

int ih_cmd_status(int argc, char **argv)
{
	struct ih_options o = {
		.verb = "status",
		.usage = "[options]",
		.about = "The whole chain, from the firmware to the last denial. Exit status 1 when"
			 " something is bad.",
		.table = table,
		.n = OPT_COUNT,
	};
	struct settings s = { .status = { .sys = "/sys",
					  .proc = "/proc",
					  .state = "/run/ihard",
					  .socket = "/run/ihard/guard.socket" } };
	int r = ih_options_parse(&o, argc, argv, take_option, &s);

	if (r == 0)
		r = ih_options_no_operand(&o);
	if (r == 0)
		r = ih_options_exclude(&o, OPT_JSON, OPT_METRICS);
	if (r)
		return ih_options_exit(r);
	ih_status_secure_boot(&s.status);
	ih_status_boot_entry(&s.status);
	ih_status_measurements(&s.status);
	ih_status_closure(&s.status);
	ih_status_policy(&s.status);
	ih_status_guard(&s.status);
	ih_status_kernel(&s.status);
	r = show(&s);
	ih_status_done(&s.status);
	return r;
}
