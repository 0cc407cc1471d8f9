/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One hostile act a verb, tried for real, with an answer that cannot be mistaken:
 * exit 0 the act worked, 1 it was refused (the errno's name is printed), 2 it could not be tried.
 * Acts that must not have an effect are tried with arguments that fail later (EFAULT, EBADF, …).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIED(ok) ((ok) ? 0 : refused())

static int refused(void)
{
	printf("%s\n", strerrorname_np(errno));
	return 1;
}

static int cannot(const char *what)
{
	fprintf(stderr, "cannot try: %s: %s\n", what, strerror(errno));
	return 2;
}

/* A call that got as far as looking at its bad arguments was let through. */
static int reached(long r, int late)
{
	return r >= 0 || errno == late ? 0 : refused();
}

static int try_ptrace(char **argv)
{
	(void)argv;
	return TRIED(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0);
}

static int try_vm_write(char **argv)
{
	(void)argv;
	return reached(syscall(SYS_process_vm_writev, getpid(), 1L, 1L, 1L, 1L, 0L), EFAULT);
}

static int try_userfaultfd(char **argv)
{
	(void)argv;
	return reached(syscall(SYS_userfaultfd, 0x7fffffffL), EINVAL);
}

static int try_io_uring(char **argv)
{
	(void)argv;
	return reached(syscall(SYS_io_uring_setup, 1, NULL), EFAULT);
}

static int try_memfd(char **argv)
{
	return TRIED(syscall(SYS_memfd_create, "try", argv[0] ? 8UL : 0UL) >= 0);
}

static int try_unshare(char **argv)
{
	(void)argv;
	return TRIED(unshare(CLONE_NEWUSER) == 0);
}

static int try_clone(char **argv)
{
	unsigned long flags = strtoul(argv[0], NULL, 0);
	long pid = syscall(SYS_clone, flags | SIGCHLD, 0L, 0L, 0L, 0L);

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return refused();
	(void)waitpid((pid_t)pid, NULL, __WALL);
	return 0;
}

static int try_clone3(char **argv)
{
	(void)argv;
	return reached(syscall(SYS_clone3, NULL, 64UL), EFAULT);
}

static int try_mount(char **argv)
{
	(void)argv;
	return reached(mount("none", NULL, "tmpfs", 0, NULL), EFAULT);
}

static int try_chroot(char **argv)
{
	(void)argv;
	return TRIED(chroot("/") == 0);
}

static int try_personality(char **argv)
{
	return TRIED(syscall(SYS_personality, strtoul(argv[0], NULL, 0)) >= 0);
}

static int try_bpf(char **argv)
{
	(void)argv;
	return reached(syscall(SYS_bpf, 5L, 1L, 8L), EFAULT);
}

static int try_shm_exec(char **argv)
{
	int id = shmget(IPC_PRIVATE, 4096, 0700 | IPC_CREAT);
	void *p;

	(void)argv;
	if (id < 0)
		return cannot("shmget");
	p = shmat(id, NULL, SHM_EXEC);
	(void)shmctl(id, IPC_RMID, NULL);
	return TRIED(p != MAP_FAILED);
}

static int try_write_then_exec(char **argv)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)argv;
	if (p == MAP_FAILED)
		return cannot("mmap");
	return TRIED(mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0);
}

static int try_pkey(char **argv)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)argv;
	return TRIED(syscall(SYS_pkey_mprotect, p, 4096UL, PROT_READ | PROT_EXEC, -1L) == 0);
}

/* All at once, for whoever compiles. */
static int try_written(char **argv)
{
	(void)argv;
	return TRIED(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

static int map_file(const char *path, int protection, void **ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	*ret = mmap(NULL, 4096, protection, MAP_PRIVATE, fd, 0);
	return *ret == MAP_FAILED ? -1 : 0;
}

static int try_map(char **argv)
{
	void *p;

	return TRIED(map_file(argv[0], PROT_READ | PROT_EXEC, &p) == 0);
}

static int try_map_written(char **argv)
{
	void *p;

	return TRIED(map_file(argv[0], PROT_READ | PROT_WRITE | PROT_EXEC, &p) == 0);
}

static int try_map_later(char **argv)
{
	void *p;

	if (map_file(argv[0], PROT_READ, &p) < 0)
		return cannot(argv[0]);
	return TRIED(mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0);
}

static int act(char **argv);

/* The same in a child that execs nothing. */
static int try_in_child(char **argv)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		status = act(argv);
		fflush(stdout);
		_exit(status);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return cannot("in-child");
	return WEXITSTATUS(status);
}

static int try_own_code(char **argv)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	(void)argv;
	return TRIED(fd >= 0);
}

static int try_exec(char **argv)
{
	execv(argv[0], argv);
	return refused();
}

static int try_exec_fd(char **argv)
{
	int fd = open(argv[0], O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return cannot(argv[0]);
	syscall(SYS_execveat, fd, "", argv, NULL, AT_EMPTY_PATH);
	return refused();
}

static int try_write(char **argv)
{
	return TRIED(open(argv[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0644) >= 0);
}

static int try_truncate(char **argv)
{
	return TRIED(truncate(argv[0], 0) == 0);
}

static int try_rename(char **argv)
{
	return TRIED(rename(argv[0], argv[1]) == 0);
}

static int try_mkdir(char **argv)
{
	return TRIED(mkdir(argv[0], 0755) == 0);
}

static int try_core(char **argv)
{
	struct rlimit l;

	(void)argv;
	if (getrlimit(RLIMIT_CORE, &l) < 0)
		return cannot("getrlimit");
	if (l.rlim_max == 0)
		errno = EPERM;
	return TRIED(l.rlim_max != 0);
}

static int try_securebits(char **argv)
{
	int bits = prctl(PR_GET_SECUREBITS);

	errno = EPERM;
	return TRIED(((unsigned long)bits & strtoul(argv[0], NULL, 0)) == 0);
}

static int try_setuid_program(char **argv)
{
	(void)argv;
	errno = EPERM;
	return TRIED(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
}

static int try_capability(char **argv)
{
	unsigned long number = strtoul(argv[0], NULL, 0);
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { 0 };

	if (syscall(SYS_capget, &h, d) < 0)
		return cannot("capget");
	errno = EPERM;
	return TRIED(d[number / 32].permitted >> (number % 32) & 1 ||
		     prctl(PR_CAPBSET_READ, number) == 1);
}

static int try_i386(char **argv)
{
	(void)argv;
#ifdef __x86_64__
	long r;

	/* getpid is 20 in the i386 table; under a filter for one ABI the process ends here */
	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
	errno = ENOSYS;
	return TRIED(r == getpid());
#else
	return cannot("i386");
#endif
}

static const struct {
	const char *name;
	int (*act)(char **argv);
} verbs[] = {
	{ "ptrace", try_ptrace },
	{ "vm-write", try_vm_write },
	{ "userfaultfd", try_userfaultfd },
	{ "io-uring", try_io_uring },
	{ "memfd", try_memfd },
	{ "unshare", try_unshare },
	{ "clone", try_clone },
	{ "clone3", try_clone3 },
	{ "mount", try_mount },
	{ "chroot", try_chroot },
	{ "personality", try_personality },
	{ "bpf", try_bpf },
	{ "shm-exec", try_shm_exec },
	{ "write-then-exec", try_write_then_exec },
	{ "pkey", try_pkey },
	{ "written", try_written },
	{ "map", try_map },
	{ "map-written", try_map_written },
	{ "map-later", try_map_later },
	{ "in-child", try_in_child },
	{ "own-code", try_own_code },
	{ "exec", try_exec },
	{ "exec-fd", try_exec_fd },
	{ "write", try_write },
	{ "truncate", try_truncate },
	{ "rename", try_rename },
	{ "mkdir", try_mkdir },
	{ "core", try_core },
	{ "securebits", try_securebits },
	{ "setuid-program", try_setuid_program },
	{ "capability", try_capability },
	{ "i386", try_i386 },
};

static int act(char **argv)
{
	for (size_t i = 0; argv[0] && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[0], verbs[i].name) == 0)
			return verbs[i].act(argv + 1);
	fprintf(stderr, "usage: ih-try VERB [ARG…]\n");
	return 2;
}

int main(int argc, char **argv)
{
	return act(argv + (argc > 0));
}
