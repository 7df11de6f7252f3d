import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fakeCgroup } from '../test/fakes/fake-node.ts';
import { openHierarchy } from './cgroup/hierarchy.ts';
import { SignalLog } from './debug/signal-log.ts';
import { createKernelSignals } from './kernel-signals.ts';
import type { KernelSignals } from './kernel-signals.ts';
import { Roster } from './roster.ts';
import type { Row } from './row.ts';
import { systemClock } from './runtime/clock.ts';
import { silentLogger } from './runtime/logger.ts';

const PATH = 'kubepods/pod1/c1';
const made: { readonly folder: string; readonly kernel: KernelSignals }[] = [];

afterEach(() => {
  for (const { folder, kernel } of made.splice(0)) {
    kernel.close();
    rmSync(folder, { recursive: true });
  }
});

function setUp() {
  const folder = mkdtempSync(join(tmpdir(), 'headroom-signals-'));
  writeFileSync(join(folder, 'cgroup.controllers'), 'cpu memory\n');
  const directory = join(folder, PATH);
  mkdirSync(directory, { recursive: true });
  const say = (max: number): void =>
    writeFileSync(join(directory, 'memory.events'), `low 0\nhigh 0\nmax ${max}\noom 0\noom_kill 0\n`);
  say(0);
  const clock = systemClock();
  const roster = new Roster({ clock, log: silentLogger, cpus: 2, open: () => fakeCgroup().files });
  const found = {
    kind: 'container',
    podUid: 'p',
    containerId: 'c',
    qos: '',
    startWallMs: NaN,
    path: PATH,
    inode: 1,
  } as const;
  const row = roster.add(found, false);
  const attended: Row[] = [];
  const signals = new SignalLog();
  const hierarchy = openHierarchy(folder);
  const kernel = createKernelSignals({ hierarchy, clock, roster, signals, attend: (each) => attended.push(each) });
  made.push({ folder, kernel });
  kernel.found(found);
  return { kernel, say, row, attended, signals };
}

describe('kernel signals', () => {
  it('have a container read at once when its memory.events change, and show the signal', async () => {
    const { kernel, say, row, attended, signals } = setUp();
    say(1);
    await expect.poll(() => attended.length, { timeout: 5000 }).toBe(1);
    expect(attended[0]).toBe(row);
    expect(kernel.counts.get('memory-events')).toBeGreaterThan(0);
    expect(signals.entries()).toMatchObject([{ kind: 'memory-events', ref: row?.identity.ref, resource: 'memory' }]);
  });

  it('show a storm as one line, and read the container ten times a second at most', async () => {
    const { kernel, say, attended, signals } = setUp();
    const endMs = performance.now() + 400;
    for (let max = 1; performance.now() < endMs; max++) {
      say(max);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(() => kernel.counts.get('memory-events') ?? 0, { timeout: 5000 }).toBeGreaterThan(4);
    expect(attended.length).toBeLessThan(kernel.counts.get('memory-events') ?? 0);
    expect(signals.entries()).toHaveLength(1);
  });

  it('say what is missing, with the cause, and go on without it', () => {
    const { kernel } = setUp();
    const missing = kernel.capabilities().filter(({ available }) => !available);
    expect(missing.length).toBeGreaterThan(0);
    for (const { name, cause } of missing) expect([name, cause]).not.toEqual([name, '']);
  });
});
