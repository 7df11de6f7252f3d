// What must hold of a batch whatever its codec. Whether the node may speak, and whether a ref is known, is for the receiver.
import type { CpuHistogram } from './batch.ts';
import { CPU_BUCKETS, CPU_SCHEME } from './histogram-scheme.ts';
import type { Identity } from './identity.ts';
import { malformed } from './refusal.ts';
import type { Shortage } from './shortage.ts';
import { MAX_UINT32, checkUnique } from './wire-values.ts';

/** Buckets are 16 bits wide in a scheme that is not known here. */
const MAX_BUCKETS = 65_536;

export function checkNode(node: string): string {
  if (node === '') throw malformed('batch', 'node is empty');
  return node;
}

export function checkIdentities(identities: readonly Identity[]): Identity[] {
  checkUnique(
    'identities',
    identities.map((identity) => identity.ref),
  );
  return [...identities];
}

export function emptyHistogram(scheme: string, entries: number): CpuHistogram {
  return {
    scheme,
    row: new Uint32Array(entries),
    bucket: new Uint16Array(entries),
    seconds: new Uint32Array(entries),
  };
}

export function checkHistogramEntry(
  index: number,
  scheme: string,
  rows: number,
  row: number,
  bucket: number,
  seconds: number,
): void {
  const where = `histogram[${index}]`;
  if (!(row >= 0 && row < rows)) throw malformed(where, `row ${row} of ${rows}`);
  const buckets = scheme === CPU_SCHEME ? CPU_BUCKETS : MAX_BUCKETS;
  if (!(bucket < buckets)) throw malformed(where, `bucket ${bucket} of ${buckets}`);
  if (!(seconds <= MAX_UINT32)) throw malformed(where, `${seconds} seconds`);
}

export function checkShortage(where: string, shortage: Shortage): Shortage {
  const { raisedBootMs, secondsToHarm, need, limit, rate, secondsOfGrowth = 0 } = shortage;
  if (!(raisedBootMs >= 0 && raisedBootMs < Infinity)) throw malformed(where, `raisedBootMs ${raisedBootMs}`);
  if (!(secondsToHarm >= 0)) throw malformed(where, `secondsToHarm ${secondsToHarm}`);
  if (!(need >= 0 && need < Infinity)) throw malformed(where, `need ${need}`);
  if (!(limit >= 0 && limit < Infinity)) throw malformed(where, `limit ${limit}`);
  if (!Number.isFinite(rate)) throw malformed(where, `rate ${rate}`);
  if (!(secondsOfGrowth >= 0 && secondsOfGrowth < Infinity))
    throw malformed(where, `secondsOfGrowth ${secondsOfGrowth}`);
  return shortage;
}
