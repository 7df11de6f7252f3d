/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
// The victim of an OOM kill: the task that the kernel names. In a global OOM the current task is somebody else altogether.
// Values: process id, pages of anonymous memory, of mapped files, of shared memory.
#ifndef HEADROOM_VICTIM_H
#define HEADROOM_VICTIM_H

#define SENDS_EVENTS
#define RING_BYTES 65536
#include "signal.h"

// Places in rss_stat: MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES, the same on all kernels.
enum { FILE_PAGES = 0, ANON_PAGES = 1, SHMEM_PAGES = 3 };

// Since 6.2 without what the CPUs still hold back: exact to some 32 pages a CPU.
static __always_inline __u64 resident(struct mm_struct *mm, int kind)
{
	__s64 pages = 0;
	if (bpf_core_type_exists(struct mm_rss_stat)) {
		struct mm_struct___until_6_1 *at = (void *)mm;
		bpf_core_read(&pages, sizeof(pages), (atomic_long_t *)&at->rss_stat.count + kind);
	} else {
		struct mm_struct___since_6_2 *at = (void *)mm;
		void *counters = (void *)at + bpf_core_field_offset(struct mm_struct___since_6_2, rss_stat);
		counters += kind * bpf_core_type_size(struct percpu_counter);
		bpf_probe_read_kernel(&pages, sizeof(pages), counters + bpf_core_field_offset(struct percpu_counter, count));
	}
	return pages > 0 ? pages : 0;
}

static __always_inline int send_victim(struct task_struct *task)
{
	__u64 id;
	struct cgroup *cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp);
	if (!cgroup || !tracked_above(&cgroup->self, &id))
		return 0;
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	if (mm)
		send(id, BPF_CORE_READ(task, tgid), resident(mm, ANON_PAGES), resident(mm, FILE_PAGES), resident(mm, SHMEM_PAGES));
	else
		send(id, BPF_CORE_READ(task, tgid), 0, 0, 0);
	return 0;
}

#endif
