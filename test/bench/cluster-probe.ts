// Loaded into the aggregator's process before it: what only the inside can tell, asked for by messages. It costs nothing until
// it is asked; the delay of the event loop is read each 10 ms while it is asked for.
import { writeFileSync } from 'node:fs';
import type { Session } from 'node:inspector/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

export type ProbeOrder =
  | { readonly kind: 'delay_begin' | 'delay_end' | 'memory' | 'profile_begin' }
  | { readonly kind: 'profile_end'; readonly file: string };

/** Milliseconds beyond the time that the loop asked to be woken at. */
export interface Delay {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
  readonly heapTotal: number;
  readonly external: number;
  readonly malloced: number;
}

const RESOLUTION_MS = 10;

const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
/** Only a bench that profiles pays for it. */
let session: Session | undefined;

process.on('message', (order: ProbeOrder) => void obey(order));

async function obey(order: ProbeOrder): Promise<void> {
  process.send!((await answer(order)) ?? {});
}

async function answer(order: ProbeOrder): Promise<Delay | Memory | undefined> {
  switch (order.kind) {
    case 'delay_begin':
      delay.reset();
      delay.enable();
      return undefined;
    case 'delay_end':
      delay.disable();
      return { p50Ms: beyond(delay.percentile(50)), p99Ms: beyond(delay.percentile(99)), maxMs: beyond(delay.max) };
    case 'memory': {
      const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
      return { rss, heapUsed, heapTotal, external, malloced: getHeapStatistics().malloced_memory };
    }
    case 'profile_begin':
      session = new (await import('node:inspector/promises')).Session();
      session.connect();
      await session.post('Profiler.enable');
      await session.post('Profiler.start');
      return undefined;
    case 'profile_end': {
      const { profile } = await session!.post('Profiler.stop');
      session!.disconnect();
      writeFileSync(order.file, JSON.stringify(profile));
      return undefined;
    }
  }
}

/** The histogram holds the time between two wake-ups, ns. */
function beyond(ns: number): number {
  return Math.max(0, ns / 1e6 - RESOLUTION_MS);
}
