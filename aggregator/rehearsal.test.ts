import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../agent/runtime/clock.ts';
import { silentLogger } from '../agent/runtime/logger.ts';
import { rehearse, rehearseSoon } from './rehearsal.ts';

const clock = systemClock();

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => vi.useRealTimers());

describe('a rehearsal', () => {
  it('takes a shortage from its push through the patch to the new limit in the cgroup', async () => {
    const { ends, toPatchMs } = await rehearse(clock);
    expect(ends).toEqual(['accepted', 'applied']);
    expect(toPatchMs).toBeGreaterThan(0);
  });

  it('can be had again, and leaves no timer', async () => {
    await rehearse(clock);
    expect((await rehearse(clock)).ends).toEqual(['accepted', 'applied']);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('after a start', () => {
  const log = Object.assign(Object.create(silentLogger) as typeof silentLogger, { error: vi.fn() });
  const played = (...ends: string[]) => vi.fn(() => Promise.resolve({ ends, toPatchMs: 1 }));

  beforeEach(() => void log.error.mockClear());

  it('comes once, some seconds later', async () => {
    const play = played('accepted', 'applied');
    rehearseSoon(log, clock, play);
    await vi.advanceTimersByTimeAsync(9_000);
    expect(play).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(play).toHaveBeenCalledTimes(1);
    expect(log.error).not.toHaveBeenCalled();
  });

  it('does not come to a process that ends before', async () => {
    const play = played();
    rehearseSoon(log, clock, play)();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(play).not.toHaveBeenCalled();
  });

  it.each([
    ['ends otherwise', played('accepted', 'superseded')],
    ['fails', () => Promise.reject(new Error('no pod'))],
  ])('tells when it %s', async (_, play) => {
    rehearseSoon(log, clock, play);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(log.error).toHaveBeenCalledTimes(1);
  });
});
