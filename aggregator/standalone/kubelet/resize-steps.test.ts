import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NamedResources, Step } from './resize-steps.ts';
import { resizeSteps } from './resize-steps.ts';

const sizes = fc.record({ cpu: fc.integer({ min: 1, max: 9 }), memory: fc.integer({ min: 1, max: 9 }) });
const both = fc.array(fc.tuple(sizes, sizes), { minLength: 1, maxLength: 4 });

function named(all: readonly { cpu: number; memory: number }[]): readonly NamedResources[] {
  return all.map(({ cpu, memory }, at) => ({
    name: `c${at}`,
    resources: { requests: { cpu: `${cpu}` }, limits: { cpu: `${cpu}`, memory: `${memory}Mi` } },
  }));
}

describe('resizeSteps', () => {
  it('never lets the containers add up to more memory or CPU than their pod, whatever step it is at', () => {
    fc.assert(
      fc.property(both, (pairs) => {
        const before = named(pairs.map(([from]) => from));
        const after = named(pairs.map(([, to]) => to));
        for (const knob of ['memory.limit', 'cpu.limit'] as const) {
          const now = limitsOf(before, knob);
          for (const step of resizeSteps(before, after).filter((one) => one.knob === knob)) {
            expect(step.from).toBe(now.get(step.container));
            now.set(step.container, step.to!);
            const sum = [...now].reduce((total, [name, amount]) => (name === '' ? total : total + amount), 0);
            expect(sum).toBeLessThanOrEqual(now.get('')!);
          }
          expect(now).toEqual(limitsOf(after, knob));
        }
      }),
    );
  });

  it('puts memory before CPU, and does nothing where nothing changes', () => {
    const steps = resizeSteps(named([{ cpu: 1, memory: 1 }]), named([{ cpu: 2, memory: 2 }]));
    expect(steps.map(({ container, knob }: Step) => `${container || 'pod'} ${knob}`)).toEqual([
      'pod memory.limit',
      'c0 memory.limit',
      'pod cpu.limit',
      'pod cpu.request',
      'c0 cpu.limit',
      'c0 cpu.request',
    ]);
    expect(resizeSteps(named([{ cpu: 1, memory: 1 }]), named([{ cpu: 1, memory: 1 }]))).toEqual([]);
  });
});

function limitsOf(all: readonly NamedResources[], knob: 'memory.limit' | 'cpu.limit'): Map<string, number> {
  const amounts = all.map(({ name, resources }): [string, number] => [
    name,
    knob === 'cpu.limit'
      ? Number(resources!.limits!['cpu']) * 1000
      : Number.parseInt(resources!.limits!['memory']!, 10) * 1024 ** 2,
  ]);
  return new Map([['', amounts.reduce((sum, [, amount]) => sum + amount, 0)], ...amounts]);
}
