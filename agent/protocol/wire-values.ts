// What a number may be on the wire, the same in both codecs: whole, from 0 to 2^53 − 1, absent, or "max" for a limit.
import type { ColumnName } from './batch.ts';
import { malformed } from './refusal.ts';

const LIMITS: ReadonlySet<string> = new Set<ColumnName>(['memoryLimitBytes', 'cpuLimitMillis']);

/** Only a limit may be Infinity ("max"). */
export function isLimit(column: string): boolean {
  return LIMITS.has(column);
}

/**
 * A column's value as it is sent: rounded to a whole unit. What can't be sent (negative, above 2^53 − 1, Infinity where
 * there is no limit to speak of) is absent: one bad reading must not cost the batch.
 */
export function wireValue(value: number, limit: boolean): number {
  if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) return Math.round(value) + 0;
  return limit && value === Infinity ? Infinity : NaN;
}

/** A clock reading or count of the header as it is sent: whole and not negative. */
export function wireInstant(value: number): number {
  return Math.min(Math.max(0, Math.round(value) || 0), Number.MAX_SAFE_INTEGER);
}

export function isWhole(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;
}

export const MAX_UINT32 = 0xffff_ffff;

/** @throws Refusal when a ref is in `refs` twice */
export function checkUnique(where: string, refs: ArrayLike<number>): void {
  let ascending = true;
  for (let row = 1; row < refs.length && ascending; row++) ascending = refs[row]! > refs[row - 1]!;
  if (ascending) return;
  const seen = new Set<number>();
  for (let row = 0; row < refs.length; row++) {
    const ref = refs[row]!;
    if (seen.has(ref)) throw malformed(where, `ref ${ref} is there twice`);
    seen.add(ref);
  }
}
