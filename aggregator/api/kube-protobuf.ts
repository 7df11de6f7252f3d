// What every object of Kubernetes has as protocol buffers: the envelope, ObjectMeta and ListMeta.
// Contract: apimachinery runtime/serializer/protobuf and meta/v1 generated.proto: "k8s\0" and a runtime.Unknown; fields that
// are no pointers in Go are written even when they are empty.
import type { Named } from './item-usage.ts';
import { writeBytes } from './ascii.ts';
import { field, integerField, lengthTag, textFieldMaxBytes, varint, writeLength, writeTextField } from './protobuf.ts';

const MAGIC = Buffer.from('k8s\0');
/** contentEncoding and contentType, both empty. */
const ENVELOPE_END = Buffer.concat([field(3, ''), field(4, '')]);

export interface Envelope {
  readonly opening: Buffer;
  readonly end: Buffer;
}

/** What goes before and behind an object of `length` bytes. */
export function envelope(apiVersion: string, kind: string, length: number): Envelope {
  const typeMeta = Buffer.concat([field(1, apiVersion), field(2, kind)]);
  return {
    opening: Buffer.concat([MAGIC, field(1, typeMeta), Buffer.of(lengthTag(2)), varint(length)]),
    end: ENVELOPE_END,
  };
}

export function enveloped(apiVersion: string, kind: string, object: Uint8Array): Buffer {
  const { opening, end } = envelope(apiVersion, kind, object.length);
  return Buffer.concat([opening, object, end]);
}

/** selfLink, resourceVersion, continue: all empty. */
export const LIST_META = Buffer.concat([field(1, ''), field(2, ''), field(3, '')]);

/** A Time's seconds, in as many bytes whatever they are: from 1978 to 3058 this is the shortest form too. */
export const SECONDS_BYTES = 5;
const MAX_SECONDS = 2 ** 35 - 1;
const NO_SECONDS = Buffer.alloc(SECONDS_BYTES);
const SECONDS_TAG = Buffer.of(0x08);
/** Whole seconds only, as in JSON. */
export const NO_NANOS = integerField(2, 0);

/** @returns the offset behind the seconds */
export function writeSeconds(out: Uint8Array, offset: number, wallMs: number): number {
  const seconds = Math.min(Math.max(Math.floor(wallMs / 1000), 0), MAX_SECONDS);
  let rest = seconds % 2 ** 28;
  for (let at = 0; at < SECONDS_BYTES - 1; at++) {
    out[offset + at] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[offset + SECONDS_BYTES - 1] = Math.floor(seconds / 2 ** 28);
  return offset + SECONDS_BYTES;
}

/** A Time with a gap for its seconds. */
export const TIME = Buffer.concat([SECONDS_TAG, NO_SECONDS, NO_NANOS]);

const CREATED = field(8, TIME);
const CREATED_GAP = CREATED.length - TIME.length + SECONDS_TAG.length;
const GENERATION = integerField(7, 0);
const LABELS = 11;
/** Of a message that is seldom shorter than 128 bytes or longer than 16 KiB. */
const LENGTH_BYTES = 2;

export function metadataMaxBytes({ namespace = '', name, labels }: Named): number {
  let most = 64 + textFieldMaxBytes(namespace.length) + textFieldMaxBytes(name.length);
  for (const key in labels) most += 8 + textFieldMaxBytes(key.length) + textFieldMaxBytes(labels[key]!.length);
  return most;
}

/**
 * Writes ObjectMeta as field `number`.
 * @returns where the gap for the seconds of creationTimestamp is, and the offset behind it all
 */
export function writeMetadata(
  out: Uint8Array,
  offset: number,
  number: number,
  { namespace = '', name, labels }: Named,
): { readonly createdAt: number; readonly end: number } {
  out[offset] = lengthTag(number);
  let at = writeTextField(out, offset + 1 + LENGTH_BYTES, 1, name);
  at = writeTextField(out, at, 2, ''); // generateName
  at = writeTextField(out, at, 3, namespace);
  for (const empty of [4, 5, 6]) at = writeTextField(out, at, empty, ''); // selfLink, uid, resourceVersion
  at = writeBytes(out, at, GENERATION);
  const createdAt = at + CREATED_GAP;
  at = writeLabels(out, writeBytes(out, at, CREATED), labels);
  const end = writeLength(out, offset + 1, LENGTH_BYTES, at);
  return { createdAt: createdAt + end - at, end };
}

function writeLabels(out: Uint8Array, offset: number, labels: Named['labels']): number {
  let at = offset;
  for (const key of Object.keys(labels).sort()) {
    out[at] = lengthTag(LABELS);
    const value = writeTextField(out, at + 1 + LENGTH_BYTES, 1, key);
    at = writeLength(out, at + 1, LENGTH_BYTES, writeTextField(out, value, 2, labels[key]!));
  }
  return at;
}

/** ObjectMeta as field `number`, whole. */
export function metadataField(number: number, record: Named, atWallMs: number): Buffer {
  const out = Buffer.allocUnsafe(metadataMaxBytes(record));
  const { createdAt, end } = writeMetadata(out, 0, number, record);
  writeSeconds(out, createdAt, atWallMs);
  return out.subarray(0, end);
}
