import { describe, expect, it } from 'vitest';
import { answerOf, lineCutter, parseGuestLine } from './guest-lines.ts';

describe('lines from the guest', () => {
  it('are put together from torn chunks and stripped of the carriage return', () => {
    const lines: string[] = [];
    const feed = lineCutter((line) => lines.push(line));
    for (const chunk of ['{"kind":"e', 'nd"}\r', '\n{"kind":"progress"', ',"uptimeS":1,"text":"x"}\n', 'rest'])
      feed(chunk);
    expect(lines).toEqual(['{"kind":"end"}', '{"kind":"progress","uptimeS":1,"text":"x"}']);
  });

  it('are ignored when no guest program wrote them', () => {
    for (const line of ['', 'SeaBIOS', '{"kind":"unknown"}', '{"kind":"end"', 'null'])
      expect(parseGuestLine(line)).toBeUndefined();
  });

  it('make an answer that is not ended while the last line is missing', () => {
    const answer = answerOf([
      { kind: 'result', name: 'a', value: 1 },
      { kind: 'failed', error: 'why' },
    ]);
    expect(answer.results.get('a')).toBe(1);
    expect(answer.failures).toEqual(['why']);
    expect(answer.ended).toBe(false);
  });
});
