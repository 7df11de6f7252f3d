/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
// What the headers in ../../generated ask of a header of this name: room for a program's variables, running its loader, one way to attach.
// libbpf's own would do as well; with this one the addon builds where libbpf isn't installed and says at which step the kernel refused.
// The layout of the four structures is that of the loaders which bpftool 7 generates.
#ifndef HEADROOM_SKEL_INTERNAL_H
#define HEADROOM_SKEL_INTERNAL_H

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct bpf_map_desc {
	int map_fd; // out
	__u32 max_entries; // in; 0: as the program says
	__aligned_u64 initial_value; // in: address of the map's first value, 0: none
};

struct bpf_prog_desc {
	int prog_fd; // out
};

struct bpf_loader_ctx {
	__u32 sz;
	__u32 flags;
	__u32 log_level;
	__u32 log_size;
	__u64 log_buf;
};

struct bpf_load_and_run_opts {
	struct bpf_loader_ctx *ctx;
	const void *data;
	const void *insns;
	__u32 data_sz;
	__u32 insns_sz;
};

/** What bpf_load_and_run was at when it failed. */
static const char *headroom_step = "";

/** Attributes end with zeros, which kernels of any age take. @returns what the system call gives, or -errno */
static inline int headroom_bpf(enum bpf_cmd command, union bpf_attr *attributes)
{
	long result = syscall(__NR_bpf, command, attributes, sizeof(*attributes));
	return result < 0 ? -errno : (int)result;
}

static inline void *skel_alloc(size_t size)
{
	return calloc(1, size);
}

static inline void skel_free(void *skeleton)
{
	free(skeleton);
}

static inline int skel_closenz(int fd)
{
	return fd > 0 ? close(fd) : -EINVAL;
}

static inline void *skel_prep_map_data(const void *value, size_t mapped, size_t size)
{
	void *room = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return room == MAP_FAILED ? NULL : memcpy(room, value, size);
}

/** From here on the variables are the map's own: what the program counts is read without a system call. */
static inline void *skel_finalize_map_data(__u64 *initial, size_t mapped, int protection, int fd)
{
	void *room = mmap((void *)(long)*initial, mapped, protection, MAP_SHARED | MAP_FIXED, fd, 0);
	return room == MAP_FAILED ? NULL : room;
}

static inline void skel_free_map_data(void *room, __u64 initial, size_t mapped)
{
	(void)initial;
	if (room)
		munmap(room, mapped);
}

static inline int skel_raw_tracepoint_open(const char *name, int program)
{
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.raw_tracepoint.name = (long)name;
	attributes.raw_tracepoint.prog_fd = program;
	return headroom_bpf(BPF_RAW_TRACEPOINT_OPEN, &attributes);
}

static inline int skel_link_create(int program, int target, enum bpf_attach_type type)
{
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.link_create.prog_fd = program;
	attributes.link_create.target_fd = target;
	attributes.link_create.attach_type = type;
	return headroom_bpf(BPF_LINK_CREATE, &attributes);
}

static inline int headroom_loader_map(const void *content, __u32 size)
{
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.map_type = BPF_MAP_TYPE_ARRAY;
	attributes.key_size = 4;
	attributes.value_size = size;
	attributes.max_entries = 1;
	int map = headroom_bpf(BPF_MAP_CREATE, &attributes);
	if (map < 0)
		return map;
	int key = 0;
	memset(&attributes, 0, sizeof(attributes));
	attributes.map_fd = map;
	attributes.key = (long)&key;
	attributes.value = (long)content;
	int error = headroom_bpf(BPF_MAP_UPDATE_ELEM, &attributes);
	if (!error)
		return map;
	close(map);
	return error;
}

static inline int headroom_run(int program, struct bpf_loader_ctx *context)
{
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.test.prog_fd = program;
	attributes.test.ctx_in = (long)context;
	attributes.test.ctx_size_in = context->sz;
	int error = headroom_bpf(BPF_PROG_RUN, &attributes);
	return error ? error : (int)attributes.test.retval;
}

/** A light skeleton is a program of its own that makes the maps and loads the programs, relocated, inside the kernel. */
static inline int bpf_load_and_run(struct bpf_load_and_run_opts *options)
{
	headroom_step = "make its loader's map";
	int map = headroom_loader_map(options->data, options->data_sz);
	if (map < 0)
		return map;
	headroom_step = "load its loader";
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.prog_type = BPF_PROG_TYPE_SYSCALL;
	attributes.insns = (long)options->insns;
	attributes.insn_cnt = options->insns_sz / sizeof(struct bpf_insn);
	attributes.license = (long)"Dual BSD/GPL";
	attributes.fd_array = (long)&map;
	attributes.prog_flags = BPF_F_SLEEPABLE;
	int error = headroom_bpf(BPF_PROG_LOAD, &attributes);
	if (error >= 0) {
		headroom_step = "load its programs";
		int program = error;
		error = headroom_run(program, options->ctx);
		close(program);
	}
	close(map);
	return error < 0 ? error : 0;
}

#endif
