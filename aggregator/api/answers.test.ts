// Every request of test/fixtures/metrics-api/answers.json gets the answer that k8s.io/apiserver's own handlers gave to it.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMetricsApi } from '../../test/fakes/metrics-api.ts';
import type { MetricsApi } from '../../test/fakes/metrics-api.ts';

interface Recorded {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly request: Readonly<Record<string, string>> | null;
  readonly code: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text?: string;
  /** Base64. */
  readonly bytes?: string;
}

const recorded = JSON.parse(
  readFileSync(new URL('../../test/fixtures/metrics-api/answers.json', import.meta.url), 'utf8'),
) as readonly Recorded[];

/** Where the recorded text is a slip of Go's: "<nil>: Invalid value" for what is said of "key" here. */
const BETTER = ['label key malformed'];
/** What is this server's own: its checks, its version, the paths it has. OpenAPI has a test of its own. */
const OWN_CONTENT = /^(?:healthz|livez|readyz|version$|version\/$|root$|index$|openapi)/;
const isOwn = ({ name, text = '' }: Recorded): boolean =>
  BETTER.includes(name) || OWN_CONTENT.test(name) || text.startsWith('{\n  "paths"');

let api: MetricsApi;

beforeAll(async () => {
  api = await startMetricsApi();
});

afterAll(() => api.close());

async function answered({ method, path, request }: Recorded) {
  return api.asAdmin(path, { method, headers: request ?? {} });
}

describe('what Kubernetes’ own handlers answer', () => {
  const same = recorded.filter((one) => !isOwn(one));

  it('is recorded', () => {
    expect(same.length).toBeGreaterThan(100);
  });

  it.each(same.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    const { code, headers, body } = await answered(one);
    expect(code).toBe(one.code);
    expect(headers['content-type']).toBe(one.headers['content-type']);
    for (const name of ['cache-control', 'vary', 'retry-after']) expect(headers[name]).toBe(one.headers[name]);
    if (one.method === 'HEAD') expect(body).toHaveLength(0);
    else if (one.bytes === undefined) expect(body.toString()).toBe(one.text ?? '');
    else expect(body.toString('base64')).toBe(one.bytes);
  });
});

describe('what is this server’s own', () => {
  const own = recorded.filter(
    (one) => isOwn(one) && !BETTER.includes(one.name) && !/^(?:healthz|livez|readyz|openapi)/.test(one.name),
  );

  it.each(own.map((one) => [one.name, one] as const))('%s: has the same form', async (_name, one) => {
    const { code, headers, body } = await answered(one);
    expect(code).toBe(one.code);
    expect(headers['content-type']).toBe(one.headers['content-type']);
    const keys = (text: string): string[] => Object.keys(JSON.parse(text) as object);
    expect(keys(one.text!)).toEqual(expect.arrayContaining(keys(body.toString())));
  });
});
