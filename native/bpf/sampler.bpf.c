/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
// Linux 6.16 and later: the flush takes a controller's state; `self` is that of the CPU usage itself.
#include "sampler.h"

extern void css_rstat_flush(struct cgroup_subsys_state *css) __ksym;

SEC("iter.s/cgroup")
int sampler(struct bpf_iter__cgroup *context)
{
	struct cgroup *cgroup = context->cgroup;
	if (!cgroup)
		return 0;
	if (context->meta->seq_num == 0) // the root, before all others: one flush for the whole tree
		css_rstat_flush(&cgroup->self);
	return sample(cgroup);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
