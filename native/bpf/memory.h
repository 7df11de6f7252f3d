/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
// Reading a mem_cgroup where it lies. Its page counters are exact and hierarchical; its LRU sizes are exact but its own alone.
#ifndef HEADROOM_MEMORY_H
#define HEADROOM_MEMORY_H

#include "kernel.h"

#define MOST_NODES 8
#define MOST_ZONES 6
#define LISTS 5
#define GENERATIONS 4

const volatile __u64 numa_nodes = 1; // mem_cgroup.nodeinfo has one entry a possible node and no length of its own

// File cache in pages, as memory.stat has it.
struct file_cache {
	__u64 inactive;
	__u64 active;
};

// The two lists of old. Zero where the multi-generational LRU is on.
static __always_inline void add_lists(struct mem_cgroup_per_node *at, struct file_cache *cache)
{
	unsigned long sizes[MOST_ZONES * LISTS] = {};
	__u32 bytes = bpf_core_field_size(at->lru_zone_size);
	if (bytes > sizeof(sizes))
		return;
	bpf_core_read(sizes, bytes, &at->lru_zone_size);
	for (int zone = 0; zone < MOST_ZONES; zone++) {
		cache->inactive += sizes[zone * LISTS + bpf_core_enum_value(enum lru_list, LRU_INACTIVE_FILE)];
		cache->active += sizes[zone * LISTS + bpf_core_enum_value(enum lru_list, LRU_ACTIVE_FILE)];
	}
}

// The multi-generational LRU (CONFIG_LRU_GEN) keeps its own sizes; its two youngest generations count as active.
static __always_inline void add_generations(struct mem_cgroup_per_node *at, struct file_cache *cache)
{
	if (!bpf_core_field_exists(at->lruvec.lrugen))
		return;
	__u32 bytes = bpf_core_field_size(at->lruvec.lrugen.nr_pages) / GENERATIONS / 2;
	__u64 youngest = BPF_CORE_READ(at, lruvec.lrugen.max_seq);
	for (__u32 generation = 0; generation < GENERATIONS; generation++) {
		long zones[MOST_ZONES] = {};
		if (bytes > sizeof(zones))
			return;
		void *pages = (void *)at + bpf_core_field_offset(at->lruvec.lrugen.nr_pages);
		bpf_probe_read_kernel(zones, bytes, pages + (generation * 2 + 1) * bytes);
		long sum = 0;
		for (int zone = 0; zone < MOST_ZONES; zone++)
			sum += zones[zone];
		if (sum < 0)
			continue; // moving from one generation to another
		if ((youngest - generation) % GENERATIONS < 2)
			cache->active += sum;
		else
			cache->inactive += sum;
	}
}

static __always_inline struct file_cache file_cache(struct mem_cgroup *memcg)
{
	struct file_cache cache = {};
	for (__u32 node = 0; node < MOST_NODES && node < numa_nodes; node++) {
		struct mem_cgroup_per_node *at = 0;
		bpf_core_read(&at, sizeof(at), (struct mem_cgroup_per_node **)&memcg->nodeinfo + node);
		if (!at)
			break;
		add_lists(at, &cache);
		add_generations(at, &cache);
	}
	return cache;
}

static __always_inline __u64 file_pages(struct mem_cgroup *memcg)
{
	struct file_cache cache = file_cache(memcg);
	return cache.inactive + cache.active;
}

#endif
