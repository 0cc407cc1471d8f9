/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading a bootspec: one pass over the JSON that remembers every problem with its place. Whether a
 * slip is an error or a warning depends on the mode and is decided in one function, slip().
 */
#include "bootchain/bootspec.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

/* One run of the reader. */
struct reader {
	enum ih_bootspec_mode mode;
	struct ih_bootspec_problems *problems;
	size_t n_specialisations;
	bool oom;
};

void ih_bootspec_problems_done(struct ih_bootspec_problems *problems)
{
	size_t i;

	for (i = 0; i < problems->n; i++) {
		free(problems->items[i].path);
		free(problems->items[i].text);
	}
	free(problems->items);
	*problems = (struct ih_bootspec_problems){ 0 };
}

static void __attribute__((format(printf, 4, 0)))
remember(struct reader *rd, const struct ih_json *where, bool is_error, const char *format,
	 va_list args)
{
	struct ih_bootspec_problems *ps = rd->problems;
	struct ih_bootspec_problem *grown;
	struct ih_diag text;
	char raw[IH_DIAG_MAX];

	ps->errors += is_error;
	ps->warnings += !is_error;
	if (ps->n >= IH_PROBLEMS_MAX)
		return;
	(void)vsnprintf(raw, sizeof(raw), format, args);
	(void)ih_fail(&text, 0, "%s", raw); /* makes it safe for a terminal */
	grown = reallocarray(ps->items, ps->n + 1, sizeof(*grown));
	if (!grown) {
		rd->oom = true;
		return;
	}
	ps->items = grown;
	ps->items[ps->n] = (struct ih_bootspec_problem){ .is_error = is_error,
							 .line = ih_json_line(where),
							 .text = strdup(text.text) };
	(void)ih_fail(&text, 0, "%s", where->path);
	ps->items[ps->n].path = strdup(text.text);
	if (!ps->items[ps->n].path || !ps->items[ps->n].text)
		rd->oom = true;
	ps->n++;
}

/* Wrong in either mode. */
static void __attribute__((format(printf, 3, 4)))
error(struct reader *rd, const struct ih_json *where, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	remember(rd, where, true, format, args);
	va_end(args);
}

/* Against the letter of the RFC, and met in the wild. */
static void __attribute__((format(printf, 3, 4)))
slip(struct reader *rd, const struct ih_json *where, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	remember(rd, where, rd->mode == IH_BOOTSPEC_STRICT, format, args);
	va_end(args);
}

static void __attribute__((format(printf, 3, 4)))
warn(struct reader *rd, const struct ih_json *where, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	remember(rd, where, false, format, args);
	va_end(args);
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

static char *copy(struct reader *rd, const char *s)
{
	char *c = strdup(s);

	if (!c)
		rd->oom = true;
	return c;
}

static void *grow(struct reader *rd, void *items, size_t n, size_t size)
{
	void *grown;

	if ((n & (n - 1)) != 0)
		return items; /* grows by powers of two */
	grown = reallocarray(items, n ? 2 * n : 1, size);
	if (!grown)
		rd->oom = true;
	return grown;
}

/* A string that may go into a command line or a file name; NULL when it is none. */
static char *read_string(struct reader *rd, const struct ih_json *v)
{
	const char *s;

	if (ih_json_type(v) != IH_JSON_STRING || ih_json_string(v, &s, NULL) < 0) {
		error(rd, v, "must be a string");
		return NULL;
	}
	if (has_control(s)) {
		error(rd, v, "holds a line break or another control character");
		return NULL;
	}
	return copy(rd, s);
}

static bool has_dotdot(const char *path)
{
	const char *p = path;

	while ((p = strstr(p, "..")) != NULL) {
		if ((p == path || p[-1] == '/') && (p[2] == '/' || p[2] == '\0'))
			return true;
		p += 2;
	}
	return false;
}

static char *read_path(struct reader *rd, const struct ih_json *v)
{
	char *path = read_string(rd, v);

	if (path && path[0] != '/')
		error(rd, v, "must be an absolute path, and is '%s'", path);
	else if (path && has_dotdot(path))
		error(rd, v, "leads through '..': '%s'", path);
	else
		return path;
	free(path);
	return NULL;
}

static bool member(const struct ih_json *object, const char *key, struct ih_json *ret)
{
	return ih_json_member(object, key, ret) == 0;
}

/* Required keys. What is missing is one problem of the object. */
static char *required(struct reader *rd, const struct ih_json *object, const char *key, bool path)
{
	struct ih_json v;

	if (!member(object, key, &v)) {
		error(rd, object, "lacks '%s'", key);
		return NULL;
	}
	if (ih_json_type(&v) == IH_JSON_NULL) {
		error(rd, &v, "must not be null");
		return NULL;
	}
	return path ? read_path(rd, &v) : read_string(rd, &v);
}

/* Optional keys: absent or there, never null. */
static char *optional_path(struct reader *rd, const struct ih_json *object, const char *key)
{
	struct ih_json v;

	if (!member(object, key, &v))
		return NULL;
	if (ih_json_type(&v) == IH_JSON_NULL) {
		slip(rd, &v, "must not be null: leave it out");
		return NULL;
	}
	return read_path(rd, &v);
}

typedef char *ih_read_element(struct reader *rd, const struct ih_json *v);

/* A required array of strings; its elements are read by @read. */
static char **read_strings(struct reader *rd, const struct ih_json *object, const char *key,
			   ih_read_element *read, size_t *ret_n)
{
	struct ih_json v, element;
	char **strings;
	size_t n = 0;
	size_t i;

	*ret_n = 0;
	if (!member(object, key, &v)) {
		error(rd, object, "lacks '%s'", key);
		return NULL;
	}
	if (ih_json_type(&v) != IH_JSON_ARRAY) {
		error(rd, &v, "must be an array of strings");
		return NULL;
	}
	if (ih_json_length(&v) > IH_BOOTSPEC_STRINGS_MAX) {
		error(rd, &v, "has more than %d elements", IH_BOOTSPEC_STRINGS_MAX);
		return NULL;
	}
	strings = calloc(ih_json_length(&v) + 1, sizeof(*strings));
	if (!strings) {
		rd->oom = true;
		return NULL;
	}
	for (i = 0; ih_json_element(&v, i, &element) == 0; i++) {
		strings[n] = read(rd, &element);
		n += strings[n] != NULL;
	}
	*ret_n = n;
	return strings;
}

static char *read_param(struct reader *rd, const struct ih_json *v)
{
	char *param = read_string(rd, v);

	/* The kernel and stage 2 both take the last one. */
	if (param && strncmp(param, "init=", 5) == 0)
		error(rd, v, "'%s' would replace the init of the generation", param);
	else
		return param;
	free(param);
	return NULL;
}

static const char *const common_keys[] = { "system", "label",	 "init",
					   "kernel", "toplevel", "kernelParams" };
static const char *const v1_keys[] = { "initrd", "initrdSecrets" };
static const char *const v2_keys[] = { "initrds", "fdtdir", "devicetree" };

static bool is_listed(const char *key, const char *const *keys, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

static void refuse_unknown_keys(struct reader *rd, const struct ih_json *object,
				unsigned int version)
{
	const char *const *own = version == 1 ? v1_keys : v2_keys;
	size_t n = version == 1 ? IH_ARRAY_SIZE(v1_keys) : IH_ARRAY_SIZE(v2_keys);
	void *iterator = NULL;
	const char *key;
	struct ih_json v;

	while (ih_json_next(object, &iterator, &key, &v))
		if (!is_listed(key, common_keys, IH_ARRAY_SIZE(common_keys)) &&
		    !is_listed(key, own, n))
			slip(rd, &v, "is no key of version %u: extensions stand beside the object",
			     version);
}

static void read_v1(struct reader *rd, const struct ih_json *object, struct ih_bootspec *s)
{
	char *initrd = optional_path(rd, object, "initrd");

	if (initrd) {
		s->initrds = calloc(1, sizeof(*s->initrds));
		if (!s->initrds) {
			rd->oom = true;
			free(initrd);
			return;
		}
		s->initrds[0] = initrd;
		s->n_initrds = 1;
	}
	s->initrd_secrets = optional_path(rd, object, "initrdSecrets");
	if (s->initrd_secrets && !s->n_initrds)
		warn(rd, object, "has 'initrdSecrets' and no 'initrd' to put secrets into");
}

/* The object of one version. */
static void read_object(struct reader *rd, const struct ih_json *object, unsigned int version,
			struct ih_bootspec *s)
{
	s->version = version;
	if (ih_json_type(object) != IH_JSON_OBJECT) {
		error(rd, object, "must be an object");
		return;
	}
	s->system = required(rd, object, "system", false);
	s->label = required(rd, object, "label", false);
	s->init = required(rd, object, "init", true);
	s->kernel = required(rd, object, "kernel", true);
	s->toplevel = required(rd, object, "toplevel", true);
	s->params = read_strings(rd, object, "kernelParams", read_param, &s->n_params);
	if (version == 1) {
		read_v1(rd, object, s);
	} else {
		s->initrds = read_strings(rd, object, "initrds", read_path, &s->n_initrds);
		s->fdtdir = optional_path(rd, object, "fdtdir");
		s->devicetree = optional_path(rd, object, "devicetree");
	}
	refuse_unknown_keys(rd, object, version);
}

/* Sort key and device tree of the boot loader's extension. */
static void read_sd_boot(struct reader *rd, const struct ih_json *v, struct ih_bootspec *s)
{
	struct ih_json m;

	if (ih_json_type(v) != IH_JSON_OBJECT) {
		error(rd, v, "must be an object");
		return;
	}
	if (member(v, "sortKey", &m)) {
		free(s->sort_key);
		s->sort_key = read_string(rd, &m);
	}
	if (member(v, "devicetree", &m) && ih_json_type(&m) != IH_JSON_NULL)
		s->extension_devicetree = read_path(rd, &m);
}

static void read_lanzaboote(struct reader *rd, const struct ih_json *v, struct ih_bootspec *s)
{
	struct ih_json m;

	if (ih_json_type(v) != IH_JSON_OBJECT)
		error(rd, v, "must be an object");
	else if (!s->sort_key && member(v, "sort_key", &m))
		s->sort_key = read_string(rd, &m);
}

static void read_secrets(struct reader *rd, const struct ih_json *v, struct ih_bootspec *s)
{
	void *iterator = NULL;
	struct ih_json m;
	const char *key;

	if (ih_json_type(v) != IH_JSON_OBJECT) {
		error(rd, v, "must be an object: names of secrets, and the file of each");
		return;
	}
	while (ih_json_next(v, &iterator, &key, &m)) {
		struct ih_bootspec_secret *grown;

		grown = grow(rd, s->secrets, s->n_secrets, sizeof(*grown));
		if (!grown)
			return;
		s->secrets = grown;
		grown[s->n_secrets] =
			(struct ih_bootspec_secret){ copy(rd, key), read_path(rd, &m) };
		if (!grown[s->n_secrets].name || !grown[s->n_secrets].path) {
			free(grown[s->n_secrets].name);
			free(grown[s->n_secrets].path);
			continue;
		}
		s->n_secrets++;
	}
}

static bool is_official(const char *key)
{
	return strncmp(key, "org.nixos.bootspec.", 19) == 0 ||
	       strncmp(key, "org.nixos.specialisation.", 25) == 0;
}

static void add_extension(struct reader *rd, const char *key, const struct ih_json *v,
			  struct ih_bootspec *s)
{
	struct ih_bootspec_extension *grown;

	if (ih_json_type(v) == IH_JSON_NULL) {
		error(rd, v, "must not be null: an extension is there or it is not");
		return;
	}
	if (ih_json_type(v) != IH_JSON_OBJECT)
		slip(rd, v, "must be an object, as every extension");
	grown = grow(rd, s->extensions, s->n_extensions, sizeof(*grown));
	if (!grown)
		return;
	s->extensions = grown;
	grown[s->n_extensions] = (struct ih_bootspec_extension){ copy(rd, key), *v };
	if (grown[s->n_extensions].name)
		s->n_extensions++;
}

static int compare_extensions(const void *a, const void *b)
{
	return strcmp(((const struct ih_bootspec_extension *)a)->name,
		      ((const struct ih_bootspec_extension *)b)->name);
}

static void read_extensions(struct reader *rd, const struct ih_json *top, struct ih_bootspec *s)
{
	void *iterator = NULL;
	const char *key;
	struct ih_json v;

	while (ih_json_next(top, &iterator, &key, &v)) {
		if (!is_official(key)) {
			add_extension(rd, key, &v, s);
		} else if (strcmp(key, IH_BOOTSPEC_V1) != 0 && strcmp(key, IH_BOOTSPEC_V2) != 0 &&
			   strcmp(key, IH_SPECIALISATION_V1) != 0 &&
			   strcmp(key, IH_SPECIALISATION_V2) != 0) {
			warn(rd, &v, "is a version that is not known here and is not read");
		}
	}
	if (member(top, IH_BOOTSPEC_LANZABOOTE, &v))
		read_lanzaboote(rd, &v, s);
	if (member(top, IH_BOOTSPEC_SD_BOOT, &v))
		read_sd_boot(rd, &v, s);
	if (member(top, IH_BOOTSPEC_SECRETS, &v))
		read_secrets(rd, &v, s);
	if (s->n_extensions)
		qsort(s->extensions, s->n_extensions, sizeof(*s->extensions), compare_extensions);
}

static bool same(const char *a, const char *b)
{
	return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static bool same_strings(char **a, size_t n_a, char **b, size_t n_b)
{
	size_t i;

	if (n_a != n_b)
		return false;
	for (i = 0; i < n_a; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return true;
}

/* A consumer that knows only v1 must boot what we boot. */
static void check_agreement(struct reader *rd, const struct ih_json *v1,
			    const struct ih_bootspec *s)
{
	struct ih_bootspec old = { 0 };

	read_object(rd, v1, 1, &old);
	if (!same(old.system, s->system) || !same(old.init, s->init) ||
	    !same(old.kernel, s->kernel) || !same(old.toplevel, s->toplevel) ||
	    !same_strings(old.params, old.n_params, s->params, s->n_params) ||
	    (old.n_initrds && !same_strings(old.initrds, old.n_initrds, s->initrds, s->n_initrds)))
		error(rd, v1, "says something else than '%s'", IH_BOOTSPEC_V2);
	ih_bootspec_done(&old);
}

static void read_spec(struct reader *rd, const struct ih_json *top, unsigned int parent,
		      struct ih_bootspec *s);

static int compare_specialisations(const void *a, const void *b)
{
	return strcmp(((const struct ih_specialisation *)a)->name,
		      ((const struct ih_specialisation *)b)->name);
}

static void read_specialisation(struct reader *rd, const char *key, const struct ih_json *v,
				struct ih_bootspec *s)
{
	struct ih_specialisation *grown;

	if (++rd->n_specialisations > IH_SPECIALISATIONS_MAX) {
		if (rd->n_specialisations == IH_SPECIALISATIONS_MAX + 1)
			error(rd, v, "is one specialisation more than %d", IH_SPECIALISATIONS_MAX);
		return;
	}
	if (!*key || has_control(key))
		error(rd, v, "has a name that no boot entry can carry");
	grown = grow(rd, s->specialisations, s->n_specialisations, sizeof(*grown));
	if (!grown)
		return;
	s->specialisations = grown;
	grown[s->n_specialisations] = (struct ih_specialisation){ .name = copy(rd, key) };
	if (!grown[s->n_specialisations].name)
		return;
	s->n_specialisations++;
	read_spec(rd, v, s->version, &grown[s->n_specialisations - 1].spec);
}

/* @nested: this is itself a specialisation, and version 1 does not say what nesting means. */
static void read_specialisations(struct reader *rd, const struct ih_json *top, bool nested,
				 struct ih_bootspec *s)
{
	const char *name = s->version == 2 ? IH_SPECIALISATION_V2 : IH_SPECIALISATION_V1;
	void *iterator = NULL;
	struct ih_json all, v;
	const char *key;

	if (!member(top, name, &all))
		return;
	if (ih_json_type(&all) != IH_JSON_OBJECT) {
		error(rd, &all,
		      ih_json_type(&all) == IH_JSON_NULL
			      ? "must not be null: leave it out"
			      : "must be an object: a name for each specialisation");
		return;
	}
	while (ih_json_next(&all, &iterator, &key, &v)) {
		if (nested && s->version == 1 && s->n_specialisations == 0)
			slip(rd, &all, "nests specialisations, which version 1 leaves undefined");
		read_specialisation(rd, key, &v, s);
	}
	if (s->n_specialisations)
		qsort(s->specialisations, s->n_specialisations, sizeof(*s->specialisations),
		      compare_specialisations);
}

/* A document, or the value of a specialisation, which has the same shape. */
static void read_spec(struct reader *rd, const struct ih_json *top, unsigned int parent,
		      struct ih_bootspec *s)
{
	struct ih_json v1, v2;
	bool has_v1, has_v2;

	if (ih_json_type(top) != IH_JSON_OBJECT) {
		error(rd, top, "must be an object");
		return;
	}
	has_v1 = member(top, IH_BOOTSPEC_V1, &v1);
	has_v2 = member(top, IH_BOOTSPEC_V2, &v2);
	if (!has_v1 && !has_v2) {
		error(rd, top, "lacks '%s'", IH_BOOTSPEC_V1);
		return;
	}
	read_object(rd, has_v2 ? &v2 : &v1, has_v2 ? 2 : 1, s);
	if (has_v1 && has_v2)
		check_agreement(rd, &v1, s);
	if (parent && parent != s->version)
		warn(rd, top, "is version %u within version %u", s->version, parent);
	read_extensions(rd, top, s);
	read_specialisations(rd, top, parent != 0, s);
}

static int fail_first(const char *name, const struct ih_bootspec_problems *problems,
		      struct ih_diag *diag)
{
	const struct ih_bootspec_problem *p = problems->items;
	size_t i = 0;

	while (i < problems->n && !p[i].is_error)
		i++;
	if (i == problems->n) /* more warnings than are remembered stood before it */
		return ih_fail(diag, -EBADMSG, "%s: %zu errors", name, problems->errors);
	return ih_fail(diag, -EBADMSG, "%s: line %u: %s%s%s%s", name, p[i].line, p[i].path,
		       p[i].path[0] ? " " : "", p[i].text,
		       problems->errors > 1 ? ", and more" : "");
}

int ih_bootspec_parse(const char *name, const char *text, size_t len, enum ih_bootspec_mode mode,
		      struct ih_bootspec_problems *problems, struct ih_bootspec_doc **ret,
		      struct ih_diag *diag)
{
	struct reader rd = { .mode = mode, .problems = problems };
	struct ih_bootspec_doc *doc = calloc(1, sizeof(*doc));
	struct ih_json root;
	int r;

	if (!doc)
		return ih_fail(diag, -ENOMEM, "%s: out of memory", name);
	r = ih_json_parse(name, text, len, &doc->json, diag);
	if (r < 0) {
		free(doc);
		return r;
	}
	root = ih_json_root(doc->json);
	read_spec(&rd, &root, 0, &doc->spec);
	if (rd.oom)
		r = ih_fail(diag, -ENOMEM, "%s: out of memory", name);
	else if (problems->errors)
		r = fail_first(name, problems, diag);
	if (r < 0) {
		ih_bootspec_doc_free(doc);
		return r;
	}
	*ret = doc;
	return 0;
}

static void free_strings(char **strings, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free(strings[i]);
	free(strings);
}

void ih_bootspec_done(struct ih_bootspec *spec)
{
	size_t i;

	free(spec->system);
	free(spec->label);
	free(spec->init);
	free(spec->kernel);
	free(spec->toplevel);
	free(spec->initrd_secrets);
	free(spec->fdtdir);
	free(spec->devicetree);
	free(spec->sort_key);
	free(spec->extension_devicetree);
	free_strings(spec->params, spec->n_params);
	free_strings(spec->initrds, spec->n_initrds);
	for (i = 0; i < spec->n_secrets; i++) {
		free(spec->secrets[i].name);
		free(spec->secrets[i].path);
	}
	free(spec->secrets);
	for (i = 0; i < spec->n_extensions; i++)
		free(spec->extensions[i].name);
	free(spec->extensions);
	/* Depth is bounded by IH_JSON_DEPTH_MAX, or by the depth limit of synthesis. */
	for (i = 0; i < spec->n_specialisations; i++) {
		free(spec->specialisations[i].name);
		ih_bootspec_done(&spec->specialisations[i].spec);
	}
	free(spec->specialisations);
	*spec = (struct ih_bootspec){ 0 };
}

void ih_bootspec_doc_free(struct ih_bootspec_doc *doc)
{
	if (!doc)
		return;
	ih_bootspec_done(&doc->spec);
	ih_json_free(doc->json);
	free(doc);
}
