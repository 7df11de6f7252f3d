/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
// For kernels whose mark_victim gives a process id only: the same task a step earlier. Misses the others that memory.oom.group kills.
#include "victim.h"

SEC("fentry/oom_kill_process")
int BPF_PROG(oom_victim_fentry, struct oom_control *control)
{
	struct task_struct *task = control->chosen;
	return task ? send_victim(task) : 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
