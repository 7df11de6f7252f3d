// Workloads that stay while cases come and go, from before the install on: what they use is known, so that what is told of them can be held.
import { pod } from '../e2e/workloads.ts';
import { WORKLOAD } from './node-disk.ts';

export const HELD_MIB = 100;
export const BURNT_MILLIS = 100;

const WORK: Readonly<Record<string, readonly string[]>> = {
  holds: ['hold', String(HELD_MIB)],
  burns: ['burn', String(BURNT_MILLIS)],
  // Fifty times a second, for nothing: what does nothing at all is looked at by the kubelet each 15 to 30 s only.
  wakes: ['hold', '1'],
};

export const STEADY_NAMES: readonly string[] = Object.keys(WORK);

export function steady(names: readonly string[]): readonly object[] {
  const resources = { requests: { cpu: '20m', memory: '32Mi' }, limits: { memory: '200Mi' } };
  return names.map((name) => pod({ name, containers: [{ name: 'main', image: WORKLOAD, args: WORK[name]!, ...resources }] })); // prettier-ignore
}

export const STEADY = steady(STEADY_NAMES);
