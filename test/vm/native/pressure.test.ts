// PSI triggers on the running kernel, through the event loop.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../guest/until.ts';
import { ownCgroups } from './own-cgroup2.ts';
import { builtNative, ready } from './ready.ts';

const WAIT_MS = 15_000;
/** Windows of whole multiples of 2 s need no capability. */
const TRIGGER = { kind: 'some', stallUs: 100_000, windowUs: 2_000_000 } as const;

const native = builtNative(1);
const cgroups = ownCgroups();

afterEach(() => cgroups.clean());

describe('a PSI trigger', () => {
  it('fires when tasks stall, and not when they do not', async () => {
    const [busy, quiet] = [cgroups.make('busy'), cgroups.make('quiet')];
    const wakes = { busy: 0, quiet: 0 };
    const triggers = [
      ready(native.openPressure(join(busy.directory, 'cpu.pressure'), TRIGGER, () => wakes.busy++)),
      ready(native.openPressure(join(quiet.directory, 'cpu.pressure'), TRIGGER, () => wakes.quiet++)),
    ];
    for (let child = 0; child < 3; child++) cgroups.run(busy, 'taskset', '-c', '0', 'sh', '-c', 'while :; do :; done');
    await until('a wake', WAIT_MS, () => (wakes.busy > 0 ? true : undefined));
    expect(wakes.quiet).toBe(0);
    for (const trigger of triggers) trigger.close();
  });

  it('ends with its cgroup, once, and leaves no descriptor', async () => {
    const descriptors = readdirSync('/proc/self/fd').length;
    const cgroup = cgroups.make('short');
    const told: string[] = [];
    const trigger = ready(
      native.openPressure(join(cgroup.directory, 'cpu.pressure'), TRIGGER, (kind) => told.push(kind)),
    );
    await cgroups.clean();
    await until('its end', WAIT_MS, () => told[0]);
    expect(told).toEqual(['ended']);
    trigger.close();
    await until('the loop to let go', WAIT_MS, () =>
      readdirSync('/proc/self/fd').length <= descriptors ? true : undefined,
    );
    expect(told).toEqual(['ended']);
  });

  it('says what is wrong with a file that is not there', () => {
    const attempt = native.openPressure('/sys/fs/cgroup/nowhere/cpu.pressure', TRIGGER, () => undefined);
    expect(attempt).toMatchObject({ kind: 'missing', cause: 'there is no such pressure file' });
  });
});
