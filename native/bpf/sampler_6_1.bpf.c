/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
// Linux 6.1 to 6.15: the flush takes the cgroup and covers every controller.
#include "sampler.h"

extern void cgroup_rstat_flush(struct cgroup *cgroup) __ksym;

SEC("iter.s/cgroup")
int sampler_6_1(struct bpf_iter__cgroup *context)
{
	struct cgroup *cgroup = context->cgroup;
	if (!cgroup)
		return 0;
	if (context->meta->seq_num == 0) // the root, before all others: one flush for the whole tree
		cgroup_rstat_flush(cgroup);
	return sample(cgroup);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
