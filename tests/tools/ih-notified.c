/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What bench/exec measures beside the wrapper: ih-notified PROGRAM ARG… runs a command under a
 * supervisor by seccomp user notification, which looks at the path of every execve and execveat and
 * lets the call go on (SECCOMP_USER_NOTIF_FLAG_CONTINUE), as many sandboxes do. The kernel's header
 * says why that is no security: the memory that was looked at can change before the call reads it.
 *
 * See seccomp_unotify(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#else
#error "which architecture is this, in seccomp's words?"
#endif

#define PATH_BYTES 4096

static int install(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execveat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) < 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
}

static int send_descriptor(int socket, int fd)
{
	char room[CMSG_SPACE(sizeof(int))] = "", byte = 0;
	struct iovec io = { &byte, 1 };
	struct msghdr m = {
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(socket, &m, 0) == 1 ? 0 : -1;
}

static int receive_descriptor(int socket)
{
	char room[CMSG_SPACE(sizeof(int))], byte;
	struct iovec io = { &byte, 1 };
	struct msghdr m = {
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)
	};
	int fd = -1;

	if (recvmsg(socket, &m, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* The file that the call names, as far as anybody can tell: is it root's, and root's alone? */
static int look(int listener, const struct seccomp_notif *n)
{
	__u64 address = n->data.args[n->data.nr == SYS_execveat ? 1 : 0];
	char name[64], path[PATH_BYTES + 1];
	struct stat st;
	ssize_t len;
	int fd;

	(void)snprintf(name, sizeof(name), "/proc/%u/mem", n->pid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -EPERM;
	len = pread(fd, path, PATH_BYTES, (off_t)address);
	(void)close(fd);
	if (len <= 0 || ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &n->id) < 0)
		return -EPERM;
	path[len] = '\0';
	if (stat(path, &st) < 0)
		return -errno;
	return st.st_uid == 0 && !(st.st_mode & 022) ? 0 : -EACCES;
}

static void supervise(int listener)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };

	while (poll(&p, 1, -1) == 1 && !(p.revents & POLLHUP)) {
		struct seccomp_notif n = { 0 };
		struct seccomp_notif_resp answer = { 0 };

		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n) < 0)
			continue;
		answer.id = n.id;
		answer.error = look(listener, &n);
		if (!answer.error)
			answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
}

static void run(int socket, char **argv)
{
	int listener = install();

	if (listener < 0 || send_descriptor(socket, listener) < 0)
		_exit(125);
	(void)close(listener);
	(void)close(socket);
	execv(argv[0], argv);
	_exit(126);
}

int main(int argc, char **argv)
{
	int pair[2], listener, status = 0;
	pid_t pid;

	if (argc < 2 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return 125;
	pid = fork();
	if (pid == 0)
		run(pair[1], argv + 1);
	(void)close(pair[1]);
	listener = pid > 0 ? receive_descriptor(pair[0]) : -1;
	if (listener < 0)
		return 125;
	supervise(listener);
	if (waitpid(pid, &status, 0) != pid)
		return 125;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
