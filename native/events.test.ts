import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEvents } from './events.ts';
import type { EventHook, KernelEvent } from './events.ts';

const PAGE = 4096;

/** As the addon lays records down: 8 bytes that begin with the length, the record, padding to 8. */
function batchOf(...records: readonly Uint8Array[]): { batch: ArrayBuffer; bytes: number } {
  const batch = new ArrayBuffer(64 * 1024);
  let at = 0;
  for (const record of records) {
    new DataView(batch).setUint32(at, record.length, true);
    new Uint8Array(batch).set(record, at + 8);
    at += 8 + ((record.length + 7) & ~7);
  }
  return { batch, bytes: at };
}

function event(...words: readonly bigint[]): Uint8Array {
  return new Uint8Array(new BigUint64Array(words).buffer);
}

function lifeEvent(id: bigint, parent: bigint, born: number, path: string, told = path.length + 1): Uint8Array {
  const record = new Uint8Array(504);
  record.set(event(id, 5_000_000n, parent));
  new DataView(record.buffer).setUint32(24, born, true);
  new DataView(record.buffer).setUint32(28, told, true);
  record.set(new TextEncoder().encode(path), 32);
  return record;
}

function decoded(hook: EventHook, ...records: readonly Uint8Array[]): KernelEvent[] {
  const { batch, bytes } = batchOf(...records);
  const events: KernelEvent[] = [];
  decodeEvents(hook, batch, bytes, PAGE, (each) => events.push(each));
  return events;
}

describe('decodeEvents', () => {
  it('turns pages into bytes and keeps the instant’s fractions', () => {
    expect(decoded('memory-alarm', event(77n, 1_234_567_890n, 900n, 1000n, 20n, 0n))).toEqual([
      {
        kind: 'memory-alarm',
        cgroupId: 77,
        atBootMs: 1234.56789,
        usageBytes: 900 * PAGE,
        limitBytes: 1000 * PAGE,
        fileBytes: 20 * PAGE,
      },
    ]);
  });

  it('reads ids beyond 32 bits', () => {
    const [victim] = decoded('oom-victim', event(2n ** 40n + 7n, 0n, 4711n, 10n, 1n, 2n));
    expect(victim).toMatchObject({ cgroupId: 2 ** 40 + 7, pid: 4711, anonBytes: 10 * PAGE, shmemBytes: 2 * PAGE });
  });

  it('gives quota and period in microseconds', () => {
    expect(decoded('throttle', event(1n, 0n, 30n, 9n, 20_000_000n, 100_000_000n))[0]).toMatchObject({
      periods: 30,
      throttledPeriods: 9,
      quotaUs: 20_000,
      periodUs: 100_000,
    });
  });

  it('names births and deaths in order, by the path that discovery uses', () => {
    const path = '/kubepods.slice/kubepods-burstable.slice/x';
    expect(decoded('cgroup-life', lifeEvent(9n, 3n, 1, path), lifeEvent(9n, 3n, 0, path))).toEqual([
      { kind: 'cgroup-born', cgroupId: 9, atBootMs: 5, parentId: 3, path: path.slice(1) },
      { kind: 'cgroup-died', cgroupId: 9, atBootMs: 5, parentId: 3, path: path.slice(1) },
    ]);
  });

  it('takes no path from beyond the record', () => {
    expect(decoded('cgroup-life', lifeEvent(9n, 3n, 1, '/a', 4_000_000))[0]).toMatchObject({
      path: expect.stringMatching(/^a\0*$/),
    });
  });

  it('never throws nor reads beyond the batch, whatever lies in it', () => {
    const hooks: EventHook[] = ['memory-alarm', 'oom-begin', 'oom-victim', 'throttle', 'cgroup-life'];
    fc.assert(
      fc.property(fc.constantFrom(...hooks), fc.uint8Array({ maxLength: 2048 }), (hook, bytes) => {
        const batch = new ArrayBuffer(2048);
        new Uint8Array(batch).set(bytes);
        let events = 0;
        decodeEvents(hook, batch, bytes.length, PAGE, () => events++);
        expect(events).toBeLessThanOrEqual(bytes.length / 8);
      }),
    );
  });
});
