// design.md as a test: the tree keeps to the rules, and each rule is shown to catch a breach of it.
import { describe, expect, it } from 'vitest';
import { RULES } from './architecture/rules.ts';
import { sourceFile, sourceFiles } from './architecture/source-file.ts';

const root = new URL('..', import.meta.url).pathname;

describe('the tree', () => {
  const files = sourceFiles(root, ['agent', 'aggregator', 'native']);

  it('is found', () => {
    expect(files.map((file) => file.path)).toContain('agent/protocol/batch.ts');
    expect(files.find((file) => file.path === 'agent/runtime/logger.ts')?.imports.map(({ target }) => target)).toEqual([
      'pino',
      'pino',
    ]);
  });

  it.each(RULES)('keeps the rule: $name', ({ violations }) => {
    expect(violations(files)).toEqual([]);
  });
});

/** A breach and, beside it, what comes near and is allowed. */
const EXAMPLES: readonly { rule: RegExp; breach: readonly [string, string]; allowed: readonly [string, string] }[] = [
  {
    rule: /^agent\/protocol imports nothing/,
    breach: ['agent/protocol/a.ts', "import type { Clock } from '../runtime/clock.ts';"],
    allowed: ['agent/protocol/a.ts', "export { b } from './b.ts';"],
  },
  {
    rule: /^the agent imports nothing of the aggregator/,
    breach: ['agent/push/a.ts', "export * from '../../aggregator/store/points.ts';"],
    allowed: ['agent/push/a.ts', "import { b } from '../protocol/codec.ts';"],
  },
  {
    rule: /^agent\/shortage only judges/,
    breach: ['agent/shortage/a.ts', "import { watch } from '../signals/psi-triggers.ts';"],
    allowed: ['agent/shortage/a.ts', "import type { Shortage } from '../protocol/shortage.ts';"],
  },
  {
    rule: /^agent\/store only keeps/,
    breach: ['agent/store/a.ts', "import { Pusher } from '../push/pusher.ts';"],
    allowed: ['agent/store/a.ts', "import { CALM } from '../shortage/shortage.ts';"],
  },
  {
    rule: /^the aggregator imports only/,
    breach: ['aggregator/api/a.ts', "import { layout } from '../../agent/cgroup/layout.ts';"],
    allowed: ['aggregator/standalone/a.ts', "import { layout } from '../../agent/cgroup/layout.ts';"],
  },
  {
    rule: /^the aggregator imports only/,
    breach: ['aggregator/standalone/a.ts', "import { ring } from '../../agent/store/ring.ts';"],
    allowed: ['aggregator/api/a.ts', "import { codec } from '../../agent/protocol/codec.ts';"],
  },
  {
    rule: /^the store knows/,
    breach: ['aggregator/store/a.ts', "import {\n  b,\n  c,\n} from '../api/list.ts';"],
    allowed: ['aggregator/store/a.ts', "import { b } from '../kube/records.ts';"],
  },
  {
    rule: /^native is reached/,
    breach: ['agent/push/a.ts', "const native = await import('../../native/index.ts');"],
    allowed: ['agent/signals/a.ts', "const native = await import('../../native/index.ts');"],
  },
  {
    rule: /^native is reached/,
    breach: ['agent/signals/a.ts', "import { load } from '../../native/loader.ts';"],
    allowed: ['native/index.ts', "import { load } from './loader.ts';"],
  },
  {
    rule: /^agent\/protocol uses no package/,
    breach: ['agent/protocol/a.ts', "import { Buffer } from 'node:buffer';"],
    allowed: ['agent/protocol/a.test.ts', "import { it } from 'vitest';"],
  },
  {
    rule: /^the agent has no Kubernetes client/,
    breach: ['agent/node/a.ts', "import { spawn } from 'node:child_process';"],
    allowed: ['agent/node/a.ts', "import { readSync } from 'node:fs';"],
  },
  {
    rule: /^only aggregator\/kube has values/,
    breach: ['aggregator/resize/a.ts', "import { CoreV1Api } from '@kubernetes/client-node/dist/gen/index.js';"],
    allowed: ['aggregator/resize/a.ts', "import type { V1Pod } from '@kubernetes/client-node';"],
  },
  {
    rule: /^only main.ts reads/,
    breach: ['agent/sampler.ts', "const home = process.env['HOME'];"],
    allowed: ['agent/main.ts', 'process.exit(run(process.argv));'],
  },
  {
    rule: /^only main.ts reads/,
    breach: ['aggregator/health.ts', 'process.exit(1);'],
    allowed: ['aggregator/health.ts', '// process.exit(1) is for main.ts\nprocess.exitCode = 1;'],
  },
  {
    rule: /^no file is over/,
    breach: ['agent/store/ring.ts', 'a();\n'.repeat(401)],
    allowed: ['agent/store/ring.ts', 'a();\n'.repeat(400)],
  },
  {
    rule: /^no main.ts is over/,
    breach: ['agent/main.ts', 'a();\n'.repeat(61)],
    allowed: ['agent/main.ts', 'a();\n'.repeat(60)],
  },
  {
    rule: /^a file’s name/,
    breach: ['agent/cgroup-utils.ts', ''],
    allowed: ['agent/cgroup/cpu-stat.test.ts', ''],
  },
  { rule: /^a file’s name/, breach: ['agent/cpuStat.ts', ''], allowed: ['agent/cpu-stat.ts', ''] },
];

describe('a rule', () => {
  it.each(EXAMPLES)('catches $breach.0 against $rule', ({ rule, breach, allowed }) => {
    const { violations } = RULES.find(({ name }) => rule.test(name))!;
    expect(violations([sourceFile(...breach)])).toHaveLength(1);
    expect(violations([sourceFile(...allowed)])).toEqual([]);
  });

  it('catches the seventh file in agent/runtime', () => {
    const { violations } = RULES.find(({ name }) => name.startsWith('agent/runtime'))!;
    const files = Array.from({ length: 7 }, (_, index) => sourceFile(`agent/runtime/part-${index}.ts`, ''));
    expect(violations(files)).toHaveLength(7);
    expect(violations([...files.slice(1), sourceFile('agent/runtime/part.test.ts', '')])).toEqual([]);
  });

  it('has an example each', () => {
    const shown = RULES.filter(({ name }) => EXAMPLES.some(({ rule }) => rule.test(name)));
    expect(shown.length + 1).toBe(RULES.length);
  });
});
