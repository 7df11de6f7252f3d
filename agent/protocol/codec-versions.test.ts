// Agent and aggregator work at ± one protocol version: what a next or an earlier one may send, and what it is told.
import { describe, expect, it } from 'vitest';
import { BATCH_BINARY_V1, BATCH_JSON_V1 } from './batch.ts';
import { ACCEPTED_BATCHES, decodeBatch } from './codec.ts';
import { ByteWriter } from './varint.ts';

type Write = (writer: ByteWriter) => void;

function framed(writer: ByteWriter, write: Write): void {
  const start = writer.length;
  write(writer);
  writer.prefixLength(start);
}

function body(version: number, sections: Readonly<Record<string, Write>>): Uint8Array {
  const writer = new ByteWriter(16);
  writer.raw(Uint8Array.of(0x48, 0x52, 0x42, version));
  for (const [name, write] of Object.entries(sections)) {
    writer.string(name);
    framed(writer, write);
  }
  writer.string('');
  return writer.take();
}

const header: Write = (writer) => {
  for (const part of ['n1', '0.2.0', 'boot']) writer.string(part);
  for (const number of [5, 6, 7000, 8000]) writer.uint(number);
};

const future: Write = (writer) => {
  for (let byte = 0; byte < 200; byte++) writer.byte(255);
};

const JSON_HEADER = { node: 'n1', agent: '0.2.0', boot: 'boot', epoch: 5, seq: 6, bootMs: 7000, wallMs: 8000 };
const json = (more: object): Uint8Array => new TextEncoder().encode(JSON.stringify({ ...JSON_HEADER, ...more }));

const DECODED_HEADER = {
  node: 'n1',
  agentVersion: '0.2.0',
  bootId: 'boot',
  epoch: 5,
  sequence: 6,
  bootTimeMs: 7000,
  wallTimeMs: 8000,
};

describe('a batch of the next version', () => {
  it('is read in binary without the sections, columns and record tails that are new', () => {
    const decoded = decodeBatch(
      body(1, {
        'forecasts-of-v2': future,
        batch: (writer) => {
          header(writer);
          writer.string('a field of v2');
        },
        identities: (writer) => {
          writer.uint(1);
          framed(writer, (record) => {
            record.uint(3);
            record.byte(2);
            for (const part of ['uid', '', 'kubepods/x']) record.string(part);
            record.uint(99);
            record.string('a field of v2');
          });
        },
        reports: (writer) => {
          for (const number of [2, 0, 4]) writer.uint(number);
          writer.string('gpuMemoryBytes');
          writer.byte(0xe3);
          framed(writer, future);
          writer.string('pids');
          writer.byte(0);
          framed(writer, (column) => column.raw(Uint8Array.of(0, 11, 12)));
        },
      }),
      BATCH_BINARY_V1,
    );
    expect(decoded).toMatchObject({
      kind: 'batch',
      batch: {
        ...DECODED_HEADER,
        identities: [{ ref: 3, kind: 'pod', podUid: 'uid', containerId: '', cgroup: 'kubepods/x', startBootMs: 99 }],
        reports: { count: 2, ref: Uint32Array.of(0, 3), values: { pids: Float64Array.of(11, 12) } },
      },
    });
    expect(decoded.kind === 'batch' && Object.keys(decoded.batch.reports.values)).toEqual(['pids']);
  });

  it('is read in JSON without the keys that are new', () => {
    const decoded = decodeBatch(
      json({ forecasts: [1], rows: [0, 3], columns: { pids: [11, 12], gpuMemoryBytes: ['?', {}] } }),
      BATCH_JSON_V1,
    );
    expect(decoded).toMatchObject({
      kind: 'batch',
      batch: { ...DECODED_HEADER, reports: { count: 2, values: { pids: Float64Array.of(11, 12) } } },
    });
  });

  it.each(['application/vnd.headroom.batch.v2', 'application/vnd.headroom.batch.v2+json', 'application/json', ''])(
    'is refused as %j with the versions that are taken',
    (mediaType) => {
      expect(decodeBatch(json({}), mediaType)).toMatchObject({
        kind: 'refused',
        code: 'unsupported_version',
        accepts: ACCEPTED_BATCHES,
      });
    },
  );

  it('is refused when the body is of another version than its media type', () => {
    expect(decodeBatch(body(2, { batch: header }), BATCH_BINARY_V1)).toEqual({
      kind: 'refused',
      code: 'unsupported_version',
      message: 'batch of version 2; this is 1',
      accepts: ACCEPTED_BATCHES,
    });
  });
});

describe('a batch that says less', () => {
  it('is read with nothing but a header', () => {
    const empty = { identities: [], gone: [], shortages: [], reports: { count: 0, values: {} } };
    const fromBinary = decodeBatch(body(1, { batch: header }), BATCH_BINARY_V1);
    expect(fromBinary).toMatchObject({ kind: 'batch', batch: { ...DECODED_HEADER, ...empty } });
    expect(decodeBatch(json({}), BATCH_JSON_V1)).toEqual(fromBinary);
  });

  it('is taken whatever the letters and parameters of its media type', () => {
    expect(decodeBatch(json({}), 'Application/Vnd.Headroom.Batch.V1+JSON; charset=utf-8').kind).toBe('batch');
  });
});
