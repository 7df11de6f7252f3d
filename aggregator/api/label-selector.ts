// The labelSelector of a list. Contract: apimachinery/pkg/labels: =, ==, !=, in, notin, >, <, exists and !, joined by commas.
import { labelKeyProblem, labelValueProblem } from './label-syntax.ts';
import { labelTokens } from './label-tokens.ts';
import type { LabelToken, LabelTokenKind } from './label-tokens.ts';

export type Labels = Readonly<Record<string, string>>;
export type LabelMatcher = (labels: Labels) => boolean;
export type ParsedLabelSelector =
  /** No `matches`: everything is wanted. */
  | { readonly kind: 'selector'; readonly matches?: LabelMatcher }
  | { readonly kind: 'malformed'; readonly reason: string };

const OPERATORS: readonly LabelTokenKind[] = ['in', '=', '==', '>', '<', 'notin', '!='];
/** In Go's own order and words, which are part of the message. */
const OPERATOR_NAMES = 'in, notin, =, ==, !=, gt, lt';

/** Thrown and caught in this file only: a recursive descent reads better without a union at every step. */
class Malformed extends Error {}

interface Cursor {
  peek(): LabelToken;
  next(): LabelToken;
}

export function parseLabelSelector(text: string): ParsedLabelSelector {
  try {
    const tests = requirements(cursorOf(labelTokens(text)));
    if (tests.length === 0) return { kind: 'selector' };
    if (tests.length === 1) return { kind: 'selector', matches: tests[0]! };
    return { kind: 'selector', matches: (labels) => tests.every((test) => test(labels)) };
  } catch (error) {
    if (error instanceof Malformed) return { kind: 'malformed', reason: error.message };
    throw error;
  }
}

function cursorOf(tokens: readonly LabelToken[]): Cursor {
  let at = 0;
  const last = tokens.at(-1)!;
  return { peek: () => tokens[at] ?? last, next: () => tokens[at++] ?? last };
}

function requirements(cursor: Cursor): LabelMatcher[] {
  const tests: LabelMatcher[] = [];
  for (;;) {
    const { kind, text } = cursor.peek();
    if (kind === 'end') return tests;
    if (!isWord(kind) && kind !== '!')
      throw new Malformed(`found '${text}', expected: !, identifier, or 'end of string'`);
    tests.push(wrapped(cursor));
    const after = cursor.next();
    if (after.kind === 'end') return tests;
    if (after.kind !== ',') throw new Malformed(`found '${after.text}', expected: ',' or 'end of string'`);
    const following = cursor.peek();
    if (!isWord(following.kind) && following.kind !== '!') {
      throw new Malformed(`found '${following.text}', expected: identifier after ','`);
    }
  }
}

function wrapped(cursor: Cursor): LabelMatcher {
  try {
    return requirement(cursor);
  } catch (error) {
    if (error instanceof Malformed) throw new Malformed(`unable to parse requirement: ${error.message}`);
    throw error;
  }
}

function requirement(cursor: Cursor): LabelMatcher {
  const absent = cursor.peek().kind === '!';
  if (absent) cursor.next();
  const { kind, text: key } = cursor.next();
  if (!isWord(kind)) throw new Malformed(`found '${key}', expected: identifier`);
  const problem = labelKeyProblem(key);
  if (problem !== undefined) throw new Malformed(problem);
  if (absent) return (labels) => !has(labels, key);
  const { kind: following } = cursor.peek();
  if (following === 'end' || following === ',') return (labels) => has(labels, key);
  const operator = cursor.next();
  if (!OPERATORS.includes(operator.kind)) {
    throw new Malformed(`found '${operator.text}', expected: ${OPERATOR_NAMES}`);
  }
  const values = operator.kind === 'in' || operator.kind === 'notin' ? valueSet(cursor) : [exactValue(cursor)];
  return test(key, operator.kind, values);
}

function test(key: string, operator: LabelTokenKind, values: readonly string[]): LabelMatcher {
  if (operator === '>' || operator === '<') return comparison(key, operator, values[0]!);
  for (const value of values) {
    const problem = labelValueProblem(key, value);
    if (problem !== undefined) throw new Malformed(problem);
  }
  const negated = operator === '!=' || operator === 'notin';
  const wanted = new Set(values);
  if (negated) return (labels) => !has(labels, key) || !wanted.has(labels[key]!);
  return (labels) => has(labels, key) && wanted.has(labels[key]!);
}

const INTEGER = /^[+-]?\d{1,19}$/;

function comparison(key: string, operator: '>' | '<', value: string): LabelMatcher {
  if (!INTEGER.test(value)) {
    throw new Malformed(
      `values[0][${key}]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`,
    );
  }
  const bound = BigInt(value.replace('+', ''));
  return (labels) => {
    const actual = has(labels, key) ? labels[key]! : '';
    if (!INTEGER.test(actual)) return false;
    const number = BigInt(actual.replace('+', ''));
    return operator === '>' ? number > bound : number < bound;
  };
}

function exactValue(cursor: Cursor): string {
  const { kind } = cursor.peek();
  if (kind === 'end' || kind === ',') return '';
  const value = cursor.next();
  if (!isWord(value.kind)) throw new Malformed(`found '${value.text}', expected: identifier`);
  return value.text;
}

/** "(a, b)"; an empty place between commas or parentheses is the empty value. */
function valueSet(cursor: Cursor): string[] {
  const open = cursor.next();
  if (open.kind !== '(') throw new Malformed(`found '${open.text}' expected: '('`);
  const values: string[] = [];
  for (;;) {
    const token = cursor.peek();
    values.push(isWord(token.kind) ? cursor.next().text : '');
    const after = cursor.next();
    if (after.kind === ')') return values;
    if (after.kind !== ',') throw new Malformed(`found '${after.text}', expected: ',' or ')'`);
  }
}

/** "in" and "notin" are words where no operator can stand. */
function isWord(kind: LabelTokenKind): boolean {
  return kind === 'identifier' || kind === 'in' || kind === 'notin';
}

function has(labels: Labels, key: string): boolean {
  return Object.hasOwn(labels, key);
}
