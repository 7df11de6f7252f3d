// What a list has around its items, in each encoding. Contract: metrics-server pkg/api: `metadata: {}`, no continue, no version.
import { envelope, LIST_META } from './kube-protobuf.ts';
import { field } from './protobuf.ts';
import type { Json } from './yaml.ts';
import { yamlText } from './yaml.ts';

export interface ListFrame {
  readonly opening: Buffer;
  readonly end: Buffer;
}

/** A list without its items: JSON up to the name of the member that holds them, and what is there when there are none. */
export interface Skeleton {
  readonly json: string;
  readonly member: 'items' | 'rows';
  readonly whenEmpty: '[]' | 'null';
}

const LINE_END = '\n';
const LIST_METADATA = field(1, LIST_META);

export function jsonFrame({ json, whenEmpty }: Skeleton, count: number): ListFrame {
  if (count === 0) return frame(`${json}${whenEmpty}`, `}${LINE_END}`);
  return frame(`${json}[`, `]}${LINE_END}`);
}

export function yamlFrame({ json, member, whenEmpty }: Skeleton, count: number): ListFrame {
  const [before = '', after = ''] = yamlText(JSON.parse(`${json}[]}`) as Json).split(`${member}: []`);
  if (count === 0) return frame(`${before}${member}: ${whenEmpty}`, `${after}${LINE_END}`);
  // Items end with a line end each.
  return frame(`${before}${member}:${LINE_END}`, after === '' ? '' : `${after.slice(LINE_END.length)}${LINE_END}`);
}

/** @param bytes of the items */
export function protobufFrame(apiVersion: string, kind: string, bytes: number): ListFrame {
  const { opening, end } = envelope(apiVersion, kind, LIST_METADATA.length + bytes);
  return { opening: Buffer.concat([opening, LIST_METADATA]), end };
}

function frame(opening: string, end: string): ListFrame {
  return { opening: Buffer.from(opening), end: Buffer.from(end) };
}
