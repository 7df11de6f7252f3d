/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
// All tracked cgroups read in one walk over the tree (bpf_iter cgroup) into an array that user space maps. The text output of an iterator
// is cut off after 32 KiB, so there is none. PSI totals are not here: in memory they are up to 2 s old, reading the file renews them.
#ifndef HEADROOM_SAMPLER_H
#define HEADROOM_SAMPLER_H

#include "signal.h"
#include "memory.h"

struct seq_file;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 seq_num;
};

struct bpf_iter__cgroup {
	struct bpf_iter_meta *meta;
	struct cgroup *cgroup;
};
#pragma clang attribute pop

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct sample_slot);
} slots SEC(".maps");

__u64 pass; // set by user space before each walk

#define ABSENT (~0ULL)
#define UNLIMITED_PAGES (1ULL << 50)

static __always_inline struct cgroup_subsys_state *controller(struct cgroup *cgroup, int id)
{
	struct cgroup_subsys_state *css = 0;
	bpf_core_read(&css, sizeof(css), (struct cgroup_subsys_state **)&cgroup->subsys + id);
	return css;
}

static __always_inline __u64 limit_pages(unsigned long pages)
{
	return pages >= UNLIMITED_PAGES ? ABSENT : pages;
}

static __always_inline __u64 events_of(struct mem_cgroup *memcg, int kind)
{
	long count = 0;
	bpf_core_read(&count, sizeof(count), (atomic_long_t *)&memcg->memory_events + kind);
	return count;
}

static __always_inline void read_cpu(struct sample_slot *slot, struct cgroup *cgroup)
{
	slot->cpu_usage_ns = cgroup->bstat.cputime.sum_exec_runtime;
	struct cgroup_subsys_state *css = controller(cgroup, bpf_core_enum_value(enum cgroup_subsys_id, cpu_cgrp_id));
	if (!css) {
		slot->periods = slot->throttled_periods = slot->throttled_ns = slot->quota_ns = slot->period_ns = ABSENT;
		return;
	}
	struct task_group *group = (void *)css - bpf_core_field_offset(struct task_group, css);
	slot->periods = BPF_CORE_READ(group, cfs_bandwidth.nr_periods);
	slot->throttled_periods = BPF_CORE_READ(group, cfs_bandwidth.nr_throttled);
	slot->throttled_ns = BPF_CORE_READ(group, cfs_bandwidth.throttled_time);
	slot->quota_ns = BPF_CORE_READ(group, cfs_bandwidth.quota);
	slot->period_ns = BPF_CORE_READ(group, cfs_bandwidth.period);
}

static __always_inline void read_memory(struct sample_slot *slot, struct cgroup *cgroup)
{
	struct cgroup_subsys_state *css = controller(cgroup, bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
	if (!css) {
		slot->memory_pages = slot->memory_limit_pages = slot->memory_high_pages = ABSENT;
		slot->inactive_file_pages = slot->active_file_pages = slot->swap_pages = ABSENT;
		slot->events_high = slot->events_max = slot->events_oom = slot->events_oom_kill = ABSENT;
		return;
	}
	struct mem_cgroup *memcg = (void *)css - bpf_core_field_offset(struct mem_cgroup, css);
	slot->memory_pages = BPF_CORE_READ(memcg, memory.usage.counter);
	slot->memory_limit_pages = limit_pages(BPF_CORE_READ(memcg, memory.max));
	slot->memory_high_pages = limit_pages(BPF_CORE_READ(memcg, memory.high));
	slot->swap_pages = BPF_CORE_READ(memcg, swap.usage.counter);
	struct file_cache cache = file_cache(memcg);
	slot->inactive_file_pages = cache.inactive;
	slot->active_file_pages = cache.active;
	slot->events_high = events_of(memcg, bpf_core_enum_value(enum memcg_memory_event, MEMCG_HIGH));
	slot->events_max = events_of(memcg, bpf_core_enum_value(enum memcg_memory_event, MEMCG_MAX));
	slot->events_oom = events_of(memcg, bpf_core_enum_value(enum memcg_memory_event, MEMCG_OOM));
	slot->events_oom_kill = events_of(memcg, bpf_core_enum_value(enum memcg_memory_event, MEMCG_OOM_KILL));
}

static __always_inline void read_pids(struct sample_slot *slot, struct cgroup *cgroup)
{
	struct cgroup_subsys_state *css = controller(cgroup, bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id));
	struct pids_cgroup *pids = (void *)css - bpf_core_field_offset(struct pids_cgroup, css);
	slot->pids = css ? BPF_CORE_READ(pids, counter.counter) : ABSENT;
}

static __always_inline int sample(struct cgroup *cgroup)
{
	struct track *track = track_of(cgroup->kn->id);
	if (!track)
		return 0;
	struct sample_slot *slot = bpf_map_lookup_elem(&slots, &track->slot);
	if (!slot)
		return 0;
	read_cpu(slot, cgroup);
	read_memory(slot, cgroup);
	read_pids(slot, cgroup);
	slot->pass = pass;
	return 0;
}

#endif
