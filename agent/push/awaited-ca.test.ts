import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeTime } from '../../test/fakes/fake-node.ts';
import { silentLogger } from '../runtime/logger.ts';
import { AwaitedCa } from './awaited-ca.ts';

const SECOND = 1000;
const NONE = Symbol('no file is asked for');

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'awaited-ca-'))));
afterEach(() => rmSync(folder, { recursive: true }));

function setUp(file: string | typeof NONE = join(folder, 'ca.crt')) {
  const time = fakeTime();
  const aggregator: { listens: boolean | Promise<boolean> | Error } = { listens: false };
  const seen = { known: 0, asked: 0 };
  const ca = new AwaitedCa({
    file: file === NONE ? undefined : file,
    listens: async () => {
      seen.asked++;
      if (aggregator.listens instanceof Error) throw aggregator.listens;
      return aggregator.listens;
    },
    onKnown: () => seen.known++,
    timers: time.timers,
    log: silentLogger,
  });
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 100) {
      time.advance(Math.min(100, left));
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const publish = (): void => writeFileSync(join(folder, 'ca.crt'), 'PEM');
  return { ca, aggregator, seen, pass, publish };
}

describe('AwaitedCa', () => {
  it('is known from the start where the file is there, and where there is none to wait for', async () => {
    for (const { ca, seen, publish } of [setUp(), setUp(NONE)]) {
      publish();
      ca.start();
      expect(seen).toEqual({ known: 1, asked: 0 });
      expect([ca.problem, ca.startProblem, await ca.readyProblem()]).toEqual(['', '', '']);
    }
  });

  it('holds up the start until an aggregator listens, and pushing until the file is there', async () => {
    const { ca, aggregator, seen, pass, publish } = setUp();
    aggregator.listens = new Error('no such host');
    ca.start();
    await pass(5 * SECOND);
    expect(ca.startProblem).toContain('ca.crt');
    expect(seen.asked).toBe(6);
    aggregator.listens = true;
    await pass(SECOND);
    expect([ca.startProblem, seen.known]).toEqual(['', 0]);
    expect(ca.problem).toContain('ca.crt');
    const { asked } = seen;
    await pass(2 * SECOND);
    expect(seen.asked).toBe(asked);
    publish();
    await pass(SECOND);
    expect([ca.problem, seen.known]).toEqual(['', 1]);
    await pass(5 * SECOND);
    expect(seen.known).toBe(1);
  });

  it('holds up the start for a minute and a half at most, and goes on waiting', async () => {
    const { ca, seen, pass, publish } = setUp();
    ca.start();
    await pass(89 * SECOND);
    expect(ca.startProblem).not.toBe('');
    await pass(SECOND);
    expect(ca.startProblem).toBe('');
    // Started, and not ready: nobody has its numbers.
    const ready = ca.readyProblem();
    await pass(2 * SECOND);
    expect(await ready).toContain('ca.crt');
    const { asked } = seen;
    await pass(60 * SECOND);
    expect(seen.asked).toBe(asked);
    publish();
    await pass(SECOND);
    expect(seen.known).toBe(1);
  });

  it('is ready as soon as a push is taken, and asked for it waits two seconds', async () => {
    const { ca, aggregator, pass, publish } = setUp();
    ca.start();
    aggregator.listens = true;
    await pass(SECOND);
    const given: string[] = [];
    const ask = async (): Promise<void> => void given.push(await ca.readyProblem());
    void ask();
    await pass(1900);
    expect(given).toEqual([]);
    await pass(200);
    expect(given).toEqual([expect.stringContaining('ca.crt')]);
    publish();
    void ask();
    await pass(2 * SECOND);
    expect(given.slice(1)).toEqual(['no push was taken yet']);
    void ask();
    await pass(SECOND);
    ca.pushed();
    await pass(100);
    expect(given.slice(2)).toEqual(['']);
    expect(await ca.readyProblem()).toBe('');
  });

  it('asks for an aggregator one question at a time', async () => {
    const { ca, aggregator, seen, pass } = setUp();
    let answer: (listens: boolean) => void = () => undefined;
    aggregator.listens = new Promise<boolean>((resolve) => (answer = resolve));
    ca.start();
    await pass(10 * SECOND);
    expect([seen.asked, ca.startProblem]).toEqual([1, expect.stringContaining('ca.crt')]);
    answer(true);
    await pass(10 * SECOND);
    expect([seen.asked, ca.startProblem]).toEqual([1, '']);
  });

  it('keeps what the file had when it is taken away, and takes what it has when it changes', () => {
    const { ca, publish } = setUp();
    publish();
    ca.start();
    rmSync(join(folder, 'ca.crt'));
    expect(ca.pem()).toBe('PEM');
    writeFileSync(join(folder, 'ca.crt'), 'NEXT');
    expect(ca.pem()).toBe('NEXT');
  });

  it('takes no empty file for a CA: it would stand for all that the system trusts', () => {
    const { ca } = setUp();
    writeFileSync(join(folder, 'ca.crt'), '\n');
    expect(() => ca.pem()).toThrow(expect.objectContaining({ code: 'tls_file' }) as Error);
  });

  it('looks no more when it is closed', async () => {
    const { ca, seen, pass, publish } = setUp();
    ca.start();
    ca.close();
    publish();
    await pass(5 * SECOND);
    expect(seen.known).toBe(0);
  });

  it('takes an empty file for none yet, and a missing folder for a wrong path', () => {
    const { ca, seen } = setUp();
    writeFileSync(join(folder, 'ca.crt'), '');
    ca.start();
    expect(seen.known).toBe(0);
    expect(() => setUp(join(folder, 'missing', 'ca.crt')).ca.start()).toThrow(/can't read .*its folder is not there/);
  });
});
