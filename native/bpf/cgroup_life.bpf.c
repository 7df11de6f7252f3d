/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
// Birth and death of every cgroup of the cgroup2 tree, in order: containers are known before their first process runs.
#include "kernel.h"
#include "shared.h"

#define CGROUP2_HIERARCHY 0

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

// Whoever may make cgroups can make and remove them without end: no more than this many events a window.
#define WINDOW_NS 100000000ULL
#define MOST_IN_WINDOW 2500

// One variable, so that the counts lie at the beginning.
struct {
	struct counts counts;
	__u64 window_ns; // its beginning, CLOCK_MONOTONIC
	__u64 events; // in it
} state;

// Two CPUs may both begin a window: some events more.
static __always_inline bool held_back(void)
{
	__u64 now = bpf_ktime_get_ns();
	if (now - state.window_ns > WINDOW_NS) {
		state.window_ns = now;
		state.events = 0;
	}
	if (__sync_fetch_and_add(&state.events, 1) < MOST_IN_WINDOW)
		return 0;
	__sync_fetch_and_add(&state.counts.limited, 1);
	return 1;
}

static __always_inline int tell(struct cgroup *cgroup, const char *path, __u32 born)
{
	if (cgroup->root->hierarchy_id != CGROUP2_HIERARCHY)
		return 0;
	if (held_back())
		return 0;
	struct life_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&state.counts.dropped, 1);
		return 0;
	}
	event->cgroup = cgroup->kn->id;
	event->boot_ns = bpf_ktime_get_boot_ns();
	event->parent = BPF_CORE_READ(cgroup, self.parent, cgroup, kn, id);
	event->born = born;
	long bytes = bpf_probe_read_kernel_str(event->path, sizeof(event->path), path);
	event->path_bytes = bytes > 0 ? bytes : 0;
	bpf_ringbuf_submit(event, 0);
	__sync_fetch_and_add(&state.counts.sent, 1);
	return 0;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(cgroup_birth, struct cgroup *cgroup, const char *path)
{
	return tell(cgroup, path, 1);
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(cgroup_death, struct cgroup *cgroup, const char *path)
{
	return tell(cgroup, path, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
