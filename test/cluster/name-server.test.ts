import { describe, expect, it } from 'vitest';
import { answerTo } from './name-server.ts';

const A = 1;
const AAAA = 28;

function query(name: string, type: number): Buffer {
  const header = Buffer.from([0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0]);
  const labels = name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)]));
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, type, 0, 1])]);
}

const known = (name: string): readonly string[] | undefined =>
  ({ 'push.system.svc.cluster.local': ['10.131.0.2', '10.131.0.3'], 'empty.system.svc.cluster.local': [] })[name];

describe('a name server’s answer', () => {
  it('has an address record for each ready endpoint, and the question', () => {
    const asked = query('Push.System.svc.cluster.local', A);
    const answer = answerTo(asked, known)!;
    expect(answer.readUInt16BE(0)).toBe(0x1234);
    expect(answer.readUInt16BE(2)).toBe(0x8500);
    expect([answer.readUInt16BE(4), answer.readUInt16BE(6)]).toEqual([1, 2]);
    expect(answer.subarray(12, asked.length)).toEqual(asked.subarray(12));
    const addresses = [0, 1].map((index) => [...answer.subarray(asked.length + 16 * index + 12, asked.length + 16 * index + 16)].join('.')); // prettier-ignore
    expect(addresses).toEqual(['10.131.0.2', '10.131.0.3']);
    expect(answer).toHaveLength(asked.length + 32);
  });

  it('is empty for another type and for a Service without endpoints, and says so of a name that there is not', () => {
    for (const asked of [query('push.system.svc.cluster.local', AAAA), query('empty.system.svc.cluster.local', A)]) {
      const answer = answerTo(asked, known)!;
      expect([answer.readUInt16BE(2) & 0xf, answer.readUInt16BE(6)]).toEqual([0, 0]);
    }
    expect(answerTo(query('push.system.svc.cluster.local.search', A), known)!.readUInt16BE(2) & 0xf).toBe(3);
  });

  it('is none where there is no question', () => {
    const asked = query('push.system.svc.cluster.local', A);
    for (const length of [0, 11, 20, asked.length - 1])
      expect(answerTo(asked.subarray(0, length), known)).toBeUndefined();
  });
});
