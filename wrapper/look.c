/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a process runs, judged from outside. */
#include "wrapper/look.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ihard itself, which judges and then becomes what it was asked for. */
static bool is_wrapper(const struct ih_hop *hop)
{
	static const char *const names[] = { "/ihard", "/ihard-exec", "/ihard-exec-full" };
	const char *slash = hop->evidence.path ? strrchr(hop->evidence.path, '/') : NULL;

	for (size_t i = 0; slash && i < IH_ARRAY_SIZE(names); i++)
		if (strcmp(slash, names[i]) == 0)
			return true;
	return false;
}

/* What a new image is, as the one who execs next. */
enum ih_provenance ih_look_provenance(const struct ih_judgement *j, enum ih_provenance from)
{
	const struct ih_hop *hop = &j->gathered.hops[0];

	if (hop->facts.program < IH_TRUST_OWNED)
		return IH_PROVENANCE_UNVERIFIED;
	/* env, nice, xargs and a shim do what they are told: by whoever started them */
	if (is_wrapper(hop))
		return from;
	if (hop->grammar && ih_grammar_is_launcher(hop->grammar) && j->gathered.n_hops > 1)
		return from;
	switch (hop->mode) {
	case IH_MODE_PROGRAM:
	case IH_MODE_NONE:
		return IH_PROVENANCE_VERIFIED;
	case IH_MODE_SCRIPT:
	case IH_MODE_MODULE:
		return hop->facts.sources >= IH_TRUST_OWNED ? IH_PROVENANCE_VERIFIED
							    : IH_PROVENANCE_UNVERIFIED;
	case IH_MODE_INLINE:
	case IH_MODE_STDIN:
		return from; /* whoever handed the code over */
	case IH_MODE_INTERACTIVE:
		return IH_PROVENANCE_INTERACTIVE;
	default:
		return IH_PROVENANCE_UNVERIFIED;
	}
}

/*
 * Where the process's relative names start, without links. It may be renamed after this; then names
 * in it lead to something else than we look at, but never to something trusted that the process
 * does not get: see ih_make_stable().
 */
void ih_look_directory(pid_t pid, const struct ih_attempt *attempt, char ret[PATH_MAX])
{
	char link[32];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/%d/cwd", pid);
	n = readlink(attempt ? attempt->directory : link, ret, PATH_MAX - 1);
	if (n > 0 && ret[0] == '/')
		ret[n] = '\0';
	else
		(void)snprintf(ret, PATH_MAX, "%s", link);
}

int ih_look_judge(const struct ih_session *s, const struct ih_image *image,
		  const struct ih_attempt *attempt, enum ih_provenance from,
		  struct ih_judgement *ret, struct ih_diag *diag)
{
	char directory[PATH_MAX], process[32];
	struct stat st;
	struct ih_judge_input in = {
		.argc = image->argc,
		.argv = image->argv,
		.envp = image->envp,
		.stdin_kind = ih_stdin_kind_of(image->pid),
		.provenance = from,
		.program = attempt ? attempt->path : NULL,
		.directory = directory,
		.pid = image->pid,
		.image = attempt ? NULL : image,
	};

	ih_look_directory(image->pid, attempt, directory);
	(void)snprintf(process, sizeof(process), "/proc/%d", image->pid);
	if (stat(process, &st) < 0)
		return ih_fail(diag, -errno, "process %d is gone", image->pid);
	in.uid = st.st_uid;
	in.gid = st.st_gid;
	return ih_judge(s, &in, ret, diag);
}

/* Another root directory or another mount namespace: names mean other things there. */
static bool sees_what_we_see(pid_t pid)
{
	static const char *const views[] = { "root", "ns/mnt" };
	struct stat ours, theirs;
	char path[64], own[64];

	for (size_t i = 0; i < IH_ARRAY_SIZE(views); i++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, views[i]);
		(void)snprintf(own, sizeof(own), "/proc/self/%s", views[i]);
		if (stat(own, &ours) < 0 || stat(path, &theirs) < 0 ||
		    ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino)
			return false;
	}
	return true;
}

static bool is_theirs(pid_t pid, const struct ih_finding *f)
{
	char path[PATH_MAX + 64];
	struct stat st;

	if (f->fd < 0 || !f->evidence.path)
		return true; /* no file, or none there: it counts as untrusted already */
	(void)snprintf(path, sizeof(path), "/proc/%d/root%s", pid, f->evidence.path);
	return stat(path, &st) == 0 && st.st_dev == f->evidence.device &&
	       st.st_ino == f->evidence.inode;
}

static bool all_theirs(pid_t pid, const struct ih_judgement *j)
{
	for (size_t i = 0; i < j->gathered.n_hops; i++)
		for (size_t k = 0; k < j->gathered.hops[i].n_findings; k++)
			if (!is_theirs(pid, &j->gathered.hops[i].findings[k]))
				return false;
	return true;
}

static void fill(const struct ih_judgement *j, enum ih_provenance from, struct ih_look *ret)
{
	const struct ih_hop *hop = ih_judgement_hop(j);

	ret->answer = j->answers[j->decisive];
	ret->stops = j->stops;
	ret->mode = hop->mode;
	ret->trust = (enum ih_trust_class)hop->facts.program;
	ret->to = ih_look_provenance(j, from);
	(void)ih_fail(&ret->sentence, 0, "%s", ih_text_get(&j->sentence));
}

int ih_look(const struct ih_session *s, pid_t pid, enum ih_provenance from, struct ih_look *ret)
{
	struct ih_judgement j;
	struct ih_image image;
	int r;

	*ret = (struct ih_look){ .stops = true };
	r = ih_image_read(pid, &image, &ret->sentence);
	if (r < 0)
		return r;
	r = ih_look_judge(s, &image, NULL, from, &j, &ret->sentence);
	if (r == 0) {
		fill(&j, from, ret);
		if (!ret->stops && !sees_what_we_see(pid) && !all_theirs(pid, &j)) {
			ret->stops = true;
			ret->answer = (struct ih_answer){ .reason = IH_REASON_UNSTABLE };
			(void)ih_fail(&ret->sentence, 0,
				      "the process has another root directory or other mounts, "
				      "where its code's names lead to other files");
		}
		ih_judgement_done(&j);
	}
	ih_image_done(&image);
	return r;
}
