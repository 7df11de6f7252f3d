/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
// How long tasks of a tracked cgroup waited for a CPU, as a histogram that user space maps: no event, no system call to read it.
// One hook, no state of its own: the kernel notes when a task was queued (CONFIG_SCHED_INFO) and what its queue's clock says.
// Preemption counts too. A throttled task waits as well: read it beside the throttle counters.
#include "signal.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct run_queue_slot);
} slots SEC(".maps");

const volatile __u64 threshold_ns = 1000000; // shorter waits are not looked at further

SEC("tp_btf/sched_switch")
int BPF_PROG(run_queue, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	__u64 queued = next->sched_info.last_queued;
	if (!queued)
		return 0;
	__s64 delay = next->se.cfs_rq->rq->clock - queued;
	if (delay < (__s64)threshold_ns)
		return 0;
	__u64 id;
	struct track *track = tracked_above(&next->cgroups->dfl_cgrp->self, &id);
	if (!track)
		return 0;
	struct run_queue_slot *slot = bpf_map_lookup_elem(&slots, &track->slot);
	if (!slot)
		return 0;
	__u32 bucket = 0;
	for (; bucket < DELAY_BUCKETS - 1 && delay >= (__s64)(threshold_ns << (bucket + 1)); bucket++)
		;
	if (bucket < DELAY_BUCKETS)
		__sync_fetch_and_add(&slot->buckets[bucket], 1);
	__sync_fetch_and_add(&slot->delay_ns, delay);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
