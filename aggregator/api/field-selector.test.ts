import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseFieldSelector } from './field-selector.ts';

const POD = { namespace: 'default', name: 'web' };

function matches(selector: string, object = POD): boolean | string {
  const parsed = parseFieldSelector(selector);
  return parsed.kind === 'selector' ? (parsed.matches?.(object) ?? true) : parsed.reason;
}

it.each([
  ['', true],
  ['metadata.name=web', true],
  ['metadata.name==web,metadata.namespace=default', true],
  ['metadata.name!=web', false],
  ['metadata.namespace!=kube-system', true],
  ['metadata.namespace=', false],
  [',metadata.name=web,', true],
])('%s matches: %s', (selector, expected) => {
  expect(matches(selector)).toBe(expected);
});

it('refuses any other field in the words of metrics-server', () => {
  expect(matches('spec.nodeName=n1')).toBe(
    '"spec.nodeName" is not a known field selector: only "metadata.name", "metadata.namespace"',
  );
  expect(matches('constructor=x')).toContain('is not a known field selector');
});

it('refuses a term without an operator', () => {
  expect(matches('metadata.name')).toBe("invalid selector: 'metadata.name'; can't understand 'metadata.name'");
});

it('finds any name once it is escaped', () => {
  fc.assert(
    fc.property(fc.string(), (name) => {
      const escaped = name.replace(/[\\,=]/g, '\\$&');
      expect(matches(`metadata.name=${escaped}`, { namespace: '', name })).toBe(true);
      expect(matches(`metadata.name!=${escaped}`, { namespace: '', name })).toBe(false);
    }),
    { numRuns: 2000 },
  );
});

it('never throws, whatever it is given', () => {
  fc.assert(
    fc.property(fc.string(), (selector) => {
      expect(['selector', 'malformed', 'unknown_field']).toContain(parseFieldSelector(selector).kind);
    }),
  );
});
