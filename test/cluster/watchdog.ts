// A watchdog, as machines in racks have one: an emulated one hangs now and then while the kernel boots (docs/testing.md), and is reset then, which is
// told.
import { readFileSync } from 'node:fs';

export interface WatchOptions {
  readonly consoleFile: string;
  readonly reset: () => void;
  readonly say: (text: string) => void;
  /** How long a boot may take until init's first word, ms; twice as long after each reset, should the host just be slow. */
  readonly bootMs?: number;
  readonly everyMs?: number;
}

export interface Watchdog {
  close(): void;
}

/** It takes 2 to 6 s. */
const BOOT_MS = 25_000;
const EVERY_MS = 500;
/** A machine that never boots has its last words told, not endless resets. */
const MOST_RESETS = 3;
/** The kernel's own words, by reboot(2) or after a panic. */
const RESTARTING = /reboot: Restarting system|Rebooting in \d+ seconds/g;
/** How init begins each of its lines. */
const OF_INIT = /^node: /m;

export function watchBoots({ consoleFile, reset, say, bootMs = BOOT_MS, everyMs = EVERY_MS }: WatchOptions): Watchdog {
  /** Where the console of this boot begins. */
  let from = 0;
  let sinceMs = performance.now();
  let resets = 0;
  const resetHung = (ofBoot: string, length: number): void => {
    if (resets === MOST_RESETS) return clearInterval(timer);
    resets++;
    say(`the machine hung while it booted: it is reset (${resets} of ${MOST_RESETS})\n${ofBoot.trim()}`);
    [from, sinceMs] = [length, performance.now()];
    reset();
  };
  const look = (): void => {
    const told = textOf(consoleFile);
    const restart = [...told.slice(from).matchAll(RESTARTING)].at(-1);
    if (restart) [from, sinceMs] = [from + restart.index + restart[0].length, performance.now()];
    const ofBoot = told.slice(from);
    if (OF_INIT.test(ofBoot)) resets = 0;
    else if (performance.now() - sinceMs >= bootMs * 2 ** resets) resetHung(ofBoot, told.length);
  };
  const timer = setInterval(look, everyMs);
  return { close: () => clearInterval(timer) };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
