/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's types as far as the programs look into them: a few members each, found by name when
 * the programs are loaded (CO-RE). Differences between kernels stand here and nowhere else.
 */
#pragma once

#define __VMLINUX_H__ /* common/abi takes its integer types from here */

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;

#define false 0
#define true 1
#define NULL ((void *)0)

#define EPERM  1
#define EACCES 13

#define S_IFMT	0170000
#define S_IFREG 0100000
#define S_IFIFO 0010000
#define S_IFCHR 0020000
#define S_IFDIR 0040000

#define PROT_READ  1
#define PROT_WRITE 2
#define PROT_EXEC  4
#define VM_WRITE   2
#define VM_EXEC	   4

#define FMODE_READ  1
#define FMODE_WRITE 2
#define FMODE_EXEC  0x20 /* __FMODE_EXEC, in f_flags */

#define MS_RDONLY      1
#define MS_REMOUNT     32
#define MS_BIND	       4096
#define MS_REC	       16384
#define MS_PROPAGATION ((1 << 17) | (1 << 18) | (1 << 19) | (1 << 20))

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_INODE_STORAGE = 28,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
};

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_F_NO_PREALLOC = 1,
	BPF_LOCAL_STORAGE_GET_F_CREATE = 1,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
};

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
};
struct super_block___verity {
	void *s_vop; /* with CONFIG_FS_VERITY */
};

struct inode {
	__u16 i_mode;
	__u32 i_rdev;
	unsigned long i_ino;
	struct super_block *i_sb;
	__s64 i_size;
};

/* until 6.5; 6.6 to 6.10; from 6.11 (3aa63a569c64, "fs: switch timespec64 fields in inode to
 * discrete integers") */
struct inode___ctime {
	struct timespec64 i_ctime;
};
struct inode___under_ctime {
	struct timespec64 __i_ctime;
};
struct inode___split_ctime {
	__s64 i_ctime_sec;
	__u32 i_ctime_nsec;
};

struct inode___link {
	char *i_link;
};

struct inode___nlink {
	unsigned int i_nlink;
};

struct qstr {
	__u32 len;
	const unsigned char *name;
};

struct dentry {
	struct qstr d_name;
	struct inode *d_inode;
	struct dentry *d_parent;
};

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	unsigned int f_flags;
	unsigned int f_mode;
};

struct mm_struct {
	unsigned long arg_start, env_end;
};

struct vm_area_struct {
	unsigned long vm_start, vm_end;
	unsigned long vm_flags;
	struct file *vm_file;
	void *anon_vma;
};

struct cred {
	struct {
		__u32 val;
	} euid, egid;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct ns_common {
	unsigned int inum;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

struct mount {
	struct mount *mnt_parent;
	struct vfsmount mnt;
	int mnt_group_id; /* not 0: shared, so that others see what is mounted here */
};

/* until 6.14; later the parent is read under RCU, and its member has another name */
struct kernfs_node {
	struct kernfs_node *parent;
	const char *name;
};
struct kernfs_node___rcu {
	struct kernfs_node *__parent;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct task_struct {
	int pid, tgid;
	struct nsproxy *nsproxy;
	struct css_set *cgroups;
	struct files_struct *files;
	struct mm_struct *mm;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	unsigned int flags;
	char comm[16];
};

struct linux_binprm {
	struct file *file;
	struct file *interpreter;
	unsigned long p;
	unsigned long exec;
	int argc, envc;
	const char *filename;
	char buf[256]; /* how the file of this layer begins */
};
struct linux_binprm___check {
	unsigned int is_check : 1; /* from 6.14: AT_EXECVE_CHECK */
};

/* file_post_open: from 6.9 */
union security_list_options {
	void *file_post_open;
};

struct bpf_prog;
struct bpf_map;
struct kernel_siginfo;
union bpf_attr;
struct iattr;

#pragma clang attribute pop

struct bpf_dynptr {
	__u64 opaque[2];
};
