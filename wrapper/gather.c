/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs: finds the one that is asked for, follows its '#!' lines as Linux does, has the grammar
 * read the words, and follows launchers to what they launch. What the words name is looked at in
 * gather_source.c.
 */
#include "wrapper/gather.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "policy/shebang.h"
#include "policy/split.h"
#include "wrapper/gather_priv.h"

#define DEFAULT_PATH   "/bin:/usr/bin" /* glibc's, when PATH is not set */
#define FALLBACK_SHELL "/bin/sh"       /* what execvp(3) gives a file without '#!' to */

IH_DEFINE_CLEANUP(char *, cleanup_string, free)

const char *ih_env_value(char *const *envp, const char *name)
{
	size_t len = strlen(name);

	for (; envp && *envp; envp++)
		if (!strncmp(*envp, name, len) && (*envp)[len] == '=')
			return *envp + len + 1;
	return NULL;
}

static bool is_executable_file(int dirfd, const char *path)
{
	struct stat st;

	return fstatat(dirfd, path, &st, 0) == 0 && S_ISREG(st.st_mode) &&
	       faccessat(dirfd, path, X_OK, AT_EACCESS) == 0;
}

int ih_find_program(const struct ih_place *place, const char *name, char **ret)
{
	const char *path = ih_env_value(place->envp, "PATH");
	char *candidate;

	if (strchr(name, '/') || !*name) {
		*ret = strdup(name);
		return *ret ? 0 : -ENOMEM;
	}
	for (path = path ? path : DEFAULT_PATH;; path++) {
		size_t len = strcspn(path, ":");

		/* an empty element is the working directory */
		if (asprintf(&candidate, "%.*s%s%s", (int)len, path, len ? "/" : "./", name) < 0)
			return -ENOMEM;
		if (is_executable_file(place->dirfd, candidate)) {
			*ret = candidate;
			return 0;
		}
		free(candidate);
		path += len;
		if (!*path)
			return -ENOENT;
	}
}

static void free_argv(char **argv)
{
	for (char **a = argv; a && *a; a++)
		free(*a);
	free(argv);
}

static char **copy_argv(int argc, char *const *argv)
{
	char **copy = calloc((size_t)argc + 1, sizeof(*copy));

	for (int i = 0; copy && i < argc; i++) {
		copy[i] = strdup(argv[i]);
		if (!copy[i]) {
			free_argv(copy);
			return NULL;
		}
	}
	return copy;
}

/*
 * execve(2) of a script: argv[0] gives way to the interpreter, the '#!' line's argument if there is
 * one, and the script's name (fs/binfmt_script.c).
 */
static int insert_interpreter(struct ih_hop *hop, const char *interpreter, const char *argument,
			      const char *script)
{
	size_t extra = argument ? 2 : 1;
	size_t old = hop->argc ? hop->argc : 1;
	char **argv = calloc(old + extra + 1, sizeof(*argv));
	size_t n = 0;

	if (!argv)
		return -ENOMEM;
	argv[n++] = strdup(interpreter);
	if (argument)
		argv[n++] = strdup(argument);
	argv[n++] = strdup(script);
	for (size_t i = 0; i < n; i++)
		if (!argv[i]) {
			for (size_t k = 0; k < n; k++)
				free(argv[k]);
			free(argv);
			return -ENOMEM;
		}
	hop->script = argv[n - 1];
	for (size_t i = 1; i < hop->argc; i++)
		argv[n++] = hop->argv[i];
	if (hop->argc)
		free(hop->argv[0]);
	free(hop->argv);
	hop->argv = argv;
	hop->argc = n;
	return 0;
}

__attribute__((format(printf, 2, 3))) static void say(struct ih_hop *hop, const char *format, ...)
{
	struct ih_diag diag;
	va_list args;
	char text[sizeof(hop->reason)];

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)ih_fail(&diag, 0, "%s", text);
	snprintf(hop->reason, sizeof(hop->reason), "%.*s", (int)sizeof(hop->reason) - 1, diag.text);
}

/* Open the file that hop->name says, and say what it is. */
static int look_at_program(struct ih_walk *w, const struct ih_place *place, struct ih_hop *hop)
{
	int r;

	ih_evidence_done(&hop->evidence);
	if (hop->fd >= 0)
		close(hop->fd);
	hop->fd = -EBADF;
	r = ih_trust_path(w->in->trust, place->dirfd, hop->name, &hop->fd, &hop->evidence);
	return r == -ENOMEM ? r : 0;
}

/* The script that hop->name is becomes a finding; the hop goes on with its interpreter. */
static int step_into(struct ih_walk *w, const struct ih_place *place, struct ih_hop *hop,
		     const char *interpreter, const char *argument)
{
	struct ih_finding *f = ih_finding_add(hop);
	_cleanup_(cleanup_string) char *script = hop->name;
	int r;

	hop->name = NULL;
	if (!f)
		return -ENOMEM;
	f->kind = IH_SOURCE_FILE;
	f->origin = IH_ORIGIN_SHEBANG;
	f->main = true;
	f->via = strdup(hop->script ? "interpreter of a script" : "the script itself");
	f->text = strdup(script);
	f->evidence = hop->evidence;
	f->fd = TAKE_FD(hop->fd);
	hop->evidence = (struct ih_evidence){ 0 };
	if (!f->via || !f->text)
		return -ENOMEM;

	r = insert_interpreter(hop, interpreter, argument, script);
	if (r < 0)
		return r;
	hop->name = strdup(interpreter);
	if (!hop->name)
		return -ENOMEM;
	return look_at_program(w, place, hop);
}

enum head {
	HEAD_PROGRAM, /* ELF, or what cannot be read */
	HEAD_SCRIPT,
	HEAD_TEXT, /* neither: execve() says ENOEXEC, a shell tries it as a script of its own */
	HEAD_BAD,
};

static enum head read_head(const struct ih_hop *hop, struct ih_shebang *ret, struct ih_diag *diag)
{
	char head[IH_SHEBANG_MAX];
	ssize_t n = hop->fd < 0 ? -1 : ih_pread_full(hop->fd, head, sizeof(head), 0);
	int r;

	if (n < 0)
		return HEAD_PROGRAM;
	if (n >= 4 && !memcmp(head, "\177ELF", 4))
		return HEAD_PROGRAM;
	r = ih_shebang_parse(head, (size_t)n, ret, diag);
	if (r == -ENOENT)
		return HEAD_TEXT;
	return r < 0 ? HEAD_BAD : HEAD_SCRIPT;
}

/* A file without '#!' that was asked for by name only: who would run it? */
static int step_into_text(struct ih_walk *w, const struct ih_place *place, struct ih_hop *hop)
{
	struct stat st;

	if (fstat(hop->fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111))
		return step_into(w, place, hop, FALLBACK_SHELL, NULL);
	say(hop, "'%s' is not executable, and no '#!' line says who runs it", hop->name);
	return 1;
}

/* Follow '#!' lines. Return: 0 when a program was reached, 1 when not (hop->reason), -ENOMEM. */
static int follow_shebangs(struct ih_walk *w, const struct ih_place *place, struct ih_hop *hop)
{
	for (int depth = 0;; depth++) {
		struct ih_shebang sb;
		struct ih_diag diag = { 0 };
		enum head head = read_head(hop, &sb, &diag);
		int r;

		if (head == HEAD_PROGRAM)
			return 0;
		if (head == HEAD_BAD) {
			say(hop, "'%s': %s", hop->name, diag.text);
			return 1;
		}
		if (depth >= IH_SHEBANGS_MAX) {
			say(hop, "more than %d scripts are each other's interpreter",
			    IH_SHEBANGS_MAX);
			return 1;
		}
		r = head == HEAD_TEXT ? step_into_text(w, place, hop)
				      : step_into(w, place, hop, sb.interpreter,
						  sb.argument[0] ? sb.argument : NULL);
		if (r)
			return r;
	}
}

static const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path;
}

/* By the name of the file itself first, then by the name that it was called by. */
static const struct ih_grammar *find_grammar(const struct ih_grammars *all,
					     const struct ih_hop *hop)
{
	const char *argv0 = hop->argc ? hop->argv[0] : NULL;
	const char *real = base_name(hop->evidence.path), *name = base_name(hop->name);
	const struct ih_grammar *g = real ? ih_grammars_find(all, real, argv0) : NULL;

	if (!g && (!real || strcmp(real, name) != 0))
		g = ih_grammars_find(all, name, argv0);
	return g;
}

static int gather_hop(struct ih_walk *w, const struct ih_exec *exec, int launched_by);

static int follow_launched(struct ih_walk *w, const struct ih_invocation *inv, int self)
{
	for (size_t i = 0; i < inv->n_commands; i++) {
		int r = gather_hop(w, &inv->commands[i].exec, self);

		if (r < 0)
			return r;
	}
	return 0;
}

/* What the words mean to hop->grammar, and what they lead to. */
static int gather_words(struct ih_walk *w, const struct ih_exec *exec, const struct ih_place *place,
			int self)
{
	struct ih_hop *hop = &w->out->hops[self];
	struct ih_exec own = *exec;
	struct ih_invocation inv; /* at most IH_HOPS_MAX of them in each other: half a megabyte */
	int r;

	if (hop->grammar && ih_grammar_has_responses(hop->grammar)) {
		r = ih_expand_responses(place, hop);
		if (r < 0)
			return r;
	}
	own.argv = hop->argv;
	own.argc = (int)hop->argc;
	ih_invocation_parse(w->in->grammars, hop->grammar, &own, &inv);
	hop->mode = inv.mode;
	snprintf(hop->reason, sizeof(hop->reason), "%s", inv.reason);

	r = ih_gather_sources(w, hop, place, &inv);
	if (r == 0) {
		ih_hop_facts(w, hop, &inv);
		r = follow_launched(w, &inv, self);
	}
	ih_invocation_done(&inv);
	return r;
}

/* The next hop, with its own copy of the words. Return: NULL when there is no memory. */
static struct ih_hop *add_hop(struct ih_walk *w, const struct ih_exec *exec, int launched_by)
{
	struct ih_hop *hop = &w->out->hops[w->out->n_hops++];

	*hop = (struct ih_hop){ .launched_by = launched_by, .fd = -EBADF };
	hop->argv = copy_argv(exec->argc, exec->argv);
	hop->argc = (size_t)exec->argc;
	return hop->argv ? hop : NULL;
}

/*
 * A script that bears an interpreter's name stands for that interpreter: R and irb are scripts, and
 * on NixOS makeWrapper makes one of python3. What it is given is judged as the interpreter's, too.
 */
static int gather_namesake(struct ih_walk *w, const struct ih_exec *exec,
			   const struct ih_place *place, int self)
{
	const struct ih_finding *script = &w->out->hops[self].findings[0];
	const struct ih_grammar *g = NULL;
	struct ih_hop *hop;
	int r;

	if (script->evidence.path)
		g = ih_grammars_find(w->in->grammars, base_name(script->evidence.path), NULL);
	if (!g)
		g = ih_grammars_find(w->in->grammars, base_name(script->text), NULL);
	if (!g)
		return 0;
	if (w->out->n_hops == IH_HOPS_MAX) {
		w->out->hops[0].facts.flags |= IH_FACT_CUT_OFF;
		return 0;
	}
	hop = add_hop(w, exec, self);
	if (!hop)
		return -ENOMEM;
	hop->name = strdup(script->text);
	if (!hop->name)
		return -ENOMEM;
	r = look_at_program(w, place, hop);
	if (r < 0)
		return r;
	hop->grammar = g;
	return gather_words(w, exec, place, (int)(hop - w->out->hops));
}

/* The whole script that nix-shell was given. Return: its bytes, or a negative errno. */
static ssize_t read_nix_script(const struct ih_hop *hop, const struct ih_finding **ret_script,
			       char text[IH_SHEBANG_NIX_MAX + 1])
{
	for (size_t i = 0; i < hop->n_findings; i++) {
		const struct ih_finding *f = &hop->findings[i];

		if (f->main && f->kind == IH_SOURCE_FILE && f->fd >= 0) {
			*ret_script = f;
			return ih_pread_full(f->fd, text, IH_SHEBANG_NIX_MAX + 1, 0);
		}
	}
	return -ENOENT;
}

/*
 * "#! nix-shell -i python3": nix-shell starts that program with the script, and the environment of
 * this exec means something to it. It may be one that only the packages bring: then nobody knows
 * which, and the hop says that it is nowhere along PATH.
 */
static int gather_nix_shell(struct ih_walk *w, const struct ih_exec *exec, int self)
{
	struct ih_hop *hop = &w->out->hops[self];
	_free_ char *text = malloc(IH_SHEBANG_NIX_MAX + 1);
	_free_ char **words = NULL, **argv = NULL;
	char interpreter[IH_SHEBANG_MAX];
	const struct ih_finding *script = NULL;
	struct ih_exec inner = *exec;
	struct ih_diag diag = { 0 };
	ssize_t len;
	int r, n;

	if (!text)
		return -ENOMEM;
	len = read_nix_script(hop, &script, text);
	if (len < 0)
		return 0; /* the script itself is refused already */
	r = ih_shebang_nix_shell(text, (size_t)len, interpreter, &diag);
	if (r == -ENOENT || r == -ENOMEM)
		return r == -ENOENT ? 0 : r;
	if (r < 0) {
		say(hop, "'%s': %s", script->text, diag.text);
		hop->mode = IH_MODE_UNCLEAR;
		ih_hop_facts(w, hop, NULL);
		return 0;
	}
	n = ih_split(IH_SPLITTING_SPACES, interpreter, strlen(interpreter), NULL, &words);
	if (n < 0)
		return -ENOMEM;
	argv = calloc((size_t)n + 2, sizeof(*argv));
	if (!argv)
		return -ENOMEM;
	memcpy(argv, words, (size_t)n * sizeof(*argv));
	argv[n] = script->text;
	inner.argv = argv;
	inner.argc = n + 1;
	return gather_hop(w, &inner, self);
}

static bool is_nix_shell(const struct ih_hop *hop)
{
	return hop->grammar && hop->argc &&
	       (strcmp(ih_grammar_name(hop->grammar), "nix-shell") == 0 ||
		(strcmp(ih_grammar_name(hop->grammar), "nix") == 0 &&
		 strcmp(base_name(hop->argv[0]), "nix-shell") == 0));
}

static int gather_invocation(struct ih_walk *w, const struct ih_exec *exec,
			     const struct ih_place *place, int self)
{
	struct ih_hop *hop = &w->out->hops[self];
	int r;

	hop->grammar = find_grammar(w->in->grammars, hop);
	r = gather_words(w, exec, place, self);
	if (r == 0 && is_nix_shell(hop))
		r = gather_nix_shell(w, exec, self);
	if (r == 0 && hop->script && hop->findings[0].origin == IH_ORIGIN_SHEBANG)
		r = gather_namesake(w, exec, place, self);
	return r;
}

/* A hop that ends before there is a program to ask: everything stays unknown, and so denied. */
static void give_up(struct ih_walk *w, struct ih_hop *hop)
{
	hop->mode = IH_MODE_UNCLEAR;
	ih_hop_facts(w, hop, NULL);
}

/* The kernel has found the program and followed the '#!' lines: it is what it mapped. */
static int take_image(struct ih_walk *w, struct ih_hop *hop)
{
	int r;

	hop->fd = fcntl(w->in->image->exe, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (hop->fd < 0)
		return -ENOMEM;
	r = ih_trust_fd(w->in->trust, hop->fd, &hop->evidence);
	if (r == -ENOMEM)
		return r;
	hop->name = strdup(hop->evidence.path ? hop->evidence.path : hop->argv[0]);
	return hop->name ? 0 : -ENOMEM;
}

static int find_program(struct ih_walk *w, const struct ih_place *place, struct ih_hop *hop)
{
	if (hop->launched_by < 0 && w->in->program) {
		hop->name = strdup(w->in->program);
		return hop->name ? 0 : -ENOMEM;
	}
	return ih_find_program(place, hop->argv[0], &hop->name);
}

static int start_program(struct ih_walk *w, const struct ih_place *place, struct ih_hop *hop)
{
	int r;

	if (!hop->argc) {
		say(hop, "there is no argument at all, not even the program's name");
		return 1;
	}
	if (hop->launched_by < 0 && w->in->image)
		return take_image(w, hop);
	r = find_program(w, place, hop);
	if (r == -ENOENT) {
		say(hop, "'%s' is nowhere along PATH", hop->argv[0]);
		hop->name = strdup(hop->argv[0]);
		return hop->name ? 1 : -ENOMEM;
	}
	if (r < 0)
		return r;
	r = look_at_program(w, place, hop);
	if (r < 0)
		return r;
	if (hop->fd < 0) {
		say(hop, "%s", hop->evidence.reason ? hop->evidence.reason : "cannot be opened");
		return 1;
	}
	return follow_shebangs(w, place, hop);
}

static int gather_hop(struct ih_walk *w, const struct ih_exec *exec, int launched_by)
{
	struct ih_place place = { .dirfd = AT_FDCWD, .envp = exec->envp };
	_close_ int directory = -EBADF;
	int self = (int)w->out->n_hops;
	struct ih_hop *hop;
	int r;

	if (w->out->n_hops == IH_HOPS_MAX) {
		w->out->hops[0].facts.flags |= IH_FACT_CUT_OFF;
		return 0;
	}
	hop = add_hop(w, exec, launched_by);
	if (!hop)
		return -ENOMEM;

	if (exec->directory) {
		directory = open(exec->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (directory < 0) {
			say(hop, "cannot open the working directory '%s': %s", exec->directory,
			    strerror(errno));
			give_up(w, hop);
			return 0;
		}
		place.dirfd = directory;
	}
	r = start_program(w, &place, hop);
	if (r < 0)
		return r;
	if (r > 0) {
		give_up(w, hop);
		return 0;
	}
	return gather_invocation(w, exec, &place, self);
}

int ih_gather(const struct ih_gather_input *in, struct ih_gathered *ret, struct ih_diag *diag)
{
	struct ih_walk w = { .in = in, .out = ret };
	struct ih_exec exec = {
		.argc = in->argc,
		.argv = in->argv,
		.envp = in->envp,
		.stdin_is_tty = in->stdin_kind == IH_STDIN_TTY,
		.directory = in->directory,
	};
	int r;

	ret->n_hops = 0; /* the others are filled as they come: 24 are too much to be cleared */
	w.least = ih_policy_least_source(in->policy);
	r = gather_hop(&w, &exec, -1);
	if (r < 0)
		return ih_fail(diag, r, "cannot judge '%s': %s", in->argc ? in->argv[0] : "",
			       strerror(-r));
	return 0;
}

void ih_hop_done(struct ih_hop *hop)
{
	for (size_t i = 0; i < hop->n_findings; i++) {
		struct ih_finding *f = &hop->findings[i];

		if (f->fd >= 0)
			close(f->fd);
		free(f->via);
		free(f->text);
		ih_evidence_done(&f->evidence);
	}
	free(hop->findings);
	free_argv(hop->argv);
	free(hop->name);
	ih_evidence_done(&hop->evidence);
	if (hop->fd >= 0)
		close(hop->fd);
	*hop = (struct ih_hop){ .fd = -EBADF };
}

void ih_gathered_done(struct ih_gathered *g)
{
	for (size_t i = 0; i < g->n_hops; i++)
		ih_hop_done(&g->hops[i]);
	g->n_hops = 0;
}

static enum ih_stdin_kind kind_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return IH_STDIN_NULL;
	if (S_ISREG(st.st_mode))
		return IH_STDIN_FILE;
	if (S_ISCHR(st.st_mode) && ih_is_null_device(&st))
		return IH_STDIN_NULL;
	return isatty(fd) == 1 ? IH_STDIN_TTY : IH_STDIN_PIPE;
}

enum ih_stdin_kind ih_stdin_kind_of_ours(void)
{
	return kind_of(STDIN_FILENO);
}

enum ih_stdin_kind ih_stdin_kind_of(pid_t pid)
{
	_close_ int fd = ih_descriptor_of(pid, STDIN_FILENO);

	if (fd < 0)
		return fd == -EBADF ? IH_STDIN_NULL : IH_STDIN_PIPE;
	return kind_of(fd);
}

int ih_gather_environment(const struct ih_gather_input *in, const struct ih_grammar *grammar,
			  struct ih_hop *ret)
{
	static char nothing[] = "/dev/null";
	char name[IH_POLICY_NAME_MAX + 1];
	char *argv[] = { name, nothing, NULL };
	struct ih_walk w = { .in = in, .least = ih_policy_least_source(in->policy) };
	const struct ih_place place = { .dirfd = AT_FDCWD, .envp = in->envp };
	const struct ih_exec exec = { .argc = 2, .argv = argv, .envp = in->envp };
	struct ih_invocation inv;
	size_t kept = 0;
	int r;

	*ret = (struct ih_hop){ .fd = -EBADF, .grammar = grammar };
	(void)snprintf(name, sizeof(name), "%s", grammar ? ih_grammar_name(grammar) : "program");
	/* The interpreter itself is judged when it runs; here it must not be the weakest. */
	ret->evidence.trust = IH_TRUST_SEALED;
	ih_invocation_parse(in->grammars, grammar, &exec, &inv);
	for (size_t i = 0; i < inv.n_sources; i++)
		if (inv.sources[i].origin == IH_ORIGIN_ENVIRONMENT)
			inv.sources[kept++] = inv.sources[i];
	inv.n_sources = kept;
	r = kept ? ih_gather_sources(&w, ret, &place, &inv) : 0;
	ih_invocation_done(&inv);
	return r;
}
