import { describe, expect, it } from 'vitest';
import { createRefusedPushes } from './refused-pushes.ts';

const push = { code: 'unauthenticated', message: 'token expired', atMs: 1000 } as const;

describe('createRefusedPushes', () => {
  it('keeps the last refusal of a node until it is long ago', () => {
    const refused = createRefusedPushes();
    refused.refused('n1', push);
    refused.refused('n1', { ...push, atMs: 2000 });
    expect(refused.of('n1', 2000)?.atMs).toBe(2000);
    expect(refused.of('n1', 122_000)?.atMs).toBe(2000);
    expect(refused.of('n1', 122_001)).toBeUndefined();
  });

  it('holds nothing against a node that is asked to begin anew, and nothing without a name', () => {
    const refused = createRefusedPushes();
    refused.refused('n1', { ...push, code: 'unknown_epoch' });
    refused.refused('', push);
    expect([refused.of('n1', 1000), refused.of('', 1000)]).toEqual([undefined, undefined]);
  });

  it('forgets the oldest of too many, and the end of a long story', () => {
    const refused = createRefusedPushes();
    for (let at = 0; at <= 10_000; at++) refused.refused(`n${at}`, { ...push, message: 'x'.repeat(5000) });
    expect(refused.of('n0', 1000)).toBeUndefined();
    expect(refused.of('n1', 1000)?.message).toHaveLength(256);
  });
});
