/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
// A cgroup used up its cpu.max on one CPU. Newer kernels also call the function when there is nothing to throttle: its answer counts.
// Values: cpu.stat's nr_periods and nr_throttled, quota and period in ns.
#define SENDS_EVENTS
#define RING_BYTES 65536
#include "signal.h"

SEC("fexit/throttle_cfs_rq")
int BPF_PROG(throttle, struct cfs_rq *queue, long throttled)
{
	if (!(throttled & 0xff))
		return 0;
	__u64 id;
	struct track *track = tracked_above(&queue->tg->css, &id);
	if (!track || held_back(track))
		return 0;
	struct cfs_bandwidth *bandwidth = &queue->tg->cfs_bandwidth;
	send(id, bandwidth->nr_periods, bandwidth->nr_throttled, bandwidth->quota, bandwidth->period);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
