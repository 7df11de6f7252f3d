// Table answers, which `kubectl get` prints as they are. Contract: meta/v1 Table, metrics-server pkg/api/table.go.
import type { Usage } from '../store/views.ts';
import { durationText } from './duration-text.ts';
import { hasSwap } from './item-usage.ts';
import type { Named } from './item-usage.ts';
import { jsonString } from './json-string.ts';
import { cpuText, memoryText } from './quantity-text.ts';
import type { MetaVersion } from './resource-form.ts';
import type { Refusal } from './status.ts';
import { badRequest } from './status.ts';

export type IncludeObject = 'None' | 'Metadata' | 'Object';

export function includeObject(query: URLSearchParams | undefined): IncludeObject | Refusal {
  const asked = query?.get('includeObject') ?? '';
  if (asked === '') return 'Metadata';
  if (asked === 'None' || asked === 'Metadata' || asked === 'Object') return asked;
  const problem = `Invalid value: ${JSON.stringify(asked)}: must be 'Metadata', 'Object', 'None', or empty`;
  return badRequest(`Unable to convert to Table as requested: includeObject: ${problem}`);
}

const NAME = { name: 'Name', type: 'string', format: 'name', description: 'Name of the resource', priority: 0 };
const WINDOW = { name: 'Window', type: 'string', format: 'duration', description: '', priority: 0 };

/** @param swaps the first row has swap, which decides for all; undefined: without rows there are no columns either */
export function tableOpening(version: MetaVersion, swaps: boolean | undefined): string {
  const opening = `{"kind":"Table","apiVersion":"meta.k8s.io/${version}","metadata":{},"columnDefinitions":`;
  if (swaps === undefined) return `${opening}null,"rows":`;
  const resources = swaps ? ['cpu', 'memory', 'swap'] : ['cpu', 'memory'];
  const columns = resources.map((name) => ({ name, type: 'string', format: 'quantity', description: '', priority: 0 }));
  return `${opening}${JSON.stringify([NAME, ...columns, WINDOW])},"rows":`;
}

/**
 * @param swaps there is a column for swap
 * @param object JSON of the row's object; undefined: none, which is written as null
 */
export function tableRow({ name }: Named, usage: Usage, swaps: boolean, object: string | undefined): string {
  const { count, cpuNanos, workingSetBytes, swapBytes, windowUs } = usage;
  const cells = [
    jsonString(name),
    `"${cpuText(sum(cpuNanos, count))}"`,
    `"${memoryText(sum(workingSetBytes, count))}"`,
  ];
  if (swaps) cells.push(`"${memoryText(hasSwap(usage) ? sum(swapBytes!, count) : 0)}"`);
  cells.push(`"${durationText(windowUs)}"`);
  return `{"cells":[${cells.join(',')}],"object":${object ?? 'null'}}`;
}

function sum(numbers: Float64Array, count: number): number {
  let total = 0;
  for (let at = 0; at < count; at++) total += numbers[at]!;
  return total;
}
