/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One question, answered. A file that is trusted enough is opened and executed; one that is not is
 * not executed, not taken by the dynamic loader, not read by an interpreter that would run it; for
 * all others it is data. An interpreter shows its arguments when it opens the C library.
 */
#include "bpf/fanotify_priv.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <time.h>
#include <unistd.h>

#include "common/fd.h"

#define QUESTIONS (FAN_OPEN_EXEC_PERM | FAN_OPEN_PERM)

void ih_fan_event_add(struct ih_fan *fan, const struct ih_event *event)
{
	static const uint64_t one = 1;

	(void)pthread_mutex_lock(&fan->events_lock);
	if (fan->n_events == IH_FAN_EVENTS_MAX) {
		fan->counts.lost++;
	} else {
		fan->events[(fan->first_event + fan->n_events++) % IH_FAN_EVENTS_MAX] = *event;
		fan->counts.sent++;
	}
	(void)pthread_mutex_unlock(&fan->events_lock);
	(void)!write(fan->event_fd, &one, sizeof(one));
}

static void read_line(const char *path, char *ret, size_t size)
{
	FILE *f = fopen(path, "re");

	ret[0] = '\0';
	if (!f)
		return;
	if (!fgets(ret, (int)size, f))
		ret[0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	(void)fclose(f);
}

static void fill_event(const struct ih_fan *fan, const struct ih_fan_question *q,
		       struct ih_event *e)
{
	char path[64];
	struct timespec now;
	struct stat st;
	pid_t parent = 0;
	uint64_t start;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	e->version = IH_EVENT_VERSION;
	e->size = sizeof(*e);
	e->time_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	e->pid = (__u32)q->tid;
	e->tgid = (__u32)ih_fan_tgid_of(q->tid);
	(void)ih_fan_parent_of(q->tid, &parent, &start);
	e->parent = (__u32)parent;
	e->enforced = !q->config.audit;
	(void)snprintf(path, sizeof(path), "/proc/%d", q->tid);
	if (stat(path, &st) == 0) {
		e->uid = st.st_uid;
		e->gid = st.st_gid;
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/comm", q->tid);
	read_line(path, e->comm, sizeof(e->comm));
	(void)fan;
}

void ih_fan_report(struct ih_fan *fan, const struct ih_fan_question *q, __u16 act, __u16 reason)
{
	struct ih_event e = { .act = act, .reason = reason, .file = q->file.file.key };
	char link[64], name[PATH_MAX];

	fill_event(fan, q, &e);
	e.trust = q->file.file.seed.trust;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", q->fd);
	if (ih_fan_name_of(link, name, sizeof(name)) > 0)
		(void)snprintf(e.path, sizeof(e.path), "%.*s", IH_EVENT_PATH_MAX - 1, name);
	ih_fan_event_add(fan, &e);
}

static void refuse(struct ih_fan *fan, const struct ih_fan_question *q, __u16 act, __u16 reason,
		   struct ih_fan_answer *ret)
{
	ih_fan_report(fan, q, act, reason);
	ret->allow = q->config.audit;
	ret->ignore = 0;
}

/* A program without PT_INTERP opens no C library, and musl's loader is its C library. */
static enum ih_fan_nature nature_of_elf(int fd, const unsigned char *start)
{
	char name[PATH_MAX] = "", link[64];
	Elf64_Ehdr header;
	Elf64_Phdr part;

	if (start[EI_CLASS] != ELFCLASS64)
		return IH_FAN_ELF_STATIC; /* not looked into: what it takes is never seen */
	if (ih_pread_full(fd, &header, sizeof(header), 0) != sizeof(header))
		return IH_FAN_ELF_STATIC;
	for (unsigned int i = 0; i < header.e_phnum && i < 64; i++) {
		if (ih_pread_full(fd, &part, sizeof(part), header.e_phoff + i * sizeof(part)) !=
		    sizeof(part))
			break;
		if (part.p_type != PT_INTERP || part.p_filesz >= sizeof(name))
			continue;
		(void)ih_pread_full(fd, name, part.p_filesz, part.p_offset);
		return strstr(name, "ld-musl") ? IH_FAN_ELF_STATIC : IH_FAN_ELF;
	}
	if (header.e_type != ET_DYN)
		return IH_FAN_ELF_STATIC;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return ih_fan_name_of(link, name, sizeof(name)) > 0 && ih_fan_is_loader_name(name)
		       ? IH_FAN_LOADER
		       : IH_FAN_ELF;
}

static enum ih_fan_nature nature_of(int fd)
{
	unsigned char start[EI_NIDENT] = { 0 };
	ssize_t n = ih_pread_full(fd, start, sizeof(start), 0);

	if (n >= 2 && start[0] == '#' && start[1] == '!')
		return IH_FAN_SCRIPT;
	if (n == sizeof(start) && memcmp(start, ELFMAG, SELFMAG) == 0)
		return nature_of_elf(fd, start);
	return IH_FAN_PLAIN;
}

/*
 * A change within the same tick of the clock leaves the change time as it is (before Linux 6.13,
 * and on file systems without fine-grained times after it), so what was looked at so shortly after
 * a change is not remembered.
 */
static bool is_racy(const struct stat *st)
{
	struct timespec now;
	int64_t age;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	age = ((int64_t)now.tv_sec - st->st_ctim.tv_sec) * 1000 +
	      (now.tv_nsec - st->st_ctim.tv_nsec) / 1000000;
	return age >= 0 && age < IH_FAN_RACY_MS;
}

static bool is_trusted(const struct ih_fan_question *q)
{
	return q->file.file.seed.trust >= q->config.min_trust && q->config.min_trust;
}

/* What it is: from the table, or by asking the guard, which may take a while. */
static int find_file(struct ih_fan *fan, struct ih_fan_question *q, bool may_be_slow)
{
	struct ih_gate_file file = ih_gate_file_of(&q->st);
	struct stat after;

	if (ih_fan_files_get(&fan->files, &q->st, &q->file) == 0) {
		if (q->file.is_known)
			return 0;
		q->file.nature = (uint8_t)nature_of(q->fd);
		q->file.is_known = true;
		(void)ih_fan_files_put(&fan->files, &q->file);
		return 0;
	}
	q->file = (struct ih_fan_file){ .file = file };
	if (!fan->options.judge) {
		q->file.nature = (uint8_t)nature_of(q->fd);
		return 0;
	}
	if (!may_be_slow)
		return -EAGAIN;
	if (fan->options.judge(fan->options.context, q->fd, &file) < 0)
		return 0; /* of no known class, and asked about again */
	q->file.file.seed.trust = file.seed.trust;
	q->file.file.seed.flags = file.seed.flags;
	q->file.file.seed.grammar = file.seed.grammar;
	q->file.nature = (uint8_t)nature_of(q->fd);
	q->file.is_known = true;
	q->file.is_found = true;
	/* By one of several names: another may lead to a listed tree, and must not suffer. */
	if (!is_trusted(q) && q->st.st_nlink > 1)
		return 0;
	if (fstat(q->fd, &after) == 0 && after.st_ctim.tv_sec == q->st.st_ctim.tv_sec &&
	    after.st_ctim.tv_nsec == q->st.st_ctim.tv_nsec && !is_racy(&after))
		(void)ih_fan_files_put(&fan->files, &q->file);
	return 0;
}

static __u16 reason_of(const struct ih_fan_question *q)
{
	return q->st.st_nlink == 0 ? IH_REASON_NO_NAME : IH_REASON_PROGRAM;
}

static bool is_interpreter(const struct ih_fan_question *q)
{
	return q->file.file.seed.grammar && q->file.nature != IH_FAN_SCRIPT &&
	       q->file.nature != IH_FAN_LOADER;
}

/* Which questions about a trusted file need not come again. Of an interpreter all do: its execs,
 * and the loader's opening it; of the C library those while an interpreter starts. */
static uint64_t cacheable(struct ih_fan *fan, const struct ih_fan_question *q)
{
	if (!fan->options.look)
		return QUESTIONS;
	return is_interpreter(q) || ih_fan_is_trigger(fan, q) ? 0 : QUESTIONS;
}

/* An interpreter or a launcher: will be seen again, complete. */
static void begin_interpreter(struct ih_fan *fan, const struct ih_fan_question *q,
			      struct ih_fan_answer *ret)
{
	ih_fan_watch_namespace_of(fan, q->tid);
	if (q->file.nature == IH_FAN_ELF_STATIC) {
		/* Runs without a look at its arguments, and what cannot be told is refused. */
		refuse(fan, q, IH_ACT_ARGUMENTS, IH_REASON_UNCLEAR, ret);
		return;
	}
	if (ih_fan_pending_add(fan, q->tid, &q->file.file) < 0) {
		refuse(fan, q, IH_ACT_ARGUMENTS, IH_REASON_TOO_MUCH, ret);
		return;
	}
	ret->allow = true;
}

static void answer_exec(struct ih_fan *fan, const struct ih_fan_question *q,
			struct ih_fan_answer *ret)
{
	if (!is_trusted(q)) {
		refuse(fan, q, IH_ACT_EXEC, reason_of(q), ret);
	} else if (is_interpreter(q) && fan->options.look) {
		begin_interpreter(fan, q, ret);
	} else {
		ret->allow = true;
		ret->ignore = cacheable(fan, q);
	}
}

/* Does an interpreter that opens it read it as code? By the file's name, or by its '#!' line. */
static bool is_code_for_opener(struct ih_fan *fan, const struct ih_fan_question *q)
{
	char link[64], exe[PATH_MAX], name[PATH_MAX];
	struct ih_fan_call call;
	struct ih_fan_file opener;
	struct stat st;

	if (ih_fan_exe_of(q->tid, &st) < 0 || ih_fan_files_get(&fan->files, &st, &opener) < 0 ||
	    !(opener.file.seed.flags & IH_SEED_SCRIPTS))
		return false;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", q->fd);
	if (ih_fan_name_of(link, name, sizeof(name)) < 0)
		return true;
	(void)snprintf(link, sizeof(link), "/proc/%d/exe", q->tid);
	if (ih_fan_name_of(link, exe, sizeof(exe)) < 0)
		return true;
	if (!ih_fan_reads_as_code(exe, name) &&
	    (q->file.nature != IH_FAN_SCRIPT || !ih_fan_is_addressed(exe, q->fd)))
		return false;
	return ih_fan_call_of(q->tid, &call) < 0 || !call.writes;
}

/* Would it become code by being opened? Asked of untrusted files only. */
static bool becomes_code(struct ih_fan *fan, const struct ih_fan_question *q, __u16 *ret_act)
{
	struct ih_fan_call call;

	*ret_act = IH_ACT_OPEN;
	if (q->file.nature == IH_FAN_PLAIN || q->file.nature == IH_FAN_SCRIPT)
		return is_code_for_opener(fan, q);
	*ret_act = IH_ACT_MAP;
	(void)ih_fan_call_of(q->tid, &call);
	/* An exec has been asked about, and refused or reported, as such. */
	return !ih_fan_is_exec(&call) && !call.writes && ih_fan_is_loader(q->tid, &call);
}

/* The interpreter is complete and waits. Refused, it does not find its C library and ends; it is
 * killed as well, for a program that could do without must not. */
static void look(struct ih_fan *fan, const struct ih_fan_question *q,
		 const struct ih_fan_pending *p, struct ih_fan_answer *ret)
{
	struct ih_event e = { .act = IH_ACT_ARGUMENTS,
			      .provenance = (uint8_t)p->from.provenance,
			      .file = p->exe,
			      .reason = IH_REASON_TOO_MUCH };
	enum ih_provenance to = IH_PROVENANCE_UNVERIFIED;
	char link[64], name[PATH_MAX];
	int r = fan->options.look(fan->options.context, p->tgid, &p->from, &e, &to);
	bool stops = r < 0 || (e.verdict != IH_ALLOW && e.verdict != IH_AUDIT && e.enforced);

	if (r < 0 || e.verdict != IH_ALLOW) {
		bool enforced = r < 0 || e.enforced;

		fill_event(fan, q, &e);
		(void)snprintf(link, sizeof(link), "/proc/%d/exe", p->tgid);
		if (ih_fan_name_of(link, name, sizeof(name)) > 0)
			(void)snprintf(e.path, sizeof(e.path), "%.*s", IH_EVENT_PATH_MAX - 1, name);
		e.enforced = enforced && !q->config.audit;
		ih_fan_event_add(fan, &e);
	}
	ih_fan_running_set(fan, p->tgid, to);
	ih_fan_triggers_rest(fan);
	ret->ignore = 0;
	ret->allow = !stops || q->config.audit;
	if (!ret->allow)
		(void)kill(p->tgid, SIGKILL);
}

/* `ld.so /usr/bin/python3 -c …`: to the kernel that is an exec of ld.so, which opens the
 * interpreter as it opens libraries. */
static void open_interpreter(struct ih_fan *fan, const struct ih_fan_question *q,
			     struct ih_fan_answer *ret)
{
	/* Nobody wrote down who called execve: ld.so is executed for every program. */
	const struct ih_fan_pending by_loader = { .tgid = q->tid,
						  .tid = q->tid,
						  .exe = q->file.file.key };
	struct ih_fan_call call;

	if (ih_fan_call_of(q->tid, &call) < 0)
		refuse(fan, q, IH_ACT_ARGUMENTS, IH_REASON_TOO_MUCH, ret);
	else if (!ih_fan_is_exec(&call) && ih_fan_is_loader(q->tid, &call))
		look(fan, q, &by_loader, ret);
	else
		ret->allow = true;
}

static void answer_open(struct ih_fan *fan, const struct ih_fan_question *q,
			struct ih_fan_answer *ret)
{
	__u16 act = IH_ACT_OPEN;

	if (is_trusted(q)) {
		if (is_interpreter(q) && fan->options.look) {
			open_interpreter(fan, q, ret);
			return;
		}
		ret->allow = true;
		ret->ignore = cacheable(fan, q);
		return;
	}
	if (becomes_code(fan, q, &act))
		refuse(fan, q, act, act == IH_ACT_MAP ? reason_of(q) : IH_REASON_SOURCE, ret);
	else
		ret->allow = true; /* data for whoever asks now; not for everybody */
}

/* Devices, FIFOs and folders are nobody's file of code; as a script they show in the arguments. */
static bool answer_irregular(struct ih_fan *fan, const struct ih_fan_question *q,
			     struct ih_fan_answer *ret)
{
	if (S_ISREG(q->st.st_mode))
		return false;
	if (q->mask & FAN_OPEN_EXEC_PERM)
		refuse(fan, q, IH_ACT_EXEC, IH_REASON_IRREGULAR, ret);
	else
		ret->allow = true;
	return true;
}

static int answer(struct ih_fan *fan, struct ih_fan_question *q, bool may_be_slow,
		  struct ih_fan_answer *ret)
{
	struct ih_fan_pending pending;
	struct ih_fan_call call;
	int r;

	*ret = (struct ih_fan_answer){ 0 };
	if (fstat(q->fd, &q->st) < 0)
		return 0;
	(void)pthread_rwlock_rdlock(&fan->policy_lock);
	q->config = fan->config;
	(void)pthread_rwlock_unlock(&fan->policy_lock);
	q->file.file = ih_gate_file_of(&q->st);
	if ((q->mask & FAN_OPEN_PERM) && ih_fan_pending_has(fan, q->tid)) {
		if (!may_be_slow)
			return -EAGAIN;
		/* Old image or new one? Who cannot tell must neither look nor pass by. */
		if (ih_fan_call_of(q->tid, &call) < 0) {
			refuse(fan, q, IH_ACT_ARGUMENTS, IH_REASON_TOO_MUCH, ret);
			return 0;
		}
		if (!ih_fan_is_exec(&call) && ih_fan_pending_take(fan, q->tid, &pending)) {
			look(fan, q, &pending, ret);
			if (!ret->allow)
				return 0;
		}
	}
	if (answer_irregular(fan, q, ret))
		return 0;
	r = find_file(fan, q, may_be_slow);
	if (r < 0)
		return r;
	if (!may_be_slow && fan->options.look && is_interpreter(q))
		return -EAGAIN; /* it may be looked at */
	if (q->mask & FAN_OPEN_EXEC_PERM)
		answer_exec(fan, q, ret);
	else
		answer_open(fan, q, ret);
	return 0;
}

int ih_fan_answer_fast(struct ih_fan *fan, struct ih_fan_question *q, struct ih_fan_answer *ret)
{
	return answer(fan, q, false, ret);
}

void ih_fan_answer_slow(struct ih_fan *fan, struct ih_fan_question *q, struct ih_fan_answer *ret)
{
	(void)answer(fan, q, true, ret);
}
