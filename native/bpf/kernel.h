/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
// The kernel's own structures, as far as the programs read them. CO-RE moves every access to where the running kernel has the field,
// so the order and the size here mean nothing; a field that a kernel doesn't have makes the program's load fail, hook by hook.
#ifndef HEADROOM_KERNEL_H
#define HEADROOM_KERNEL_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

typedef _Bool bool;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	long counter;
} atomic_long_t;

struct kernfs_node {
	__u64 id;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct task_cputime {
	__u64 sum_exec_runtime;
};

struct cgroup_base_stat {
	struct task_cputime cputime;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
	struct cgroup_subsys_state *subsys[1];
	struct cgroup_root *root;
	struct cgroup_base_stat bstat;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct rq {
	__u64 clock;
};

struct cfs_bandwidth {
	__s64 period;
	__u64 quota;
	int nr_periods;
	int nr_throttled;
	__u64 throttled_time;
};

struct task_group {
	struct cgroup_subsys_state css;
	struct cfs_bandwidth cfs_bandwidth;
};

struct cfs_rq {
	struct rq *rq;
	struct task_group *tg;
};

struct sched_entity {
	struct cfs_rq *cfs_rq;
};

struct sched_info {
	unsigned long long last_queued;
};

struct mm_struct;

struct task_struct {
	int tgid;
	struct sched_entity se;
	struct sched_info sched_info;
	struct css_set *cgroups;
	struct mm_struct *mm;
};

struct page_counter {
	atomic_long_t usage;
	unsigned long high;
	unsigned long max;
	struct page_counter *parent;
};

struct lru_gen_folio {
	unsigned long max_seq;
	long nr_pages[1]; // generations times (anonymous, file) times zones
};

struct lruvec {
	struct lru_gen_folio lrugen;
};

struct mem_cgroup_per_node {
	struct lruvec lruvec;
	unsigned long lru_zone_size[1]; // zones times lists: BTF has no arrays of arrays
};

struct mem_cgroup {
	struct cgroup_subsys_state css;
	struct page_counter memory;
	struct page_counter swap;
	atomic_long_t memory_events[1];
	struct mem_cgroup_per_node *nodeinfo[1];
};

struct pids_cgroup {
	struct cgroup_subsys_state css;
	atomic_long_t counter;
};

struct oom_control {
	struct mem_cgroup *memcg; // NULL: the whole machine is out of memory
	struct task_struct *chosen;
};

enum cgroup_subsys_id { cpu_cgrp_id = 1, memory_cgrp_id = 2, pids_cgrp_id = 3 };

enum lru_list { LRU_INACTIVE_FILE = 2, LRU_ACTIVE_FILE = 3, NR_LRU_LISTS = 5 };

enum memcg_memory_event { MEMCG_HIGH = 1, MEMCG_MAX = 2, MEMCG_OOM = 3, MEMCG_OOM_KILL = 4 };

// rss_stat: an array of atomics in a structure of its own up to 6.1, per-CPU counters since 6.2.
struct percpu_counter {
	__s64 count;
};

struct mm_rss_stat {
	atomic_long_t count[1];
};

struct mm_struct___until_6_1 {
	struct mm_rss_stat rss_stat;
};

struct mm_struct___since_6_2 {
	struct percpu_counter rss_stat[1];
};

#pragma clang attribute pop

#endif
