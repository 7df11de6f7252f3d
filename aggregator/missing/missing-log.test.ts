import { describe, expect, it } from 'vitest';
import { createLogger } from '../../agent/runtime/logger.ts';
import type { Absence } from './missing-log.ts';
import { createMissingLog } from './missing-log.ts';

type Line = { readonly level: string; readonly msg: string; readonly reason?: string; readonly count?: number };

function logged() {
  const lines: Line[] = [];
  const log = createLogger('test', 'info', {}, { write: (line) => void lines.push(JSON.parse(line) as Line) });
  const missing = createMissingLog(log);
  return {
    lines,
    round(nowMonoMs: number, ...absences: readonly Absence[]): void {
      const round = missing.round(nowMonoMs);
      for (const absence of absences) round.seen(absence);
      round.end();
    },
  };
}

function absence(name: string, reason = 'no_agent'): Absence {
  return { kind: 'node', name, reason, says: () => `says ${reason}` };
}

describe('the log of missing metrics', () => {
  it('says once what lasts, once what the reason has become, once that it is over', () => {
    const { lines, round } = logged();
    for (let at = 0; at <= 90_000; at += 15_000) round(at, absence('n1'));
    expect(lines).toMatchObject([
      { level: 'warn', msg: 'metrics missing', kind: 'node', node: 'n1', reason: 'no_agent', detail: 'says no_agent' },
    ]);
    for (let at = 105_000; at <= 180_000; at += 15_000) round(at, absence('n1', 'push_refused'));
    round(195_000);
    round(210_000);
    expect(lines.slice(1)).toMatchObject([
      { level: 'warn', reason: 'push_refused' },
      { level: 'info', msg: 'metrics no longer missing', node: 'n1' },
    ]);
    expect(lines).toHaveLength(3);
  });

  it('says nothing of what is over within half a minute', () => {
    const { lines, round } = logged();
    round(0, absence('n1'));
    round(15_000, absence('n1'));
    round(29_999, absence('n1', 'agent_silent'));
    round(45_000);
    expect(lines).toEqual([]);
  });

  it('says that it is over also when the last reason was too short to be said', () => {
    const { lines, round } = logged();
    for (const at of [0, 30_000]) round(at, absence('n1'));
    round(45_000, absence('n1', 'agent_silent'));
    round(60_000);
    expect(lines.map(({ msg }) => msg)).toEqual(['metrics missing', 'metrics no longer missing']);
  });

  it('says fifty things at a time and how many more there are, and the rest later', () => {
    const { lines, round } = logged();
    const many = Array.from({ length: 120 }, (_, at) => absence(`n${at}`));
    for (const at of [0, 30_000]) round(at, ...many);
    expect(lines).toHaveLength(51);
    expect(lines[50]).toMatchObject({ msg: 'more changes of missing metrics than are logged at once', count: 70 });
    for (const at of [45_000, 60_000, 75_000]) round(at, ...many);
    expect(lines.filter(({ msg }) => msg === 'metrics missing')).toHaveLength(120);
    const before = lines.length;
    round(90_000);
    expect(lines.length - before).toBe(51);
  });
});
