import { expect, it } from 'vitest';
import { yamlText } from './yaml.ts';

it.each([
  ['59123456n', '59123456n'],
  ['15.032s', '15.032s'],
  ['1', '"1"'],
  ['1e3', '"1e3"'],
  ['0x1f', '"0x1f"'],
  ['1_000', '"1_000"'],
  ['1:30', '"1:30"'],
  ['10.0.0.1', '10.0.0.1'],
  ['', '""'],
  ['true', '"true"'],
  ['No', '"No"'],
  ['null', '"null"'],
  ['2026-11-23T12:00:00Z', '"2026-11-23T12:00:00Z"'],
  ['node "x" not found', 'node "x" not found'],
  ['a: b', "'a: b'"],
  ["it's: so", "'it''s: so'"],
  ['a #b', "'a #b'"],
  ['- a', "'- a'"],
  ['-a', '-a'],
  ['@a', "'@a'"],
  ['a\nb', '"a\\nb"'],
])('the string %j is %s', (text, yaml) => {
  expect(yamlText(text)).toBe(yaml);
});

it('sorts keys and indents maps, not lists', () => {
  expect(yamlText({ b: [{ d: 1, c: [] }, 'x'], a: { f: {}, e: null } })).toBe(
    'a:\n  e: null\n  f: {}\nb:\n- c: []\n  d: 1\n- x',
  );
});
