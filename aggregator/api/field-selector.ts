// The fieldSelector of a list. Contract: apimachinery/pkg/fields (=, ==, != joined by commas; \\ \, \= escape), and the two
// fields that every resource of an extension API server knows.

export interface FieldNames {
  readonly namespace: string;
  readonly name: string;
}
export type FieldMatcher = (object: FieldNames) => boolean;
export type ParsedFieldSelector =
  /** No `matches`: everything is wanted. */
  | { readonly kind: 'selector'; readonly matches?: FieldMatcher }
  | { readonly kind: 'malformed'; readonly reason: string }
  /** Well formed, of a field that no resource here has. */
  | { readonly kind: 'unknown_field'; readonly reason: string };

const FIELDS: Readonly<Record<string, (object: FieldNames) => string>> = {
  'metadata.name': ({ name }) => name,
  'metadata.namespace': ({ namespace }) => namespace,
};

export function parseFieldSelector(selector: string): ParsedFieldSelector {
  const tests: FieldMatcher[] = [];
  for (const term of selector.split(/(?<!(?<!\\)(?:\\\\)*\\),/)) {
    if (term === '') continue;
    const parsed = parseTerm(term);
    if (!parsed) return { kind: 'malformed', reason: `invalid selector: '${selector}'; can't understand '${term}'` };
    const unescapedValue = unescaped(parsed.value);
    if (unescapedValue.kind === 'malformed') return unescapedValue;
    const { value } = unescapedValue;
    const field = Object.hasOwn(FIELDS, parsed.field) ? FIELDS[parsed.field] : undefined;
    if (!field) {
      return {
        kind: 'unknown_field',
        reason: `${JSON.stringify(parsed.field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
      };
    }
    tests.push(parsed.equal ? (object) => field(object) === value : (object) => field(object) !== value);
  }
  return tests.length === 0
    ? { kind: 'selector' }
    : { kind: 'selector', matches: (object) => tests.every((test) => test(object)) };
}

/** The first operator parts field and value. */
function parseTerm(
  term: string,
): { readonly field: string; readonly value: string; readonly equal: boolean } | undefined {
  const match = /^([^=!]*?)(!=|==|=)(.*)$/s.exec(term);
  return match ? { field: match[1]!, value: match[3]!, equal: match[2] !== '!=' } : undefined;
}

type Unescaped =
  { readonly kind: 'value'; readonly value: string } | { readonly kind: 'malformed'; readonly reason: string };

function unescaped(text: string): Unescaped {
  let value = '';
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === ',' || character === '=') {
      // Go prints the number of the character.
      return malformed(`unescaped character in value: ${character.charCodeAt(0)}`);
    }
    if (character !== '\\') {
      value += character;
      continue;
    }
    const escaped = text[++at] ?? '';
    if (!['\\', ',', '='].includes(escaped)) return malformed(`invalid escape sequence: \\${escaped}`);
    value += escaped;
  }
  return { kind: 'value', value };
}

function malformed(reason: string): { readonly kind: 'malformed'; readonly reason: string } {
  return { kind: 'malformed', reason: `invalid field selector: ${reason}` };
}
