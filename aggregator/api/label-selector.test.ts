import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLabelSelector } from './label-selector.ts';
import type { Labels } from './label-selector.ts';

function matches(selector: string, labels: Labels): boolean {
  const parsed = parseLabelSelector(selector);
  if (parsed.kind === 'malformed') throw new Error(parsed.reason);
  return parsed.matches?.(labels) ?? true;
}

function reason(selector: string): string {
  const parsed = parseLabelSelector(selector);
  return parsed.kind === 'malformed' ? parsed.reason : 'no reason: it was parsed';
}

const WEB: Labels = { app: 'web', tier: 'front', 'example.com/shard': '7' };

describe('a label selector', () => {
  it.each([
    ['', true],
    ['app=web', true],
    ['app==web', true],
    ['app = web , tier=front', true],
    ['app=db', false],
    ['app!=db', true],
    ['app!=web', false],
    ['absent!=x', true],
    ['app', true],
    ['absent', false],
    ['!absent', true],
    ['! app', false],
    ['app in (web, db)', true],
    ['app in (db)', false],
    ['app notin (db,cache)', true],
    ['app notin (web)', false],
    ['absent notin (x)', true],
    ['absent in ()', false],
    ['app in (,)', false],
    ['app=', false],
    ['example.com/shard>5', true],
    ['example.com/shard < 7', false],
    ['app>5', false],
    ['app in (web),tier notin (back),!absent,example.com/shard', true],
  ])('%s matches: %s', (selector, expected) => {
    expect(matches(selector, WEB)).toBe(expected);
  });

  it("takes the operators' names as keys and values where no operator can stand", () => {
    expect(matches('in in (notin)', { in: 'notin' })).toBe(true);
    expect(matches('notin=in', { notin: 'in' })).toBe(true);
  });

  it('reads an empty value as the empty label value', () => {
    expect(matches('app=', { app: '' })).toBe(true);
    expect(matches('app in ()', { app: '' })).toBe(true);
  });

  it('takes no inherited property for a label', () => {
    expect(matches('constructor', {})).toBe(false);
    expect(matches('toString!=x', {})).toBe(true);
  });

  it.each([
    ['a,', "found '', expected: identifier after ','"],
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    [',a', "found ',', expected: !, identifier, or 'end of string'"],
    ['a in x', "unable to parse requirement: found 'x' expected: '('"],
    ['a in (x', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['!a in (x)', "found 'in', expected: ',' or 'end of string'"],
    ['a==b==c', "found '==', expected: ',' or 'end of string'"],
    ['a=!b', "unable to parse requirement: found '!', expected: identifier"],
  ])('says of %s what Kubernetes says', (selector, expected) => {
    expect(reason(selector)).toBe(expected);
  });

  it('refuses keys and values that no label can have', () => {
    expect(reason('-a=b')).toContain('key: Invalid value: "-a": name part must consist of alphanumeric characters');
    expect(reason('A.B/c')).toContain('prefix part');
    expect(reason(`a=${'x'.repeat(64)}`)).toContain('must be no more than 63 characters');
    expect(reason('a=-b')).toContain('a valid label must be an empty string or consist of');
    expect(reason('a>b')).toContain('the value must be an integer');
  });

  it('never throws, whatever it is given', () => {
    const pieces = fc.constantFrom(
      'a',
      'b',
      'in',
      'notin',
      '(',
      ')',
      ',',
      '!',
      '=',
      '==',
      '!=',
      '<',
      '>',
      ' ',
      '7',
      '\u00a0',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces).map((some) => some.join('')),
        ),
        (selector) => {
          expect(['selector', 'malformed']).toContain(parseLabelSelector(selector).kind);
        },
      ),
      { numRuns: 5000 },
    );
  });

  it("in and notin are each other's opposite, and = is in with one value", () => {
    const word = fc.stringMatching(/^[a-z]{1,3}$/);
    fc.assert(
      fc.property(word, fc.array(word, { minLength: 1 }), fc.dictionary(word, word), (key, values, labels) => {
        const set = `(${values.join(',')})`;
        expect(matches(`${key} in ${set}`, labels)).toBe(!matches(`${key} notin ${set}`, labels));
        expect(matches(`${key} in ${set}`, labels)).toBe(values.some((value) => matches(`${key}=${value}`, labels)));
        expect(matches(`${key}!=${values[0]}`, labels)).toBe(!matches(`${key}==${values[0]}`, labels));
      }),
    );
  });
});
