// Why the agent asks for the kernel's version before it sets PSI triggers: pods are removed while triggers are set on them, in two boots.
// HEADROOM_VM_KERNEL names another kernel; what it does is told as one line.
import { expect, it } from 'vitest';
import { summaryOf, wrongAlone, wrongWithTriggers } from '../psi-race-verdict.ts';
import type { PsiRaceRun } from '../psi-race-verdict.ts';
import { guestRun } from './guest-results.ts';

const SECONDS = 100;
const TIMEOUT_MS = (SECONDS + 45) * 1000;
/** Warnings too, and no going on after an oops: what comes later would be damage and no cause. */
const KERNEL_PARAMETERS = 'loglevel=5 oops=panic';

async function boot(scenario: string): Promise<PsiRaceRun> {
  const options = { onlyOnce: true, kernelParameters: KERNEL_PARAMETERS };
  const run = await guestRun(`${scenario}-${SECONDS}`, TIMEOUT_MS, options);
  process.stderr.write(`${scenario}: ${summaryOf(run)}\n${run.ended || run.complaints.length > 0 ? '' : run.console}`);
  return run;
}

it('pods that come and go without triggers leave the kernel whole', async () => {
  expect(wrongAlone(await boot('pod-removal'))).toEqual([]);
});

it('a kernel on which the agent sets PSI triggers bears them on pods that are being removed', async () => {
  expect(wrongWithTriggers(await boot('psi-race'))).toEqual([]);
});
