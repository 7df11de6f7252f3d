// What the tests of the addon begin with: it has to be there, built for these sources.
import { openNative } from '../../../native/index.ts';
import type { Attempt, Native } from '../../../native/index.ts';

/** @throws Error that says what to do when there is no addon */
export function builtNative(capacity: number): Native {
  return ready(openNative(capacity));
}

/** @throws Error with cause and cure */
export function ready<T>(attempt: Attempt<T>): T {
  if (attempt.kind === 'ready') return attempt.value;
  throw new Error(`${attempt.cause}: ${attempt.cure}`);
}
