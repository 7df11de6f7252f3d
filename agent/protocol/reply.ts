// What the aggregator answers to a push. JSON in both codecs: replies are small.

/** The API names of a row, for the agent's logs and debug page. */
export interface RowName {
  readonly ref: number;
  readonly namespace: string;
  readonly pod: string;
  /** '' for a pod's own row. */
  readonly container: string;
}

/** Of the replica that acts on shortages: a shortage goes to it first. Among the last answers of all replicas the newest fencing counts. */
export const URGENT_FIRST = 'urgent-first';

/** An order of the leader to the agent, valid while `fencing` is the newest seen. Unknown kinds are ignored. */
export interface Directive {
  readonly kind: string;
  readonly fencing: number;
}

export interface PushReply {
  /** The sequence number that was taken; peaks and histogram up to it may be forgotten. */
  readonly accepted: number;
  /** Names of refs that this epoch was not told yet. */
  readonly names: readonly RowName[];
  readonly directives: readonly Directive[];
}

/**
 * Why a push was refused; the HTTP status goes with it.
 * - `malformed` 400, `unauthenticated` 401, `foreign_node` 403 (the token is another node's), `forbidden` 403 (the token is
 *   no agent's, or names no node), `unknown_epoch` 409 (send again with every identity),
 *   `stale` 410 (older than what is stored: forget it), `too_large` 413, `unsupported_version` 415 (`accepts` lists the versions),
 *   `overloaded` 429, `unavailable` 503 (the token can't be reviewed now).
 * Codes are added within a version: a receiver that does not know one goes by the status.
 */
export type PushErrorCode =
  | 'malformed'
  | 'unauthenticated'
  | 'foreign_node'
  | 'forbidden'
  | 'unknown_epoch'
  | 'stale'
  | 'too_large'
  | 'unsupported_version'
  | 'overloaded'
  | 'unavailable';

export interface PushError {
  readonly code: PushErrorCode;
  readonly message: string;
  readonly accepts?: readonly string[];
}
