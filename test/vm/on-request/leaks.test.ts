// A hundred leaks of 100 MiB/s in the small machine: how many are signalled before their limit is met, with eBPF and without, and that
// reading files is no shortage.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Leak, LeaksReader } from '../guest/leaks.ts';
import type { Pushed } from '../guest/pushes.ts';
import { guestResults } from './guest-results.ts';

const LEAKS = 100;
const TIMEOUT_MS = 1_200_000;
const say = (text: string): void => void process.stderr.write(`leaks: ${text}\n`);

let leaks: readonly Leak[];
let results: ReadonlyMap<string, unknown>;

beforeAll(async () => {
  results = await guestResults('leaks', TIMEOUT_MS);
  leaks = results.get('leaks') as readonly Leak[];
  for (const agent of ['bpf', 'plain'] as const) {
    const ahead = leaks.map((leak) => leak.limitBootMs - (leak[agent]?.raisedBootMs ?? Infinity));
    const [p1, p50, p99] = [0.01, 0.5, 0.99].map((share) => Math.round(quantile(ahead, share)));
    say(
      `${agent}: ${early(agent)} of ${leaks.length} raised before the limit was met; ahead by ${p1} / ${p50} / ${p99} ms (p1, p50, p99)`,
    );
    const pushMs = leaks.flatMap((leak) =>
      leak[agent] ? [leak[agent].receivedBootMs - leak[agent].raisedBootMs] : [],
    );
    say(
      `${agent}: from judgement to receipt ${Math.round(quantile(pushMs, 0.5))} / ${Math.round(quantile(pushMs, 0.99))} ms (p50, p99)`,
    );
    const late = leaks.flatMap((leak, number) => (isEarly(leak[agent], leak.limitBootMs) ? [] : [{ number, ...leak }]));
    if (late.length > 0) say(`${agent}: not before: ${JSON.stringify(late)}`);
  }
});

function early(agent: 'bpf' | 'plain'): number {
  return leaks.filter((leak) => isEarly(leak[agent], leak.limitBootMs)).length;
}

function isEarly(pushed: Pushed | undefined, limitBootMs: number): boolean {
  return pushed !== undefined && pushed.raisedBootMs < limitBootMs;
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? NaN;
}

describe('a hundred leaks of 100 MiB/s', () => {
  it('are raised before the limit is met in at least 99 by the kernel’s alarm', () => {
    expect(leaks).toHaveLength(LEAKS);
    expect(leaks.every(({ limitBootMs }) => limitBootMs < Infinity)).toBe(true);
    expect(early('bpf')).toBeGreaterThanOrEqual(99);
  });

  it('are raised without eBPF too, as soon as inotify, PSI and counters can tell', () => {
    expect(leaks.filter(({ plain }) => plain !== undefined).length).toBeGreaterThanOrEqual(90);
  });

  it('are told from a container that only reads files, which raises nothing', () => {
    const { limitEvents, shortages } = results.get('reader') as LeaksReader;
    expect(limitEvents).toBeGreaterThan(100);
    expect(shortages).toBe(0);
  });

  it('were seen with eBPF and its iterator by the one agent, and without by the other', () => {
    expect(results.get('bpf metrics')).toMatch(/^headroom_agent_capability\{name="ebpf_cgroup_sampler",cause=""\} 1$/m);
    expect(results.get('bpf metrics')).not.toMatch(/^headroom_agent_hook_events_total\{.*outcome="dropped"\} [1-9]/m);
    expect(results.get('plain metrics')).toMatch(
      /^headroom_agent_capability\{name="ebpf_memory_alarm",cause="this kernel has no BTF.*\} 0$/m,
    );
    expect(results.get('plain metrics')).toMatch(/^headroom_agent_capability\{name="psi_triggers",cause=""\} 1$/m);
  });
});
