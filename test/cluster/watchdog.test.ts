import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Watchdog } from './watchdog.ts';
import { watchBoots } from './watchdog.ts';

let folder = '';
let consoleFile = '';
let watchdog: Watchdog;
const reset = vi.fn<() => void>();
const said: string[] = [];

const BOOT_MS = 1000;
const UP = 'node: 2.31 up\n';

beforeEach(() => {
  vi.useFakeTimers();
  folder = mkdtempSync(join(tmpdir(), 'watchdog-'));
  consoleFile = join(folder, 'console.log');
  reset.mockReset();
  said.length = 0;
  watchdog = watchBoots({ consoleFile, reset, say: (text) => said.push(text), bootMs: BOOT_MS, everyMs: 100 });
});

afterEach(() => {
  watchdog.close();
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

describe('a machine that boots', () => {
  it('is left alone once its init has said something, whatever comes later', () => {
    vi.advanceTimersByTime(BOOT_MS - 200);
    writeFileSync(consoleFile, `[    1.2] some words of the kernel\n${UP}`);
    vi.advanceTimersByTime(100 * BOOT_MS);
    expect(reset).not.toHaveBeenCalled();
  });

  it('has the time of a boot again after each restart', () => {
    writeFileSync(consoleFile, UP);
    vi.advanceTimersByTime(10 * BOOT_MS);
    appendFileSync(consoleFile, '[   12.5] reboot: Restarting system\n');
    vi.advanceTimersByTime(BOOT_MS - 200);
    appendFileSync(consoleFile, UP);
    vi.advanceTimersByTime(10 * BOOT_MS);
    expect(reset).not.toHaveBeenCalled();
  });
});

describe('a machine that hangs', () => {
  it('is reset and told of with what it said, when it boots for the first time', () => {
    writeFileSync(consoleFile, '[   22.3] rcu: INFO: rcu_preempt detected stalls\n');
    vi.advanceTimersByTime(BOOT_MS + 200);
    expect(reset).toHaveBeenCalledTimes(1);
    expect(said.join()).toMatch(/hung while it booted.*\n.*rcu_preempt detected stalls/);
    appendFileSync(consoleFile, UP);
    vi.advanceTimersByTime(10 * BOOT_MS);
    expect(reset).toHaveBeenCalledTimes(1);
  });

  it('is reset when it boots again, though it was up before', () => {
    writeFileSync(consoleFile, UP);
    vi.advanceTimersByTime(10 * BOOT_MS);
    appendFileSync(consoleFile, '[   12.5] reboot: Restarting system\n');
    vi.advanceTimersByTime(BOOT_MS + 200);
    expect(reset).toHaveBeenCalledTimes(1);
    expect(said.join()).not.toContain('up');
  });

  it('is reset when it boots again after a panic', () => {
    writeFileSync(consoleFile, `${UP}[   12.5] Rebooting in 10 seconds..\n`);
    vi.advanceTimersByTime(BOOT_MS + 200);
    expect(reset).toHaveBeenCalledTimes(1);
  });

  it('has twice the time after a reset, as the host may be slow', () => {
    vi.advanceTimersByTime(BOOT_MS + 200);
    vi.advanceTimersByTime(2 * BOOT_MS - 400);
    expect(reset).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(400);
    expect(reset).toHaveBeenCalledTimes(2);
  });

  it('has its time and its resets again once it has booted', () => {
    for (let hung = 1; hung <= 5; hung++) {
      vi.advanceTimersByTime(BOOT_MS + 200);
      expect(reset).toHaveBeenCalledTimes(hung);
      appendFileSync(consoleFile, UP);
      vi.advanceTimersByTime(BOOT_MS);
      appendFileSync(consoleFile, '[   12.5] reboot: Restarting system\n');
    }
  });

  it('is left to whoever waits for it after three resets', () => {
    vi.advanceTimersByTime(100 * BOOT_MS);
    expect(reset).toHaveBeenCalledTimes(3);
  });
});
