// The addon in worker threads: several environments in one process, each ended while its hooks and triggers are open and its events come.
import { mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../guest/until.ts';
import type { BundledProgram } from './bundled-program.ts';
import { bundledProgram, REPOSITORY } from './bundled-program.ts';
import { HIERARCHY, ownCgroups } from './own-cgroup2.ts';

const ROUNDS = 8;
const WAIT_MS = 20_000;

const PROGRAM = `
  import { parentPort, workerData } from 'node:worker_threads';
  import { openNative } from './native/index.ts';
  import { loadAddon } from './native/addon.ts';
  const native = openNative(16, loadAddon([workerData.addon])).value;
  const kept = [
    native.openEvents('cgroup-life', {}, () => parentPort.postMessage('event')),
    native.openEvents('oom-victim', {}, () => undefined),
    native.openRunQueue({}),
    native.openSampler(workerData.root, {}),
    native.openPressure(workerData.root + '/' + workerData.own + '/cpu.pressure', { kind: 'some', stallUs: 1e5, windowUs: 2e6 }, () => undefined),
  ];
  const views = [kept[2].value.slots, kept[3].value.slots];
  parentPort.postMessage(kept.map(({ kind }) => kind).join());
  setInterval(() => kept[3].value.walk() ?? views, 1);
`;

let program: BundledProgram;

beforeAll(async () => {
  program = await bundledProgram(PROGRAM);
});
afterAll(() => program.remove());

it('ends with each worker, in whatever state it was, and leaves neither descriptor nor mapping', async () => {
  const cgroups = ownCgroups();
  const own = cgroups.make('worker');
  const addon = `file://${join(REPOSITORY, 'build/Release/headroom.node')}`;
  const round = async (): Promise<void> => {
    const worker = new Worker(program.path, {
      workerData: { addon, root: HIERARCHY.root, own: own.path },
    });
    let [opened, events] = ['', 0];
    worker.on('message', (message: string) => void (message === 'event' ? events++ : (opened = message)));
    const failed = new Promise<never>((_, reject) => worker.once('error', reject));
    await Promise.race([until('hooks in the worker', WAIT_MS, () => opened || undefined, 5), failed]);
    expect(opened).toBe('ready,ready,ready,ready,ready');
    const churned = join(HIERARCHY.root, `headroom-test-${process.pid}-in-worker`);
    for (let at = 0; at < 50; at++) {
      mkdirSync(churned);
      rmdirSync(churned);
    }
    await Promise.race([until('events in the worker', WAIT_MS, () => events || undefined, 5), failed]);
    await worker.terminate();
  };
  const mapped = (): number => readdirSync('/proc/self/map_files').length;
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  try {
    await round();
    const [files, maps] = [descriptors(), mapped()];
    for (let at = 0; at < ROUNDS; at++) await round();
    await until('descriptors closed', WAIT_MS, () => (descriptors() <= files ? true : undefined));
    await until('mappings gone', WAIT_MS, () => (mapped() <= maps + 2 ? true : undefined));
  } finally {
    await cgroups.clean();
  }
});
