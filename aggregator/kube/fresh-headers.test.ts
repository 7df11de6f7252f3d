import { beforeEach, describe, expect, it } from 'vitest';
import { freshHeaders } from './fresh-headers.ts';
import type { FreshHeaders } from './fresh-headers.ts';

let nowMs: number;
/** Questions that wait for their answer, oldest first. */
let asked: PromiseWithResolvers<Record<string, string>>[];
let headers: FreshHeaders;
let afterwards: (() => void)[];

beforeEach(() => {
  nowMs = 0;
  asked = [];
  afterwards = [];
  headers = freshHeaders(
    () => {
      const question = withResolvers();
      asked.push(question);
      return question.promise;
    },
    () => nowMs,
    (run) => afterwards.push(run),
  );
});

function callGone(): void {
  for (const run of afterwards.splice(0)) run();
}

interface PromiseWithResolvers<Value> {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
  readonly reject: (reason: Error) => void;
}

function withResolvers(): PromiseWithResolvers<Record<string, string>> {
  let [resolve, reject]: [(value: Record<string, string>) => void, (reason: Error) => void] = [() => {}, () => {}];
  const promise = new Promise<Record<string, string>>((...both) => ([resolve, reject] = both));
  return { promise, resolve, reject };
}

async function first(): Promise<void> {
  const given = headers();
  asked[0]!.resolve({ token: 'first' });
  expect(await given).toEqual({ token: 'first' });
}

describe('fresh headers', () => {
  it('are asked for once by calls that come together, and used for five seconds', async () => {
    const both = [headers(), headers()];
    asked[0]!.resolve({ token: 'first' });
    expect(await Promise.all(both)).toEqual([{ token: 'first' }, { token: 'first' }]);
    nowMs = 4999;
    await headers();
    expect(asked).toHaveLength(1);
  });

  it('are used while they are asked for again, once the call is on its way, for a minute', async () => {
    await first();
    nowMs = 5000;
    expect([await headers(), await headers(), asked.length]).toEqual([{ token: 'first' }, { token: 'first' }, 1]);
    callGone();
    expect(asked).toHaveLength(2);
    nowMs = 60_000;
    const waits = headers();
    asked[1]!.resolve({ token: 'second' });
    expect([await waits, asked.length]).toEqual([{ token: 'second' }, 2]);
  });

  it('throw what the reading threw to who waits for it alone, and are asked for again', async () => {
    await first();
    nowMs = 5000;
    await headers();
    callGone();
    asked[1]!.reject(new Error('no such file'));
    await expect(asked[1]!.promise).rejects.toThrow('no such file');
    expect(await headers()).toEqual({ token: 'first' });
    nowMs = 60_000;
    const waits = headers();
    asked[2]!.reject(new Error('no such file'));
    await expect(waits).rejects.toThrow('no such file');
    expect(asked).toHaveLength(3);
  });

  it('that were being read when they expired are not kept: they may be of before', async () => {
    await first();
    nowMs = 5000;
    await headers();
    callGone();
    headers.expire();
    const anew = headers();
    asked[2]!.resolve({ token: 'third' });
    expect(await anew).toEqual({ token: 'third' });
    asked[1]!.resolve({ token: 'second' });
    await asked[1]!.promise;
    expect(await headers()).toEqual({ token: 'third' });
  });
});
