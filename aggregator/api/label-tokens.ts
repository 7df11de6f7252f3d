// The words of a label selector. Contract: the lexer of apimachinery/pkg/labels.

export type LabelTokenKind =
  '(' | ')' | ',' | '!' | '=' | '==' | '!=' | '<' | '>' | 'in' | 'notin' | 'identifier' | 'end' | 'error';

export interface LabelToken {
  readonly kind: LabelTokenKind;
  readonly text: string;
}

const SYMBOLS: ReadonlySet<string> = new Set(['(', ')', ',', '!', '=', '==', '!=', '<', '>']);
const SYMBOL_RUN = /[=!(),><]+/y;
const WORD = /[^=!(),><\s]+/y;
const SPACE = /[ \t\r\n]*/y;

/** The last token is 'end'. */
export function labelTokens(selector: string): readonly LabelToken[] {
  const tokens: LabelToken[] = [];
  let at = 0;
  const match = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    return pattern.exec(selector)?.[0] ?? '';
  };
  for (;;) {
    at += match(SPACE).length;
    if (at >= selector.length) return [...tokens, { kind: 'end', text: '' }];
    const word = match(WORD);
    if (word !== '') {
      tokens.push({ kind: word === 'in' || word === 'notin' ? word : 'identifier', text: word });
      at += word.length;
      continue;
    }
    const run = match(SYMBOL_RUN);
    const symbol = [2, 1].map((length) => run.slice(0, length)).find((text) => SYMBOLS.has(text));
    // Whitespace that is none of SPACE's, such as a no-break space.
    if (symbol === undefined) return [...tokens, { kind: 'error', text: selector[at]! }];
    tokens.push({ kind: symbol as LabelTokenKind, text: symbol });
    at += symbol.length;
  }
}
