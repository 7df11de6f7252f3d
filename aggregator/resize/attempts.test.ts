import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Attempts } from './attempts.ts';

describe('past attempts', () => {
  it('back off twice as long after each failure, up to ten minutes', () => {
    const attempts = new Attempts();
    const waits = Array.from({ length: 9 }, () => attempts.failed('a', 'no', 1000).untilMs - 1000);
    expect(waits).toEqual([5000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 600_000, 600_000]);
  });

  it('count on through a new try and are forgotten by a success', () => {
    const attempts = new Attempts();
    attempts.failed('a', 'no', 0);
    attempts.begin('a');
    expect(attempts.of('a')).toMatchObject({ inFlight: true, failures: 1 });
    expect(attempts.failed('a', 'no', 0).failures).toBe(2);
    attempts.succeeded('a');
    expect(attempts.of('a')).toBeUndefined();
  });

  it('stay what they were where nothing was asked after all', () => {
    const attempts = new Attempts();
    attempts.failed('a', 'no', 0);
    for (const uid of ['a', 'b']) {
      attempts.begin(uid);
      attempts.letBe(uid);
    }
    expect(attempts.of('a')).toMatchObject({ inFlight: false, failures: 1 });
    expect(attempts.of('b')).toBeUndefined();
    expect(attempts.failed('a', 'no', 0).failures).toBe(2);
  });

  it('never hold more pods than allowed, and let go of one in flight last', () => {
    const act = fc.tuple(fc.constantFrom('begin', 'fail'), fc.nat(40).map(String));
    fc.assert(
      fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
        const attempts = new Attempts(8);
        let inFlight = 0;
        for (const [kind, uid] of acts) {
          if (kind === 'fail') attempts.failed(uid, 'no', 0);
          else if (inFlight++ < 4) attempts.begin(uid);
          expect(attempts.size).toBeLessThanOrEqual(8);
        }
      }),
    );
    const attempts = new Attempts(2);
    attempts.begin('flying');
    for (const uid of ['a', 'b', 'c']) attempts.failed(uid, 'no', 0);
    expect(attempts.of('flying')?.inFlight).toBe(true);
    expect(attempts.of('a')).toBeUndefined();
  });
});
