import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnswerCache } from './answer-cache.ts';

interface Said {
  readonly text: string;
  readonly keepMs: number;
}

function cache(mostKept = 100) {
  const asked: string[] = [];
  const pending: ((said: Said) => void)[] = [];
  let nowMs = 0;
  const answers = new AnswerCache<string, Said>({
    ask: (question) => {
      asked.push(question);
      return new Promise((resolve, reject) =>
        pending.push((said) => (said.text === 'failure' ? reject(new Error('no answer')) : resolve(said))),
      );
    },
    keepMs: ({ keepMs }) => keepMs,
    mostKept,
    clock: () => nowMs,
  });
  return { answers, asked, pending, at: (ms: number) => (nowMs = ms) };
}

describe('AnswerCache', () => {
  it('asks once for those who ask the same at once', async () => {
    const { answers, asked, pending } = cache();
    const all = Promise.all(Array.from({ length: 1000 }, async () => answers.answer('k', 'q')));
    pending[0]!({ text: 'yes', keepMs: 0 });
    expect(new Set((await all).map(({ text }) => text))).toEqual(new Set(['yes']));
    expect(asked).toEqual(['q']);
  });

  it('remembers an answer for its time and no longer, and gives it without a promise', async () => {
    const { answers, asked, pending, at } = cache();
    const first = answers.answer('k', 'q');
    pending[0]!({ text: 'yes', keepMs: 10 });
    await first;
    at(9);
    expect(answers.answer('k', 'q')).toEqual({ text: 'yes', keepMs: 10 });
    at(10);
    expect(answers.answer('k', 'q')).toBeInstanceOf(Promise);
    expect(asked).toHaveLength(2);
  });

  it('remembers neither a failure nor an answer that says so', async () => {
    const { answers, asked, pending } = cache();
    const failed = answers.answer('k', 'q');
    pending[0]!({ text: 'failure', keepMs: 10 });
    await expect(failed).rejects.toThrow('no answer');
    const second = answers.answer('k', 'q');
    pending[1]!({ text: 'perhaps', keepMs: 0 });
    await second;
    expect(answers.answer('k', 'q')).toBeInstanceOf(Promise);
    expect([asked.length, answers.size]).toEqual([3, 0]);
  });

  it('never holds more than it may, and forgets what was not used the longest', async () => {
    const keys = fc.array(fc.integer({ min: 0, max: 9 }).map(String), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(keys, async (used) => {
        const asked: string[] = [];
        const answers = new AnswerCache<string, { readonly of: string }>({
          ask: (of) => {
            asked.push(of);
            return Promise.resolve({ of });
          },
          keepMs: () => 1,
          mostKept: 3,
          clock: () => 0,
        });
        let recent: string[] = [];
        for (const key of used) {
          const isKept = recent.includes(key);
          const before = asked.length;
          expect((await answers.answer(key, key)).of).toBe(key);
          expect(asked.length - before).toBe(isKept ? 0 : 1);
          recent = [...recent.filter((one) => one !== key), key].slice(-3);
          expect(answers.size).toBe(recent.length);
        }
      }),
    );
  });
});
