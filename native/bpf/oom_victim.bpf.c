/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
// tp_btf/mark_victim hands over the task since 6.8 (6.1 and 6.6 by stable updates). Before, it was a number: then the load is refused and
// oom_victim_fentry takes over.
#include "victim.h"

SEC("tp_btf/mark_victim")
int BPF_PROG(oom_victim, struct task_struct *task)
{
	return send_victim(task);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
