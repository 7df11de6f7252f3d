import { describe, expect, it } from 'vitest';
import { CodedError } from './coded-error.ts';
import { LOG_LEVELS, createLogger } from './logger.ts';
import type { Logger } from './logger.ts';

/** The lines that a logger writes, parsed. */
function captured(level: 'info' | 'warn', write: (log: Logger) => void): Record<string, unknown>[] {
  const lines: string[] = [];
  const log = createLogger('agent', level, { node: 'n1' }, { write: (line: string) => void lines.push(line) });
  write(log);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('createLogger', () => {
  it('writes one JSON line with component, fields, level by name and ISO time', () => {
    const [line] = captured('info', (log) => log.info({ seq: 3 }, 'push taken again'));
    expect(line).toMatchObject({ level: 'info', component: 'agent', node: 'n1', seq: 3, msg: 'push taken again' });
    expect(new Date(String(line?.['time'])).toISOString()).toBe(line?.['time']);
  });

  it('leaves out what is below its level', () => {
    expect(captured('warn', (log) => log.info('quiet'))).toEqual([]);
  });

  it('never writes a token', () => {
    const lines = captured('info', (log) => log.info({ token: 'a', push: { authorization: 'Bearer b' } }, 'x'));
    expect(JSON.stringify(lines)).not.toMatch(/Bearer|"a"/);
  });

  it('writes an error with its code and the error underneath', () => {
    const err = new CodedError('token_file', 'can’t read it', new Error('ENOENT'));
    const [line] = captured('info', (log) => log.warn({ err }, 'push failed'));
    expect(line?.['err']).toMatchObject({ code: 'token_file', message: expect.stringContaining('ENOENT') as unknown });
  });

  it('knows its levels', () => {
    expect(LOG_LEVELS).toEqual(['debug', 'info', 'warn', 'error', 'silent']);
  });
});
