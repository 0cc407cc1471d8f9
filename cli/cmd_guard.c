/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard guard`: ask the running guard how it goes, or tell it to reload or to open the gates. All
 * work is the guard's; bpf/control.h is how it is asked.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bpf/control.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/text.h"

#define SOCKET "/run/ihard/guard.socket"

enum { OPT_SOCKET, OPT_JSON };

static const struct ih_option option_table[] = {
	[OPT_SOCKET] = { "socket", "PATH", "of the guard (" SOCKET ")", false },
	[OPT_JSON] = { "json", NULL, "status as JSON", false },
};

static const char *const requests[] = { IH_CONTROL_STATUS, IH_CONTROL_METRICS, IH_CONTROL_RELOAD,
					IH_CONTROL_UNLOAD, NULL };

struct guard_options {
	const char *socket, *request;
	bool json;
};

static int take_option(const struct ih_options *o, void *to, int opt, const char *value)
{
	struct guard_options *c = to;

	(void)o;
	if (opt == OPT_JSON)
		c->json = true;
	else
		c->socket = value;
	return 0;
}

static int parse(int argc, char **argv, struct guard_options *c)
{
	struct ih_options o = {
		.verb = "guard",
		.usage = "[options] status|metrics|reload|unload",
		.about = "Asks the guard that runs on this machine; only root may. 'ihard-guard' "
			 "starts one.",
		.table = option_table,
		.n = IH_ARRAY_SIZE(option_table),
		.mixed = true,
	};
	int r;

	*c = (struct guard_options){ .socket = SOCKET };
	r = ih_options_parse(&o, argc, argv, take_option, c);
	if (r < 0)
		return r;
	if (o.n_operands != 1 || ih_word_index(requests, o.operands[0]) < 0)
		return ih_usage_error(&o, "one of status, metrics, reload and unload is wanted");
	c->request = o.operands[0];
	if (c->json && strcmp(c->request, IH_CONTROL_STATUS) != 0)
		return ih_usage_error(&o,
				      "'--json' is for status; metrics have a form of their own");
	return 0;
}

static const char *text_of(const struct ih_json *root, const char *key)
{
	const char *text = "";
	struct ih_json v;

	if (ih_json_member(root, key, &v) < 0 || ih_json_string(&v, &text, NULL) < 0)
		return "";
	return text;
}

static unsigned long long number_of(const struct ih_json *root, const char *key)
{
	struct ih_json v;
	uint64_t n = 0;

	if (ih_json_member(root, key, &v) < 0 || ih_json_u64(&v, 0, UINT64_MAX, &n, NULL) < 0)
		return 0;
	return n;
}

static bool is_true(const struct ih_json *root, const char *key)
{
	struct ih_json v;
	bool b = false;

	return ih_json_member(root, key, &v) == 0 && ih_json_bool(&v, &b, NULL) == 0 && b;
}

static void print_since(const struct ih_output *out, const struct ih_json *root)
{
	time_t loaded = (time_t)number_of(root, "loaded");
	char when[40] = "";
	struct tm tm;

	if (localtime_r(&loaded, &tm))
		(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	ih_output_field(out, 12, "policy", "%s, %llu rules, since %s", text_of(root, "policy"),
			number_of(root, "rules"), when);
}

static void print_status(const struct ih_json *root)
{
	bool enforces = is_true(root, "enforces"), survives = is_true(root, "survives");
	struct ih_json events = *root;
	struct ih_output out;

	ih_output_init(&out, stdout);
	ih_output_tone(&out, enforces ? IH_TONE_GOOD : IH_TONE_NOTE, "%s",
		       enforces ? "enforces" : "reports only, refuses nothing");
	printf("\n");
	print_since(&out, root);
	ih_output_field(&out, 12, "back end", "%s; %s", text_of(root, "backend"),
			text_of(root, "cannot"));
	if (text_of(root, "passedOver")[0])
		ih_output_field(&out, 12, "", "not the strongest: %s", text_of(root, "passedOver"));
	ih_output_field(&out, 12, "lock", "%s",
			is_true(root, "locked")
				? "on: root does not take the gates away until the next boot"
				: "off: root may unload");
	ih_output_field(&out, 12, "if it dies", "%s",
			survives ? "the gates stay, and refuse what they do not know"
				 : "the gates open");
	ih_output_field(&out, 12, "vouched for", "%llu files, at least '%s'; %llu found no room",
			number_of(root, "files"), text_of(root, "leastTrust"),
			number_of(root, "filesWithoutRoom"));
	(void)ih_json_member(root, "events", &events);
	ih_output_field(&out, 12, "since start",
			"%llu denied, %llu only reported, %llu events lost",
			number_of(&events, "denied"), number_of(&events, "audited"),
			number_of(&events, "lost"));
	if (text_of(root, "lastFailure")[0])
		ih_output_field(&out, 12, "last reload", "failed: %s",
				text_of(root, "lastFailure"));
}

static int show_status(const char *text, size_t len, struct ih_diag *diag)
{
	struct ih_json_doc *doc = NULL;
	struct ih_json root;

	if (ih_json_parse("the guard's answer", text, len, &doc, diag) < 0)
		return IH_EXIT_FAILED;
	root = ih_json_root(doc);
	print_status(&root);
	ih_json_free(doc);
	return IH_EXIT_OK;
}

int ih_cmd_guard(int argc, char **argv)
{
	struct ih_text answer = { 0 };
	struct ih_diag diag = { 0 };
	struct guard_options c;
	int r = parse(argc, argv, &c), code = IH_EXIT_OK;

	if (r < 0)
		return ih_options_exit(r);
	r = ih_control_ask(c.socket, c.request, &answer, &diag);
	if (r < 0)
		code = r == -EREMOTEIO ? IH_EXIT_DENIED : IH_EXIT_FAILED;
	else if (strcmp(c.request, IH_CONTROL_STATUS) == 0 && !c.json)
		code = show_status(answer.data, answer.len, &diag);
	else if (strcmp(c.request, IH_CONTROL_STATUS) == 0 ||
		 strcmp(c.request, IH_CONTROL_METRICS) == 0)
		(void)fwrite(answer.data, 1, answer.len, stdout);
	if (diag.text[0])
		fprintf(stderr, "ihard guard: %s\n", diag.text);
	ih_text_done(&answer);
	return code;
}
