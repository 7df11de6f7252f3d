import { describe, expect, it } from 'vitest';
import type { Batch } from './batch.ts';
import { BATCH_BINARY_V1, BATCH_JSON_V1 } from './batch.ts';
import { MAX_BATCH_BYTES, MAX_ROWS, MAX_STRING } from './bounds.ts';
import { decodeBatch, encodeBatch } from './codec.ts';
import type { BatchMediaType } from './codec.ts';
import { CPU_BUCKETS, CPU_SCHEME } from './histogram-scheme.ts';
import type { Identity } from './identity.ts';
import type { Shortage } from './shortage.ts';
import { ByteWriter } from './varint.ts';

const HISTOGRAM = { scheme: CPU_SCHEME, row: Uint32Array.of(0), bucket: Uint16Array.of(1), seconds: Uint32Array.of(5) };
const IDENTITY: Identity = { ref: 1, kind: 'pod', podUid: 'u', containerId: '', cgroup: 'c', startBootMs: 0 };
const SHORTAGE: Shortage = {
  ref: 1,
  resource: 'memory',
  kind: 'limit-reached',
  raisedBootMs: 1,
  secondsToHarm: 1,
  need: 1,
  limit: 1,
  rate: 1,
};
const BATCH: Batch = {
  node: 'n',
  agentVersion: '0.1.0',
  bootId: 'b',
  epoch: 1,
  sequence: 1,
  bootTimeMs: 1,
  wallTimeMs: 1,
  identities: [IDENTITY],
  gone: [],
  reports: { count: 2, ref: Uint32Array.of(0, 1), values: { pids: Float64Array.of(1, 2) } },
  histogram: HISTOGRAM,
  shortages: [SHORTAGE],
};

function refusalOf(batch: Batch, mediaType: BatchMediaType): string {
  return refusalOfBody(encodeBatch(batch, mediaType), mediaType);
}

function refusalOfBody(body: Uint8Array, mediaType: string): string {
  const decoded = decodeBatch(body, mediaType);
  return decoded.kind === 'refused' ? `${decoded.code} ${decoded.message}` : decoded.kind;
}

function rowsOf(count: number): Batch['reports'] {
  return { count, ref: Uint32Array.from({ length: count }, (_, row) => row), values: {} };
}

const CASES: readonly [what: string, change: Partial<Batch>, refusal: RegExp][] = [
  ['a node without a name', { node: '' }, /^malformed batch: node is empty/],
  ['a name that is too long', { node: 'n'.repeat(MAX_STRING + 1) }, /^malformed .*longer than 4096/],
  ['a ref twice', { reports: { ...BATCH.reports, ref: Uint32Array.of(7, 7) } }, /^malformed \w+: ref 7 is there twice/],
  ['an identity twice', { identities: [IDENTITY, IDENTITY] }, /^malformed identities: ref 1 is there twice/],
  ['an unknown row kind', { identities: [{ ...IDENTITY, kind: 'vm' as 'pod' }] }, /^malformed identities\[0\].*kind/],
  ['too many rows', { reports: rowsOf(MAX_ROWS + 1) }, /^too_large \w+: 8193 is above the bound of 8192/],
  [
    'a histogram row out of range',
    { histogram: { ...HISTOGRAM, row: Uint32Array.of(2) } },
    /^malformed histogram\[0\]: row 2 of 2/,
  ],
  [
    'a histogram bucket out of range',
    { histogram: { ...HISTOGRAM, bucket: Uint16Array.of(CPU_BUCKETS) } },
    /^malformed histogram\[0\]: bucket 176 of 176/,
  ],
  [
    'an unknown shortage kind',
    { shortages: [{ ...SHORTAGE, kind: 'tired' as 'throttled' }] },
    /^malformed shortages\[0\].*kind/,
  ],
  [
    'an unknown resource',
    { shortages: [{ ...SHORTAGE, resource: 'gpu' as 'cpu' }] },
    /^malformed shortages\[0\].*resource/,
  ],
  ['a shortage of less than nothing', { shortages: [{ ...SHORTAGE, need: -1 }] }, /^malformed shortages\[0\]: need -1/],
  [
    'a shortage in the past of its harm',
    { shortages: [{ ...SHORTAGE, secondsToHarm: -1 }] },
    /^malformed shortages\[0\]: secondsToHarm/,
  ],
  ['a shortage without a rate', { shortages: [{ ...SHORTAGE, rate: NaN }] }, /^malformed shortages\[0\].*rate/],
  [
    'a growth of less than no time',
    { shortages: [{ ...SHORTAGE, secondsOfGrowth: -1 }] },
    /^malformed shortages\[0\]: secondsOfGrowth -1/,
  ],
  [
    'a growth for ever',
    { shortages: [{ ...SHORTAGE, secondsOfGrowth: Infinity }] },
    /^malformed shortages\[0\].*secondsOfGrowth/,
  ],
  [
    'a growth for no number of seconds',
    { shortages: [{ ...SHORTAGE, secondsOfGrowth: NaN }] },
    /^malformed shortages\[0\].*secondsOfGrowth/,
  ],
  ['a shortage with no limit', { shortages: [{ ...SHORTAGE, limit: Infinity }] }, /^malformed shortages\[0\].*limit/],
  [
    'a shortage before the boot',
    { shortages: [{ ...SHORTAGE, raisedBootMs: -1 }] },
    /^malformed shortages\[0\].*raised/,
  ],
];

describe.each([BATCH_BINARY_V1, BATCH_JSON_V1] as const)('decodeBatch of %s', (mediaType) => {
  it('takes the batch that the cases below break', () => {
    expect(refusalOf(BATCH, mediaType)).toBe('batch');
  });

  it.each(CASES)('refuses %s', (_, change, refusal) => {
    expect(refusalOf({ ...BATCH, ...change }, mediaType)).toMatch(refusal);
  });

  it('takes a bucket of a scheme that it does not know', () => {
    const histogram = { ...HISTOGRAM, scheme: 'fine', bucket: Uint16Array.of(60_000) };
    expect(refusalOf({ ...BATCH, histogram }, mediaType)).toBe('batch');
  });

  it('refuses a body above the bound before it reads it', () => {
    expect(refusalOfBody(new Uint8Array(MAX_BATCH_BYTES + 1), mediaType)).toMatch(/^too_large batch: 4194305 bytes/);
  });

  it('refuses every cut of a body', () => {
    const body = encodeBatch(BATCH, mediaType);
    for (let length = 0; length < body.length; length++)
      expect(refusalOfBody(body.subarray(0, length), mediaType)).toMatch(/^malformed /);
  });
});

/** A binary body with a header, and one more section given as bytes. */
function crafted(section: string, write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(64);
  const bare = { ...BATCH, identities: [], reports: rowsOf(0), shortages: [], histogram: noHistogram() };
  writer.raw(encodeBatch(bare, BATCH_BINARY_V1).slice(0, -1));
  writer.string(section);
  const start = writer.length;
  write(writer);
  writer.prefixLength(start);
  writer.string('');
  return writer.take();
}

function noHistogram(): Batch['histogram'] {
  return { scheme: CPU_SCHEME, row: new Uint32Array(0), bucket: new Uint16Array(0), seconds: new Uint32Array(0) };
}

/** Two rows (refs 0 and 1), then one column. */
function crafted2Rows(column: string, encoding: number, payload: readonly number[]): Uint8Array {
  return crafted('reports', (writer) => {
    for (const number of [2, 0, 0]) writer.uint(number);
    addColumn(writer, column, encoding, payload);
  });
}

function addColumn(writer: ByteWriter, column: string, encoding: number, payload: readonly number[]): void {
  writer.string(column);
  writer.byte(encoding);
  writer.uint(payload.length);
  writer.raw(Uint8Array.from(payload));
}

describe('decodeBatch of crafted bytes', () => {
  const counts: readonly [section: string, write: (writer: ByteWriter) => void][] = [
    ['reports', (writer) => writer.uint(2 ** 32)],
    ['gone', (writer) => writer.uint(2 ** 32)],
    ['identities', (writer) => writer.uint(2 ** 32)],
    ['shortages', (writer) => writer.uint(2 ** 32)],
    [
      'histogram',
      (writer) => {
        writer.string(CPU_SCHEME);
        writer.uint(2 ** 32);
      },
    ],
  ];
  it.each(counts)('refuses a few bytes of %s that claim 2^32 entries', (section, write) => {
    expect(refusalOfBody(crafted(section, write), BATCH_BINARY_V1)).toMatch(
      /^too_large .*4294967296 is above the bound/,
    );
  });

  it('refuses a count within the bound that its bytes cannot hold', () => {
    const body = crafted('reports', (writer) => writer.uint(MAX_ROWS));
    expect(refusalOfBody(body, BATCH_BINARY_V1)).toBe('malformed reports: 8192 entries do not fit in 0 bytes');
  });

  it.each([
    ['an unknown encoding of a known column', crafted2Rows('pids', 0x20, [0, 1, 2]), /pids: unknown encoding 32/],
    ['the prediction that is not defined', crafted2Rows('pids', 3, [0, 1, 2]), /pids: unknown encoding 3/],
    ['"max" where there is no limit', crafted2Rows('pids', 8, [0, 3]), /pids: "max" in a column that is no limit/],
    ['a negative value', crafted2Rows('pids', 1, [0, 1, 1]), /pids: row 0 is -1/],
    ['a value above 2^53 − 1', crafted2Rows('pids', 0, [52, 2, 1]), /pids: row 0 is/],
    ['a unit without sense', crafted2Rows('pids', 0, [53, 1, 1]), /pids: unit 2\^53/],
    ['a column that is too short', crafted2Rows('pids', 0, [0, 1]), /pids: truncated/],
    ['a column that is too long', crafted2Rows('pids', 0, [0, 1, 2, 3]), /pids: 1 bytes too many/],
    ['a prediction from nowhere', crafted2Rows('anonBytes', 2, [0, 5, 0, 0]), /anonBytes: predicted from a column/],
  ])('refuses %s', (_, body, refusal) => {
    expect(refusalOfBody(body, BATCH_BINARY_V1)).toMatch(refusal);
  });

  it('refuses columns that are predicted from each other, also where nobody wants them', () => {
    const circle = crafted('reports', (writer) => {
      for (const number of [1, 0]) writer.uint(number);
      addColumn(writer, 'pids', 2, [0, 1, 0]);
      addColumn(writer, 'oomKills', 2, [0, 0, 0]);
      addColumn(writer, 'anonBytes', 2, [0, 1, 0]);
    });
    const decoded = decodeBatch(circle, BATCH_BINARY_V1, { columns: new Set(['anonBytes']) });
    expect(decoded).toMatchObject({
      kind: 'refused',
      message: 'column pids: predicted from a column that is not there',
    });
  });

  it('knows a column by its name, whatever order they come in and however its length is written', () => {
    const turned = crafted('reports', (writer) => {
      for (const number of [1, 0]) writer.uint(number);
      addColumn(writer, 'workingSetPeakBytes', 0, [0, 1]);
      addColumn(writer, 'pids', 0, [0, 2]);
      addColumn(writer, 'pid', 0, [0, 3]);
      writer.raw(Uint8Array.of(0x88, 0x00, ...new TextEncoder().encode('windowUs'), 0, 2, 0, 4));
      addColumn(writer, 'atBootMs', 0, [0, 5]);
    });
    const decoded = decodeBatch(turned, BATCH_BINARY_V1);
    if (decoded.kind !== 'batch') throw new Error(decoded.message);
    const read = Object.entries(decoded.batch.reports.values).map(([name, values]) => [name, values[0]]);
    expect(read).toEqual([
      ['workingSetPeakBytes', 1],
      ['pids', 2],
      ['windowUs', 4],
      ['atBootMs', 5],
    ]);
  });

  it('refuses a column and a section that are there twice, and too many columns', () => {
    const doubled = crafted('reports', (writer) => {
      for (const number of [1, 0]) writer.uint(number);
      addColumn(writer, 'pids', 0, [0, 1]);
      addColumn(writer, 'pids', 0, [0, 1]);
    });
    expect(refusalOfBody(doubled, BATCH_BINARY_V1)).toBe('malformed reports: column "pids" is there twice');
    expect(
      refusalOfBody(
        crafted('batch', (writer) => writer.byte(0)),
        BATCH_BINARY_V1,
      ),
    ).toMatch(/"batch" is there twice/);
    const many = crafted('reports', (writer) => {
      for (const number of [1, 0]) writer.uint(number);
      for (let column = 0; column < 65; column++) addColumn(writer, `new${column}`, 0, []);
    });
    expect(refusalOfBody(many, BATCH_BINARY_V1)).toBe('too_large reports: more than 64 columns');
  });

  it('refuses what is no batch at all', () => {
    expect(refusalOfBody(new TextEncoder().encode('{"node":"n"}'), BATCH_BINARY_V1)).toMatch(
      /does not start with "HRB"/,
    );
    expect(refusalOfBody(Uint8Array.of(0x48, 0x52, 0x42, 1, 0), BATCH_BINARY_V1)).toMatch(/section "batch" is missing/);
    const longer = Uint8Array.of(...encodeBatch(BATCH, BATCH_BINARY_V1), 0);
    expect(refusalOfBody(longer, BATCH_BINARY_V1)).toBe('malformed batch: 1 bytes after the end');
  });
});

const HEADER = '"node":"n","agent":"a","boot":"b","epoch":1,"seq":1,"bootMs":1,"wallMs":1';

describe('decodeBatch of hand-written JSON', () => {
  it.each([
    ['no JSON', '{', /^malformed batch: is not JSON/],
    ['no object', '[]', /^malformed batch: is not an object/],
    ['a header that is not whole', '{"node":"n"}', /^malformed agent: is not a string/],
    ['a negative counter', `{${HEADER},"rows":[0],"columns":{"pids":[-1]}}`, /columns\.pids\[0\]: -1 is not allowed/],
    [
      'a number beyond a double',
      `{${HEADER},"rows":[0],"columns":{"pids":[1e999]}}`,
      /pids\[0\]: Infinity is not allowed/,
    ],
    [
      '"max" where there is no limit',
      `{${HEADER},"rows":[0],"columns":{"pids":["max"]}}`,
      /pids\[0\]: Infinity is not/,
    ],
    ['a word', `{${HEADER},"rows":[0],"columns":{"pids":["many"]}}`, /pids\[0\]: is not a number/],
    ['a column of another length', `{${HEADER},"rows":[0],"columns":{"pids":[1,2]}}`, /has 2 values for 1 rows/],
    ['columns without rows', `{${HEADER},"columns":{"pids":[1]}}`, /has 1 values for 0 rows/],
    ['a ref that is no ref', `{${HEADER},"rows":[0.5]}`, /rows\[0\]: is not a whole number/],
    ['an epoch as text', `{${HEADER.replace('"epoch":1', '"epoch":"1"')}}`, /epoch: is not a whole number/],
    ['a lopsided histogram', `{${HEADER},"histogram":{"scheme":"x","row":[0],"bucket":[]}}`, /differ in length/],
    [
      'too many columns',
      `{${HEADER},"columns":{${Array.from({ length: 65 }, (_, n) => `"c${n}":1`).join()}}}`,
      /^too_large columns: 65/,
    ],
    ['a storm of brackets', `[${'[],'.repeat(70_000)}0]`, /^too_large batch: more than 65536 objects and arrays/],
  ])('refuses %s', (_, json, refusal) => {
    expect(refusalOfBody(new TextEncoder().encode(json), BATCH_JSON_V1)).toMatch(refusal);
  });

  it('reads keys of the object only, never of its prototype', () => {
    const json = `{${HEADER},"rows":[0],"columns":{"__proto__":{"pids":[1]}}}`;
    const decoded = decodeBatch(new TextEncoder().encode(json), BATCH_JSON_V1);
    expect(decoded.kind === 'batch' && decoded.batch.reports.values).toEqual({});
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(refusalOfBody(Uint8Array.of(0x7b, 0xff, 0x7d), BATCH_JSON_V1)).toMatch(/^malformed batch: is not JSON/);
  });
});
