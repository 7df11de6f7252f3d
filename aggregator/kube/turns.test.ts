import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTurns } from './turns.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('createTurns', () => {
  it('waits no longer than it was told, and a turn that nobody waits for any more is not lost', async () => {
    const turns = createTurns(1, 10);
    expect(await turns.begin(100)).toBe(true);
    const late = turns.begin(100);
    await vi.advanceTimersByTimeAsync(100);
    expect(await late).toBe(false);
    turns.end();
    expect(await turns.begin(0)).toBe(true);
  });
});
