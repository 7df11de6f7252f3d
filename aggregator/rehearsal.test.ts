import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { silentLogger } from '../agent/runtime/logger.ts';
import { keepRehearsed, rehearse } from './rehearsal.ts';

describe('a rehearsal', () => {
  it('takes a shortage from its push through the patch to the new limit in the cgroup', async () => {
    expect(await rehearse()).toEqual(['accepted', 'applied']);
  });

  it('can be had again, and leaves no timer', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    await rehearse();
    expect(await rehearse()).toEqual(['accepted', 'applied']);
    expect(timers()).toBe(before);
  });
});

describe('after a start', () => {
  const log = Object.assign(Object.create(silentLogger) as typeof silentLogger, { error: vi.fn() });

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    log.error.mockClear();
  });

  afterEach(() => vi.useRealTimers());

  it('comes once all is quiet, and again, one at a time', async () => {
    let end = (): void => undefined;
    const play = vi.fn(() => new Promise<string[]>((resolve) => (end = () => resolve(['accepted', 'applied']))));
    const stop = keepRehearsed(log, play);
    await vi.advanceTimersByTimeAsync(9_000);
    expect(play).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(play).toHaveBeenCalledTimes(1);
    end();
    await vi.advanceTimersByTimeAsync(46_000);
    expect(play).toHaveBeenCalledTimes(2);
    stop();
    end();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(play).toHaveBeenCalledTimes(2);
    expect(log.error).not.toHaveBeenCalled();
  });

  it('does not come to a process that ends before', async () => {
    const play = vi.fn(() => Promise.resolve([]));
    keepRehearsed(log, play)();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(play).not.toHaveBeenCalled();
  });

  it.each([
    ['ends otherwise', () => Promise.resolve(['accepted', 'superseded'])],
    ['fails', () => Promise.reject(new Error('no pod'))],
  ])('tells when it %s, and goes on', async (_, play) => {
    const stop = keepRehearsed(log, play);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(log.error).toHaveBeenCalledTimes(2);
    stop();
  });
});
