/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
// Memory that can't be given back came within reach of memory.max: the only signal before the limit is met.
// page_counter_try_charge runs once for a batch of 64 pages, with the counter of the cgroup that is charged; limits may sit above it.
// Values: pages charged with this batch, memory.max in pages, pages of file cache.
#define SENDS_EVENTS
#define RING_BYTES 65536
#include "signal.h"
#include "memory.h"

#define UNLIMITED_PAGES (1UL << 50)

const volatile __u64 percent = 90; // of memory.max
const volatile __u64 check_ns = 1000000; // a cgroup that recycles its cache at the limit is looked at no more often

// Exactly the tracked cgroup: a limit that a container sets on its own children is none that a resize could lift.
static __always_inline void look(struct page_counter *counter, __u64 usage, __u64 max)
{
	void *plain; // a copy without a type: the verifier allows no step back from the counter to what holds it
	bpf_probe_read_kernel(&plain, sizeof(plain), &counter);
	struct mem_cgroup *memcg = plain - bpf_core_field_offset(struct mem_cgroup, memory);
	__u64 id = BPF_CORE_READ(memcg, css.cgroup, kn, id);
	struct track *track = track_of(id);
	if (!track)
		return;
	__u64 now = bpf_ktime_get_ns();
	if (now - track->checked_ns < check_ns)
		return;
	track->checked_ns = now;
	__u64 file = file_pages(memcg);
	if (file > usage || (usage - file) * 100 < max * percent || held_back(track))
		return;
	send(id, usage, max, file, 0);
}

SEC("fentry/page_counter_try_charge")
int BPF_PROG(memory_alarm, struct page_counter *counter, unsigned long pages)
{
	for (int level = 0; level < MOST_LEVELS && counter; level++) {
		__u64 max = counter->max;
		__u64 usage = counter->usage.counter + pages;
		if (max < UNLIMITED_PAGES && usage * 100 >= max * percent)
			look(counter, usage, max);
		counter = counter->parent;
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
