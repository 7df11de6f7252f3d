// How a decoder says no. Thrown and caught within this folder only: decodeBatch and decodeReply answer with a value.

export type RefusalCode = 'malformed' | 'too_large' | 'unsupported_version';

/** Part of the answer of every decoder here. `accepts` lists media types and goes with `unsupported_version`. */
export interface Refused {
  readonly kind: 'refused';
  readonly code: RefusalCode;
  /** Names the place: section, column, row. */
  readonly message: string;
  readonly accepts?: readonly string[];
}

/** A message may quote the body. */
const MAX_MESSAGE = 300;

export class Refusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message.slice(0, MAX_MESSAGE));
    this.name = 'Refusal';
    this.code = code;
  }
}

export function malformed(where: string, what: string): Refusal {
  return new Refusal('malformed', `${where}: ${what}`);
}

/** @throws Refusal too_large when a claimed count is above its bound */
export function checkCount(where: string, count: number, most: number): void {
  if (count > most) throw new Refusal('too_large', `${where}: ${count} is above the bound of ${most}`);
}

/** Runs a decoder. A fault in the decoder itself is answered too, and named as such, so that no body can stop a receiver. */
export function refusedOr<T>(decode: () => T): T | Refused {
  try {
    return decode();
  } catch (error) {
    if (error instanceof Refusal) return { kind: 'refused', code: error.code, message: error.message };
    return { kind: 'refused', code: 'malformed', message: `decoder fault: ${String(error)}` };
  }
}
