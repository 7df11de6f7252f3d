// What a boot of psi-race means for the rule by which the agent sets PSI triggers (agent/signals/psi-triggers.ts).
import { isMended } from '../../agent/signals/psi-triggers.ts';
import type { GuestRun } from './machine.ts';

/** Of guest/psi-race.c, since it began. */
export interface PsiRaceCounts {
  readonly seconds: number;
  /** Pods. */
  readonly removed: number;
  readonly triggers: number;
  /** Triggers that were refused because the pod was gone. */
  readonly gone: number;
  readonly errors: number;
}

export type PsiRaceRun = Pick<GuestRun, 'results' | 'failures' | 'complaints' | 'ended'>;

/** Before it had so many, Linux 6.1.192 crashed in most runs (docs/adr/0010-native-addon.md). In 100 s an idle machine gives ten times as many. */
const LEAST_PODS = 1000;
const LEAST_TRIGGERS = 2500;
const NOTHING: PsiRaceCounts = { seconds: 0, removed: 0, triggers: 0, gone: 0, errors: 0 };

export function countsOf({ results }: PsiRaceRun): PsiRaceCounts {
  return (results.get('counts') as PsiRaceCounts | undefined) ?? NOTHING;
}

/** One line for who asked, and for the table in docs/adr/0010-native-addon.md. */
export function summaryOf(run: PsiRaceRun): string {
  const { seconds, removed, triggers, gone, errors } = countsOf(run);
  const end = run.ended ? 'ended by itself' : 'the guest stopped';
  const said = run.complaints.length === 0 ? 'the kernel said nothing' : run.complaints.join('; ');
  return `Linux ${kernelOf(run)}, ${seconds} s: ${removed} pods removed, ${triggers} triggers set, ${gone} refused by a pod that was gone, ${errors} errors; ${end}; ${said}`;
}

/** Pods that come and go alone harm no kernel. @returns what is not as it has to be */
export function wrongAlone(run: PsiRaceRun): readonly string[] {
  return [...unharmed(run), ...tooFew(countsOf(run).removed, LEAST_PODS, 'pods removed')];
}

/**
 * A mended kernel says nothing, however often a trigger meets a removal; one before it may do so or crash, which is no fault of the rule.
 * @returns what is not as it has to be
 */
export function wrongWithTriggers(run: PsiRaceRun): readonly string[] {
  const { removed, triggers } = countsOf(run);
  const mended = isMended(kernelOf(run));
  // Before its crash, which may be in the first seconds, a kernel has shown what it was to show.
  if (!mended && run.complaints.length > 0) return tooFew(triggers, 1, 'triggers set');
  return [
    ...(mended || run.ended ? unharmed(run) : []),
    ...tooFew(removed, LEAST_PODS, 'pods removed'),
    ...tooFew(triggers, LEAST_TRIGGERS, 'triggers set'),
  ];
}

function unharmed(run: PsiRaceRun): readonly string[] {
  const { errors } = countsOf(run);
  return [
    ...run.failures,
    ...run.complaints.map((complaint) => `the kernel said: ${complaint}`),
    ...(run.ended ? [] : ['the guest did not come to its end']),
    ...(errors > 0 ? [`${errors} errors`] : []),
  ];
}

function tooFew(count: number, least: number, what: string): readonly string[] {
  return count < least ? [`only ${count} ${what}: nothing was tried`] : [];
}

function kernelOf({ results }: PsiRaceRun): string {
  return (results.get('kernel') as string | undefined) ?? 'that did not come up';
}
