import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../agent/runtime/logger.ts';
import { watchPushRefusals } from './push-refusals.ts';

function watching() {
  const lines: string[] = [];
  let nowMs = 0;
  const say = (fields: Record<string, unknown>, message: string): unknown =>
    lines.push(`${String(fields['node'] ?? fields['claimedNode'] ?? fields['address'])}: ${message}`);
  const log = { ...silentLogger, info: say, warn: say } as unknown as typeof silentLogger;
  return { lines, refusals: watchPushRefusals(log, () => nowMs), at: (ms: number) => (nowMs = ms) };
}

describe('watchPushRefusals', () => {
  it('says once that an agent speaks for another node, and once that it does not any more', () => {
    const { lines, refusals } = watching();
    refusals.taken('n1', []);
    for (let push = 0; push < 5; push++) refusals.foreignNode('n1', 'n2');
    refusals.foreignNode('n1', 'n3');
    for (let push = 0; push < 5; push++) refusals.taken('n1', []);
    expect(lines).toEqual([
      'n1: agent speaks for another node: its pushes are refused',
      'n1: agent speaks for another node: its pushes are refused',
      'n1: agent speaks for its own node again',
    ]);
  });

  it('says once that an agent reports pods of other nodes, until it has stopped', () => {
    const { lines, refusals } = watching();
    for (const uids of [['a'], ['a', 'b'], [], ['a']]) refusals.taken('n1', uids);
    expect(lines).toEqual(Array(2).fill('n1: agent reports pods of other nodes: their rows are left out'));
  });

  it('says of strangers little: each code and name once in ten minutes, of so many names', () => {
    const { lines, refusals, at } = watching();
    const stranger = (node: string, code = 'forbidden'): void =>
      refusals.stranger({ address: '::1', node }, code, 'why');
    stranger('n1');
    stranger('n1');
    stranger('');
    stranger('', 'unauthenticated');
    at(10 * 60_000);
    stranger('n1');
    expect(lines).toEqual(['n1: push refused', '::1: push refused', '::1: push refused', 'n1: push refused']);
  });

  it('says little of one who calls itself something else each time', () => {
    const { lines, refusals, at } = watching();
    for (let push = 0; push < 10_000; push++) {
      at(push);
      refusals.stranger({ address: '::1', node: `n${push}` }, 'unauthenticated', 'why');
      refusals.foreignNode('n1', `other-${push}`);
    }
    expect(lines.length).toBeLessThanOrEqual(60);
  });
});
