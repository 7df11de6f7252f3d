import { describe, expect, it } from 'vitest';
import { pino } from 'pino';
import { watchClockSkew } from './clock-skew.ts';

describe('watchClockSkew', () => {
  it('says once that a clock is off and once that it is right again', () => {
    const lines: string[] = [];
    const skew = watchClockSkew(pino({}, { write: (line) => void lines.push(line) }));
    for (const skewMs of [0, 1500, 3_600_000, 3_600_010, 1500, 999, 0]) skew.measured('n1', skewMs);
    const said = lines.map((line) => JSON.parse(line) as { readonly level: number; readonly skewMs: number });
    expect(said.map(({ level, skewMs }) => [level, skewMs])).toEqual([
      [40, 3_600_010],
      [30, 999],
    ]);
  });

  it('knows each node by itself', () => {
    const lines: string[] = [];
    const skew = watchClockSkew(pino({}, { write: (line) => void lines.push(line) }));
    for (const skewMs of [-5000, -5000, -5000]) {
      skew.measured('n1', skewMs);
      skew.measured('n2', 5000);
    }
    expect(lines).toHaveLength(2);
  });

  it('takes one push that was long on its way for what it is', () => {
    const lines: string[] = [];
    const skew = watchClockSkew(pino({}, { write: (line) => void lines.push(line) }));
    for (const skewMs of [0, -2800, 0, -2800, -1500, -2800]) skew.measured('n1', skewMs);
    expect(lines).toEqual([]);
  });
});
