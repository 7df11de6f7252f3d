/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
// What the programs and the addon both know. All sizes are multiples of 8; native/events.ts and native/slots.ts read the same layout.
#ifndef HEADROOM_SHARED_H
#define HEADROOM_SHARED_H

#include <linux/types.h>

// A cgroup that the agent tracks, found by its id (the inode of its directory).
struct track {
	__u64 sent_ns; // CLOCK_MONOTONIC of the last event: the rate limit
	__u64 checked_ns; // of the last look behind the threshold
	__u32 slot; // place in the hook's array, if it has one
	__u32 unused;
};

// Events of one hook since it was loaded.
struct counts {
	__u64 sent;
	__u64 limited; // held back by the rate limit
	__u64 dropped; // lost: the ring buffer was full
};

// What `values` hold is each program's own business and said there.
struct event {
	__u64 cgroup; // id of the tracked cgroup
	__u64 boot_ns; // CLOCK_BOOTTIME of the event
	__u64 values[4];
};

#define PATH_BYTES 472

// A cgroup was made or removed. The path is the kernel's: from the root of the cgroup2 tree, with a leading slash, 0 at its end.
struct life_event {
	__u64 cgroup;
	__u64 boot_ns;
	__u64 parent; // id of the cgroup above
	__u32 born; // 1: made, 0: removed
	__u32 path_bytes; // with the final 0; PATH_BYTES may mean that it was cut off
	char path[PATH_BYTES];
};

#define DELAY_BUCKETS 12

// Bucket n counts waits in [threshold << n, threshold << (n + 1)); the last one has no upper end.
struct run_queue_slot {
	__u32 buckets[DELAY_BUCKETS];
	__u64 delay_ns; // sum of the waits that were counted
	__u64 unused;
};

// One cgroup as the iterator saw it. A controller that is off leaves its fields at ~0.
struct sample_slot {
	__u64 pass; // the pass that wrote it: an older one means that the cgroup is gone
	__u64 cpu_usage_ns;
	__u64 periods;
	__u64 throttled_periods;
	__u64 throttled_ns;
	__u64 quota_ns; // ~0: unlimited
	__u64 period_ns;
	__u64 memory_pages;
	__u64 memory_limit_pages; // ~0: unlimited
	__u64 memory_high_pages; // ~0: unlimited
	__u64 inactive_file_pages; // of this cgroup alone, not of those below it
	__u64 active_file_pages;
	__u64 events_high;
	__u64 events_max;
	__u64 events_oom;
	__u64 events_oom_kill;
	__u64 pids;
	__u64 swap_pages;
};

#endif
