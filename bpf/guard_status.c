/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How it goes: as JSON for `ihard guard status`, as Prometheus text for who watches many machines
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "bpf/guard_priv.h"
#include "common/cleanup.h"
#include "common/fd.h"
#include "common/json.h"
#include "common/text.h"
#include "config.h"
#include "integrity/trust.h"
#include "policy/words.h"

static uint64_t sum(const uint64_t *n, size_t count)
{
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += n[i];
	return total;
}

static struct ih_json_out *events_of(const struct ih_guard *g)
{
	struct ih_json_out *o = ih_json_new_object();
	struct ih_gate_counts counts = { 0 };

	(void)g->backend->counts(g->state, &counts);
	ih_json_set_u64(o, "denied", sum(g->report.denied, IH_REASON_MAX_));
	ih_json_set_u64(o, "audited", sum(g->report.audited, IH_REASON_MAX_));
	ih_json_set_u64(o, "sent", counts.sent);
	ih_json_set_u64(o, "lost", counts.lost);
	return o;
}

int ih_guard_status(struct ih_guard *g, struct ih_text *ret)
{
	struct ih_json_out *o = ih_json_new_object();
	int r;

	ih_json_set_u64(o, "version", 1);
	ih_json_set_string(o, "ihard", IH_VERSION);
	ih_json_set_string(o, "backend", g->backend->name);
	ih_json_set_string(o, "cannot", g->backend->cannot);
	if (g->weaker.text[0])
		ih_json_set_string(o, "passedOver", g->weaker.text);
	ih_json_set_bool(o, "enforces", !g->config.audit);
	ih_json_set_bool(o, "locked", g->config.lock != 0);
	ih_json_set_bool(o, "survives", g->options->keep && g->backend->survives);
	ih_json_set_string(o, "policy", g->rules->policy->name);
	ih_json_set_u64(o, "rules", g->rules->policy->n_rules);
	ih_json_set_string(o, "leastTrust",
			   ih_trust_class_name((enum ih_trust_class)g->config.min_trust));
	ih_json_set_u64(o, "epoch", g->config.epoch);
	ih_json_set_u64(o, "files", ih_catalog_count(g->catalog));
	ih_json_set_u64(o, "filesWithoutRoom", g->filled.full);
	ih_json_set_u64(o, "filesBeingWritten", g->filled.busy);
	ih_json_set_u64(o, "objects", g->filled.objects);
	ih_json_set_u64(o, "objectsBad", g->filled.bad);
	ih_json_set_u64(o, "started", (uint64_t)g->started);
	ih_json_set_u64(o, "loaded", (uint64_t)g->loaded);
	ih_json_set_u64(o, "reloads", g->reloads);
	ih_json_set_u64(o, "reloadFailures", g->reload_failures);
	if (g->last_failure.text[0])
		ih_json_set_string(o, "lastFailure", g->last_failure.text);
	ih_json_set_u64(o, "pid", (uint64_t)getpid());
	ih_json_set(o, "events", events_of(g));
	r = ih_json_print(o, /* pretty= */ false, ret);
	return r < 0 ? r : ih_text_add(ret, "\n", 1);
}

static void head(struct ih_text *t, const char *name, const char *type, const char *help)
{
	(void)ih_text_addf(t, "# HELP ihard_guard_%s %s\n# TYPE ihard_guard_%s %s\n", name, help,
			   name, type);
}

static void one(struct ih_text *t, const char *name, const char *type, const char *help, uint64_t n)
{
	head(t, name, type, help);
	(void)ih_text_addf(t, "ihard_guard_%s %llu\n", name, (unsigned long long)n);
}

/* "Label values may contain any Unicode characters", with these three escaped. */
static void add_label(struct ih_text *t, const char *value)
{
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			(void)ih_text_addf(t, "\\%c", *value);
		else if (*value == '\n')
			(void)ih_text_addf(t, "\\n");
		else
			(void)ih_text_add(t, value, 1);
	}
}

static void labelled(struct ih_text *t, const char *name, const char *label, const char *value,
		     uint64_t n)
{
	if (!n)
		return;
	(void)ih_text_addf(t, "ihard_guard_%s{%s=\"", name, label);
	add_label(t, value);
	(void)ih_text_addf(t, "\"} %llu\n", (unsigned long long)n);
}

static void add_events(const struct ih_guard *g, struct ih_text *t)
{
	const struct ih_report *r = &g->report;
	const struct ih_policy *p = g->rules->policy;

	head(t, "denials_total", "counter", "Acts that were refused, by reason.");
	for (unsigned int i = 0; i < IH_REASON_MAX_; i++)
		labelled(t, "denials_total", "reason", ih_reason_name(i), r->denied[i]);
	head(t, "audits_total", "counter", "Acts that were only reported, by reason.");
	for (unsigned int i = 0; i < IH_REASON_MAX_; i++)
		labelled(t, "audits_total", "reason", ih_reason_name(i), r->audited[i]);
	head(t, "acts_total", "counter", "Events, by what was asked for.");
	for (unsigned int i = 0; i < IH_ACT_MAX_; i++)
		labelled(t, "acts_total", "act", ih_act_name(i), r->by_act[i]);
	head(t, "modes_total", "counter", "Events about arguments, by how code was to reach.");
	for (unsigned int i = 0; i < IH_MODE_MAX_; i++)
		labelled(t, "modes_total", "mode", ih_mode_name(i), r->by_mode[i]);
	head(t, "rules_total", "counter", "Events, by the rule that decided.");
	for (size_t i = 0; r->by_rule && i <= p->n_rules; i++)
		labelled(t, "rules_total", "rule",
			 i && p->info[i - 1].given ? p->info[i - 1].name : "", r->by_rule[i]);
}

int ih_guard_metrics(struct ih_guard *g, struct ih_text *t)
{
	struct ih_gate_counts counts = { 0 };

	(void)g->backend->counts(g->state, &counts);
	head(t, "info", "gauge", "What enforces.");
	(void)ih_text_addf(t, "ihard_guard_info{backend=\"%s\",version=\"%s\",policy=\"",
			   g->backend->name, IH_VERSION);
	add_label(t, g->rules->policy->name);
	(void)ih_text_addf(t, "\"} 1\n");
	one(t, "enforcing", "gauge", "1 when denials are enforced.", !g->config.audit);
	one(t, "locked", "gauge", "1 when root cannot take the gates away.", g->config.lock);
	one(t, "epoch", "gauge", "Number of the rules in force.", g->config.epoch);
	one(t, "files", "gauge", "Files that are vouched for.", ih_catalog_count(g->catalog));
	one(t, "files_without_room", "gauge", "Files that found no room.", g->filled.full);
	one(t, "objects_bad", "gauge", "Store objects that are not what was signed.",
	    g->filled.bad);
	one(t, "events_sent_total", "counter", "Events that the gates sent.", counts.sent);
	one(t, "events_lost_total", "counter", "Events that found no room.", counts.lost);
	one(t, "reloads_total", "counter", "Reloads that worked.", g->reloads);
	one(t, "reload_failures_total", "counter", "Reloads that did not.", g->reload_failures);
	one(t, "start_time_seconds", "gauge", "When the guard started.", (uint64_t)g->started);
	add_events(g, t);
	return t->oom ? -ENOMEM : 0;
}

void ih_guard_metrics_write(struct ih_guard *g)
{
	const char *path = g->options->metrics, *slash;
	struct ih_text text = { 0 }, folder = { 0 };
	_close_ int dir = -EBADF;

	if (!path)
		return;
	slash = strrchr(path, '/');
	if (ih_text_addf(&folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
			 slash ? path : ".") == 0)
		dir = open(folder.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0 && ih_guard_metrics(g, &text) == 0)
		(void)ih_write_file_atomic(dir, slash ? slash + 1 : path, 0644, text.data, text.len,
					   NULL);
	ih_text_done(&folder);
	ih_text_done(&text);
}
