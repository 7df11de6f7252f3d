// Kubernetes quantities (k8s.io/apimachinery/pkg/api/resource): <signed number><suffix>, the suffix binary (Ki … Ei),
// decimal (n u m "" k M G T P E) or a decimal exponent (e3, E-2). Exact to a billionth, rounded away from zero below it
// and capped at ±(2^63 − 1), as the API server does.

/** The value in billionths, or why the text is no quantity. */
export type ParsedQuantity =
  { readonly kind: 'quantity'; readonly nanos: bigint } | { readonly kind: 'malformed'; readonly reason: string };

const NANOS = 1_000_000_000n;
const MAX_VALUE = 2n ** 63n - 1n;
/** Longer texts are refused before any arithmetic: no real quantity comes near. */
const MAX_CHARACTERS = 64;

const DECIMAL_EXPONENTS: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const BINARY_SUFFIXES = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const QUANTITY = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:([KMGTPE]i|[numkMGTPE]?)|[eE]([+-]?\d+))$/;

export function parseQuantity(text: string): ParsedQuantity {
  if (text.length > MAX_CHARACTERS) return { kind: 'malformed', reason: `longer than ${MAX_CHARACTERS} characters` };
  const match = QUANTITY.exec(text);
  if (!match) return { kind: 'malformed', reason: 'not a number with an optional Kubernetes suffix' };
  const [, sign, whole = '', fraction = match[4] ?? '', , suffix, exponent] = match;
  const digits = BigInt(whole + fraction);
  const magnitude = scaled(digits, fraction.length, suffix ?? '', exponent);
  return { kind: 'quantity', nanos: sign === '-' ? -magnitude : magnitude };
}

/** `digits` × 10^−places × what the suffix says, in billionths. */
function scaled(digits: bigint, places: number, suffix: string, exponent: string | undefined): bigint {
  const binary = BINARY_SUFFIXES.indexOf(suffix) + 1;
  const power = 9 - places + (exponent === undefined ? (DECIMAL_EXPONENTS[suffix] ?? 0) : Number(exponent));
  if (digits === 0n) return 0n;
  // Beyond these powers every number of 64 digits is over the cap, or under a billionth.
  if (power > 40) return MAX_VALUE * NANOS;
  if (power < -MAX_CHARACTERS - 9) return 1n;
  const product = digits << BigInt(10 * binary);
  const nanos = power >= 0 ? product * 10n ** BigInt(power) : ceilDivide(product, 10n ** BigInt(-power));
  return nanos > MAX_VALUE * NANOS ? MAX_VALUE * NANOS : nanos;
}

function ceilDivide(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}

/** Millicores; fractions of a millicore are kept. Exact up to 9 million cores. */
export function cpuMillis(text: string): number | 'malformed' {
  const parsed = parseQuantity(text);
  return parsed.kind === 'quantity' ? Number(parsed.nanos) / 1e6 : 'malformed';
}

/** Bytes; fractions are kept ("100m" is 0.1). Exact up to 2^53. */
export function memoryBytes(text: string): number | 'malformed' {
  const parsed = parseQuantity(text);
  if (parsed.kind === 'malformed') return 'malformed';
  return Number(parsed.nanos / NANOS) + Number(parsed.nanos % NANOS) / 1e9;
}

/** Canonical text of a whole number of millicores: "250m", "2". */
export function formatCpu(millis: number): string {
  return millis % 1000 === 0 ? String(millis / 1000) : `${millis}m`;
}

/** Canonical text of a whole number of bytes, in the largest binary suffix that divides it: "1536Mi", "4Ki", "1000". */
export function formatMemory(bytes: number): string {
  if (bytes === 0) return '0';
  let amount = bytes;
  let suffix = '';
  for (const next of BINARY_SUFFIXES) {
    if (amount % 1024 !== 0) break;
    amount /= 1024;
    suffix = next;
  }
  return `${amount}${suffix}`;
}
