/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files that are wanted before they are known. The kernel's gate refuses what nobody vouched for,
 * so the guard has to be earlier: fanotify asks it before a file is opened to be executed, and the
 * caller waits. It always answers yes; the gate, a moment later in the same system call, is what
 * decides. So a guard that dies, or is too slow, opens nothing.
 *
 * What appears in a tree is told by a second group, without anybody waiting. It is read before each
 * answer: a library that was put into place before a program is executed is known when that runs.
 * What neither sees (a library put into place by a program that then loads it) is refused once, and
 * known the next time: the gate's own event names it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "bpf/fill_priv.h"
#include "bpf/guard_priv.h"
#include "common/cleanup.h"
#include "common/text.h"

#define FILESYSTEMS_MAX 32
#define WAITING_MAX	256 /* callers; more are not kept waiting, and refused */
#define BAD_MAX		256 /* objects known not to be good: none is verified all the time */
#define BAD_NS		60000000000ULL
#define BUFFER_BYTES	65536
#define ROUNDS_MAX	64 /* reads in a row, so that a flood of changes does not keep the loop */

#define CHANGES                                                                                   \
	(FAN_CREATE | FAN_MOVED_TO | FAN_CLOSE_WRITE | FAN_ATTRIB | FAN_DELETE | FAN_MOVED_FROM | \
	 FAN_ONDIR)

struct filesystem {
	int fd;
	dev_t device;
	fsid_t id;
};

/* Somebody who waits for an object to be verified. */
struct waiting {
	int fd; /* of fanotify's event */
	char *object;
	uint64_t until_ns;
};

struct bad {
	uint64_t object;
	uint64_t until_ns;
};

struct ih_guard_want {
	struct ih_guard_watch exec, changes;
	struct filesystem filesystems[FILESYSTEMS_MAX];
	size_t n_filesystems;
	char **trees; /* canonical */
	size_t n_trees;
	struct waiting waiting[WAITING_MAX];
	size_t n_waiting;
	struct bad bad[BAD_MAX];
	size_t next_bad;
	char buffer[BUFFER_BYTES] __attribute__((aligned(16)));
};

static void answer(struct ih_guard_want *w, int fd)
{
	struct fanotify_response yes = { .fd = fd, .response = FAN_ALLOW };

	(void)!write(w->exec.fd, &yes, sizeof(yes));
	(void)close(fd);
}

static bool is_below(const char *path, const char *tree)
{
	size_t len = strlen(tree);

	return strncmp(path, tree, len) == 0 && (path[len] == '/' || !path[len]);
}

/* Whether anything could vouch for it: most files of a file system lie elsewhere. */
static bool is_of_interest(const struct ih_guard *g, const char *path)
{
	const struct ih_guard_want *w = g->want;
	struct ih_fill f = { .providers = g->rules->policy->providers,
			     .n_providers = g->rules->policy->n_providers };
	_free_ char *object = NULL;

	for (size_t i = 0; i < w->n_trees; i++)
		if (is_below(path, w->trees[i]))
			return true;
	return ih_fill_store_of(&f, path, &object) != NULL;
}

static bool name_of(int fd, char path[static PATH_MAX])
{
	char link[64];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, PATH_MAX - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	return true;
}

static bool is_known(const struct ih_guard *g, int fd)
{
	struct ih_gate_file now;
	struct ih_seed seed;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return true; /* nothing can be found out */
	now = ih_gate_file_of(&st);
	return ih_catalog_get(g->catalog, &now.key, &seed) == 0 &&
	       seed.ctime_s == now.seed.ctime_s && seed.ctime_ns == now.seed.ctime_ns &&
	       seed.size == now.seed.size;
}

static bool is_bad(const struct ih_guard_want *w, const char *object)
{
	uint64_t owner = ih_catalog_owner(object), now = ih_guard_now_ns();

	for (size_t i = 0; i < BAD_MAX; i++)
		if (w->bad[i].object == owner && w->bad[i].until_ns > now)
			return true;
	return false;
}

static bool is_waited_for(const struct ih_guard_want *w, const char *object)
{
	for (size_t i = 0; i < w->n_waiting; i++)
		if (strcmp(w->waiting[i].object, object) == 0)
			return true;
	return false;
}

/* Find out what a file is. Return: the object that has to be verified first, or NULL. */
static char *look(struct ih_guard *g, int fd)
{
	struct ih_fill fill = ih_guard_fill(g, g->rules);
	char path[PATH_MAX], *object = NULL;

	if (is_known(g, fd) || !name_of(fd, path) || !is_of_interest(g, path))
		return NULL;
	if (ih_fill_fd(&fill, g->rules->trust, fd, &object) != -EAGAIN || is_bad(g->want, object)) {
		free(object);
		return NULL;
	}
	return object;
}

/* The kernel took back what was vouched for when somebody opened the file for writing, or it could
 * not know; when nothing was written the file is as good as before. */
static char *look_again(struct ih_guard *g, int fd)
{
	struct ih_gate_file file;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return NULL;
	file = ih_gate_file_of(&st);
	if (is_known(g, fd))
		g->stale = true;
	ih_catalog_forget(g->catalog, &file.key);
	return look(g, fd);
}

/* Takes the descriptor. */
static void ask(struct ih_guard *g, int fd)
{
	struct ih_guard_want *w = g->want;
	char *object = look(g, fd);

	if (!object || w->n_waiting == WAITING_MAX ||
	    (!is_waited_for(w, object) && ih_guard_queue(g, object, NULL) < 0)) {
		free(object);
		answer(w, fd);
		return;
	}
	w->waiting[w->n_waiting++] =
		(struct waiting){ fd, object, ih_guard_now_ns() + IH_GUARD_VERIFY_MS * 1000000ULL };
}

static void release(struct ih_guard_want *w, size_t i)
{
	answer(w, w->waiting[i].fd);
	free(w->waiting[i].object);
	w->waiting[i] = w->waiting[--w->n_waiting];
}

/* What takes longer goes on being verified; this caller is refused, the next one is not. */
void ih_guard_want_tick(struct ih_guard *g)
{
	struct ih_guard_want *w = g->want;
	uint64_t now = ih_guard_now_ns();

	for (size_t i = 0; w && i < w->n_waiting;) {
		if (w->waiting[i].until_ns <= now)
			release(w, i);
		else
			i++;
	}
}

void ih_guard_want_done(struct ih_guard *g, const struct ih_guard_job *job)
{
	struct ih_guard_want *w = g->want;

	if (!w)
		return;
	if (job->result < 0) {
		ih_guard_say(g, "%s", job->diag.text);
		w->bad[w->next_bad] =
			(struct bad){ ih_catalog_owner(job->object), ih_guard_now_ns() + BAD_NS };
		w->next_bad = (w->next_bad + 1) % BAD_MAX;
	}
	for (size_t i = 0; i < w->n_waiting;) {
		if (strcmp(w->waiting[i].object, job->object) == 0)
			release(w, i);
		else
			i++;
	}
}

static void forget(void *user, const struct ih_file_key *key)
{
	struct ih_guard *g = user;

	(void)g->backend->remove(g->state, key);
}

/* A store object that is gone; its place in the table is free again. */
static void drop_object(struct ih_guard *g, const char *path)
{
	struct ih_fill f = { .providers = g->rules->policy->providers,
			     .n_providers = g->rules->policy->n_providers };
	char *object = NULL;

	if (ih_fill_store_of(&f, path, &object) && object && strcmp(object, path) == 0)
		(void)ih_catalog_drop(g->catalog, ih_catalog_owner(object), forget, g);
	free(object);
}

/* A folder that came into a tree whole. In a store it is verified when it is wanted. */
static void take_folder(struct ih_guard *g, const char *path)
{
	struct ih_fill fill = ih_guard_fill(g, g->rules);
	char *object = NULL;

	if (!ih_fill_store_of(&fill, path, &object))
		(void)ih_fill_tree(&fill, g->rules->trust, path);
	free(object);
}

static void take_change(struct ih_guard *g, int dir, const char *name, uint64_t mask)
{
	char path[PATH_MAX];
	_close_ int fd = -EBADF;
	size_t len;

	if (!name_of(dir, path))
		return;
	len = strlen(path);
	if (len + strlen(name) + 2 > sizeof(path))
		return;
	(void)snprintf(path + len, sizeof(path) - len, "%s%s", len > 1 ? "/" : "", name);
	if (!is_of_interest(g, path))
		return;
	if (mask & (FAN_DELETE | FAN_MOVED_FROM))
		drop_object(g, path);
	if (mask & FAN_ONDIR) {
		if (mask & FAN_MOVED_TO)
			take_folder(g, path);
		return;
	}
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return;
	free(look_again(g, fd));
}

static int open_folder(const struct ih_guard_want *w, const struct fanotify_event_info_fid *info)
{
	struct file_handle *handle = (struct file_handle *)(uintptr_t)info->handle;

	for (size_t i = 0; i < w->n_filesystems; i++)
		if (memcmp(&w->filesystems[i].id, &info->fsid, sizeof(info->fsid)) == 0)
			return open_by_handle_at(w->filesystems[i].fd, handle,
						 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return -1;
}

/* A record holds a folder's handle and the name in it, see fanotify(7). */
static void take_record(struct ih_guard *g, const struct fanotify_event_metadata *m)
{
	const char *at = (const char *)m + m->metadata_len, *end = (const char *)m + m->event_len;
	const struct fanotify_event_info_fid *info;
	const struct file_handle *handle;
	_close_ int dir = -EBADF;
	const char *name;

	for (; at + sizeof(info->hdr) <= end; at += info->hdr.len) {
		info = (const void *)at;
		if (!info->hdr.len || at + info->hdr.len > end)
			return;
		if (info->hdr.info_type != FAN_EVENT_INFO_TYPE_DFID_NAME)
			continue;
		handle = (const void *)info->handle;
		name = (const char *)handle->f_handle + handle->handle_bytes;
		if (name >= at + info->hdr.len ||
		    !memchr(name, 0, (size_t)(at + info->hdr.len - name)))
			return;
		dir = open_folder(g->want, info);
		if (dir >= 0 && strcmp(name, ".") != 0)
			take_change(g, dir, name, m->mask);
		return;
	}
}

static void overflow(struct ih_guard *g)
{
	struct ih_diag diag;

	ih_guard_say(g, "more files changed at once than could be told: everything is looked at "
			"again");
	(void)ih_guard_reload(g, &diag);
}

static void drain_changes(struct ih_guard *g)
{
	struct ih_guard_want *w = g->want;

	for (unsigned int i = 0; i < ROUNDS_MAX && w->changes.fd >= 0; i++) {
		ssize_t n = read(w->changes.fd, w->buffer, sizeof(w->buffer));
		const struct fanotify_event_metadata *m = (const void *)w->buffer;

		if (n <= 0)
			return;
		for (; FAN_EVENT_OK(m, n); m = FAN_EVENT_NEXT(m, n)) {
			if (m->mask & FAN_Q_OVERFLOW)
				overflow(g);
			else
				take_record(g, m);
		}
	}
}

static void take_changes(struct ih_guard *g, struct ih_guard_watch *watch, uint32_t events)
{
	(void)watch;
	(void)events;
	drain_changes(g);
}

static void take_exec(struct ih_guard *g, struct ih_guard_watch *watch, uint32_t events)
{
	struct ih_guard_want *w = g->want;
	const struct fanotify_event_metadata *m;
	ssize_t n;

	(void)events;
	drain_changes(g);
	n = read(watch->fd, w->buffer, sizeof(w->buffer));
	m = (const void *)w->buffer;
	for (; n > 0 && FAN_EVENT_OK(m, n); m = FAN_EVENT_NEXT(m, n)) {
		if (m->fd < 0)
			continue;
		if (m->vers != FANOTIFY_METADATA_VERSION || m->pid == getpid())
			answer(w, m->fd);
		else
			ask(g, m->fd);
	}
}

/* The gate refused a file that could be vouched for: the next attempt finds it known. */
void ih_guard_want_refused(struct ih_guard *g, const struct ih_event *e)
{
	_close_ int fd = -EBADF;
	struct ih_gate_file file;
	struct stat st;
	char *object;

	if (!g->want || e->path[0] != '/' || !is_of_interest(g, e->path) ||
	    (e->act != IH_ACT_MAP && e->act != IH_ACT_OPEN && e->act != IH_ACT_EXEC))
		return;
	fd = open(e->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	file = ih_gate_file_of(&st);
	if (file.key.inode != e->file.inode || file.key.device != e->file.device)
		return;
	object = look_again(g, fd);
	if (object && !is_waited_for(g->want, object))
		(void)ih_guard_queue(g, object, NULL);
	free(object);
}

static void add_filesystem(struct ih_guard *g, const char *path)
{
	struct ih_guard_want *w = g->want;
	struct filesystem *f = &w->filesystems[w->n_filesystems];
	struct statfs fs;
	struct stat st;

	if (stat(path, &st) < 0 || statfs(path, &fs) < 0 || w->n_filesystems == FILESYSTEMS_MAX)
		return;
	for (size_t i = 0; i < w->n_filesystems; i++)
		if (w->filesystems[i].device == st.st_dev)
			return;
	if (fanotify_mark(w->exec.fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_EXEC_PERM,
			  AT_FDCWD, path) < 0) {
		ih_guard_say(g, "new files below '%s' are known after a reload only: %s", path,
			     strerror(errno));
		return;
	}
	if (w->changes.fd >= 0 && fanotify_mark(w->changes.fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM,
						CHANGES, AT_FDCWD, path) < 0)
		ih_guard_say(g, "new libraries below '%s' are refused once: %s", path,
			     strerror(errno));
	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	f->device = st.st_dev;
	f->id = fs.f_fsid;
	w->n_filesystems += f->fd >= 0;
}

static void forget_trees(struct ih_guard_want *w)
{
	for (size_t i = 0; i < w->n_trees; i++)
		free(w->trees[i]);
	free(w->trees);
	w->trees = NULL;
	w->n_trees = 0;
}

static void add_tree(struct ih_guard *g, const char *name)
{
	struct ih_guard_want *w = g->want;
	char *real = realpath(name, NULL);
	char **more;

	if (!real)
		return;
	more = realloc(w->trees, (w->n_trees + 1) * sizeof(*more));
	if (!more) {
		free(real);
		return;
	}
	w->trees = more;
	w->trees[w->n_trees++] = real;
	add_filesystem(g, real);
}

/* After every change of rules. */
void ih_guard_want_renew(struct ih_guard *g)
{
	const struct ih_policy *policy = g->rules->policy;

	if (!g->want)
		return;
	forget_trees(g->want);
	memset(g->want->bad, 0, sizeof(g->want->bad));
	for (size_t i = 0; i < policy->n_providers; i++) {
		const struct ih_provider *p = &policy->providers[i];
		struct ih_text store = { 0 };

		for (size_t k = 0; k < p->n_trees && p->kind == IH_PROVIDER_PATHS; k++)
			add_tree(g, p->trees[k]);
		if (p->kind == IH_PROVIDER_NIX &&
		    ih_text_addf(&store, "%s%s", p->root ? p->root : "",
				 p->store ? p->store : "/nix/store") == 0)
			add_filesystem(g, store.data);
		ih_text_done(&store);
	}
}

int ih_guard_want_open(struct ih_guard *g, struct ih_diag *diag)
{
	struct ih_guard_want *w;
	int r;

	if (g->backend->asks)
		return 0;
	w = calloc(1, sizeof(*w));
	if (!w)
		return ih_fail(diag, -ENOMEM, "no memory for what is wanted later");
	w->exec = (struct ih_guard_watch){
		fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE,
			      O_RDONLY | O_CLOEXEC | O_LARGEFILE | O_NONBLOCK),
		take_exec
	};
	w->changes = (struct ih_guard_watch){ fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME |
								    FAN_CLOEXEC | FAN_NONBLOCK,
							    O_RDONLY | O_CLOEXEC),
					      take_changes };
	if (w->exec.fd < 0) {
		ih_guard_say(g,
			     "what is wanted later is refused once: the kernel has no permission "
			     "events (%s)",
			     strerror(errno));
		if (w->changes.fd >= 0)
			(void)close(w->changes.fd);
		free(w);
		return 0;
	}
	g->want = w;
	ih_guard_want_renew(g);
	r = ih_guard_watch(g, &w->exec, EPOLLIN);
	if (r == 0 && w->changes.fd >= 0)
		r = ih_guard_watch(g, &w->changes, EPOLLIN);
	return r < 0 ? ih_fail(diag, r, "cannot wait for what is wanted: %s", strerror(-r)) : 0;
}

void ih_guard_want_close(struct ih_guard *g)
{
	struct ih_guard_want *w = g->want;

	if (!w)
		return;
	while (w->n_waiting)
		release(w, 0);
	(void)close(w->exec.fd);
	if (w->changes.fd >= 0)
		(void)close(w->changes.fd);
	for (size_t i = 0; i < w->n_filesystems; i++)
		(void)close(w->filesystems[i].fd);
	forget_trees(w);
	free(w);
	g->want = NULL;
}
