// One measured figure; docs/benchmarks.md is made from them.

export interface Figure {
  readonly bench: string;
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  /** What the figure has to stay within. */
  readonly bound?: number;
  /** The least that any implementation would cost, measured in the same run. */
  readonly floor?: number;
}

/** What a bench needs is not there: the message says what to do about it. */
export class CannotRun extends Error {}
