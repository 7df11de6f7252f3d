// build/Release/headroom.node as it is: what C exports (native/addon/addon.c) and where it lies. Made by `npm run build:native`.
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Counts changes of what the addon exports: one that was built from older sources is not used. */
const ABI = 3;

/** From the sources, from dist/native, and from a bundle in a folder beside build/. */
const PLACES = ['../build/Release/headroom.node', '../../build/Release/headroom.node'];

/** Made by C, meaningless to JavaScript. */
export interface Handle {
  readonly handle: never;
}

/** What the functions throw: the kernel's refusal. `log` holds the verifier's words, if it had any. */
export interface Refusal extends Error {
  readonly code: string;
  readonly step: string;
  readonly log: string;
}

export interface Addon {
  readonly abi: number;
  readonly pageBytes: number;
  bootTimeMs(): number;
  /** CPU time of the calling thread, to the microsecond: CLOCK_THREAD_CPUTIME_ID in ms. */
  readonly threadCpuMs: () => number;
  /** mlock2(2) with MLOCK_ONFAULT. @returns 0, or the error number */
  readonly lockMemory: (start: number, bytes: number) => number;
  /** munlock(2), then MADV_DONTNEED: for mappings of files that nobody wrote to. @returns 0, or the error number */
  readonly releaseMemory: (start: number, bytes: number) => number;
  /**
   * Reads, from its start, each file i whose bit is set in `wanted` and whose descriptor is not negative into `bytes` at i × room.
   * `lengths[i]` becomes the bytes read, a negative error number, or −2³¹ where nothing was read.
   */
  readonly readFiles: (
    descriptors: Int32Array,
    wanted: number,
    bytes: Uint8Array,
    room: number,
    lengths: Int32Array,
  ) => void;
  /**
   * Of a directory that fs.watch watches since: tells no longer of changes of the files in it, only of their coming and going.
   * @returns 0, or the error number
   */
  readonly watchEntries: (directory: string) => number;
  openHook(
    name: string,
    knobs: Readonly<Record<string, number>>,
    capacity: number,
    directory: string,
    batch: ArrayBuffer,
    onBatch: (bytes: number) => void,
  ): Handle;
  track(hook: Handle, cgroupId: number, slot: number): void;
  untrack(hook: Handle, cgroupId: number): void;
  /** Sent, held back by the rate limit, dropped. */
  counts(hook: Handle): [number, number, number];
  slots(hook: Handle): ArrayBuffer;
  walk(hook: Handle, pass: number): void;
  closeHook(hook: Handle): void;
  /** `onWake(0)`: the cgroup is gone, no more comes. */
  openPressure(file: string, trigger: string, onWake: (fired: number) => void): Handle;
  closePressure(trigger: Handle): void;
}

/** @returns the addon, or why there is none */
export function loadAddon(places: readonly string[] = PLACES): Addon | string {
  const path = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((each) => existsSync(each));
  if (path === undefined) return 'the native addon was not built';
  try {
    const addon = createRequire(import.meta.url)(path) as Addon;
    if (addon.abi === ABI) return addon;
    return `the native addon is of other sources than these (${addon.abi}, not ${ABI})`;
  } catch (err) {
    return `the native addon can't be loaded: ${(err as Error).message}`;
  }
}
