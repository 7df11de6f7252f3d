import { describe, expect, it } from 'vitest';
import { PsiTriggers } from './psi-triggers.ts';
import type { Attempt, Native } from '../../native/index.ts';

type Opened = { file: string; windowUs: number; wake: (kind: 'fired' | 'ended') => void; closed: boolean };

/** A kernel that takes windows from `leastWindowUs` up, and remembers what it was asked. */
function kernel(leastWindowUs: number): {
  native: Attempt<Pick<Native, 'openPressure'>>;
  opened: Opened[];
  asked: number[];
} {
  const opened: Opened[] = [];
  const asked: number[] = [];
  const openPressure: Native['openPressure'] = (file, { windowUs }, wake) => {
    asked.push(windowUs);
    if (windowUs < leastWindowUs) return { kind: 'missing', cause: `no window of ${windowUs}`, cure: 'another kernel' };
    const trigger = { file, windowUs, wake, closed: false };
    opened.push(trigger);
    return { kind: 'ready', value: { close: () => void (trigger.closed = true) } };
  };
  return { native: { kind: 'ready', value: { openPressure } }, opened, asked };
}

describe('PsiTriggers', () => {
  it('takes the shortest window that the kernel allows and asks for no shorter one again', () => {
    const { native, opened, asked } = kernel(500_000);
    const triggers = new PsiTriggers(native, () => undefined);
    triggers.add('/c/a');
    triggers.add('/c/b');
    expect(asked).toEqual([100_000, 500_000, 500_000, 500_000, 500_000]);
    expect(opened.map(({ file }) => file)).toEqual([
      '/c/a/memory.pressure',
      '/c/a/cpu.pressure',
      '/c/b/memory.pressure',
      '/c/b/cpu.pressure',
    ]);
    expect(triggers.windowMs).toBe(500);
    expect(triggers.cause).toBe('');
  });

  it('says which cgroup stalled on what, and nothing when the cgroup ends', () => {
    const { native, opened } = kernel(0);
    const stalls: string[] = [];
    new PsiTriggers(native, (directory, resource) => stalls.push(`${directory} ${resource}`)).add('/c/a');
    opened[0]!.wake('fired');
    opened[1]!.wake('ended');
    expect(stalls).toEqual(['/c/a memory']);
  });

  it('keeps to its bound, says so, and gives back what a removed cgroup had', () => {
    const { native, opened } = kernel(0);
    const triggers = new PsiTriggers(native, () => undefined);
    for (let pod = 0; pod < 100; pod++) triggers.add(`/c/${pod}`);
    expect(triggers.size).toBe(128);
    expect(triggers.cause).toMatch(/more than 128/);
    triggers.remove('/c/0');
    triggers.remove('/c/0');
    expect(triggers.size).toBe(126);
    expect(opened.filter(({ closed }) => closed).map(({ file }) => file)).toEqual([
      '/c/0/memory.pressure',
      '/c/0/cpu.pressure',
    ]);
    triggers.add('/c/200');
    expect(triggers.size).toBe(128);
    triggers.close();
    expect(triggers.size).toBe(0);
    expect(opened.every(({ closed }) => closed)).toBe(true);
  });

  it('says why there is none where the kernel or the addon gives none', () => {
    const refusing = new PsiTriggers(kernel(Infinity).native, () => undefined);
    refusing.add('/c/a');
    expect(refusing.cause).toBe('no window of 2000000: another kernel');
    const missing = { kind: 'missing', cause: 'the native addon was not built', cure: 'build it' } as const;
    const without = new PsiTriggers(missing, () => undefined);
    without.add('/c/a');
    expect(without.cause).toBe('the native addon was not built: build it');
    expect(without.size).toBe(0);
  });
});
