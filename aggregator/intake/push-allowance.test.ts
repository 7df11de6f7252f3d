import { describe, expect, it } from 'vitest';
import { createPushAllowance } from './push-allowance.ts';

const KIB = 1024;

function pushed(
  nodes: readonly string[],
  everyMs: number,
  bytes: number,
  forMs: number,
): Readonly<Record<string, number>> {
  let nowMs = 0;
  const allowance = createPushAllowance(() => nowMs);
  const taken: Record<string, number> = {};
  for (; nowMs < forMs; nowMs += everyMs) {
    for (const node of nodes) {
      if (!allowance.has(node)) continue;
      allowance.spend(node, bytes);
      taken[node] = (taken[node] ?? 0) + 1;
    }
  }
  return taken;
}

describe('what one node may push', () => {
  it('is never felt by an agent at its fastest, nor by hundreds of urgent pushes at once', () => {
    expect(pushed(['n1'], 1000, 131 * KIB, 600_000)).toEqual({ n1: 600 });
    expect(pushed(['n1'], 2, 4 * KIB, 1000)).toEqual({ n1: 500 });
    // Dozens of containers that run short at once, each told of as the kernel speaks of it.
    expect(pushed(['n1'], 10, KIB, 600_000)).toEqual({ n1: 60_000 });
  });

  it('comes to an end for one that floods, and to half a MiB a second from then on', () => {
    const { n1 = 0 } = pushed(['n1'], 1, 0, 60_000);
    // 16 MiB at once and 0.5 MiB a second, 4 KiB each.
    expect(n1).toBeGreaterThan(11_700);
    expect(n1).toBeLessThan(11_850);
    const { n2 = 0 } = pushed(['n2'], 10, 4096 * KIB, 60_000);
    expect(n2).toBeLessThan(16);
  });

  it('is each node’s own', () => {
    let nowMs = 0;
    const allowance = createPushAllowance(() => nowMs);
    while (allowance.has('n1')) allowance.spend('n1', 4096 * KIB);
    expect([allowance.has('n1'), allowance.has('n2')]).toEqual([false, true]);
    nowMs += 1000;
    expect(allowance.has('n1')).toBe(true);
  });

  it('is remembered of so many nodes and no more', () => {
    const allowance = createPushAllowance(() => 0);
    while (allowance.has('n1')) allowance.spend('n1', 4096 * KIB);
    for (let node = 0; node < 12_000; node++) allowance.has(`other-${node}`);
    expect(allowance.has('n1')).toBe(true);
  });
});
