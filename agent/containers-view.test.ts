import { describe, expect, it } from 'vitest';
import { fakeCgroup } from '../test/fakes/fake-node.ts';
import { rowView } from './containers-view.ts';
import { Row } from './store/row.ts';

const MIB = 1024 * 1024;

describe('rowView', () => {
  it('shows the newest values, and null for what was not read or has no limit', () => {
    const identity = {
      ref: 3,
      kind: 'container',
      podUid: 'u',
      containerId: 'i',
      cgroup: 'p/c',
      startBootMs: 0,
    } as const;
    const row = new Row(identity, fakeCgroup().files, 0, [], false);
    for (const second of [1, 2]) {
      Object.assign(row.sample, { atBootMs: second * 1000, cpuUsageUs: second * 300_000, memoryLimitBytes: Infinity });
      Object.assign(row.sample, { memoryCurrentBytes: 9 * MIB, activeFileBytes: MIB, inactiveFileBytes: 2 * MIB });
      row.record();
    }
    row.name = { ref: 3, namespace: 'shop', pod: 'web-0', container: 'web' };
    expect(rowView(row, 15_000)).toEqual({
      ref: 3,
      kind: 'container',
      cgroup: 'p/c',
      podUid: 'u',
      containerId: 'i',
      namespace: 'shop',
      pod: 'web-0',
      container: 'web',
      atBootMs: 2000,
      windowMs: 1000,
      cpuMillis: 300,
      cpuLimitMillis: null,
      workingSetBytes: 7 * MIB,
      neededMemoryBytes: 6 * MIB,
      memoryCurrentBytes: 9 * MIB,
      memoryLimitBytes: null,
      pids: null,
      short: false,
      ringSlots: 2,
    });
  });
});
