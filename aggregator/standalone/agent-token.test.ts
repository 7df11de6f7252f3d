import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTokenAuthority } from './api/account-tokens.ts';
import { projectAgentToken } from './agent-token.ts';

const MINUTE = 60_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function projecting(fails: () => boolean = () => false) {
  const written: string[] = [];
  const errors: unknown[] = [];
  const tokens = createTokenAuthority(() => Date.now());
  const projected = projectAgentToken({
    tokens,
    instance: {
      writeSecret: (name, text) => {
        if (fails()) throw new Error('disk full');
        written.push(text);
        return `/run/${name}`;
      },
    },
    node: { name: 'n1', uid: 'u' },
    accountUid: 'sa',
    audience: 'headroom',
    onError: (error) => errors.push(error),
  });
  return { projected, written, errors, tokens };
}

describe('projectAgentToken', () => {
  it('writes a token that is always good, and stops when it is told to', async () => {
    const { projected, written, tokens } = projecting();
    expect(projected.file).toBe('/run/agent-token');
    for (let minutes = 0; minutes < 300; minutes++) {
      const reading = tokens.read(written.at(-1)!, ['headroom']);
      expect(reading).toMatchObject({
        kind: 'valid',
        user: { name: 'system:serviceaccount:headroom-system:headroom-agent' },
      });
      await vi.advanceTimersByTimeAsync(MINUTE);
    }
    expect(written).toHaveLength(1 + 6);
    projected.close();
    await vi.advanceTimersByTimeAsync(300 * MINUTE);
    expect([written.length, vi.getTimerCount()]).toEqual([7, 0]);
  });

  it('tries again soon when the file can’t be written', async () => {
    let fails = false;
    const { projected, written, errors } = projecting(() => fails);
    fails = true;
    await vi.advanceTimersByTimeAsync(48 * MINUTE);
    fails = false;
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect([errors.length, written.length]).toEqual([1, 2]);
    projected.close();
  });
});
