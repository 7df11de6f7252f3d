import { expect, it } from 'vitest';
import { createHealth } from './health.ts';

const none = new URLSearchParams();
const verbose = new URLSearchParams('verbose');

function healthWith(problem: { text?: string }) {
  return createHealth({
    livez: [{ name: 'loop-timely', problem: () => undefined }],
    readyz: [
      { name: 'metric-storage-ready', problem: () => problem.text },
      { name: 'metadata-informer-sync', problem: () => undefined },
    ],
  });
}

it('answers ok while all is well, and each check when asked for them', () => {
  const health = healthWith({});
  expect(health.answer('/livez', none)).toEqual({ code: 200, body: 'ok' });
  expect(health.answer('/readyz', verbose)).toEqual({
    code: 200,
    body: '[+]ping ok\n[+]metric-storage-ready ok\n[+]metadata-informer-sync ok\nreadyz check passed\n',
  });
  expect(health.answer('/healthz', verbose).body).toBe('[+]ping ok\n[+]loop-timely ok\nhealthz check passed\n');
});

it('is 500 and always verbose when a check fails, without telling why', () => {
  const health = healthWith({ text: 'no metrics to serve' });
  expect(health.answer('/readyz', none)).toEqual({
    code: 500,
    body: '[+]ping ok\n[-]metric-storage-ready failed: reason withheld\n[+]metadata-informer-sync ok\nreadyz check failed\n',
  });
  expect(health.answer('/livez', none).code).toBe(200);
});

it('leaves out the checks that it is told to, and says which ones it does not know', () => {
  const health = healthWith({ text: 'no metrics to serve' });
  const query = new URLSearchParams('verbose&exclude=metric-storage-ready&exclude=nonsense');
  expect(health.answer('/readyz', query)).toEqual({
    code: 200,
    body: '[+]ping ok\n[+]metric-storage-ready excluded: ok\n[+]metadata-informer-sync ok\nwarn: some health checks cannot be excluded: no matches for "nonsense"\nreadyz check passed\n',
  });
});

it('passes again once the problem is gone', () => {
  const problem: { text?: string } = { text: 'no metrics to serve' };
  const health = healthWith(problem);
  expect(health.answerCheck('/readyz', 'metric-storage-ready')!.code).toBe(500);
  delete problem.text;
  expect(health.answerCheck('/readyz', 'metric-storage-ready')).toEqual({ code: 200, body: 'ok' });
  expect(health.answerCheck('/readyz', 'nonsense')).toBeUndefined();
});
