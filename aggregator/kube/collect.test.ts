import { PerformanceObserver } from 'node:perf_hooks';
import { expect, it, vi } from 'vitest';
import { collectedOnce, exposeCollector, exposedCollector } from './collect.ts';

it('collects once, when the check and the others hold for the first time', () => {
  const done: string[] = [];
  let problem: string | undefined = 'not yet';
  let others = false;
  const check = collectedOnce(
    () => problem,
    () => others,
    { young: () => {}, whole: () => void done.push('whole'), save: () => void done.push('save') },
  );
  expect([check(), ...done]).toEqual(['not yet']);
  problem = undefined;
  expect([check(), ...done]).toEqual([undefined]);
  others = true;
  expect([check(), check(), ...done]).toEqual([undefined, undefined, 'save', 'whole']);
  problem = 'again';
  expect([check(), ...done]).toEqual(['again', 'save', 'whole']);
});

it('asks V8 for what it was started with, and for nothing else', () => {
  const asked: unknown[] = [];
  const { gc } = globalThis;
  try {
    globalThis.gc = ((options: unknown) => void asked.push(options)) as typeof gc;
    const { young, whole } = exposedCollector();
    young();
    whole();
    Reflect.deleteProperty(globalThis, 'gc');
    exposedCollector().young();
    exposedCollector().whole();
  } finally {
    if (gc) globalThis.gc = gc;
  }
  expect(asked).toEqual([{ type: 'minor' }, { type: 'major', flavor: 'last-resort' }]);
});

it('collects where the process was started without V8’s flag for it', async () => {
  const { gc } = globalThis;
  Reflect.deleteProperty(globalThis, 'gc');
  const collections: unknown[] = [];
  const observer = new PerformanceObserver((list) => void collections.push(...list.getEntries()));
  observer.observe({ entryTypes: ['gc'] });
  try {
    exposeCollector();
    for (let asked = 0; asked < 20; asked++) exposedCollector().young();
    await vi.waitFor(() => expect(collections.length).toBeGreaterThanOrEqual(20));
  } finally {
    observer.disconnect();
    if (gc) globalThis.gc = gc;
    else Reflect.deleteProperty(globalThis, 'gc');
  }
});
