import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fakeItemSource, usageOf } from '../../test/fakes/item-source.ts';
import { objectProtobuf } from './item-text.ts';
import { metadataField } from './kube-protobuf.ts';
import { field, varint, writeVarint } from './protobuf.ts';
import { cpuText, memoryText } from './quantity-text.ts';
import { NODES, PODS } from './resource.ts';

/** A reader of the wire format that shares nothing with the writer: field number → values, numbers as bigint. */
type Message = Map<number, (bigint | Buffer)[]>;

function decoded(bytes: Buffer): Message {
  const message: Message = new Map();
  let at = 0;
  const number = (): bigint => {
    let [value, shift] = [0n, 0n];
    for (;;) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('the message ends within a number');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
      shift += 7n;
    }
  };
  while (at < bytes.length) {
    const tag = Number(number());
    const values = message.get(tag >> 3) ?? [];
    message.set(tag >> 3, values);
    if ((tag & 7) === 0) values.push(number());
    else if ((tag & 7) === 2) {
      const length = Number(number());
      if (at + length > bytes.length) throw new Error('a field is longer than its message');
      values.push(bytes.subarray(at, (at += length)));
    } else throw new Error(`wire type ${tag & 7}`);
  }
  return message;
}

const bytesOf = (message: Message, at: number): Buffer => message.get(at)![0] as Buffer;
const messageOf = (message: Message, at: number): Message => decoded(bytesOf(message, at));
const textOf = (message: Message, at: number): string => bytesOf(message, at).toString();
const all = (message: Message, at: number): Message[] => (message.get(at) ?? []).map((one) => decoded(one as Buffer));
const usageIn = (message: Message, at: number): Record<string, string> =>
  Object.fromEntries(all(message, at).map((entry) => [textOf(entry, 1), textOf(messageOf(entry, 2), 1)]));
const labelsIn = (metadata: Message): Record<string, string> =>
  Object.fromEntries(all(metadata, 11).map((entry) => [textOf(entry, 1), textOf(entry, 2)]));
/** The object of an envelope. */
const opened = (bytes: Buffer): Message => {
  expect(bytes.toString('latin1', 0, 4)).toBe('k8s\0');
  return messageOf(decoded(bytes.subarray(4)), 2);
};

const text = fc.string({ unit: 'grapheme', maxLength: 300 });
const amount = fc.double({ min: -1, max: 2 ** 60, noNaN: true });
const container = fc.record({ name: text, cpu: amount, memory: amount, swap: amount });
const pods = fc.record({
  namespace: text,
  name: text,
  labels: fc.dictionary(text, text, { maxKeys: 40 }),
  containers: fc.array(container, { maxLength: 60 }),
  swaps: fc.boolean(),
  atWallMs: fc.integer({ min: 0, max: 253_402_300_799_999 }),
  windowUs: fc.integer({ min: 0, max: 2 ** 43 }),
});

describe('an item as protocol buffers', () => {
  it('says of any pod what was measured', () => {
    fc.assert(
      fc.property(pods, ({ namespace, name, labels, containers, swaps, atWallMs, windowUs }) => {
        const usage = {
          ...usageOf(atWallMs, windowUs, ...containers.map(({ cpu, memory }) => [cpu, memory] as const)),
          swapBytes: Float64Array.from(containers, ({ swap }) => (swaps ? Math.abs(swap) : NaN)),
        };
        const names = containers.map((one) => one.name);
        const source = fakeItemSource([{ namespace, name, labels, containers: names, usage }]);
        const pod = opened(objectProtobuf(source.podItem(namespace, name)!, PODS, 'v1')!);
        const metadata = messageOf(pod, 1);
        expect([textOf(metadata, 1), textOf(metadata, 3), labelsIn(metadata)]).toEqual([
          name,
          namespace,
          { ...labels },
        ]);
        const seconds = BigInt(Math.min(Math.floor(atWallMs / 1000), 2 ** 35 - 1));
        expect(messageOf(pod, 2).get(1)).toEqual([seconds]);
        expect(messageOf(metadata, 8).get(1)).toEqual([seconds]);
        expect(messageOf(pod, 3).get(1)).toEqual([BigInt(windowUs) * 1000n]);
        expect(all(pod, 4).map((one) => [textOf(one, 1), usageIn(one, 2)])).toEqual(
          containers.map((one) => [
            one.name,
            {
              cpu: cpuText(one.cpu),
              memory: memoryText(one.memory),
              ...(swaps ? { swap: memoryText(Math.abs(one.swap)) } : {}),
            },
          ]),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('says of a node what was measured', () => {
    const usage = usageOf(1_795_435_200_900, 15_032_000, [59_123_456, 10 * 2 ** 20]);
    const node = opened(objectProtobuf(fakeItemSource([], [{ name: 'n', usage }]).nodeItem('n')!, NODES, 'v1beta1')!);
    expect(usageIn(node, 4)).toEqual({ cpu: '59123456n', memory: '10Mi' });
  });
});

describe('the wire format', () => {
  it('writes any number as it is', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const out = Buffer.alloc(12);
        const end = writeVarint(out, 1, value);
        expect(decoded(Buffer.concat([Buffer.of(0x08), out.subarray(1, end)])).get(1)).toEqual([BigInt(value)]);
        expect(varint(value)).toEqual(out.subarray(1, end));
      }),
      { numRuns: 2000 },
    );
  });

  it('writes metadata of any length', () => {
    for (const length of [0, 1, 90, 127, 128, 129, 16_000, 16_400, 2_200_000]) {
      const name = 'n'.repeat(length);
      const bytes = metadataField(1, { name, labels: { ['k'.repeat(length)]: 'v' } }, 1_795_435_200_900);
      const metadata = messageOf(decoded(bytes), 1);
      expect(textOf(metadata, 1)).toBe(name);
      expect(Object.keys(labelsIn(metadata))[0]).toHaveLength(length);
      expect(messageOf(metadata, 8).get(1)).toEqual([1_795_435_200n]);
    }
  });

  it('keeps bytes as they are', () => {
    expect(bytesOf(decoded(field(3, Buffer.of(0, 255))), 3)).toEqual(Buffer.of(0, 255));
  });
});
