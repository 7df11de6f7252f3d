import { describe, expect, it } from 'vitest';
import type { LeakRun } from './leak-run.ts';
import { byOneClock } from './leak-run.ts';
import { firstLegs, heardShare, ownShare } from './legs.ts';

const MIB = 2 ** 20;
/** When the API server said yes, host's wall clock; it had the patch for 10 ms. */
const YES_MS = Date.parse('2026-11-27T12:00:00.000Z');
const PATCH = { atMs: YES_MS, tookMs: 10 };

/**
 * The guest is a second behind the host. Signal, 20 ms, received, 5 ms, decided, 15 ms, the API server's yes, 30 ms, the aggregator has it;
 * 160 ms after the yes the container's memory.max is written.
 * @param lateMs how long the fastest of the guest's lines was on its way
 */
function runTold(lateMs: number, answerMs = 30): { run: LeakRun; log: string } {
  const seen = (afterMs: number) => [{ atMs: YES_MS + afterMs + lateMs, value: 200 * MIB }];
  const run = {
    shape: { name: 'leak' },
    guestAheadMs: -1000 - lateMs,
    memoryCurrent: [],
    podLimit: seen(80),
    containerLimit: seen(160),
    statusLimit: [{ atMs: YES_MS + 300, value: 200 * MIB }],
  } as unknown as LeakRun;
  const line = {
    msg: 'resize accepted',
    pod: 'default/leak',
    target: { memoryBytes: 200 * MIB },
    signalToReceivedMs: 20,
    receivedToDecidedMs: 5,
    decidedToAcceptedMs: 15 + answerMs,
    acceptedAt: new Date(YES_MS - 1000 + answerMs).toISOString(),
  };
  return { run, log: `${JSON.stringify(line)}\n{"msg":"push"}\n` };
}

describe('the legs of a resize', () => {
  it('end at the API server’s yes, and the answer’s way is told apart', () => {
    const { run, log } = runTold(0);
    const legs = firstLegs(run, log, [PATCH]);
    expect(legs).toMatchObject({ decidedToAcceptedMs: 15, answerMs: 30, apiServerMs: 10 });
    expect(legs).toMatchObject({ acceptedToPodLimitMs: 80, acceptedToContainerLimitMs: 160, acceptedToStatusMs: 300 });
    expect(ownShare(legs)).toBeCloseTo(40 / 200, 9);
    expect(heardShare(legs)).toBeCloseTo(70 / 200, 9);
  });

  it('are never shorter than the API server’s own time, however late the guest’s lines came', () => {
    const { run, log } = runTold(20);
    const legs = firstLegs(run, log, [PATCH]);
    expect(legs).toMatchObject({ decidedToAcceptedMs: 10, answerMs: 35 });
    // What the clocks disagree by beyond that is in what follows too.
    expect(legs).toMatchObject({ acceptedToPodLimitMs: 85, acceptedToContainerLimitMs: 165, acceptedToStatusMs: 300 });
  });

  it('bear a yes that was stamped late', () => {
    const { run, log } = runTold(0, 0);
    const legs = firstLegs(run, log, [{ atMs: YES_MS + 20, tookMs: 30 }]);
    expect(legs).toMatchObject({ decidedToAcceptedMs: 15, answerMs: 0, acceptedToContainerLimitMs: 160, acceptedToStatusMs: 300 }); // prettier-ignore
  });

  it('are not told by a clock that is off, or of a leak that was not resized', () => {
    const { run, log } = runTold(150);
    expect(() => firstLegs(run, log, [PATCH])).toThrow(/180 of them for the answer/);
    expect(() => firstLegs(run, log, [])).toThrow('leak was not resized');
    const told = runTold(0);
    expect(() => firstLegs({ ...told.run, podLimit: [] }, told.log, [PATCH])).toThrow(
      /memory.max of the pod of leak never was/,
    );
  });

  it('of runs at the same time go by the line that was least on its way', () => {
    const runs = [runTold(20), runTold(0)];
    const [slow, fast] = byOneClock(runs.map(({ run }) => run)) as [LeakRun, LeakRun];
    expect(slow).toEqual(fast);
    expect(firstLegs(slow, runs[0]!.log, [PATCH])).toMatchObject({ answerMs: 30, acceptedToContainerLimitMs: 160 });
  });
});
