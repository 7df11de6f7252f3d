import { describe, expect, it } from 'vitest';
import { answerOf, lineCutter, machineFailed, parseGuestLine } from './guest-lines.ts';

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

describe('a guest that did not come to its end', () => {
  it('was failed by its machine when its first process never told a status, or the kernel oopsed', () => {
    for (const said of ['', 'qemu ended: status 0\n', 'scenario demo ended with 0\n[ 9.1] Kernel panic - not syncing'])
      expect(machineFailed(said)).toBe(true);
  });

  it('was failed by its program when the first process told its status: a crash, or its own deadline', () => {
    for (const status of [0, 1, 143])
      expect(machineFailed(`no disk on /tmp\nscenario demo ended with ${status}\nqemu ended: status 0\n`)).toBe(false);
  });
});
