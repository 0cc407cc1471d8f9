/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard bootspec`: check, show, convert, synthesize and compare bootspecs. Prints; what a bootspec
 * is stands in bootchain/bootspec.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bootchain/bootspec.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "common/cleanup.h"
#include "common/fd.h"

struct settings {
	enum ih_bootspec_mode mode;
	unsigned int to; /* version to write */
	bool json, quiet;
};

enum option { OPT_TOLERANT, OPT_STRICT, OPT_JSON, OPT_QUIET, OPT_TO, OPT_COUNT };

static const struct ih_option table[OPT_COUNT] = {
	[OPT_TOLERANT] = { "tolerant", NULL, "take what generations in the wild contain", false },
	[OPT_STRICT] = { "strict", NULL, "hold the document to the letter of the RFC", false },
	[OPT_JSON] = { "json", NULL, "print JSON", false },
	[OPT_QUIET] = { "quiet", NULL, "print nothing, the exit status says it", false },
	[OPT_TO] = { "to", "v1|v2", "the version to write", false },
};

static int set_option(const struct ih_options *o, void *to, int c, const char *value)
{
	static const char *const versions[] = { "v1", "v2", NULL };
	struct settings *s = to;
	int version;

	switch (c) {
	case OPT_TOLERANT:
		s->mode = IH_BOOTSPEC_TOLERANT;
		return 0;
	case OPT_STRICT:
		s->mode = IH_BOOTSPEC_STRICT;
		return 0;
	case OPT_JSON:
		s->json = true;
		return 0;
	case OPT_QUIET:
		s->quiet = true;
		return 0;
	default:
		version = ih_word_index(versions, value);
		s->to = (unsigned int)version + 1;
		return version >= 0
			       ? 0
			       : ih_usage_error(o, "option '--to' takes v1 or v2, not '%s'", value);
	}
}

static int failed(const struct ih_options *o, const struct ih_diag *diag)
{
	fprintf(stderr, "ihard %s: %s\n", o->verb, diag->text);
	return IH_EXIT_FAILED;
}

/* A document: a file, or a generation, whose boot.json is meant. */
static int read_document(const char *path, char **ret, size_t *ret_len, struct ih_diag *diag)
{
	struct ih_text inside = { 0 };
	struct stat st;
	int r;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		if (ih_text_addf(&inside, "%s/boot.json", path) < 0)
			return ih_fail(diag, -ENOMEM, "out of memory");
		r = ih_read_file(AT_FDCWD, inside.data, IH_JSON_SIZE_MAX, ret, ret_len, diag);
		ih_text_done(&inside);
		return r;
	}
	return ih_read_file(AT_FDCWD, path, IH_JSON_SIZE_MAX, ret, ret_len, diag);
}

static int load(const char *path, enum ih_bootspec_mode mode, struct ih_bootspec_problems *problems,
		struct ih_bootspec_doc **ret, struct ih_diag *diag)
{
	_free_ char *text = NULL;
	size_t len = 0;
	int r;

	r = read_document(path, &text, &len, diag);
	if (r < 0)
		return r;
	return ih_bootspec_parse(path, text, len, mode, problems, ret, diag);
}

static void print_problems(const char *path, const struct ih_bootspec_problems *problems)
{
	struct ih_output out;
	size_t i;

	ih_output_init(&out, stdout);
	for (i = 0; i < problems->n; i++) {
		const struct ih_bootspec_problem *p = &problems->items[i];

		printf("%s:%u: ", path, p->line);
		ih_output_tone(&out, p->is_error ? IH_TONE_BAD : IH_TONE_NOTE, "%s",
			       p->is_error ? "error" : "warning");
		printf(": %s %s\n", p->path[0] ? p->path : "the document", p->text);
	}
	if (problems->errors + problems->warnings > problems->n)
		printf("%s: and %zu more\n", path,
		       problems->errors + problems->warnings - problems->n);
}

static struct ih_json_out *problems_json(const struct ih_bootspec_problems *problems)
{
	struct ih_json_out *all = ih_json_new_array();
	size_t i;

	for (i = 0; i < problems->n; i++) {
		const struct ih_bootspec_problem *p = &problems->items[i];
		struct ih_json_out *one = ih_json_new_object();

		ih_json_set_string(one, "severity", p->is_error ? "error" : "warning");
		ih_json_set_u64(one, "line", p->line);
		ih_json_set_string(one, "path", p->path);
		ih_json_set_string(one, "text", p->text);
		ih_json_push(all, one);
	}
	return all;
}

static int print_json(const struct ih_options *o, struct ih_json_out *out)
{
	struct ih_diag diag;

	return ih_output_json(out, &diag) < 0 ? failed(o, &diag) : IH_EXIT_OK;
}

static int check_one(const struct ih_options *o, const struct settings *s, const char *path)
{
	struct ih_bootspec_problems problems = { 0 };
	struct ih_bootspec_doc *doc = NULL;
	struct ih_diag diag = { 0 };
	int code = IH_EXIT_OK;
	int r;

	r = load(path, s->mode, &problems, &doc, &diag);
	if (r < 0 && !problems.errors && r != -EBADMSG) {
		code = failed(o, &diag);
	} else if (r < 0) {
		code = IH_EXIT_DENIED;
		if (!problems.errors && !s->quiet && !s->json)
			printf("%s\n", diag.text);
	}
	if (code != IH_EXIT_FAILED && s->json) {
		struct ih_json_out *out = ih_json_new_object();

		ih_json_set_string(out, "file", path);
		ih_json_set_bool(out, "valid", r == 0);
		if (r < 0 && !problems.errors)
			ih_json_set_string(out, "error", diag.text);
		ih_json_set(out, "problems", problems_json(&problems));
		r = print_json(o, out);
		code = r ? r : code;
	} else if (code != IH_EXIT_FAILED && !s->quiet) {
		print_problems(path, &problems);
		if (code == IH_EXIT_OK)
			printf("%s: version %u, %zu specialisation%s, %zu extension%s: good\n",
			       path, doc->spec.version, doc->spec.n_specialisations,
			       doc->spec.n_specialisations == 1 ? "" : "s", doc->spec.n_extensions,
			       doc->spec.n_extensions == 1 ? "" : "s");
	}
	ih_bootspec_problems_done(&problems);
	ih_bootspec_doc_free(doc);
	return code;
}

/* @wanted: how many operands there must be; 0: at least one. */
static int parse_options(struct ih_options *o, int argc, char **argv, struct settings *s,
			 int wanted)
{
	int r = ih_options_parse(o, argc, argv, set_option, s);

	if (r || (wanted ? o->n_operands == wanted : o->n_operands > 0))
		return r;
	return wanted ? ih_usage_error(o, "exactly %d operand%s needed, not %d", wanted,
				       wanted == 1 ? " is" : "s are", o->n_operands)
		      : ih_usage_error(o, "no file is given");
}

static int run_check(int argc, char **argv)
{
	struct ih_options o = {
		.verb = "bootspec check",
		.usage = "[options] FILE|GENERATION…",
		.about = "Lists every problem of a bootspec, with line and JSON path.",
		.table = table,
		.n = OPT_TO,
	};
	struct settings s = { 0 };
	int code = IH_EXIT_OK;
	int r = parse_options(&o, argc, argv, &s, 0);

	if (r)
		return ih_options_exit(r);
	for (char **p = o.operands; *p; p++) {
		r = check_one(&o, &s, *p);
		code = r > code ? r : code;
	}
	return code;
}

static void show_list(const struct ih_output *out, const char *label, char **items, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		ih_output_field(out, 16, i ? "" : label, "%s", items[i]);
}

static void show_optional(const struct ih_output *out, const char *label, const char *value)
{
	if (value)
		ih_output_field(out, 16, label, "%s", value);
}

static void show_spec(const struct ih_output *out, const struct ih_bootspec *s)
{
	size_t i;

	ih_output_field(out, 16, "label", "%s", s->label);
	ih_output_field(out, 16, "system", "%s", s->system);
	ih_output_field(out, 16, "toplevel", "%s", s->toplevel);
	ih_output_field(out, 16, "init", "%s", s->init);
	ih_output_field(out, 16, "kernel", "%s", s->kernel);
	show_list(out, "initrd", s->initrds, s->n_initrds);
	show_optional(out, "initrd secrets", s->initrd_secrets);
	for (i = 0; i < s->n_secrets; i++)
		ih_output_field(out, 16, i ? "" : "secrets", "%s from %s", s->secrets[i].name,
				s->secrets[i].path);
	show_optional(out, "device trees", s->fdtdir);
	show_optional(out, "device tree", s->devicetree ? s->devicetree : s->extension_devicetree);
	show_optional(out, "sort key", s->sort_key);
	show_list(out, "parameters", s->params, s->n_params);
	for (i = 0; i < s->n_extensions; i++)
		ih_output_field(out, 16, i ? "" : "extensions", "%s", s->extensions[i].name);
}

static void show_nested(const struct ih_output *out, const struct ih_bootspec *s,
			const char *prefix)
{
	size_t i;

	for (i = 0; i < s->n_specialisations; i++) {
		struct ih_text name = { 0 };

		(void)ih_text_addf(&name, "%s%s", prefix, s->specialisations[i].name);
		printf("\n");
		ih_output_field(out, 16, "specialisation", "%s", ih_text_get(&name));
		show_spec(out, &s->specialisations[i].spec);
		(void)ih_text_add(&name, "/", 1);
		show_nested(out, &s->specialisations[i].spec, ih_text_get(&name));
		ih_text_done(&name);
	}
}

static int show_one(const struct ih_options *o, const struct settings *s,
		    const struct ih_bootspec *spec)
{
	unsigned int version = s->to ? s->to : spec->version;
	struct ih_text text = { 0 };
	struct ih_diag diag = { 0 };
	struct ih_output out;
	int r;

	if (!s->json) {
		ih_output_init(&out, stdout);
		ih_output_field(&out, 16, "version", "%u", spec->version);
		show_spec(&out, spec);
		show_nested(&out, spec, "");
		return IH_EXIT_OK;
	}
	r = ih_bootspec_print(spec, version, &text, &diag);
	if (r < 0) {
		ih_text_done(&text);
		(void)failed(o, &diag);
		return r == -EOPNOTSUPP ? IH_EXIT_DENIED : IH_EXIT_FAILED;
	}
	fputs(ih_text_get(&text), stdout);
	ih_text_done(&text);
	return IH_EXIT_OK;
}

/* Loads a document for a verb that goes on with it; its errors go to stderr. */
static int load_or_say(const struct ih_options *o, const char *path, struct ih_bootspec_doc **ret)
{
	struct ih_bootspec_problems problems = { 0 };
	struct ih_diag diag = { 0 };
	int r;

	r = load(path, IH_BOOTSPEC_TOLERANT, &problems, ret, &diag);
	ih_bootspec_problems_done(&problems);
	return r < 0 ? failed(o, &diag) : IH_EXIT_OK;
}

static int show_or_convert(struct ih_options *o, int argc, char **argv, bool convert)
{
	struct settings s = { 0 };
	struct ih_bootspec_doc *doc = NULL;
	int r;

	r = parse_options(o, argc, argv, &s, 1);
	if (r == 0 && convert && !s.to)
		r = ih_usage_error(o, "option '--to' is needed: v1 or v2");
	if (r)
		return ih_options_exit(r);
	s.json |= convert;
	r = load_or_say(o, o->operands[0], &doc);
	if (r == IH_EXIT_OK)
		r = show_one(o, &s, &doc->spec);
	ih_bootspec_doc_free(doc);
	return r;
}

static int run_show(int argc, char **argv)
{
	struct ih_options o = {
		.verb = "bootspec show",
		.usage = "[options] FILE|GENERATION",
		.about = "Shows what a bootspec says.",
		.table = table,
		.n = OPT_TO,
	};

	return show_or_convert(&o, argc, argv, false);
}

static int run_convert(int argc, char **argv)
{
	struct ih_options o = {
		.verb = "bootspec convert",
		.usage = "--to v1|v2 FILE|GENERATION",
		.about = "Writes the same in another version, extensions byte for byte.",
		.table = table,
		.n = OPT_COUNT,
	};

	return show_or_convert(&o, argc, argv, true);
}

static int run_synthesize(int argc, char **argv)
{
	struct ih_options o = {
		.verb = "bootspec synthesize",
		.usage = "[--to v1|v2] TOPLEVEL",
		.about = "Makes the bootspec of a generation that has none.",
		.table = table,
		.n = OPT_COUNT,
	};
	struct settings s = { .json = true };
	struct ih_bootspec spec = { 0 };
	struct ih_diag diag = { 0 };
	int r;

	r = parse_options(&o, argc, argv, &s, 1);
	if (r)
		return ih_options_exit(r);
	if (ih_bootspec_synthesize(o.operands[0], &spec, &diag) < 0)
		return failed(&o, &diag);
	s.json = true;
	r = show_one(&o, &s, &spec);
	ih_bootspec_done(&spec);
	return r;
}

static int run_diff(int argc, char **argv)
{
	struct ih_options o = {
		.verb = "bootspec diff",
		.usage = "FILE|GENERATION FILE|GENERATION",
		.about = "Says what differs in meaning; exit status 1 when something does.",
		.table = table,
		.n = 0,
	};
	struct ih_bootspec_doc *a = NULL, *b = NULL;
	struct ih_text text = { 0 };
	struct settings s = { 0 };
	int r;

	r = parse_options(&o, argc, argv, &s, 2);
	if (r)
		return ih_options_exit(r);
	r = load_or_say(&o, o.operands[0], &a);
	if (r == IH_EXIT_OK)
		r = load_or_say(&o, o.operands[1], &b);
	if (r == IH_EXIT_OK) {
		r = ih_bootspec_diff(&a->spec, &b->spec, &text);
		fputs(ih_text_get(&text), stdout);
		r = r < 0 ? IH_EXIT_FAILED : r > 0 ? IH_EXIT_DENIED : IH_EXIT_OK;
	}
	ih_text_done(&text);
	ih_bootspec_doc_free(a);
	ih_bootspec_doc_free(b);
	return r;
}

static const struct ih_verb verbs[] = {
	{ "check", "list every problem", run_check },
	{ "show", "show what it says", run_show },
	{ "convert", "write it in another version", run_convert },
	{ "synthesize", "make one for a generation without", run_synthesize },
	{ "diff", "compare two by meaning", run_diff },
	{ 0 }, /* end */
};

int ih_cmd_bootspec(int argc, char **argv)
{
	return ih_verbs_run("bootspec", verbs, argc, argv);
}
