import { describe, expect, it } from 'vitest';
import { markMemory, memoryMoved, neverRead, pressureDue, rowDue, slowDue, withinReach } from './cadence.ts';
import { emptySample } from './cgroup/sample.ts';
import type { Sample } from './cgroup/sample.ts';
import type { Identity, RowKind } from './protocol/identity.ts';

const MIB = 1024 * 1024;

function identity(kind: RowKind, ref: number): Identity {
  return { ref, kind, podUid: '', containerId: '', cgroup: '', startBootMs: 0 };
}

function sample(fields: Partial<Sample>): Sample {
  return { ...emptySample(), activeFileBytes: 0, inactiveFileBytes: 0, ...fields };
}

describe('rowDue, slowDue', () => {
  const ticks = Array.from({ length: 20 }, (_, tick) => tick);

  it('reads containers and the node each tick, pods and slices each fifth', () => {
    const reads = (kind: RowKind): number => ticks.filter((tick) => rowDue(identity(kind, 3), tick)).length;
    expect([reads('container'), reads('node'), reads('pod'), reads('slice')]).toEqual([20, 20, 4, 4]);
  });

  it('reads slow files every fifth tick, a fifth of the containers at a time, and only in ticks that read the row', () => {
    for (const tick of ticks) {
      const due = Array.from({ length: 100 }, (_, ref) => ref).filter((ref) =>
        slowDue(identity('container', ref), tick),
      );
      expect(due).toHaveLength(20);
      for (let ref = 0; ref < 40; ref++) {
        if (slowDue(identity('pod', ref), tick)) expect(rowDue(identity('pod', ref), tick)).toBe(true);
      }
    }
  });
});

describe('pressureDue', () => {
  it('is each tick for a container that runs or stalled, and left to the slow files otherwise', () => {
    const container = identity('container', 1);
    expect(pressureDue(container, 50, false)).toBe(true);
    expect(pressureDue(container, 0, true)).toBe(true);
    expect(pressureDue(container, NaN, false)).toBe(true);
    expect(pressureDue(container, 0, false)).toBe(false);
    expect(pressureDue(identity('pod', 1), 50, true)).toBe(false);
  });
});

describe('memoryMoved', () => {
  const mark = neverRead();
  markMemory(mark, sample({ memoryCurrentBytes: 100 * MIB, eventsMax: 3, eventsHigh: 0, eventsOom: 0 }));

  it('is so when usage moved by more than one percent', () => {
    const moved = (mib: number): boolean =>
      memoryMoved(sample({ memoryCurrentBytes: mib * MIB, eventsMax: 3, eventsHigh: 0, eventsOom: 0 }), mark);
    expect([moved(100), moved(100.9), moved(102), moved(98)]).toEqual([false, false, true, true]);
  });

  it('is so when the kernel reclaimed under the same usage', () => {
    const full = sample({ memoryCurrentBytes: 100 * MIB, eventsMax: 4, eventsHigh: 0, eventsOom: 0 });
    expect(memoryMoved(full, mark)).toBe(true);
  });

  it('is so before memory.stat was ever read, and never without memory.current', () => {
    expect(memoryMoved(sample({ memoryCurrentBytes: 0 }), neverRead())).toBe(true);
    expect(memoryMoved(sample({}), neverRead())).toBe(false);
  });
});

describe('withinReach', () => {
  const limited = { memoryLimitBytes: 100 * MIB };

  it('goes by need, not by cache', () => {
    expect(withinReach(sample({ ...limited, memoryCurrentBytes: 71 * MIB }), 0)).toBe(true);
    expect(withinReach(sample({ ...limited, memoryCurrentBytes: 99 * MIB, inactiveFileBytes: 60 * MIB }), 0)).toBe(
      false,
    );
  });

  it('sees a steep growth coming, and nothing without a limit', () => {
    const small = sample({ ...limited, memoryCurrentBytes: 10 * MIB });
    expect([withinReach(small, 10 * MIB), withinReach(small, 5 * MIB), withinReach(small, NaN)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(withinReach(sample({ memoryLimitBytes: Infinity, memoryCurrentBytes: MIB }), 1e12)).toBe(false);
  });
});
