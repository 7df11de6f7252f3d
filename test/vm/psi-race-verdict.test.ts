import { describe, expect, it } from 'vitest';
import type { PsiRaceRun } from './psi-race-verdict.ts';
import { summaryOf, wrongAlone, wrongWithTriggers } from './psi-race-verdict.ts';

const MENDED = '7.3.4+deb13-cloud-amd64';
const BEFORE = '6.1.0-56-cloud-amd64';
const ENOUGH = { seconds: 100, removed: 1000, triggers: 2500, gone: 7, errors: 0 };
const LEAK = 'psi: trigger leak';

function run(kernel: string, counts = ENOUGH, rest: Partial<PsiRaceRun> = {}): PsiRaceRun {
  const results = new Map<string, unknown>(Object.entries({ kernel, counts }));
  return { results, failures: [], complaints: [], ended: true, ...rest };
}

describe('a race of PSI triggers with the removal of pods', () => {
  it('is passed by a mended kernel that comes to its end without a word', () => {
    expect(wrongWithTriggers(run(MENDED))).toEqual([]);
  });

  it('is failed by a mended kernel that leaks, crashes or stops', () => {
    expect(wrongWithTriggers(run(MENDED, ENOUGH, { complaints: [LEAK] }))).toEqual([`the kernel said: ${LEAK}`]);
    expect(wrongWithTriggers(run(MENDED, ENOUGH, { complaints: ['BUG: x'], ended: false }))).toHaveLength(2);
    expect(wrongWithTriggers(run(MENDED, ENOUGH, { ended: false }))).toEqual(['the guest did not come to its end']);
  });

  it('is left to a kernel before that, which may leak, crash, stop, or do nothing', () => {
    const early = { seconds: 2, removed: 90, triggers: 60, gone: 0, errors: 0 };
    expect(wrongWithTriggers(run(BEFORE))).toEqual([]);
    expect(wrongWithTriggers(run(BEFORE, ENOUGH, { complaints: [LEAK] }))).toEqual([]);
    expect(wrongWithTriggers(run(BEFORE, ENOUGH, { ended: false }))).toEqual([]);
    expect(wrongWithTriggers(run(BEFORE, early, { complaints: [LEAK, 'BUG: x'], ended: false }))).toEqual([]);
  });

  it('shows nothing on any kernel when hardly a pod was removed or hardly a trigger set', () => {
    for (const kernel of [MENDED, BEFORE])
      for (const few of [{ removed: 999 }, { triggers: 2499 }])
        expect(wrongWithTriggers(run(kernel, { ...ENOUGH, ...few }))).toEqual([
          expect.stringMatching(/^only (999 pods|2499 triggers) /),
        ]);
    const crashedAtBoot = run(BEFORE, { ...ENOUGH, triggers: 0 }, { complaints: ['BUG: x'], ended: false });
    expect(wrongWithTriggers(crashedAtBoot)).toHaveLength(1);
    const nothing: PsiRaceRun = { results: new Map(), failures: [], complaints: [], ended: false };
    expect(wrongWithTriggers(nothing)).toHaveLength(2);
  });

  it('is failed by a program that met errors and a kernel that said nothing about them', () => {
    for (const kernel of [MENDED, BEFORE]) {
      expect(wrongWithTriggers(run(kernel, { ...ENOUGH, errors: 3 }))).toEqual(['3 errors']);
      expect(wrongWithTriggers(run(kernel, ENOUGH, { failures: ['why'] }))).toEqual(['why']);
    }
  });

  it('without triggers harms no kernel', () => {
    expect(wrongAlone(run(BEFORE, { ...ENOUGH, triggers: 0 }))).toEqual([]);
    expect(wrongAlone(run(BEFORE, ENOUGH, { complaints: [LEAK] }))).toEqual([`the kernel said: ${LEAK}`]);
    expect(wrongAlone(run(BEFORE, { ...ENOUGH, removed: 20 }))).toHaveLength(1);
  });

  it('is told in one line', () => {
    expect(summaryOf(run(BEFORE, ENOUGH, { complaints: [LEAK], ended: false }))).toBe(
      'Linux 6.1.0-56-cloud-amd64, 100 s: 1000 pods removed, 2500 triggers set, 7 refused by a pod that was gone, 0 errors; the guest stopped; psi: trigger leak',
    );
  });
});
