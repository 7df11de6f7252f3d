// Memory in bytes and cpu in millicores behind one face, so that a rule is written once for both.
import type { ShortageResource } from '../../agent/protocol/shortage.ts';
import { cpuMillis, formatCpu, formatMemory, memoryBytes } from '../kube/quantity.ts';
import type { ResourceAmounts } from '../kube/records.ts';

export function amountOf(amounts: ResourceAmounts, resource: ShortageResource): number | undefined {
  return resource === 'memory' ? amounts.memoryBytes : amounts.cpuMillis;
}

export function amountsWith(resource: ShortageResource, amount: number): ResourceAmounts {
  return resource === 'memory' ? { memoryBytes: amount } : { cpuMillis: amount };
}

/** Bytes or millicores of a quantity. */
export function parseAmount(resource: ShortageResource, text: string): number | 'malformed' {
  return resource === 'memory' ? memoryBytes(text) : cpuMillis(text);
}

/** The quantity for the API; whole amounts only. */
export function formatAmount(resource: ShortageResource, amount: number): string {
  return resource === 'memory' ? formatMemory(amount) : formatCpu(amount);
}

const MIB = 1024 * 1024;

/** For people: "61.3 MiB", "250 m". */
export function describeAmount(resource: ShortageResource, amount: number): string {
  return resource === 'memory' ? `${round(amount / MIB)} MiB` : `${round(amount)} m`;
}

function round(amount: number): number {
  return Math.round(amount * 10) / 10;
}
