/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing and comparing bootspecs. Converting is reading one version and writing the other; what
 * the other cannot say is refused and named, never dropped.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bootchain/bootspec.h"
#include "common/cleanup.h"

static struct ih_json_out *strings_out(char **strings, size_t n)
{
	struct ih_json_out *array = ih_json_new_array();
	size_t i;

	for (i = 0; i < n; i++)
		ih_json_push(array, ih_json_new_string(strings[i]));
	return array;
}

static void set_optional(struct ih_json_out *object, const char *key, const char *value)
{
	if (value)
		ih_json_set_string(object, key, value);
}

static int check_v1(const struct ih_bootspec *s, struct ih_diag *diag)
{
	const char *what = NULL;

	if (s->n_initrds > 1)
		what = "more than one initrd";
	else if (s->fdtdir)
		what = "a directory of device trees";
	else if (s->devicetree)
		what = "a device tree";
	if (!what)
		return 0;
	return ih_fail(diag, -EOPNOTSUPP,
		       "'%s' has %s, which version 1 cannot say; keep version 2 for it", s->label,
		       what);
}

static int check_v2(const struct ih_bootspec *s, struct ih_diag *diag)
{
	if (!s->initrd_secrets)
		return 0;
	return ih_fail(
		diag, -EOPNOTSUPP,
		"'%s' has the initrdSecrets program '%s', which version 2 cannot say; move the "
		"secrets to the extension '%s'",
		s->label, s->initrd_secrets, IH_BOOTSPEC_SECRETS);
}

static struct ih_json_out *object_out(const struct ih_bootspec *s, unsigned int version)
{
	struct ih_json_out *o = ih_json_new_object();

	if (version == 2)
		set_optional(o, "devicetree", s->devicetree);
	if (version == 2)
		set_optional(o, "fdtdir", s->fdtdir);
	ih_json_set_string(o, "init", s->init);
	if (version == 1 && s->n_initrds)
		ih_json_set_string(o, "initrd", s->initrds[0]);
	if (version == 1)
		set_optional(o, "initrdSecrets", s->initrd_secrets);
	if (version == 2)
		ih_json_set(o, "initrds", strings_out(s->initrds, s->n_initrds));
	ih_json_set_string(o, "kernel", s->kernel);
	ih_json_set(o, "kernelParams", strings_out(s->params, s->n_params));
	ih_json_set_string(o, "label", s->label);
	ih_json_set_string(o, "system", s->system);
	ih_json_set_string(o, "toplevel", s->toplevel);
	return o;
}

static int spec_out(const struct ih_bootspec *s, unsigned int version, struct ih_json_out **ret,
		    struct ih_diag *diag);

static int specialisations_out(const struct ih_bootspec *s, unsigned int version,
			       struct ih_json_out **ret, struct ih_diag *diag)
{
	struct ih_json_out *all = ih_json_new_object();
	struct ih_json_out *one = NULL;
	size_t i;
	int r;

	for (i = 0; i < s->n_specialisations; i++) {
		r = spec_out(&s->specialisations[i].spec, version, &one, diag);
		if (r < 0) {
			ih_json_out_free(all);
			return ih_fail_within(diag, r, "specialisation '%s'",
					      s->specialisations[i].name);
		}
		ih_json_set(all, s->specialisations[i].name, one);
	}
	*ret = all;
	return 0;
}

static int spec_out(const struct ih_bootspec *s, unsigned int version, struct ih_json_out **ret,
		    struct ih_diag *diag)
{
	struct ih_json_out *top, *nested = NULL;
	size_t i;
	int r;

	r = version == 1 ? check_v1(s, diag) : check_v2(s, diag);
	if (r == 0)
		r = specialisations_out(s, version, &nested, diag);
	if (r < 0)
		return r;
	top = ih_json_new_object();
	for (i = 0; i < s->n_extensions; i++)
		ih_json_set(top, s->extensions[i].name,
			    ih_json_new_source(&s->extensions[i].value));
	ih_json_set(top, version == 1 ? IH_BOOTSPEC_V1 : IH_BOOTSPEC_V2, object_out(s, version));
	ih_json_set(top, version == 1 ? IH_SPECIALISATION_V1 : IH_SPECIALISATION_V2, nested);
	*ret = top;
	return 0;
}

int ih_bootspec_print(const struct ih_bootspec *spec, unsigned int version, struct ih_text *ret,
		      struct ih_diag *diag)
{
	struct ih_json_out *out = NULL;
	int r;

	if (version != 1 && version != 2)
		return ih_fail(diag, -EINVAL, "there is no bootspec version %u", version);
	r = spec_out(spec, version, &out, diag);
	if (r < 0)
		return r;
	r = ih_json_print(out, true, ret);
	if (r == 0)
		r = ih_text_add(ret, "\n", 1);
	return r < 0 ? ih_fail(diag, r, "out of memory") : 0;
}

int ih_bootspec_cmdline(const struct ih_bootspec *spec, struct ih_text *ret, struct ih_diag *diag)
{
	size_t i, k;

	(void)ih_text_addf(ret, "init=%s", spec->init);
	for (i = 0; i < spec->n_params; i++) {
		for (k = 0; spec->params[i][k]; k++)
			if ((unsigned char)spec->params[i][k] < 0x20)
				return ih_fail(diag, -EINVAL,
					       "kernel parameter '%s' holds a control character",
					       spec->params[i]);
		(void)ih_text_addf(ret, " %s", spec->params[i]);
	}
	return ret->oom ? ih_fail(diag, -ENOMEM, "out of memory") : 0;
}

/* Comparing */

struct differ {
	struct ih_text *out;
	const char *prefix; /* "specialisation 'x': " */
	int n;
};

static void line(struct differ *d, char sign, const char *what, const char *value)
{
	struct ih_text quoted = { 0 };

	(void)ih_text_quote(&quoted, value, strlen(value));
	(void)ih_text_addf(d->out, "%c %s%s %s\n", sign, d->prefix, what, ih_text_get(&quoted));
	ih_text_done(&quoted);
	d->n++;
}

static void diff_string(struct differ *d, const char *what, const char *a, const char *b)
{
	if (a && b && strcmp(a, b) == 0)
		return;
	if (a)
		line(d, '-', what, a);
	if (b)
		line(d, '+', what, b);
}

/*
 * Lists: what the ends share is left out, and of the rest what is in one only is named. When both
 * hold the same in another order, the order is the difference.
 */
static void diff_lists(struct differ *d, const char *what, char **a, size_t n_a, char **b,
		       size_t n_b)
{
	size_t i;

	while (n_a && n_b && strcmp(*a, *b) == 0) {
		a++;
		b++;
		n_a--;
		n_b--;
	}
	while (n_a && n_b && strcmp(a[n_a - 1], b[n_b - 1]) == 0) {
		n_a--;
		n_b--;
	}
	for (i = 0; i < n_a; i++)
		line(d, '-', what, a[i]);
	for (i = 0; i < n_b; i++)
		line(d, '+', what, b[i]);
}

static void diff_extensions(struct differ *d, const struct ih_bootspec *a,
			    const struct ih_bootspec *b)
{
	size_t i = 0, k = 0;

	while (i < a->n_extensions || k < b->n_extensions) {
		const struct ih_bootspec_extension *x = &a->extensions[i];
		const struct ih_bootspec_extension *y = &b->extensions[k];
		int order = i == a->n_extensions   ? 1
			    : k == b->n_extensions ? -1
						   : strcmp(x->name, y->name);
		struct ih_text s = { 0 }, t = { 0 };

		if (order < 0) {
			line(d, '-', "extension", x->name);
		} else if (order > 0) {
			line(d, '+', "extension", y->name);
		} else if (ih_json_source(&x->value, &s) < 0 || ih_json_source(&y->value, &t) < 0 ||
			   strcmp(ih_text_get(&s), ih_text_get(&t)) != 0) {
			(void)ih_text_addf(d->out, "! %sextension %s differs\n", d->prefix,
					   x->name);
			d->n++;
		}
		i += order <= 0;
		k += order >= 0;
		ih_text_done(&s);
		ih_text_done(&t);
	}
}

static void diff_spec(struct differ *d, const struct ih_bootspec *a, const struct ih_bootspec *b);

static void diff_nested(struct differ *d, const struct ih_specialisation *a,
			const struct ih_specialisation *b)
{
	struct ih_text prefix = { 0 };
	struct differ inner = *d;

	(void)ih_text_addf(&prefix, "%sspecialisation '%s': ", d->prefix, a->name);
	inner.prefix = ih_text_get(&prefix);
	diff_spec(&inner, &a->spec, &b->spec);
	d->n = inner.n;
	ih_text_done(&prefix);
}

static void diff_specialisations(struct differ *d, const struct ih_bootspec *a,
				 const struct ih_bootspec *b)
{
	size_t i = 0, k = 0;

	while (i < a->n_specialisations || k < b->n_specialisations) {
		const struct ih_specialisation *x = &a->specialisations[i];
		const struct ih_specialisation *y = &b->specialisations[k];
		int order = i == a->n_specialisations	? 1
			    : k == b->n_specialisations ? -1
							: strcmp(x->name, y->name);

		if (order < 0)
			line(d, '-', "specialisation", x->name);
		else if (order > 0)
			line(d, '+', "specialisation", y->name);
		else
			diff_nested(d, x, y);
		i += order <= 0;
		k += order >= 0;
	}
}

static void diff_spec(struct differ *d, const struct ih_bootspec *a, const struct ih_bootspec *b)
{
	diff_string(d, "label", a->label, b->label);
	diff_string(d, "system", a->system, b->system);
	diff_string(d, "toplevel", a->toplevel, b->toplevel);
	diff_string(d, "init", a->init, b->init);
	diff_string(d, "kernel", a->kernel, b->kernel);
	diff_lists(d, "parameter", a->params, a->n_params, b->params, b->n_params);
	diff_lists(d, "initrd", a->initrds, a->n_initrds, b->initrds, b->n_initrds);
	diff_string(d, "initrdSecrets", a->initrd_secrets, b->initrd_secrets);
	diff_string(d, "fdtdir", a->fdtdir, b->fdtdir);
	diff_string(d, "devicetree", a->devicetree, b->devicetree);
	diff_extensions(d, a, b);
	diff_specialisations(d, a, b);
}

int ih_bootspec_diff(const struct ih_bootspec *a, const struct ih_bootspec *b, struct ih_text *ret)
{
	struct differ d = { .out = ret, .prefix = "" };

	diff_spec(&d, a, b);
	return ret->oom ? -ENOMEM : d.n;
}
