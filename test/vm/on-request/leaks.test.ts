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
  for (const limitMib of [128, 64]) tell(limitMib);
});

function tell(limitMib: number): void {
  const some = leaks.filter((leak) => leak.limitMib === limitMib);
  const alarmed = some.filter((leak) => leak.alarmBootMs < leak.limitBootMs).length;
  const heard = some.filter((leak) => leak.heardBootMs < leak.limitBootMs).length;
  const lead = quantile(some.map((leak) => leak.limitBootMs - leak.alarmBootMs), 0.5); // prettier-ignore
  say(
    `${limitMib} MiB: alarm before the limit in ${alarmed} of ${some.length}, by ${Math.round(lead)} ms (p50); heard before it in ${heard}`,
  );
  for (const agent of ['bpf', 'plain'] as const) {
    const early = some.filter((leak) => isEarly(leak[agent], leak.limitBootMs)).length;
    const ahead = some.map((leak) => leak.limitBootMs - (leak[agent]?.raisedBootMs ?? Infinity));
    const [p1, p50] = [0.01, 0.5].map((share) => Math.round(quantile(ahead, share)));
    const pushMs = some.flatMap((leak) => (leak[agent] ? [leak[agent].receivedBootMs - leak[agent].raisedBootMs] : []));
    say(
      `${limitMib} MiB, ${agent}: ${early} of ${some.length} raised before the limit, ahead by ${p1} / ${p50} ms (p1, p50); at the aggregator after ${Math.round(quantile(pushMs, 0.5))} / ${Math.round(quantile(pushMs, 0.99))} ms (p50, p99)`,
    );
    const late = some.filter((leak) => !isEarly(leak[agent], leak.limitBootMs));
    if (late.length > 0) say(`not before: ${JSON.stringify(late)}`);
  }
}

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
    expect(leaks.filter((leak) => leak.alarmBootMs < leak.limitBootMs).length).toBeGreaterThanOrEqual(99);
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
    expect(results.get('plain metrics')).toMatch(
      /^headroom_agent_capability\{name="psi_triggers",cause="("\} 1|a kernel before Linux 7\.3 may crash.*"\} 0)$/m,
    );
  });
});
