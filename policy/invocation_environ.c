/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What variables and implicit files add to an invocation: option strings, code, path lists, and
 * the files that a program reads without being told.
 */
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "policy/invocation_priv.h"
#include "policy/split.h"

const char *ih_environ_get(char *const *envp, const char *name, size_t len)
{
	for (; envp && *envp; envp++)
		if (strncmp(*envp, name, len) == 0 && (*envp)[len] == '=')
			return *envp + len + 1;
	return NULL;
}

/*
 * Names that mean no code to any interpreter; asking all of them about each would cost more than
 * the rest of the exec. A test asks them all.
 */
static const char *const quiet_names[] = {
	"PATH",
	"HOME",
	"USER",
	"LOGNAME",
	"PWD",
	"OLDPWD",
	"LANG",
	"LANGUAGE",
	"TERM",
	"SHLVL",
	"_",
	"HOSTNAME",
	"HOSTTYPE",
	"OSTYPE",
	"MACHTYPE",
	"MAIL",
	"DISPLAY",
	"TZ",
	"COLUMNS",
	"LINES",
	"COLORTERM",
	"TMPDIR",
	"UID",
	"EUID",
	"INVOCATION_ID",
	"JOURNAL_STREAM",
	"WAYLAND_DISPLAY",
	"SSH_AUTH_SOCK",
	"SSH_CLIENT",
	"SSH_CONNECTION",
	"SSH_TTY",
	"LS_COLORS",
	"NO_COLOR",
	"DEBIAN_FRONTEND",
	"DBUS_SESSION_BUS_ADDRESS",
	"XAUTHORITY",
	"NIX_PROFILES",
};
static const char *const quiet_prefixes[] = { "LC_", "XDG_SESSION_", "XDG_RUNTIME_" };

bool ih_variable_is_quiet(const char *entry)
{
	size_t len = strcspn(entry, "=");

	for (size_t i = 0; i < IH_ARRAY_SIZE(quiet_names); i++)
		if (entry[0] == quiet_names[i][0] && strlen(quiet_names[i]) == len &&
		    memcmp(entry, quiet_names[i], len) == 0)
			return entry[len] == '=';
	for (size_t i = 0; i < IH_ARRAY_SIZE(quiet_prefixes); i++)
		if (len > strlen(quiet_prefixes[i]) &&
		    strncmp(entry, quiet_prefixes[i], strlen(quiet_prefixes[i])) == 0)
			return true;
	return false;
}

/* The rule of envp[i], or NULL when the variable means nothing; fills @found. */
static const struct ih_rule_entry *variable_rule(const struct ih_reader *rd, uint32_t grammar,
						 int i, struct ih_found *found)
{
	const char *variable = rd->exec->envp[i];
	const char *equals = strchr(variable, '=');
	struct ih_scan scan;
	int at;

	if (!equals || equals == variable || equals - variable > IH_SCAN_NAME_MAX * 64)
		return NULL;
	/* A look into the table is a page of it, which a program that reads no code need not touch.
	 */
	if (!grammar && rd->grammars == ih_grammars_builtin() && ih_variable_is_quiet(variable))
		return NULL;
	ih_scan_start(&scan, rd->t, grammar, 0);
	scan.text = (struct ih_scan_text){ variable, (__u32)(equals - variable) };
	at = ih_scan_variable(&scan, grammar, scan.text.len);
	if (at < 0)
		return NULL;
	*found = (struct ih_found){ .rule = &rd->t->rules[rd->t->slots[at].rule],
				    .via = ih_invocation_text(rd->ret, variable, scan.text.len),
				    .origin = IH_ORIGIN_ENVIRONMENT,
				    .arg = i,
				    .text = equals + 1,
				    .len = strlen(equals + 1) };
	if (!found->via)
		return NULL;
	return found->rule;
}

/* Which of an option string's flags stay with the program as a whole. */
#define CARRIED_FLAGS (~((1U << IH_FLAG_OWN_SHIFT) - 1) | IH_FLAG_REPL | IH_FLAG_INTERACTIVE)

void ih_reader_words(struct ih_reader *rd, const struct ih_found *found)
{
	uint32_t grammar = found->rule->target ? found->rule->target : rd->grammar;
	struct ih_scan saved = rd->scan;
	char **words;
	int n, i;

	n = ih_split(found->rule->splitting, found->text, found->len, rd->exec->envp, &words);
	if (n < 0) {
		ih_invocation_unclear(rd->ret, "the options in '%s' cannot be read", found->via);
		return;
	}
	ih_scan_start(&rd->scan, rd->t, grammar, IH_FLAG_ENVIRONMENT);
	for (i = 0; i < n && rd->scan.state != IH_SCAN_STOPPED; i++) {
		struct ih_scan_text text = { words[i], (__u32)strlen(words[i]) };
		struct ih_found inner = *found;
		const struct ih_scan_hit *hit = &rd->scan.hit;

		if (ih_scan_argument(&rd->scan, text) < 0)
			break;
		if (hit->rule == IH_SCAN_NONE)
			continue;
		inner.rule = &rd->t->rules[hit->rule];
		inner.text = ih_invocation_text(rd->ret, words[i] + hit->offset, hit->len);
		inner.len = hit->len;
		/* An option string in an option string: no program does that. */
		if (inner.text && inner.rule->role != IH_ROLE_OPTIONS)
			ih_reader_found(rd, &inner);
	}
	if (ih_scan_end(&rd->scan) < 0)
		ih_invocation_unclear(rd->ret, "'%s' holds an option that is not known: '%.60s'",
				      found->via, i < n ? words[i] : "");
	free(words);
	rd->carried |= rd->scan.flags & CARRIED_FLAGS;
	rd->scan = saved;
	rd->scan.flags |= rd->carried;
}

void ih_reader_option_strings(struct ih_reader *rd)
{
	uint32_t flags = rd->exec->stdin_is_tty ? IH_FLAG_TTY : 0;
	struct ih_found found;
	int i;

	for (i = 0; rd->exec->envp && rd->exec->envp[i]; i++) {
		const struct ih_rule_entry *rule = variable_rule(rd, rd->grammar, i, &found);

		if (!rule)
			continue;
		if (found.len > 0 && ih_scan_applies(rule, flags))
			rd->carried |= rule->set & CARRIED_FLAGS;
		if (rule->role == IH_ROLE_OPTIONS && found.len > 0 && ih_scan_applies(rule, flags))
			ih_reader_words(rd, &found);
	}
}

void ih_reader_variables(struct ih_reader *rd)
{
	uint32_t flags = rd->scan.flags;
	uint32_t grammar = rd->t->grammars[rd->scan.grammar].parent;
	struct ih_found found;
	int i;

	/* What only prints about itself reads no variables of its own, but is loaded all the same.
	 */
	if (flags & IH_FLAG_INFO)
		grammar = 0;
	for (i = 0; rd->exec->envp && rd->exec->envp[i]; i++) {
		const struct ih_rule_entry *rule = variable_rule(rd, grammar, i, &found);

		if (!rule || !ih_scan_applies(rule, flags))
			continue;
		/* Those of the program that was called were read before the walk. */
		if (rule->role == IH_ROLE_OPTIONS && grammar == rd->grammar)
			continue;
		ih_reader_found(rd, &found);
	}
}

/* "$HOME/.bashrc". Return: NULL when a variable that it needs is not set. */
static char *spell(struct ih_reader *rd, const char *template, size_t len)
{
	size_t name = 0;
	const char *value;
	char *text;

	if (len == 0 || template[0] != '$')
		return ih_invocation_text(rd->ret, template, len);
	while (1 + name < len && template[1 + name] != '/')
		name++;
	value = ih_environ_get(rd->exec->envp, template + 1, name);
	if (!value || !*value)
		return NULL;
	text = ih_invocation_memory(rd->ret, strlen(value) + len);
	if (!text)
		return NULL;
	memcpy(text, value, strlen(value));
	memcpy(text + strlen(value), template + 1 + name, len - 1 - name);
	return text;
}

/* The first of "a|b|c" that can be spelled; without HOME, "~/…" as the password file has it. */
static const char *implicit_name(struct ih_reader *rd, const char *all)
{
	const char *last = all;
	size_t len;
	char *text;

	for (;;) {
		len = strcspn(all, "|");
		text = spell(rd, all, len);
		if (text)
			return text;
		last = all;
		if (!all[len])
			break;
		all += len + 1;
	}
	if (len > 5 && strncmp(last, "$HOME/", 6) == 0) {
		text = ih_invocation_memory(rd->ret, len);
		if (text) {
			text[0] = '~';
			memcpy(text + 1, last + 5, len - 5);
		}
		return text;
	}
	return NULL;
}

/*
 * The directory of the main script, as it is spelled; Python, Node and PHP search the one that the
 * script really lies in, and whoever can look that up does.
 */
static void add_script_directory(struct ih_reader *rd, struct ih_found *found)
{
	size_t i, before;

	for (i = 0; i < rd->ret->n_sources; i++) {
		const struct ih_source *s = &rd->ret->sources[i];
		const char *slash;

		if (!s->main || s->kind != IH_SOURCE_FILE)
			continue;
		slash = memrchr(s->text, '/', s->len);
		found->text = slash ? s->text : ".";
		found->len = slash && slash > s->text ? (size_t)(slash - s->text) : 1;
		before = rd->ret->n_sources;
		ih_reader_add(rd, IH_SOURCE_DIRECTORY, found);
		if (rd->ret->n_sources > before)
			rd->ret->sources[before].beside = true;
		return;
	}
}

static enum ih_required_style required_style(const struct ih_reader *rd,
					     const struct ih_rule_entry *rule)
{
	if (rule->test == IH_TEST_REQUIRED)
		return IH_REQUIRED_LUA;
	/* a class by its name is looked for there itself; a source file only names some */
	if (rule->test == IH_TEST_CLASSES && rd->scan.seen & IH_SEEN_SCRIPT)
		return IH_REQUIRED_JAVA;
	return IH_REQUIRED_NONE;
}

static void add_implicit(struct ih_reader *rd, const struct ih_rule_entry *rule)
{
	const char *all = rd->t->strings + rule->text;
	struct ih_found found = { .rule = rule,
				  .via = rd->t->strings + rule->name,
				  .origin = IH_ORIGIN_DEFAULT,
				  .arg = -1 };
	size_t before = rd->ret->n_sources;

	if (rule->role == IH_ROLE_DIRECTORY && strcmp(all, "$SCRIPT") == 0) {
		add_script_directory(rd, &found);
		return;
	}
	found.text = implicit_name(rd, all);
	if (!found.text)
		return;
	found.len = strlen(found.text);
	ih_reader_add(rd,
		      rule->role == IH_ROLE_DIRECTORY ? IH_SOURCE_DIRECTORY : IH_SOURCE_IMPLICIT,
		      &found);
	if (rd->ret->n_sources > before) {
		rd->ret->sources[before].optional = true;
		rd->ret->sources[before].required = required_style(rd, rule);
	}
}

void ih_reader_implicit(struct ih_reader *rd)
{
	const struct ih_grammar_entry *g = &rd->t->grammars[rd->scan.grammar];
	uint32_t i;

	if (g->n_implicit == 0)
		g = &rd->t->grammars[g->parent];
	for (i = 0; i < g->n_implicit; i++) {
		const struct ih_rule_entry *rule = &rd->t->rules[g->first_implicit + i];

		if (ih_scan_applies(rule, rd->scan.flags))
			add_implicit(rd, rule);
	}
}
