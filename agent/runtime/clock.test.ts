import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from './clock.ts';

const SECOND = 1000;
let directory = '';
let uptimeFile = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'clock-'));
  uptimeFile = join(directory, 'uptime');
  vi.useFakeTimers({ toFake: ['performance', 'Date', 'hrtime'] });
});

afterEach(() => {
  vi.useRealTimers();
  rmSync(directory, { recursive: true });
});

/** Time passes; `suspendedMs` more of it while the machine slept. */
function pass(ms: number, suspendedMs = 0): void {
  const uptimeMs = Number.parseFloat(readFileSync(uptimeFile, 'latin1')) * SECOND;
  vi.advanceTimersByTime(ms);
  writeFileSync(uptimeFile, `${(uptimeMs + ms + suspendedMs) / SECOND} 1.00\n`);
}

describe('systemClock', () => {
  it('counts from boot, fractions kept', () => {
    writeFileSync(uptimeFile, '5000.25 9000.00\n');
    const clock = systemClock(uptimeFile);
    expect(clock.bootTimeMs()).toBeCloseTo(5_000_250, 3);
    pass(1234);
    expect(clock.bootTimeMs()).toBeCloseTo(5_001_484, 3);
  });

  it('is the monotonic clock itself where the machine never slept, so that two processes agree', () => {
    vi.advanceTimersByTime(5007);
    writeFileSync(uptimeFile, '5.00 1.00\n');
    expect(systemClock(uptimeFile).bootTimeMs()).toBeCloseTo(5007, 6);
    writeFileSync(uptimeFile, '65.00 1.00\n');
    expect(systemClock(uptimeFile).bootTimeMs()).toBeCloseTo(65_000, 6);
  });

  it('takes no notice of the wall clock being set', () => {
    writeFileSync(uptimeFile, '100.00 1.00\n');
    const clock = systemClock(uptimeFile);
    const before = clock.bootTimeMs();
    vi.setSystemTime(Date.now() - 3_600_000);
    pass(SECOND);
    expect(clock.bootTimeMs() - before).toBeCloseTo(SECOND, 3);
    expect(clock.wallTimeMs()).toBe(Date.now());
  });

  it('moves forward over a suspend, within 10 s of waking', () => {
    writeFileSync(uptimeFile, '100.00 1.00\n');
    const clock = systemClock(uptimeFile);
    pass(11 * SECOND, 60 * SECOND);
    expect(clock.bootTimeMs()).toBeCloseTo(171_000, 3);
  });

  it('takes a process that had to wait for a CPU for no suspend', () => {
    writeFileSync(uptimeFile, '100.00 1.00\n');
    const startMs = performance.now();
    const clock = systemClock(uptimeFile);
    const nowMs = (): number => 100_000 + performance.now() - startMs;
    // The file is read 200 ms after the look at the clock before it, and 200 ms before the one after it.
    const reading = vi.spyOn(Number, 'parseFloat').mockImplementation(() => {
      vi.advanceTimersByTime(200);
      const seconds = nowMs() / SECOND;
      vi.advanceTimersByTime(200);
      return seconds;
    });
    try {
      vi.advanceTimersByTime(11 * SECOND);
      clock.bootTimeMs();
    } finally {
      reading.mockRestore();
    }
    expect(clock.bootTimeMs()).toBeCloseTo(nowMs(), 3);
  });

  it('never goes back, and takes the rounding of /proc/uptime for no suspend', () => {
    writeFileSync(uptimeFile, '100.00 1.00\n');
    const clock = systemClock(uptimeFile);
    let last = clock.bootTimeMs();
    for (let turn = 0; turn < 10; turn++) {
      pass(11 * SECOND, turn % 2 === 0 ? 9 : -9);
      const now = clock.bootTimeMs();
      expect(now - last).toBeCloseTo(11 * SECOND, 3);
      last = now;
    }
  });

  it('refuses a file that does not hold the uptime', () => {
    writeFileSync(uptimeFile, 'nonsense');
    expect(() => systemClock(uptimeFile)).toThrow(/uptime in seconds/);
  });

  it('names the flag where there is no such file', () => {
    expect(() => systemClock(uptimeFile)).toThrow(/ENOENT.*give --proc-root the place where \/proc is mounted/);
  });
});
