/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
// A cgroup is out of memory and the kernel begins to look for a victim, some milliseconds before it names one.
// Values: pages in use and memory.max in pages of the cgroup whose limit it is, pages of its file cache.
#define SENDS_EVENTS
#define RING_BYTES 65536
#include "signal.h"
#include "memory.h"

SEC("fentry/mem_cgroup_out_of_memory")
int BPF_PROG(oom_begin, struct mem_cgroup *memcg)
{
	__u64 id;
	struct track *track = tracked_above(&memcg->css, &id);
	if (!track || held_back(track))
		return 0;
	send(id, memcg->memory.usage.counter, memcg->memory.max, file_pages(memcg), 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
