/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
// What every program that sends events has: the tracked cgroups, a ring buffer, a rate limit per cgroup, and counts of what was held back.
#ifndef HEADROOM_SIGNAL_H
#define HEADROOM_SIGNAL_H

#include "kernel.h"
#include "shared.h"

// A container's cgroup is four levels deep under systemd; this leaves room for what a container nests below itself.
#define MOST_LEVELS 12

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct track);
} tracked SEC(".maps");

static __always_inline struct track *track_of(__u64 id)
{
	return bpf_map_lookup_elem(&tracked, &id);
}

// The first tracked cgroup from here upwards: what a container nests below itself counts for the container. `id` becomes its id.
static __always_inline struct track *tracked_above(struct cgroup_subsys_state *css, __u64 *id)
{
	for (int level = 0; level < MOST_LEVELS && css; level++) {
		*id = BPF_CORE_READ(css, cgroup, kn, id);
		struct track *track = track_of(*id);
		if (track)
			return track;
		css = BPF_CORE_READ(css, parent);
	}
	return 0;
}

#ifdef SENDS_EVENTS

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} events SEC(".maps");

const volatile __u64 interval_ns = 100000000; // least time between two events of one cgroup

struct counts counts;

static __always_inline void count(__u64 *counter)
{
	__sync_fetch_and_add(counter, 1);
}

// Two CPUs may both pass at the same instant: one event more, which does no harm.
static __always_inline bool held_back(struct track *track)
{
	__u64 now = bpf_ktime_get_ns();
	if (track->sent_ns && now - track->sent_ns < interval_ns) {
		count(&counts.limited);
		return 1;
	}
	track->sent_ns = now;
	return 0;
}

static __always_inline void send(__u64 cgroup, __u64 a, __u64 b, __u64 c, __u64 d)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		count(&counts.dropped);
		return;
	}
	event->cgroup = cgroup;
	event->boot_ns = bpf_ktime_get_boot_ns();
	event->values[0] = a;
	event->values[1] = b;
	event->values[2] = c;
	event->values[3] = d;
	bpf_ringbuf_submit(event, 0);
	count(&counts.sent);
}

#endif

#endif
