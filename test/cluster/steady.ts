// Workloads that stay while cases come and go, from before the install on: what they use is known, so that what is told of them can be held.
import { pod } from '../e2e/workloads.ts';
import { WORKLOAD } from './node-disk.ts';

export const HELD_MIB = 100;
export const BURNT_MILLIS = 100;

const WORK: Readonly<Record<string, readonly string[]>> = {
  holds: ['hold', String(HELD_MIB)],
  burns: ['burn', String(BURNT_MILLIS)],
  idles: [],
};

export const STEADY_NAMES: readonly string[] = Object.keys(WORK);

export const STEADY: readonly object[] = Object.entries(WORK).map(
  ([name, args]) =>
  pod({ name, containers: [{ name: 'main', image: WORKLOAD, args, requests: { cpu: '20m', memory: '32Mi' }, limits: { memory: '200Mi' } }] }), // prettier-ignore
);
