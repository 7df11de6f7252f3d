// JSON of which a part is wanted: members that no shape names are skipped as bytes, never parsed. A pod is 5–10 KB of which we
// keep a twentieth; reading it this way costs a fifth of JSON.parse and leaves no garbage of the rest.
// What is skipped is only followed by its quotes and brackets (RFC 8259); what is wanted is parsed in full.

/**
 * - `whole`: the value as JSON.parse gives it;
 * - `shared`: the same, and the same text gives the same value: not to be written to;
 * - `present`: true for any value but null and false, which stay;
 * - `array`, `object`: of their elements or members, those of a shape. Any other value is as JSON.parse gives it.
 */
export type Shape =
  { readonly kind: 'whole' | 'shared' | 'present' } | { readonly kind: 'array'; readonly of: Shape } | ObjectShape;

export interface ObjectShape {
  readonly kind: 'object';
  readonly members: readonly Member[];
  /** Members whose name begins so are wanted too, whole. */
  readonly prefix: Uint8Array | undefined;
}

interface Member {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly shape: Shape;
}

export const WHOLE: Shape = { kind: 'whole' };
export const SHARED: Shape = { kind: 'shared' };
export const PRESENT: Shape = { kind: 'present' };

export function arrayOf(of: Shape): Shape {
  return { kind: 'array', of };
}

export function objectOf(members: Readonly<Record<string, Shape>>, prefix?: string): ObjectShape {
  const compiled = Object.entries(members).map(([name, shape]) => ({ name, bytes: Buffer.from(name), shape }));
  return { kind: 'object', members: compiled, prefix: prefix === undefined ? undefined : Buffer.from(prefix) };
}

/** Members of both; the second's where both name one. */
export function both(one: ObjectShape, other: ObjectShape): ObjectShape {
  const named = new Map([...one.members, ...other.members].map((member) => [member.name, member] as const));
  return { ...one, members: [...named.values()] };
}

/** Values that were read before, by their text. Bounded: when it is full it begins anew, and what was given out stays. */
export class SharedValues {
  readonly #byText = new Map<string, unknown>();
  readonly #most: number;

  constructor(most = 8192) {
    this.#most = most;
  }

  get size(): number {
    return this.#byText.size;
  }

  valueOf(text: string): unknown {
    if (text.length > MAX_SHARED_CHARS) return JSON.parse(text);
    let value = this.#byText.get(text);
    if (value === undefined) {
      value = JSON.parse(text);
      if (this.#byText.size >= this.#most) this.#byText.clear();
      this.#byText.set(text, value);
    }
    return value;
  }
}

const MAX_SHARED_CHARS = 1024;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const BRACKET_END = 0x5d;
const BRACE = 0x7b;
const BRACE_END = 0x7d;

/** @throws SyntaxError for what is no JSON as far as it was looked at */
export function readShaped(bytes: Buffer, shape: Shape, shared: SharedValues): unknown {
  const reader = new ShapedReader(bytes, shared);
  const value = reader.value(shape);
  reader.end();
  return value;
}

/** Reads one value after the other from bytes that hold one JSON text. */
export class ShapedReader {
  readonly #bytes: Buffer;
  readonly #shared: SharedValues;
  #at = 0;

  constructor(bytes: Buffer, shared: SharedValues) {
    this.#bytes = bytes;
    this.#shared = shared;
  }

  value(shape: Shape): unknown {
    const first = this.#peek();
    switch (shape.kind) {
      case 'object':
        return first === BRACE ? this.#object(shape) : this.#scalar();
      case 'array':
        return first === BRACKET ? [...this.elements(shape.of)] : this.#scalar();
      case 'whole':
        return this.#scalar();
      case 'shared':
        return this.#shared.valueOf(this.#text());
      case 'present': {
        const text = this.#text();
        return text === 'null' ? null : text !== 'false';
      }
    }
  }

  /** Of an object, one by one: the caller reads each value, or `skip`s it. */
  *keys(): Generator<string> {
    this.#expect(BRACE);
    if (this.#took(BRACE_END)) return;
    do {
      const key = this.#key();
      yield key;
    } while (this.#took(COMMA));
    this.#expect(BRACE_END);
  }

  /** Of an array; null, as Go writes an empty one, has none. */
  *elements(of: Shape): Generator {
    if (this.#peek() !== BRACKET) {
      if (this.#scalar() !== null) throw wrong(this.#at);
      return;
    }
    this.#at++;
    if (this.#took(BRACKET_END)) return;
    do yield this.value(of);
    while (this.#took(COMMA));
    this.#expect(BRACKET_END);
  }

  skip(): void {
    this.#peek();
    this.#at = endOfValue(this.#bytes, this.#at);
  }

  /** Nothing but white space is left. */
  end(): void {
    if (this.#peek() !== undefined) throw wrong(this.#at);
  }

  #object(shape: ObjectShape): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    this.#at++;
    if (this.#took(BRACE_END)) return object;
    do {
      const member = this.#member(shape);
      if (member === undefined) this.skip();
      else object[member.name] = this.value(member.shape);
    } while (this.#took(COMMA));
    this.#expect(BRACE_END);
    return object;
  }

  /** The member whose key is next, past the colon. */
  #member({ members, prefix }: ObjectShape): Member | undefined {
    if (this.#peek() !== QUOTE) throw wrong(this.#at);
    const bytes = this.#bytes;
    const start = this.#at + 1;
    let end = start;
    while (end < bytes.length && bytes[end] !== QUOTE && bytes[end] !== BACKSLASH) end++;
    if (bytes[end] === BACKSLASH) {
      const key = Buffer.from(this.#key());
      return wanted(members, prefix, key, 0, key.length);
    }
    this.#at = end + 1;
    this.#expect(COLON);
    return wanted(members, prefix, bytes, start, end);
  }

  #key(): string {
    if (this.#peek() !== QUOTE) throw wrong(this.#at);
    const key = this.#scalar() as string;
    this.#expect(COLON);
    return key;
  }

  #scalar(): unknown {
    return JSON.parse(this.#text());
  }

  /** Of the next value. */
  #text(): string {
    this.#peek();
    const start = this.#at;
    this.#at = endOfValue(this.#bytes, start);
    return this.#bytes.toString('utf8', start, this.#at);
  }

  #peek(): number | undefined {
    const bytes = this.#bytes;
    while (bytes[this.#at]! <= SPACE) this.#at++;
    return bytes[this.#at];
  }

  #took(byte: number): boolean {
    if (this.#peek() !== byte) return false;
    this.#at++;
    return true;
  }

  #expect(byte: number): void {
    if (!this.#took(byte)) throw wrong(this.#at);
  }
}

function wanted(
  members: readonly Member[],
  prefix: Uint8Array | undefined,
  bytes: Buffer,
  start: number,
  end: number,
): Member | undefined {
  for (let index = 0; index < members.length; index++) {
    const member = members[index]!;
    if (member.bytes.length === end - start && isAt(bytes, start, member.bytes)) return member;
  }
  if (prefix === undefined || end - start < prefix.length || !isAt(bytes, start, prefix)) return undefined;
  return { name: bytes.toString('utf8', start, end), bytes: prefix, shape: WHOLE };
}

function isAt(bytes: Uint8Array, start: number, text: Uint8Array): boolean {
  for (let at = 0; at < text.length; at++) if (bytes[start + at] !== text[at]) return false;
  return true;
}

/** @param at of the opening quote @returns the offset behind the closing one */
function endOfString(bytes: Uint8Array, at: number): number {
  const { length } = bytes;
  for (let next = at + 1; next < length; next++) {
    const byte = bytes[next]!;
    if (byte === QUOTE) return next + 1;
    if (byte === BACKSLASH) next++;
  }
  throw wrong(length);
}

/** By far the hottest loop of a list: strings are followed in place. */
function endOfValue(bytes: Uint8Array, start: number): number {
  const { length } = bytes;
  const first = bytes[start];
  if (first === QUOTE) return endOfString(bytes, start);
  if (first !== BRACE && first !== BRACKET) return endOfWord(bytes, start);
  let depth = 0;
  for (let at = start; at < length; at++) {
    let byte = bytes[at]!;
    if (byte === QUOTE) {
      do {
        byte = bytes[++at]!;
        if (byte === BACKSLASH) at++;
      } while (byte !== QUOTE && at < length);
      continue;
    }
    // "{" and "[", "}" and "]" differ in one bit each.
    if ((byte | 0x20) === BRACE) depth++;
    else if ((byte | 0x20) === BRACE_END && --depth === 0) return at + 1;
  }
  throw wrong(length);
}

/** Of a number, true, false or null. */
function endOfWord(bytes: Uint8Array, start: number): number {
  let at = start;
  for (; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte <= SPACE || byte === COMMA || byte === BRACE_END || byte === BRACKET_END) break;
  }
  if (at === start) throw wrong(at);
  return at;
}

function wrong(at: number): SyntaxError {
  return new SyntaxError(`no JSON at byte ${at}`);
}
