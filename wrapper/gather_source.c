/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Code sources: each that the grammar names is looked at once, and what was looked at is held. From
 * all of them follow the facts of one program.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "common/text.h"
#include "policy/required.h"
#include "wrapper/gather_priv.h"

#define FINDINGS_FIRST	4 /* a power of two */
#define FD_NONE		(-1)
#define SCRIPT_TEXT_MAX 262144 /* of a longer script nobody reads what it asks for */

bool ih_is_null_device(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

struct ih_finding *ih_finding_add(struct ih_hop *hop)
{
	size_t n = hop->n_findings;
	struct ih_finding *f;

	if (n == IH_FINDINGS_MAX)
		return NULL;
	/* Grows at 4, 8, 16, …: most programs have two or three. */
	if (n == 0 || (n >= FINDINGS_FIRST && !(n & (n - 1)))) {
		size_t room = n ? n * 2 : FINDINGS_FIRST;

		f = realloc(hop->findings, room * sizeof(*f));
		if (!f)
			return NULL;
		hop->findings = f;
	}
	f = &hop->findings[hop->n_findings++];
	*f = (struct ih_finding){ .fd = -EBADF, .arg = -1 };
	return f;
}

/*
 * A name that means "descriptor N of whoever opens it". Return: N, or FD_NONE. Other spellings lead
 * through links in /proc that the trust layer does not follow.
 */
static int named_descriptor(const char *path)
{
	static const char *const places[] = { "/dev/fd/", "/proc/self/fd/",
					      "/proc/thread-self/fd/" };
	uint64_t n;

	if (!strcmp(path, "/dev/stdin"))
		return STDIN_FILENO;
	for (size_t i = 0; i < IH_ARRAY_SIZE(places); i++) {
		size_t len = strlen(places[i]);

		if (!strncmp(path, places[i], len) && ih_parse_u64(path + len, 1 << 20, &n) == 0)
			return (int)n;
	}
	return FD_NONE;
}

static int set_reason(struct ih_finding *f, enum ih_trust_class trust, const char *reason)
{
	free(f->evidence.reason);
	f->evidence.trust = trust;
	f->evidence.reason = strdup(reason);
	return f->evidence.reason ? 0 : -ENOMEM;
}

int ih_descriptor_of(pid_t pid, int n)
{
	_close_ int pidfd = -EBADF;
	int fd;

	if (!pid) {
		fd = fcntl(n, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		return fd < 0 ? -errno : fd;
	}
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return errno == EBADF ? -EIO : -errno;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, n, 0);
	return fd < 0 ? -errno : fd;
}

static int look_at_open_stdin(struct ih_walk *w, struct ih_finding *f)
{
	_close_ int fd = -EBADF;

	if (!w->in->pid && !w->in->stdin_is_ours)
		return set_reason(f, IH_TRUST_UNTRUSTED, "a file that nobody named");
	fd = ih_descriptor_of(w->in->pid, STDIN_FILENO);
	if (fd < 0)
		return set_reason(f, IH_TRUST_UNTRUSTED, "a file that cannot be looked at");
	return ih_trust_fd(w->in->trust, fd, &f->evidence) == -ENOMEM ? -ENOMEM : 0;
}

/* Code on standard input. */
static int look_at_stdin(struct ih_walk *w, struct ih_finding *f)
{
	f->kind = IH_SOURCE_STDIN;
	f->standing = IH_STANDING_MODE;
	switch (w->in->stdin_kind) {
	case IH_STDIN_NULL:
		f->standing = IH_STANDING_HARMLESS;
		return set_reason(f, IH_TRUST_UNKNOWN,
				  "standard input is empty: no code comes from it");
	case IH_STDIN_TTY:
		return set_reason(f, IH_TRUST_UNTRUSTED, "a terminal: whatever is typed is run");
	case IH_STDIN_FILE:
		return look_at_open_stdin(w, f);
	default:
		return set_reason(f, IH_TRUST_UNTRUSTED, "a pipe: whatever is written is run");
	}
}

/* A script that is named as a descriptor. A regular file is as good as by its own name. */
static int look_at_descriptor(struct ih_walk *w, struct ih_finding *f, int fd)
{
	int flags, r;

	if (fd == STDIN_FILENO) {
		r = look_at_stdin(w, f);
		if (w->in->stdin_kind == IH_STDIN_FILE) {
			f->kind = IH_SOURCE_FILE;
			f->standing = IH_STANDING_COUNTS;
		}
		return r;
	}
	/* one that will be closed at exec is not there for the program */
	flags = w->in->pid ? 0 : fcntl(fd, F_GETFD);
	if (flags >= 0 && !(flags & FD_CLOEXEC))
		f->fd = ih_descriptor_of(w->in->pid, fd);
	if (f->fd < 0)
		return set_reason(f, IH_TRUST_UNKNOWN, "the program gets no such descriptor");
	r = ih_trust_fd(w->in->trust, f->fd, &f->evidence);
	return r == -ENOMEM ? r : 0;
}

int ih_finding_look(struct ih_walk *w, const struct ih_place *place, struct ih_finding *f,
		    const char *path)
{
	int fd = named_descriptor(path);
	struct stat st;
	int r;

	if (fd != FD_NONE)
		return look_at_descriptor(w, f, fd);
	r = ih_trust_path(w->in->trust, place->dirfd, path, &f->fd, &f->evidence);
	if (r == -ENOMEM)
		return r;
	if (f->fd >= 0 && fstat(f->fd, &st) == 0 && ih_is_null_device(&st)) {
		f->standing = IH_STANDING_HARMLESS;
		return set_reason(f, IH_TRUST_UNKNOWN, "/dev/null is empty");
	}
	return r;
}

/*
 * "~/x": HOME is not set, and the program asks the password file. Without an answer the text stays,
 * and names a file that nobody trusts. Return: 0 or -ENOMEM.
 */
static int expand_home(unsigned int uid, const char *text, char **ret)
{
	struct passwd *pw = NULL;
	FILE *f = NULL;
	int r = 0;

	*ret = NULL;
	if (text[0] == '~' && text[1] == '/')
		f = fopen("/etc/passwd", "re");
	while (f && (pw = fgetpwent(f)) && pw->pw_uid != uid)
		;
	if (pw && asprintf(ret, "%s%s", pw->pw_dir, text + 1) < 0)
		r = -ENOMEM;
	if (f)
		fclose(f);
	if (!pw)
		*ret = strdup(text);
	return r < 0 || !*ret ? -ENOMEM : 0;
}

/* A bare name is relative to where the program will be; the others carry their directory. */
static struct ih_place place_of(const struct ih_place *place, const struct ih_source *src)
{
	struct ih_place here = *place;

	if (!src->search_path)
		here.dirfd = AT_FDCWD;
	return here;
}

static int look_at_file(struct ih_walk *w, const struct ih_place *place,
			const struct ih_source *src, struct ih_finding *f)
{
	_free_ char *path = NULL;
	struct ih_place here;
	int r;

	r = expand_home(w->in->uid, f->text, &path);
	if (r < 0)
		return r;
	here = place_of(place, src);
	r = ih_finding_look(w, &here, f, *path ? path : ".");
	if (r == -ENOMEM)
		return r;
	if ((r == -ENOENT || r == -ENOTDIR) && src->optional) {
		f->standing = IH_STANDING_HARMLESS;
		return set_reason(f, IH_TRUST_UNKNOWN, "is not there");
	}
	return 0;
}

/* A bare name that is looked up along PATH; a file of that name in the working directory wins. */
static int look_along_path(struct ih_walk *w, const struct ih_place *place,
			   const struct ih_source *src, struct ih_finding *f)
{
	const char *path = ih_env_value(place->envp, "PATH");
	struct stat st;

	if (strchr(f->text, '/') || fstatat(place->dirfd, f->text, &st, 0) == 0)
		return look_at_file(w, place, src, f);
	for (path = path ? path : "/bin:/usr/bin";; path++) {
		size_t len = strcspn(path, ":");
		_free_ char *candidate = NULL;

		if (asprintf(&candidate, "%.*s%s%s", (int)len, path, len ? "/" : "./", f->text) < 0)
			return -ENOMEM;
		if (fstatat(place->dirfd, candidate, &st, 0) == 0 && S_ISREG(st.st_mode)) {
			int r = ih_finding_look(w, place, f, candidate);

			return r == -ENOMEM ? r : 0;
		}
		path += len;
		if (!*path)
			return look_at_file(w, place, src, f);
	}
}

static bool is_program(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

static int look_at_started(struct ih_walk *w, const struct ih_place *place,
			   const struct ih_source *src, struct ih_finding *f)
{
	_free_ char *path = NULL;
	int r = ih_find_program(place, f->text, &path);

	if (r == -ENOENT)
		return look_at_file(w, place, src, f);
	if (r < 0)
		return r;
	r = ih_finding_look(w, place, f, path);
	if (r == -ENOMEM)
		return r;
	if (src->optional && !is_program(f->fd)) {
		f->standing = IH_STANDING_HARMLESS;
		return set_reason(f, IH_TRUST_UNKNOWN, "no program is there");
	}
	return 0;
}

/*
 * A directory that is not there can be made by whoever owns the nearest one that is. One that the
 * program looks into by itself, if it is there, is judged as it is now.
 */
static int look_at_directory(struct ih_walk *w, const struct ih_source *src, struct ih_finding *f)
{
	const struct ih_place here = { .dirfd = AT_FDCWD };
	_free_ char *path = NULL;
	int r;

	r = expand_home(w->in->uid, f->text, &path);
	if (r < 0)
		return r;
	for (;;) {
		char *slash;

		r = ih_finding_look(w, &here, f, *path ? path : ".");
		if (r != -ENOENT)
			return r == -ENOMEM ? r : 0;
		if (src->optional) {
			f->standing = IH_STANDING_HARMLESS;
			return set_reason(f, IH_TRUST_UNKNOWN, "is not there");
		}
		if (!*path || !strcmp(path, "/"))
			return 0;
		slash = strrchr(path, '/');
		if (!slash)
			*path = '\0';
		else
			slash[slash == path] = '\0';
		ih_evidence_done(&f->evidence);
		f->evidence = (struct ih_evidence){ 0 };
	}
}

/* The directory that the main script really lies in. */
static int look_beside(struct ih_walk *w, const struct ih_hop *hop, const struct ih_source *src,
		       struct ih_finding *f)
{
	const struct ih_place here = { .dirfd = AT_FDCWD };
	_free_ char *path = NULL;
	char *slash;
	int r;

	for (size_t i = 0; i < hop->n_findings && !path; i++)
		if (hop->findings[i].main && hop->findings[i].evidence.path) {
			path = strdup(hop->findings[i].evidence.path);
			if (!path)
				return -ENOMEM;
		}
	slash = path ? strrchr(path, '/') : NULL;
	if (!slash)
		return look_at_directory(w, src, f);
	slash[slash == path] = '\0';
	r = ih_finding_look(w, &here, f, path);
	return r == -ENOMEM ? r : 0;
}

static bool is_module_here(int dirfd, const char *name, enum ih_required_style style)
{
	/* "/." is there when the name is a directory: a package, whatever is in it */
	static const char *const suffixes[][4] = {
		[IH_REQUIRED_LUA] = { ".lua", "/init.lua", ".so" },
		[IH_REQUIRED_JAVA] = { ".class", "/." },
	};
	char path[IH_REQUIRED_NAME_MAX + 16];
	struct stat st;

	for (const char *const *s = suffixes[style]; *s; s++) {
		(void)snprintf(path, sizeof(path), "./%s%s", name, *s);
		if (fstatat(dirfd, path, &st, 0) == 0)
			return true;
	}
	return false;
}

/*
 * Lua looks for modules in the working directory, after its own directories; java for classes, and
 * for providers of services that META-INF names. To refuse every script in every directory would be
 * to refuse them all: it counts if there is a module that the script asks for by name.
 */
static int look_at_required(struct ih_walk *w, const struct ih_hop *hop,
			    const struct ih_place *place, const struct ih_source *src,
			    struct ih_finding *f)
{
	_free_ char *text = malloc(SCRIPT_TEXT_MAX);
	struct ih_required required = { 0 };
	char name[IH_REQUIRED_NAME_MAX];
	bool here = false;
	ssize_t len = 0;

	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < hop->n_findings; i++)
		if (hop->findings[i].main && hop->findings[i].fd >= 0)
			len = ih_pread_full(hop->findings[i].fd, text, SCRIPT_TEXT_MAX, 0);
	if (len > 0)
		required = (struct ih_required){ text, text + len, src->required };
	if (src->required == IH_REQUIRED_JAVA)
		here = is_module_here(place->dirfd, "META-INF", src->required);
	while (!here && ih_required_next(&required, name))
		here = is_module_here(place->dirfd, name, src->required);
	if (here || len < 0 || len == SCRIPT_TEXT_MAX)
		return look_at_directory(w, src, f);
	f->standing = IH_STANDING_HARMLESS;
	return set_reason(f, IH_TRUST_UNKNOWN, "no module that the script asks for is there");
}

static int look(struct ih_walk *w, const struct ih_hop *hop, const struct ih_place *place,
		const struct ih_source *src, struct ih_finding *f)
{
	switch (src->kind) {
	case IH_SOURCE_INLINE:
		f->standing = src->pure ? IH_STANDING_HARMLESS : IH_STANDING_MODE;
		return set_reason(f, IH_TRUST_UNTRUSTED,
				  src->pure ? "text that can only compute"
					    : "code that stands in the command itself");
	case IH_SOURCE_STDIN:
		return look_at_stdin(w, f);
	case IH_SOURCE_PATH:
		return look_at_directory(w, src, f);
	case IH_SOURCE_DIRECTORY:
		if (src->required)
			return look_at_required(w, hop, place, src, f);
		return src->beside ? look_beside(w, hop, src, f) : look_at_directory(w, src, f);
	case IH_SOURCE_PROGRAM:
		return look_at_started(w, place, src, f);
	case IH_SOURCE_MODULE:
	case IH_SOURCE_LIBRARY:
		if (!strchr(f->text, '/'))
			return 0; /* by search path, once that is known: see judge_searched() */
		return look_at_file(w, place, src, f);
	default:
		return src->search_path ? look_along_path(w, place, src, f)
					: look_at_file(w, place, src, f);
	}
}

static int fill(struct ih_finding *f, const struct ih_source *src)
{
	f->kind = src->kind;
	f->origin = src->origin;
	f->arg = src->arg;
	f->main = src->main;
	f->via = strdup(src->via ? src->via : "");
	f->text = src->text ? strndup(src->text, src->len) : strdup("");
	return f->via && f->text ? 0 : -ENOMEM;
}

/* The script of a '#!' line is in argv too: it was looked at already. */
static bool is_script_again(const struct ih_hop *hop, const struct ih_source *src)
{
	return hop->script && src->main && src->origin == IH_ORIGIN_ARGV && src->arg > 0 &&
	       (size_t)src->arg < hop->argc && hop->argv[src->arg] == hop->script;
}

/* Variables that the policy lets pass without looking. */
static bool is_kept(const struct ih_env_treatment *t, const struct ih_place *place,
		    const struct ih_source *src)
{
	const char *entry;

	if (src->origin != IH_ORIGIN_ENVIRONMENT || src->arg < 0 || !place->envp)
		return false;
	entry = place->envp[src->arg];
	return ih_env_keeps(t, entry, strcspn(entry, "="));
}

static bool searches(const struct ih_finding *f)
{
	return f->kind == IH_SOURCE_PATH || f->kind == IH_SOURCE_DIRECTORY;
}

/*
 * A module or library without '/' comes from the first directory that has it: it is as good as the
 * worst of the program's own installation and of all that is searched, the working directory too.
 */
static int judge_searched(struct ih_hop *hop)
{
	const struct ih_finding *worst = NULL;
	enum ih_trust_class least = hop->evidence.trust;
	_free_ char *reason = NULL;

	for (size_t i = 0; i < hop->n_findings; i++) {
		const struct ih_finding *f = &hop->findings[i];

		if (searches(f) && f->standing == IH_STANDING_COUNTS && f->evidence.trust < least) {
			least = f->evidence.trust;
			worst = f;
		}
	}
	if (worst) {
		if (asprintf(&reason, "is looked up in '%s' too, which is not trusted",
			     worst->evidence.path ? worst->evidence.path : worst->text) < 0)
			return -ENOMEM;
	} else {
		reason = strdup("is looked up in trusted directories only");
		if (!reason)
			return -ENOMEM;
	}
	for (size_t i = 0; i < hop->n_findings; i++) {
		struct ih_finding *f = &hop->findings[i];

		if ((f->kind != IH_SOURCE_MODULE && f->kind != IH_SOURCE_LIBRARY) ||
		    f->evidence.reason)
			continue;
		if (set_reason(f, least, reason) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Has the list that element @f came from an element that may stay? */
static bool list_has_trusted(const struct ih_walk *w, const struct ih_hop *hop,
			     const struct ih_finding *f)
{
	for (size_t i = 0; i < hop->n_findings; i++) {
		const struct ih_finding *o = &hop->findings[i];

		if (o->kind == IH_SOURCE_PATH && o->origin == IH_ORIGIN_ENVIRONMENT &&
		    o->arg == f->arg && o->evidence.trust >= w->least)
			return true;
	}
	return false;
}

static void judge_environment(const struct ih_walk *w, struct ih_hop *hop,
			      const struct ih_env_treatment *t)
{
	for (size_t i = 0; i < hop->n_findings; i++) {
		struct ih_finding *f = &hop->findings[i];

		if (f->origin != IH_ORIGIN_ENVIRONMENT || f->standing == IH_STANDING_HARMLESS)
			continue;
		if (!f->evidence.reason)
			continue; /* looked up later: see judge_searched() */
		if (f->standing != IH_STANDING_COUNTS && f->standing != IH_STANDING_MODE)
			continue; /* judged before those were looked up */
		if (f->standing == IH_STANDING_COUNTS && f->evidence.trust >= w->least)
			f->standing = IH_STANDING_ENVIRONMENT;
		else if (!w->in->image && f->kind == IH_SOURCE_PATH &&
			 t->paths == IH_ENV_PATHS_FILTER && list_has_trusted(w, hop, f))
			f->standing = IH_STANDING_FILTERED;
		else
			f->standing = IH_STANDING_REFUSED;
	}
}

int ih_gather_sources(struct ih_walk *w, struct ih_hop *hop, const struct ih_place *place,
		      const struct ih_invocation *inv)
{
	const char *name = hop->grammar ? ih_grammar_name(hop->grammar) : NULL;
	const struct ih_env_treatment *t = ih_policy_environment(w->in->policy, name);
	int r;

	for (size_t i = 0; i < inv->n_sources; i++) {
		const struct ih_source *src = &inv->sources[i];
		struct ih_finding *f;

		if (is_script_again(hop, src) || is_kept(t, place, src))
			continue;
		f = ih_finding_add(hop);
		if (!f)
			return -ENOMEM;
		r = fill(f, src);
		if (r == 0)
			r = look(w, hop, place, src, f);
		if (r < 0)
			return r;
	}
	judge_environment(w, hop, t);
	r = judge_searched(hop);
	if (r == 0)
		judge_environment(w, hop, t);
	return r;
}

static bool is_set_id(const struct ih_hop *hop)
{
	struct stat st;

	if (hop->fd < 0 || fstat(hop->fd, &st) < 0)
		return false;
	return (st.st_mode & (S_ISUID | S_ISGID)) ||
	       fgetxattr(hop->fd, "security.capability", NULL, 0) > 0;
}

/* What stands in the way, seen from one open file that code comes from. */
static __u32 doubts_of(int fd, unsigned int uid)
{
	struct statvfs vfs;
	struct stat st;
	__u32 doubts = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	if (S_ISREG(st.st_mode) && st.st_nlink == 0)
		doubts |= IH_FACT_NO_NAME;
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		doubts |= IH_FACT_IRREGULAR;
	if (fstatvfs(fd, &vfs) == 0 && (vfs.f_flag & ST_NOEXEC))
		doubts |= IH_FACT_NOEXEC;
	if (uid != 0 && uid == geteuid() &&
	    faccessat(fd, "", W_OK, AT_EMPTY_PATH | AT_EACCESS) == 0)
		doubts |= IH_FACT_WRITABLE;
	if (uid != 0 && st.st_uid == uid && !(st.st_mode & 022))
		doubts |= IH_FACT_OWN;
	return doubts;
}

/* The mode that the decision is about: extra inline text or standard input outweigh a script. */
static enum ih_mode weigh_mode(const struct ih_hop *hop, enum ih_mode mode)
{
	bool code_on_stdin = false;
	bool text = false;

	for (size_t i = 0; i < hop->n_findings; i++) {
		const struct ih_finding *f = &hop->findings[i];

		if (f->standing != IH_STANDING_MODE)
			continue;
		code_on_stdin |= f->kind == IH_SOURCE_STDIN;
		text |= f->kind == IH_SOURCE_INLINE;
	}
	return mode == IH_MODE_UNCLEAR || mode == IH_MODE_INTERACTIVE ? mode
	       : text						      ? IH_MODE_INLINE
	       : code_on_stdin					      ? IH_MODE_STDIN
								      : mode;
}

/*
 * Whatever nobody vouches for belongs to who asks, and no other can write it: the program, the code
 * that counts, and what the environment carries. False when there is nothing of the kind.
 */
static bool is_own(const struct ih_walk *w, const struct ih_hop *hop)
{
	bool found = hop->evidence.trust < IH_TRUST_OWNED;

	if (found && !(doubts_of(hop->fd, w->in->uid) & IH_FACT_OWN))
		return false;
	for (size_t i = 0; i < hop->n_findings; i++) {
		const struct ih_finding *f = &hop->findings[i];

		if (f->evidence.trust >= IH_TRUST_OWNED ||
		    (f->standing != IH_STANDING_COUNTS && f->standing != IH_STANDING_REFUSED))
			continue;
		found = true;
		if (!(doubts_of(f->fd, w->in->uid) & IH_FACT_OWN))
			return false;
	}
	return found;
}

void ih_hop_facts(struct ih_walk *w, struct ih_hop *hop, const struct ih_invocation *inv)
{
	struct ih_facts *facts = &hop->facts;
	const char *name = hop->grammar ? ih_grammar_name(hop->grammar) : NULL;

	facts->program = (__u8)hop->evidence.trust;
	facts->sources = IH_TRUST_SEALED;
	facts->interpreter = (__u16)(name ? ih_policy_interpreter(w->in->policy, name) : 0);
	facts->flags = doubts_of(hop->fd, w->in->uid) & IH_FACT_DOUBTS;
	for (size_t i = 0; i < hop->n_findings; i++) {
		const struct ih_finding *f = &hop->findings[i];
		__u32 doubts = doubts_of(f->fd, w->in->uid);

		if (f->standing == IH_STANDING_REFUSED)
			facts->flags |= IH_FACT_ENV_CODE;
		if (f->standing == IH_STANDING_FILTERED)
			facts->flags |= IH_FACT_ENV_FILTERED;
		if (f->standing != IH_STANDING_COUNTS)
			continue;
		if (f->evidence.trust < facts->sources)
			facts->sources = (__u8)f->evidence.trust;
		if (f->evidence.unstable && f->origin != IH_ORIGIN_DEFAULT)
			doubts |= IH_FACT_UNSTABLE;
		facts->flags |= doubts & IH_FACT_DOUBTS;
		facts->n_sources++;
	}
	if (!facts->n_sources)
		facts->sources = IH_TRUST_UNKNOWN;
	facts->flags |= is_own(w, hop) ? IH_FACT_OWN : 0;
	facts->flags |= hop->evidence.unstable ? IH_FACT_UNSTABLE : 0;
	facts->flags |= is_set_id(hop) ? IH_FACT_SET_ID : 0;
	facts->flags |= w->in->stdin_kind == IH_STDIN_TTY ? IH_FACT_TERMINAL : 0;
	facts->flags |= inv && inv->pure ? IH_FACT_PURE : 0;

	/* a script's interpreter that no grammar knows is one all the same */
	if (!hop->grammar && hop->script && hop->mode == IH_MODE_PROGRAM)
		hop->mode = IH_MODE_SCRIPT;
	hop->mode = weigh_mode(hop, hop->mode);
	if (hop->mode == IH_MODE_STDIN && w->in->stdin_kind == IH_STDIN_NULL)
		hop->mode = IH_MODE_NONE;
	facts->mode = (__u8)hop->mode;
}

const char *ih_standing_name(enum ih_standing standing)
{
	static const char *const names[] = {
		[IH_STANDING_COUNTS] = "counts",     [IH_STANDING_MODE] = "mode",
		[IH_STANDING_HARMLESS] = "harmless", [IH_STANDING_ENVIRONMENT] = "environment",
		[IH_STANDING_FILTERED] = "filtered", [IH_STANDING_REFUSED] = "refused",
	};

	return (size_t)standing < IH_ARRAY_SIZE(names) ? names[standing] : "?";
}
