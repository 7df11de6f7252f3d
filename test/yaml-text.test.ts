import { loadYaml } from '@kubernetes/client-node';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { yamlText } from '../aggregator/api/yaml.ts';
import type { Json } from '../aggregator/api/yaml.ts';

// Read by js-yaml, which the Kubernetes client brings along.
it('is read as what it was written from, whatever that is', () => {
  const word = fc.constantFrom(
    '~',
    'y',
    'off',
    '1',
    '-1.5e3',
    '.inf',
    '0b1',
    '---',
    '? x',
    'a:',
    ' a',
    'a ',
    '#',
    '!x',
    '&a',
    '*a',
    '%',
    '|',
    '>',
    '`',
    '{}',
    '[',
    '2026-1-1',
    '=',
    '<<',
  );
  const string = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), word);
  const { tree } = fc.letrec<{ tree: Json }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      string,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(
        string.filter((key) => key !== '__proto__'),
        tie('tree'),
        { maxKeys: 4 },
      ),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => {
      expect(loadYaml(yamlText({ value }))).toEqual({ value });
    }),
    { numRuns: 500 },
  );
});
