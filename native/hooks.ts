// The signals that eBPF gives, and the programs that give them, best first: one that the kernel refuses is followed by the next.

export type HookName =
  'memory-alarm' | 'oom-begin' | 'oom-victim' | 'throttle' | 'run-queue' | 'cgroup-life' | 'cgroup-sampler';

export interface HookKind {
  /** native/bpf/<program>.bpf.c */
  readonly programs: readonly string[];
  /** What the agent does without it. */
  readonly fallback: string;
}

export const HOOKS: Readonly<Record<HookName, HookKind>> = {
  'memory-alarm': {
    programs: ['memory_alarm'],
    fallback: 'memory near its limit is seen by sampling, up to 1 s later',
  },
  'oom-begin': { programs: ['oom_begin'], fallback: 'an OOM is seen in memory.events' },
  'oom-victim': {
    programs: ['oom_victim', 'oom_victim_fentry'],
    fallback: 'OOM kills are counted from memory.events, without their victim',
  },
  throttle: { programs: ['throttle'], fallback: 'throttling is seen in cpu.stat, up to 1 s later' },
  'run-queue': { programs: ['run_queue'], fallback: 'waiting for a CPU is seen in cpu.pressure' },
  'cgroup-life': { programs: ['cgroup_life'], fallback: 'new and gone containers are seen by inotify' },
  'cgroup-sampler': { programs: ['sampler', 'sampler_6_1'], fallback: 'counters are read from files' },
};

/** All of them need light skeletons with CO-RE in the kernel (5.17); the fields they read were checked from 6.1 on. */
export const FIRST_KERNEL = '6.1';
