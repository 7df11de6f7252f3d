import { describe, expect, it, vi } from 'vitest';
import { silentLogger } from './logger.ts';
import { createShutdown } from './shutdown.ts';

describe('createShutdown', () => {
  it('closes everything once, the last opened first', async () => {
    const closed: string[] = [];
    const shutdown = createShutdown(silentLogger, []);
    for (const name of ['files', 'tick', 'server']) shutdown.onClose(name, () => void closed.push(name));
    shutdown.begin('test');
    shutdown.begin('again');
    await shutdown.done;
    expect(closed).toEqual(['server', 'tick', 'files']);
  });

  it('waits for each part and goes on when one fails', async () => {
    const closed: string[] = [];
    const shutdown = createShutdown(silentLogger, []);
    shutdown.onClose('files', () => void closed.push('files'));
    shutdown.onClose('broken', () => Promise.reject(new Error('no')));
    shutdown.onClose('slow', async () => {
      await new Promise((resolve) => setImmediate(resolve));
      closed.push('slow');
    });
    shutdown.begin('test');
    await shutdown.done;
    expect(closed).toEqual(['slow', 'files']);
  });

  it('ends at the deadline when a part never closes', async () => {
    vi.useFakeTimers();
    try {
      const shutdown = createShutdown(silentLogger, [], 5000);
      shutdown.onClose('stuck', () => new Promise(() => {}));
      shutdown.begin('test');
      const ended = vi.fn<() => void>();
      void shutdown.done.then(ended);
      await vi.advanceTimersByTimeAsync(4999);
      expect(ended).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(1);
      expect(ended).toHaveBeenCalled();
    } finally {
      vi.useRealTimers();
    }
  });

  it('begins on its signals', async () => {
    const shutdown = createShutdown(silentLogger, ['SIGUSR2']);
    process.emit('SIGUSR2');
    await shutdown.done;
    expect(process.listenerCount('SIGUSR2')).toBe(0);
  });

  it('comes to its end whatever signals come meanwhile', async () => {
    const shutdown = createShutdown(silentLogger, ['SIGUSR2']);
    const closed: string[] = [];
    let release: () => void = () => {};
    shutdown.onClose('slow', async () => {
      await new Promise<void>((resolve) => (release = resolve));
      closed.push('slow');
    });
    process.emit('SIGUSR2');
    // Without a listener it would be the signal's default, which is the end of the process.
    expect(process.listenerCount('SIGUSR2')).toBe(1);
    process.emit('SIGUSR2');
    release();
    await shutdown.done;
    expect(closed).toEqual(['slow']);
  });
});
