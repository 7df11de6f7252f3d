// Table answers, which `kubectl get` prints as they are. Contract: meta/v1 Table, metrics-server pkg/api/table.go.
import type { Usage } from '../store/views.ts';
import { durationText } from './duration-text.ts';
import { metadataText } from './item-encoder.ts';
import type { Named } from './item-encoder.ts';
import { jsonString } from './json-string.ts';
import type { MetaVersion } from './media-type.ts';
import { cpuText, memoryText } from './quantity-text.ts';
import type { Refusal } from './status.ts';
import { badRequest } from './status.ts';

export type IncludeObject = 'None' | 'Metadata' | 'Object';

export function includeObject(query: URLSearchParams | undefined): IncludeObject | Refusal {
  const asked = query?.get('includeObject') ?? '';
  if (asked === '') return 'Metadata';
  if (asked === 'None' || asked === 'Metadata' || asked === 'Object') return asked;
  return badRequest(`unrecognized includeObject value: ${JSON.stringify(asked)}`);
}

const COLUMNS = JSON.stringify([
  { name: 'Name', type: 'string', format: 'name', description: 'Name of the resource', priority: 0 },
  { name: 'cpu', type: 'string', format: 'quantity', description: '', priority: 0 },
  { name: 'memory', type: 'string', format: 'quantity', description: '', priority: 0 },
  { name: 'Window', type: 'string', format: 'duration', description: '', priority: 0 },
]);

/** Without rows the answer has no columns either, as metrics-server's. */
export function tableOpening(version: MetaVersion, empty: boolean): string {
  const columns = empty ? 'null' : COLUMNS;
  const opening = `{"kind":"Table","apiVersion":"meta.k8s.io/${version}","metadata":{},"columnDefinitions":${columns},"rows":`;
  return empty ? `${opening}null}\n` : `${opening}[`;
}

export const TABLE_END = ']}\n';

/** @param object JSON of the row's object; undefined: none */
export function tableRow({ name }: Named, usage: Usage, object: string | undefined): string {
  let cpuNanos = 0;
  let memoryBytes = 0;
  for (let index = 0; index < usage.count; index++) {
    cpuNanos += usage.cpuNanos[index]!;
    memoryBytes += usage.workingSetBytes[index]!;
  }
  const cells = `${jsonString(name)},"${cpuText(cpuNanos)}","${memoryText(memoryBytes)}","${durationText(usage.windowUs)}"`;
  return `{"cells":[${cells}]${object === undefined ? '' : `,"object":${object}`}}`;
}

export function partialMetadata(record: Named, atWallMs: number, version: MetaVersion): string {
  return `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/${version}","metadata":${metadataText(record, atWallMs)}}`;
}
