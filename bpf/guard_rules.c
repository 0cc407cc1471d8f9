/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy in the guard's hands: read, held against the lock, turned into what the kernel's
 * tables hold, put in force. A policy that cannot be read changes nothing when one is in force.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "bpf/guard_priv.h"
#include "common/cleanup.h"
#include "common/fd.h"
#include "common/text.h"
#include "policy/machine.h"

void ih_guard_rules_free(struct ih_guard_rules *rules)
{
	if (!rules || rules->users-- > 0)
		return;
	ih_trust_free(rules->trust);
	ih_grammars_free(rules->own_grammars);
	ih_policy_free(rules->policy);
	free(rules);
}

/* Would the rules in force let it run as code? The kernel knows, also when we just started. */
static int check_file(struct ih_guard *g, const char *path, struct ih_diag *diag)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct ih_gate_file file;
	struct ih_seed seed;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return ih_fail(diag, -errno, "cannot open '%s': %s", path, strerror(errno));
	file = ih_gate_file_of(&st);
	if (g->backend->known && g->backend->known(g->state, &file.key, &seed) == 0 &&
	    seed.trust >= g->config.min_trust && seed.size == file.seed.size &&
	    seed.ctime_s == file.seed.ctime_s && seed.ctime_ns == file.seed.ctime_ns)
		return 0;
	return ih_fail(
		diag, -EPERM,
		"while the lock is on '%s' is not taken as a policy, for the policy in force "
		"does not vouch for it; put it where that trusts files",
		path);
}

/*
 * While the lock is on root is not trusted, and root writes policies, units and command lines: a
 * file counts only when it is vouched for, and of the profiles, which are part of the program,
 * those that are made for a machine that refuses.
 */
static int check_lock(struct ih_guard *g, struct ih_diag *diag)
{
	const struct ih_guard_options *o = g->options;

	if (!g->config.lock)
		return 0;
	if (o->interpreters)
		return ih_fail(diag, -EPERM, "while the lock is on grammars of '%s' are not taken",
			       o->interpreters);
	if (o->profile && strcmp(o->profile, "server") != 0 && strcmp(o->profile, "appliance") != 0)
		return ih_fail(diag, -EPERM,
			       "while the lock is on the profile '%s' is not taken: 'server' and "
			       "'appliance' are",
			       o->profile);
	if (o->policy)
		return check_file(g, o->policy, diag);
	if (o->profile || access(IH_POLICY_FILE, F_OK) < 0)
		return 0;
	return check_file(g, IH_POLICY_FILE, diag);
}

/* With a policy in force one that cannot be read is refused; at start a profile takes its place. */
static const char *file_of(const struct ih_guard *g)
{
	const struct ih_guard_options *o = g->options;

	if (o->policy || o->profile || !g->rules || access(IH_POLICY_FILE, F_OK) < 0)
		return o->policy;
	return IH_POLICY_FILE;
}

int ih_guard_rules_load(struct ih_guard *g, struct ih_guard_rules **ret, struct ih_diag *diag)
{
	const struct ih_guard_options *o = g->options;
	struct ih_guard_rules *rules;
	int r = check_lock(g, diag);

	if (r < 0)
		return r;
	rules = calloc(1, sizeof(*rules));
	if (!rules)
		return ih_fail(diag, -ENOMEM, "no memory for the policy");
	r = ih_machine_policy(file_of(g), o->profile, &rules->policy, &rules->note, diag);
	rules->grammars = ih_grammars_builtin();
	if (r == 0 && o->interpreters) {
		r = ih_grammars_load(o->interpreters, &rules->own_grammars, diag);
		rules->grammars = rules->own_grammars;
	}
	if (r == 0)
		r = ih_trust_open(rules->policy->providers, rules->policy->n_providers,
				  &rules->trust, diag);
	if (r < 0) {
		ih_guard_rules_free(rules);
		return r;
	}
	*ret = rules;
	return 0;
}

static void note(void *user, const char *sentence)
{
	ih_guard_say(user, "%s", sentence);
}

struct ih_fill ih_guard_fill(struct ih_guard *g, const struct ih_guard_rules *rules)
{
	struct ih_fill f = {
		.backend = g->backend,
		.state = g->state,
		.catalog = g->catalog,
		.grammars = rules->grammars,
		.providers = rules->policy->providers,
		.n_providers = rules->policy->n_providers,
		.roots = g->options->roots,
		.n_roots = g->options->n_roots,
		.all = g->options->all,
		/* before there were gates anybody could have written it, but stage 2 measured it */
		.use_verified = !g->adopted && !g->rules,
		.stop = &g->worker.stop,
		.note = note,
		.user = g,
		.guard = g->self,
	};

	return f;
}

static void add_device(struct ih_gate_config *c, uint32_t device)
{
	for (uint32_t i = 0; i < c->n_devices; i++)
		if (c->devices[i] == device)
			return;
	if (c->n_devices < IH_GATE_DEVICES_MAX)
		c->devices[c->n_devices++] = device;
}

/* The block device that a file lies on, and the disk that it is a part of. */
static void add_disk_of(struct ih_gate_config *c, const char *path)
{
	_free_ char *text = NULL;
	char name[128];
	unsigned int disk_major, disk_minor;
	struct stat st;
	size_t len;

	if (stat(path, &st) < 0 || !major(st.st_dev))
		return;
	add_device(c, ih_gate_device(major(st.st_dev), minor(st.st_dev)));
	(void)snprintf(name, sizeof(name), "/sys/dev/block/%u:%u/../dev", major(st.st_dev),
		       minor(st.st_dev));
	if (ih_read_file(AT_FDCWD, name, 64, &text, &len, NULL) == 0 &&
	    sscanf(text, "%u:%u", &disk_major, &disk_minor) == 2)
		add_device(c, ih_gate_device(disk_major, disk_minor));
}

static void find_disks(struct ih_gate_config *c, const struct ih_policy *policy)
{
	for (size_t i = 0; i < policy->n_providers; i++) {
		const struct ih_provider *p = &policy->providers[i];
		struct ih_text path = { 0 };

		for (size_t k = 0; k < p->n_trees; k++)
			add_disk_of(c, p->trees[k]);
		if (p->kind == IH_PROVIDER_NIX &&
		    ih_text_addf(&path, "%s%s", p->root ? p->root : "",
				 p->store ? p->store : "/nix/store") == 0)
			add_disk_of(c, path.data);
		ih_text_done(&path);
	}
}

static struct ih_gate_config make_config(const struct ih_guard *g, const struct ih_policy *policy)
{
	enum ih_trust_class least = ih_policy_least_source(policy);
	struct ih_gate_config c = {
		.version = IH_GATE_VERSION,
		.epoch = g->config.epoch + 1,
		.audit = g->options->audit || !policy->enforce,
		.lock = g->options->lock || g->config.lock,
		/* nobody tells the kernel of files that are less: what it does not know it denies
		 */
		.min_trust = least < IH_TRUST_OWNED ? IH_TRUST_OWNED : least,
	};

	if (c.lock && g->config.lock && !g->config.audit)
		c.audit = 0;
	find_disks(&c, policy);
	return c;
}

/* The names of what the policy trusts. Return: how many. */
static size_t list_trees(const struct ih_policy *policy, const char *ret[static IH_GATE_TREES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < policy->n_providers; i++) {
		const struct ih_provider *p = &policy->providers[i];

		for (size_t k = 0; k < p->n_trees && n < IH_GATE_TREES_MAX; k++)
			ret[n++] = p->trees[k];
		if (p->kind == IH_PROVIDER_NIX && !p->root && n < IH_GATE_TREES_MAX)
			ret[n++] = p->store ? p->store : "/nix/store";
	}
	return n;
}

int ih_guard_put(struct ih_guard *g, struct ih_guard_rules *rules, struct ih_diag *diag)
{
	static uint16_t interpreters[IH_TABLES_GRAMMARS];
	const struct ih_policy *policy = rules->policy;
	const char *trees[IH_GATE_TREES_MAX];
	struct ih_gate_policy put = {
		.trees = trees,
		.n_trees = list_trees(policy, trees),
		.config = make_config(g, policy),
		.rules = policy->rules,
		.n_rules = (uint32_t)policy->n_rules,
		.grammars = ih_grammars_tables(rules->grammars),
		.interpreters = interpreters,
		.units = policy->units,
		.n_units = policy->n_units,
	};
	int r;

	for (size_t i = 0; i < ih_grammars_count(rules->grammars) && i < IH_TABLES_GRAMMARS; i++)
		interpreters[i] = (uint16_t)ih_policy_interpreter(
			policy, ih_grammar_name(ih_grammars_at(rules->grammars, i)));
	r = g->report.policy == policy ? 0 : ih_report_policy(&g->report, policy);
	if (r == 0)
		r = g->backend->put(g->state, &put, diag);
	if (r < 0) {
		if (g->rules)
			(void)ih_report_policy(&g->report, g->rules->policy);
		return r;
	}
	g->config = put.config;
	(void)pthread_mutex_lock(&g->judging);
	ih_guard_rules_free(g->rules);
	g->rules = rules;
	(void)pthread_mutex_unlock(&g->judging);
	ih_guard_want_renew(g);
	g->loaded = time(NULL);
	if (rules->note.text[0])
		ih_guard_say(g, "%s", rules->note.text);
	return 0;
}

void ih_guard_renew(struct ih_guard *g)
{
	struct ih_diag diag;

	g->stale = false;
	g->rules->users++; /* put takes one */
	if (ih_guard_put(g, g->rules, &diag) < 0) {
		g->rules->users--;
		ih_guard_say(g, "%s", diag.text);
	}
}

int ih_guard_reload(struct ih_guard *g, struct ih_diag *diag)
{
	struct ih_guard_rules *rules = NULL;
	int r;

	if (g->reloading)
		return ih_fail(diag, -EBUSY, "a reload is under way");
	r = ih_guard_rules_load(g, &rules, diag);
	if (r == 0) {
		ih_catalog_begin(g->catalog);
		r = ih_guard_queue(g, NULL, rules);
	}
	if (r < 0) {
		g->reload_failures++;
		if (diag)
			g->last_failure = *diag;
		ih_guard_rules_free(rules);
		return r;
	}
	g->reloading = true;
	return 0;
}

static void gone(void *user, const struct ih_file_key *key)
{
	struct ih_guard *g = user;

	(void)g->backend->remove(g->state, key);
}

/* What is vouched for was added already; what no longer is goes before the new rules come, and the
 * new epoch makes the kernel forget what it kept with inodes. */
void ih_guard_reloaded(struct ih_guard *g, struct ih_guard_job *job)
{
	struct ih_diag diag = job->diag;
	int r = job->result;

	g->reloading = false;
	if (r == 0) {
		(void)ih_catalog_sweep(g->catalog, gone, g);
		r = ih_guard_put(g, job->rules, &diag);
	}
	if (r == 0) {
		job->rules = NULL; /* in force now */
		g->reloads++;
		g->filled = job->fill;
		ih_guard_say(g, "policy '%s' is in force, %zu files are vouched for",
			     g->rules->policy->name, ih_catalog_count(g->catalog));
	} else {
		g->reload_failures++;
		g->last_failure = diag;
		ih_guard_say(g, "the old policy stays in force: %s", diag.text);
	}
	ih_guard_control_reloaded(g, r, &diag);
}
