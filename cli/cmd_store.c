/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `ihard store info`: what a Nix store says about a path, and what is really there. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cli/options.h"
#include "cli/output.h"
#include "cli/store_info.h"
#include "cli/verbs.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "wrapper/session.h"

#define LABEL 14

enum { OPT_JSON, OPT_POLICY, OPT_PROFILE };

static const struct ih_option option_table[] = {
	[OPT_JSON] = { "json", NULL, "print JSON", false },
	[OPT_POLICY] = { "policy", "FILE", "stores and keys from this policy", false },
	[OPT_PROFILE] = { "profile", "NAME", "stores and keys from a built-in profile", false },
};

struct store_options {
	const char *policy, *profile;
	bool json;
	int argc;
	char **argv;
};

static int take_option(const struct ih_options *o, void *to, int opt, const char *value)
{
	struct store_options *c = to;

	(void)o;
	if (opt == OPT_JSON)
		c->json = true;
	else if (opt == OPT_POLICY)
		c->policy = value;
	else
		c->profile = value;
	return 0;
}

static int parse(int argc, char **argv, struct store_options *c)
{
	struct ih_options o = {
		.verb = "store info",
		.usage = "[options] PATH…",
		.about = "What a Nix store says about a path, and what is really there.",
		.table = option_table,
		.n = IH_ARRAY_SIZE(option_table),
	};
	int r;

	*c = (struct store_options){ 0 };
	r = ih_options_parse(&o, argc, argv, take_option, c);
	if (!r)
		r = ih_options_exclude(&o, OPT_POLICY, OPT_PROFILE);
	if (!r && !o.n_operands)
		r = ih_usage_error(&o, "no path is named");
	c->argc = o.n_operands;
	c->argv = o.operands;
	return r;
}

static const char *state_word(enum ih_signature_state s)
{
	return s == IH_SIGNATURE_GOOD ? "good" : s == IH_SIGNATURE_BAD ? "bad" : "unknown key";
}

static const char *state_sentence(enum ih_signature_state s)
{
	return s == IH_SIGNATURE_GOOD  ? "good, and the key is trusted"
	       : s == IH_SIGNATURE_BAD ? "does not fit, though the name is trusted"
				       : "by a key that is not trusted";
}

static void print_recorded(const struct ih_output *out, const struct ih_store_info *info)
{
	const struct ih_store_object *o = info->recorded;
	char hash[IH_DIGEST_TEXT_SIZE];

	if (!o) {
		ih_output_field(out, LABEL, "  recorded", "nothing: %s", info->why_not);
		return;
	}
	ih_digest_print(&o->nar_hash, hash);
	ih_output_field(out, LABEL, "  recorded", "%s, %" PRIu64 " bytes", hash, o->nar_size);
	for (size_t i = 0; i < o->n_refs; i++)
		ih_output_field(out, LABEL, i ? "" : "  refers to", "%s", o->refs[i]);
	if (o->ca)
		ih_output_field(out, LABEL, "  content", "%s: %s", o->ca,
				info->ca_problem ? info->ca_problem : "holds");
	if (o->ultimate)
		ih_output_field(out, LABEL, "  ultimate",
				"built here, says the database; counts for "
				"nothing");
	if (info->fingerprint)
		ih_output_field(out, LABEL, "  fingerprint", "%s", info->fingerprint);
	for (size_t i = 0; i < info->n_signatures; i++)
		ih_output_field(out, LABEL, i ? "" : "  signatures", "'%s' %s",
				info->signatures[i].name,
				state_sentence(info->signatures[i].state));
	if (!info->n_signatures)
		ih_output_field(out, LABEL, "  signatures", "none");
}

static void print_text(const struct ih_output *out, const struct ih_store_info *info)
{
	bool verified = info->evidence.trust >= IH_TRUST_VERIFIED;
	char hash[IH_DIGEST_TEXT_SIZE];

	ih_output_tone(out, IH_TONE_STRONG, "%s\n", info->evidence.object);
	print_recorded(out, info);
	if (info->found_size) {
		ih_digest_print(&info->found, hash);
		ih_output_field(out, LABEL, "  found", "%s, %" PRIu64 " bytes", hash,
				info->found_size);
	}
	for (size_t i = 0; i < info->problems.n; i++)
		ih_output_field(out, LABEL, i ? "" : "  problems", "%s", info->problems.list[i]);
	ih_output_tone(out, verified ? IH_TONE_GOOD : IH_TONE_BAD, "  %s",
		       verified ? "verified" : "not verified");
	ih_output_field(out, 1, "", "%s", info->evidence.reason);
}

static void set_digest(struct ih_json_out *o, const char *key, const struct ih_digest *d,
		       uint64_t size)
{
	struct ih_json_out *v = ih_json_new_object();
	char hash[IH_DIGEST_TEXT_SIZE];

	ih_digest_print(d, hash);
	ih_json_set_string(v, "narHash", hash);
	ih_json_set_u64(v, "narSize", size);
	ih_json_set(o, key, v);
}

static struct ih_json_out *strings(char *const *list, size_t n)
{
	struct ih_json_out *a = ih_json_new_array();

	for (size_t i = 0; i < n; i++)
		ih_json_push(a, ih_json_new_string(list[i]));
	return a;
}

static struct ih_json_out *as_json(const struct ih_store_info *info)
{
	struct ih_json_out *o = ih_json_new_object();
	struct ih_json_out *signatures = ih_json_new_array();

	ih_json_set_string(o, "path", info->evidence.object);
	ih_json_set_bool(o, "verified", info->evidence.trust >= IH_TRUST_VERIFIED);
	ih_json_set_string(o, "reason", info->evidence.reason);
	if (info->recorded) {
		set_digest(o, "recorded", &info->recorded->nar_hash, info->recorded->nar_size);
		ih_json_set(o, "references", strings(info->recorded->refs, info->recorded->n_refs));
		ih_json_set_string(o, "ca", info->recorded->ca);
		ih_json_set_string(o, "caProblem", info->ca_problem);
		ih_json_set_bool(o, "ultimate", info->recorded->ultimate);
	}
	ih_json_set_string(o, "fingerprint", info->fingerprint);
	if (info->found_size)
		set_digest(o, "found", &info->found, info->found_size);
	for (size_t i = 0; i < info->n_signatures; i++) {
		struct ih_json_out *s = ih_json_new_object();

		ih_json_set_string(s, "name", info->signatures[i].name);
		ih_json_set_string(s, "state", state_word(info->signatures[i].state));
		ih_json_push(signatures, s);
	}
	ih_json_set(o, "signatures", signatures);
	ih_json_set(o, "problems", strings(info->problems.list, info->problems.n));
	return o;
}

static int show_all(const struct store_options *c, const struct ih_session *s)
{
	struct ih_json_out *list = c->json ? ih_json_new_array() : NULL;
	struct ih_output out;
	int status = IH_EXIT_OK, r = 0;

	ih_output_init(&out, stdout);
	for (int i = 0; i < c->argc; i++) {
		struct ih_store_info info;
		struct ih_diag diag = { 0 };

		if (ih_store_info_find(s->trust, s->policy->providers, s->policy->n_providers,
				       c->argv[i], &info, &diag) < 0) {
			fprintf(stderr, "ihard store info: %s\n", diag.text);
			status = IH_EXIT_FAILED;
		} else {
			if (c->json)
				ih_json_push(list, as_json(&info));
			else
				print_text(&out, &info);
			if (info.evidence.trust < IH_TRUST_VERIFIED && status == IH_EXIT_OK)
				status = IH_EXIT_DENIED;
		}
		ih_store_info_done(&info);
	}
	if (c->json)
		r = ih_output_json(list, NULL);
	return r < 0 ? IH_EXIT_FAILED : status;
}

static int info(int argc, char **argv)
{
	struct store_options c;
	struct ih_session s;
	struct ih_diag diag = { 0 };
	int r = parse(argc, argv, &c);

	if (r)
		return ih_options_exit(r);
	if (ih_session_open(&s, c.policy, c.profile, NULL, &diag) < 0) {
		fprintf(stderr, "ihard store info: %s\n", diag.text);
		r = IH_EXIT_FAILED;
	} else {
		r = show_all(&c, &s);
	}
	ih_session_close(&s);
	return r;
}

int ih_cmd_store(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "info"))
		return info(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "--help")) {
		printf("usage: ihard store info [options] PATH…\n");
		return IH_EXIT_OK;
	}
	fprintf(stderr, "ihard store: the only thing to ask for is 'info': 'ihard store info "
			"PATH'\n");
	return IH_EXIT_USAGE;
}
