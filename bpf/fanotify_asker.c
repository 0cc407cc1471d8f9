/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who asks: the thread waits in its system call until it is answered, so that what /proc tells of
 * its registers and its memory map holds still. Opens nothing that is watched: that would be a
 * question to ourselves.
 */
#include "bpf/fanotify_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "policy/grammar.h"

#define ASLEEP_TRIES 20000 /* half a second at least */
#define SHEBANG_MAX  256   /* as much as Linux looks at: BINPRM_BUF_SIZE */

/* What languages call their files. Only a name of the opener's own language counts. */
static const struct {
	const char *interpreter; /* grammar's name */
	const char *suffixes;	 /* each with a blank behind it */
} languages[] = {
	{ "python3", ".py .pyc .pyo .pth .pyz .zip .egg " },
	{ "perl", ".pl .pm .ph .al .t " },
	{ "ruby", ".rb .rbw .gemspec " },
	{ "irb", ".rb .rbw " },
	{ "erb", ".rb .erb " },
	{ "node", ".js .mjs .cjs .ts .node " },
	{ "lua", ".lua .luac " },
	{ "luajit", ".lua .luac " },
	{ "php", ".php .phtml .inc .phar " },
	{ "tcl", ".tcl .tm " },
	{ "expect", ".tcl .tm .exp " },
	{ "wish", ".tcl .tm " },
	{ "jimsh", ".tcl " },
	{ "sh", ".sh " },
	{ "bash", ".sh .bash " },
	{ "ksh", ".sh .ksh " },
	{ "zsh", ".sh .zsh .zwc " },
	{ "busybox", ".sh .awk " },
	{ "awk", ".awk " },
	{ "gawk", ".awk .so " },
	{ "java", ".class .jar .java " },
	{ "guile", ".scm .go .sls " },
	{ "emacs", ".el .elc .eln " },
	{ "vim", ".vim .lua " },
	{ "R", ".R .r .Rprofile " },
	{ "Rscript", ".R .r " },
	{ "sbcl", ".lisp .fasl .lsp " },
	{ "rexx", ".rex .rexx .cls " },
};

static int read_proc(pid_t tid, const char *name, char *ret, size_t size)
{
	char path[64];
	_close_ int fd = -EBADF;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, ret, size - 1);
	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return (int)n;
}

/*
 * "NUMBER ARG0 … ARG5 SP PC", or "running" (fs/proc/base.c, proc_pid_syscall()): we may be asked
 * before the asker has gone to sleep, which it is about to do.
 */
static int read_call(pid_t tid, int tries, char *text, size_t size)
{
	const struct timespec moment = { .tv_nsec = 20000 };
	int r = 0;

	for (int i = 0; i < tries; i++) {
		r = read_proc(tid, "syscall", text, size);
		if (r < 0 || strncmp(text, "running", 7) != 0)
			return r;
		if (i < 3)
			(void)sched_yield();
		else
			(void)nanosleep(&moment, NULL);
	}
	return -ETIMEDOUT;
}

static int call_of(pid_t tid, int tries, struct ih_fan_call *ret)
{
	unsigned long long arg[6], sp, pc;
	char text[256];
	uint64_t flags;
	long number;
	int r = read_call(tid, tries, text, sizeof(text));

	*ret = (struct ih_fan_call){ .number = -1 };
	if (r < 0)
		return r;
	if (sscanf(text, "%ld %llx %llx %llx %llx %llx %llx %llx %llx", &number, &arg[0], &arg[1],
		   &arg[2], &arg[3], &arg[4], &arg[5], &sp, &pc) != 9)
		return -ENODATA;
	ret->number = number;
	ret->program_counter = pc;
	flags = O_RDONLY;
	if (number == SYS_openat)
		flags = arg[2];
#ifdef SYS_open
	if (number == SYS_open)
		flags = arg[1];
	if (number == SYS_creat)
		flags = O_WRONLY;
#endif
	ret->writes = (flags & O_ACCMODE) == O_WRONLY || (flags & O_TRUNC);
	return 0;
}

int ih_fan_call_of(pid_t tid, struct ih_fan_call *ret)
{
	return call_of(tid, ASLEEP_TRIES, ret);
}

int ih_fan_call_now(pid_t tid, struct ih_fan_call *ret)
{
	return call_of(tid, 1, ret);
}

bool ih_fan_is_exec(const struct ih_fan_call *call)
{
	return call->number == SYS_execve || call->number == SYS_execveat;
}

/* Where the kernel put the program's dynamic loader (AT_BASE of getauxval(3)); 0: it has none. */
static uint64_t loader_base(pid_t tid)
{
	_Alignas(unsigned long) char raw[2048];
	int n = read_proc(tid, "auxv", raw, sizeof(raw));
	const unsigned long *pair = (const void *)raw;

	for (int i = 0; i + 1 < n / (int)sizeof(long); i += 2)
		if (pair[i] == 7 /* AT_BASE */)
			return pair[i + 1];
	return 0;
}

struct mapping {
	unsigned long long from, to, inode;
	unsigned int major, minor;
};

static bool find_mapping(FILE *maps, uint64_t address, struct mapping *ret)
{
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	while (!found && getline(&line, &size, maps) > 0)
		found = sscanf(line, "%llx-%llx %*s %*x %x:%x %llu", &ret->from, &ret->to,
			       &ret->major, &ret->minor, &ret->inode) == 5 &&
			address >= ret->from && address < ret->to;
	free(line);
	rewind(maps);
	return found;
}

bool ih_fan_is_loader_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;

	return strncmp(base, "ld-", 3) == 0 || strncmp(base, "ld.so", 5) == 0 ||
	       strncmp(base, "ld64.so", 7) == 0;
}

/*
 * Does the dynamic loader itself open the file? glibc's loader has its own open call in its own
 * text, so that the program counter tells cp(1), which reads a library, from dlopen(3), which runs
 * it. With musl the loader is the C library: there every open counts. What cannot be told counts.
 */
bool ih_fan_is_loader(pid_t tid, const struct ih_fan_call *call)
{
	struct mapping at = { 0 }, loader = { 0 };
	uint64_t base = loader_base(tid);
	char path[64];
	FILE *maps;
	bool is;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", tid);
	maps = fopen(path, "re");
	if (!maps || call->number < 0) {
		if (maps)
			(void)fclose(maps);
		return true;
	}
	is = !find_mapping(maps, call->program_counter, &at);
	/* Without a loader the program is static, or the loader itself: `ld.so ./x`. */
	if (!is && !base) {
		char name[PATH_MAX];

		(void)snprintf(path, sizeof(path), "/proc/%d/exe", tid);
		is = ih_fan_name_of(path, name, sizeof(name)) < 0 || strstr(name, "/ld-") != NULL ||
		     strstr(name, "/ld.so") != NULL;
	} else if (!is) {
		is = !find_mapping(maps, base, &loader) ||
		     (at.inode == loader.inode && at.major == loader.major &&
		      at.minor == loader.minor);
	}
	(void)fclose(maps);
	return is;
}

int ih_fan_exe_of(pid_t tid, struct stat *ret)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", tid);
	return stat(path, ret) < 0 ? -errno : 0; /* follows the link, opens nothing */
}

pid_t ih_fan_tgid_of(pid_t tid)
{
	static const char key[] = "\nTgid:\t";
	char text[1024];
	const char *at;

	if (read_proc(tid, "status", text, sizeof(text)) < 0)
		return -ESRCH;
	at = strstr(text, key);
	return at ? (pid_t)strtol(at + sizeof(key) - 1, NULL, 10) : -ESRCH;
}

/* By what it may do: whose its folder in /proc is says nothing after setuid(2), which makes it
 * root's until the next execve(). */
bool ih_fan_is_roots(pid_t tid)
{
	static const char key[] = "\nUid:\t";
	unsigned int real, effective;
	char text[1024];
	const char *at;

	if (read_proc(tid, "status", text, sizeof(text)) < 0)
		return false;
	at = strstr(text, key);
	return at && sscanf(at + sizeof(key) - 1, "%u %u", &real, &effective) == 2 && !real &&
	       !effective;
}

/* Fields 4 and 22 of /proc/PID/stat; the name before them may hold anything, so from its end. */
int ih_fan_parent_of(pid_t tid, pid_t *ret_parent, uint64_t *ret_start)
{
	unsigned long long start;
	char text[1024], *at;
	int parent;

	if (read_proc(tid, "stat", text, sizeof(text)) < 0)
		return -ESRCH;
	at = strrchr(text, ')');
	if (!at || sscanf(at + 1,
			  " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
			  "%*d %llu",
			  &parent, &start) != 2)
		return -EBADMSG;
	*ret_parent = parent;
	*ret_start = start;
	return 0;
}

int ih_fan_name_of(const char *link, char *ret, size_t size)
{
	ssize_t n = readlink(link, ret, size - 1);

	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return (int)n;
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Is @file, by its name, code in the language of @exe? */
bool ih_fan_reads_as_code(const char *exe, const char *file)
{
	const char *dot = strrchr(base_of(file), '.');
	const struct ih_grammar *grammar;
	char suffix[16];

	grammar = ih_grammars_find(ih_grammars_builtin(), base_of(exe), NULL);
	if (!grammar || !dot || strlen(dot) > sizeof(suffix) - 2)
		return false;
	(void)snprintf(suffix, sizeof(suffix), "%s ", dot);
	for (size_t i = 0; i < IH_ARRAY_SIZE(languages); i++)
		if (strcmp(languages[i].interpreter, ih_grammar_name(grammar)) == 0)
			return strstr(languages[i].suffixes, suffix) != NULL;
	return false;
}

/* "sh", "bash", "dash", "ksh": they read each other's scripts. */
static bool is_shell(const char *name)
{
	size_t len = strlen(name);

	return (len >= 2 && strcmp(name + len - 2, "sh") == 0) || strcmp(name, "busybox") == 0;
}

/* Does the '#!' line of the file name the interpreter @exe, or one of its kind? */
bool ih_fan_is_addressed(const char *exe, int fd)
{
	const struct ih_grammar *opener, *named;
	char line[SHEBANG_MAX + 1], *word, *rest;
	ssize_t n = ih_pread_full(fd, line, SHEBANG_MAX, 0);

	opener = ih_grammars_find(ih_grammars_builtin(), base_of(exe), NULL);
	if (n < 2 || !opener)
		return false;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	word = strtok_r(line + 2, " \t", &rest);
	while (word && (strcmp(base_of(word), "env") == 0 || word[0] == '-' || strchr(word, '=')))
		word = strtok_r(NULL, " \t", &rest);
	named = word ? ih_grammars_find(ih_grammars_builtin(), base_of(word), NULL) : NULL;
	if (!named)
		return false;
	return named == opener ||
	       (is_shell(ih_grammar_name(named)) && is_shell(ih_grammar_name(opener)));
}
