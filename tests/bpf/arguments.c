/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * arguments OBJECT CASES…: the kernel reads each command line and environment of the attempts as
 * user space does: the same mode, the same judgement of the text and of the variables, the same
 * names of files that are code. Speaks TAP; skipped where nobody may load BPF.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "common/json.h"
#include "policy/grammar.h"
#include "policy/invocation.h"
#include "policy/words.h"

#include "common/abi/decide.h"
#include "tests/bpf/arguments.h"
#include "tests/bpf/object.h"

#define CASES_MAX   (4u << 20)
#define STRINGS_MAX (1u << 20)
#define WORDS_MAX   4096

struct strings {
	char bytes[STRINGS_MAX];
	size_t len;
	char *words[WORDS_MAX + 2];
	int n, argc;
};

static struct strings all;
static struct ih_invocation invocation;
static unsigned int compared, differ;

/* $T, $STORE and the like are some folder. */
static void add(const char *name, const char *text)
{
	static const char *const variables[] = { "$BUSYBOX_STATIC", "$STORE", "${STORE}", "$ID",
						 "$T" };
	char *at = all.bytes + all.len;

	if (all.n >= WORDS_MAX || all.len + strlen(text) * 4 + 256 > STRINGS_MAX)
		return;
	all.words[all.n++] = at;
	if (name)
		at += snprintf(at, 256, "%s=", name);
	while (*text) {
		size_t i, n = IH_ARRAY_SIZE(variables);

		for (i = 0; i < n; i++)
			if (strncmp(text, variables[i], strlen(variables[i])) == 0)
				break;
		if (i < n) {
			at = mempcpy(at, "/some/folder", 12);
			text += strlen(variables[i]);
		} else {
			*at++ = *text++;
		}
	}
	*at++ = '\0';
	all.len = (size_t)(at - all.bytes);
}

static void add_words(const struct ih_json *row)
{
	struct ih_json list, element;
	void *iterator = NULL;
	const char *text, *key;

	all.len = 0;
	all.n = 0;
	if (ih_json_member(row, "argv", &list) == 0)
		for (size_t i = 0; i < ih_json_length(&list); i++)
			if (ih_json_element(&list, i, &element) == 0 &&
			    ih_json_string(&element, &text, NULL) == 0)
				add(NULL, text);
	all.argc = all.n;
	add("PATH", "/usr/bin:/bin");
	add("HOME", "/some/home");
	add("LANG", "C.UTF-8");
	if (ih_json_member(row, "env", &list) == 0)
		while (ih_json_next(&list, &iterator, &key, &element))
			if (ih_json_string(&element, &text, NULL) == 0)
				add(key, text);
	all.words[all.n] = NULL;
}

static bool is_env_code(const struct ih_source *s)
{
	return s->origin == IH_ORIGIN_ENVIRONMENT && s->kind == IH_SOURCE_INLINE;
}

/* What the decision would be about. */
static enum ih_mode mode_here(bool *ret_env_code)
{
	bool text = false;

	*ret_env_code = false;
	for (size_t i = 0; i < invocation.n_sources; i++) {
		const struct ih_source *s = &invocation.sources[i];

		*ret_env_code |= is_env_code(s);
		text |= s->kind == IH_SOURCE_INLINE && s->origin == IH_ORIGIN_ARGV;
	}
	if (invocation.mode == IH_MODE_UNCLEAR || invocation.mode == IH_MODE_INTERACTIVE)
		return invocation.mode;
	return text ? IH_MODE_INLINE : invocation.mode;
}

static __u32 hash_of(const char *text, size_t len)
{
	const char *slash = memrchr(text, '/', len);
	__u64 hash = IH_HASH_START;

	for (const char *p = slash ? slash + 1 : text; p < text + len; p++)
		hash = ih_hash_byte(hash, (__u8)*p);
	return ((__u32)(hash ^ hash >> 32) & ~3u) | 2;
}

static bool has_name(const struct question *q, __u32 hash)
{
	if (q->n > QUESTION_NAMES)
		return true;
	for (__u32 i = 0; i < QUESTION_NAMES; i++)
		if (q->names[i] == hash)
			return true;
	return false;
}

/* bpf/descriptors.h judges those when the program starts, and knows no name for them. */
static bool is_descriptor(const struct ih_source *s)
{
	static const char *const places[] = { "/dev/stdin", "/dev/fd/", "/proc/self/fd/",
					      "/proc/thread-self/fd/" };

	for (size_t i = 0; i < IH_ARRAY_SIZE(places); i++)
		if (strncmp(s->text, places[i], strlen(places[i])) == 0)
			return true;
	return false;
}

/* The first file of code that the kernel would not know by its name; NULL: it knows all. */
static const struct ih_source *forgotten(const struct question *q)
{
	for (size_t i = 0; i < invocation.n_sources; i++) {
		const struct ih_source *s = &invocation.sources[i];

		if ((s->kind != IH_SOURCE_FILE && s->kind != IH_SOURCE_CONFIG) ||
		    s->origin == IH_ORIGIN_DEFAULT || s->len == 0 || s->text[s->len - 1] == '/' ||
		    is_descriptor(s))
			continue;
		if (!has_name(q, hash_of(s->text, s->len)))
			return s;
	}
	return NULL;
}

/* Variables of policy/interpreters/_common.json: native code, which the memory gate judges. */
static bool is_common(const struct ih_source *s)
{
	static const char *const names[] = { "LD_",   "NIX_LD_", "GCONV",  "GETCONF", "OPENSSL_",
					     "GIO_",  "GTK",	 "GST_",   "QT_",     "QML",
					     "LIBGL", "VK_",	 "LADSPA", "LV2_",    "ALSA",
					     "SASL",  "KRB5" };

	for (size_t i = 0; i < IH_ARRAY_SIZE(names); i++)
		if (s->via && strncmp(s->via, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* No tree is trusted here: each folder of code lies outside. */
static bool has_folder(void)
{
	for (size_t i = 0; i < invocation.n_sources; i++) {
		const struct ih_source *s = &invocation.sources[i];

		if (s->kind == IH_SOURCE_PATH && s->origin != IH_ORIGIN_DEFAULT && !is_common(s))
			return true;
	}
	return false;
}

/* A name that no source has: what bears it would be refused for nothing. */
static bool is_too_much(const struct question *q)
{
	for (__u32 i = 0; i < q->n && i < QUESTION_NAMES; i++) {
		bool found = !q->names[i];

		for (size_t k = 0; k < invocation.n_sources && !found; k++) {
			const struct ih_source *s = &invocation.sources[k];

			found = hash_of(s->text, s->len) == q->names[i];
		}
		if (!found)
			return true;
	}
	return false;
}

static void complain(const char *id, const char *what, const char *there, const char *here)
{
	if (differ++ < 40)
		printf("# %s: %s: kernel %s, here %s (%s)\n", id, what, there, here,
		       invocation.reason);
}

static void compare(const char *id, const struct question *q)
{
	const struct ih_source *lost;
	bool env_code;
	enum ih_mode here = mode_here(&env_code);

	/* A launcher that replaces words later: the kernel sees what comes of it. */
	if (here == IH_MODE_UNCLEAR && invocation.n_commands && q->mode == IH_MODE_PROGRAM)
		return;
	compared++;
	lost = forgotten(q);
	if (q->mode != here)
		complain(id, "mode", ih_mode_name(q->mode), ih_mode_name(here));
	else if (here == IH_MODE_UNCLEAR)
		return; /* whatever else was seen */
	else if (env_code != !!(q->facts & IH_FACT_ENV_CODE))
		complain(id, "environment", env_code ? "no code" : "code",
			 env_code ? "code" : "none");
	else if (invocation.pure != !!(q->facts & IH_FACT_PURE))
		complain(id, "purity", invocation.pure ? "not pure" : "pure", "the other");
	else if (is_too_much(q))
		complain(id, "names", "knows one more", "fewer");
	else if (has_folder() != !!q->outside)
		complain(id, "folders", q->outside ? "some" : "none", "the other");
	else if (lost)
		complain(id, lost->via, "does not know the file", lost->text);
}

static int ask(const char *id, int program, const struct ih_grammar *grammar)
{
	struct question q = { .start = (__u64)(uintptr_t)all.bytes,
			      .end = (__u64)(uintptr_t)all.bytes + all.len,
			      .argc = (__u32)all.argc,
			      .grammar = ih_grammar_id(grammar) };
	struct ih_exec exec = { .argc = all.argc, .argv = all.words, .envp = all.words + all.argc };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &q, .ctx_size_in = sizeof(q));
	static char *argv[WORDS_MAX + 1];

	memcpy(argv, all.words, (size_t)all.argc * sizeof(*argv));
	argv[all.argc] = NULL;
	exec.argv = argv;
	ih_invocation_parse(ih_grammars_builtin(), grammar, &exec, &invocation);
	if (bpf_prog_test_run_opts(program, &opts) < 0)
		return -errno;
	compare(id, &q);
	ih_invocation_done(&invocation);
	return 0;
}

static int ask_row(char *line, int program)
{
	struct ih_json_doc *doc = NULL;
	const struct ih_grammar *grammar;
	struct ih_json row, member;
	const char *id = "?", *name;
	int r;

	r = ih_json_parse("case", line, strlen(line), &doc, NULL);
	if (r == -EBADMSG)
		return 0; /* a NUL in a string, which no command line has */
	if (r < 0)
		return r;
	row = ih_json_root(doc);
	if (ih_json_member(&row, "id", &member) == 0)
		(void)ih_json_string(&member, &id, NULL);
	add_words(&row);
	name = all.argc ? strrchr(all.words[0], '/') : NULL;
	grammar = all.argc ? ih_grammars_find(ih_grammars_builtin(), name ? name + 1 : all.words[0],
					      NULL)
			   : NULL;
	if (grammar)
		r = ask(id, program, grammar);
	ih_json_free(doc);
	return r;
}

static int ask_file(const char *path, int program)
{
	_free_ char *text = NULL;
	char *save = NULL;
	size_t len;
	int r = ih_read_file(AT_FDCWD, path, CASES_MAX, &text, &len, NULL);

	if (r < 0)
		return r;
	for (char *line = strtok_r(text, "\n", &save); line && r == 0;
	     line = strtok_r(NULL, "\n", &save))
		r = ask_row(line, program);
	return r;
}

static int put_tables(struct bpf_object *object)
{
	int map = bpf_map__fd(bpf_object__find_map_by_name(object, "ih_grammars"));
	_free_ struct ih_flat_tables *flat = calloc(1, sizeof(*flat));
	__u32 zero = 0;

	if (!flat || ih_tables_flatten(ih_grammars_tables(ih_grammars_builtin()), flat) < 0)
		return -E2BIG;
	return bpf_map_update_elem(map, &zero, flat, BPF_ANY) < 0 ? -errno : 0;
}

static int test_object(struct bpf_object *object, char **paths, int n)
{
	int program = bpf_program__fd(bpf_object__find_program_by_name(object, "read_strings"));
	int r = put_tables(object);

	for (int i = 0; i < n && r == 0; i++)
		r = ask_file(paths[i], program);
	if (r < 0)
		printf("# %s\n", strerror(-r));
	printf("1..3\nok 1 - the verifier takes it\n");
	printf("%s 2 - every case was asked: %u\n", r == 0 && compared > 100 ? "ok" : "not ok",
	       compared);
	printf("%s 3 - the kernel reads as user space does (%u differ)\n", differ ? "not ok" : "ok",
	       differ);
	return r < 0 || differ || compared <= 100;
}

int main(int argc, char **argv)
{
	return argc < 3 ? 2 : ih_test_object(argv[1], test_object, argv + 2, argc - 2);
}
