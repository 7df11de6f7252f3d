// Profiles of the agent itself, for Chrome's DevTools: CPU by the inspector's profiler, the heap as a V8 snapshot. One at a time:
// a heap snapshot stops the process for a second and doubles its memory.
import { Session } from 'node:inspector/promises';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { getHeapSnapshot } from 'node:v8';

export const MOST_SECONDS = 60;

export type Profile<T> = { readonly kind: 'profile'; readonly content: T } | { readonly kind: 'busy' };

export interface Profiles {
  /** A .cpuprofile, JSON. @param signal ends it early */
  cpu(seconds: number, signal: AbortSignal): Promise<Profile<string>>;
  /** A .heapsnapshot as it is made. */
  heap(): Profile<Readable>;
}

export function createProfiles(): Profiles {
  let busy = false;
  return {
    cpu: async (seconds, signal) => {
      if (busy) return { kind: 'busy' };
      busy = true;
      try {
        return { kind: 'profile', content: await cpuProfile(seconds, signal) };
      } finally {
        busy = false;
      }
    },
    heap: () => {
      if (busy) return { kind: 'busy' };
      busy = true;
      const content = getHeapSnapshot();
      content.once('close', () => (busy = false));
      return { kind: 'profile', content };
    },
  };
}

async function cpuProfile(seconds: number, signal: AbortSignal): Promise<string> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    await sleep(Math.min(MOST_SECONDS, seconds) * 1000, undefined, { signal }).catch(() => undefined);
    return JSON.stringify((await session.post('Profiler.stop')).profile);
  } finally {
    session.disconnect();
  }
}
