// `npm run bench -- [name…] [--write]`: figures beside their bounds and floors, as a table and as one JSON line each.
// A figure is never a pass or a failure: it says what this machine did, and the floor says what this machine could have done.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { CannotRun } from './figure.ts';
import type { Figure } from './figure.ts';
import { benchmarksPage, figureTable } from './page.ts';

/** Loaded by name: a bench that measures memory must not carry what another one imported. */
const BENCHES: Readonly<Record<string, () => Promise<Figure[]>>> = {
  sampling: async () => (await import('./sampling.ts')).benchSampling(),
  agent: async () => (await import('./agent.ts')).benchAgent(),
  api: async () => (await import('./api.ts')).benchApi(),
  codec: async () => (await import('./codec.ts')).benchCodec(),
  native: async () => (await import('./native.ts')).benchNative(),
  start: async () => (await import('./start.ts')).benchStart(),
  shortage: async () => (await import('./shortage.ts')).benchShortage(),
  cluster: async () => (await import('./cluster.ts')).benchCluster({ nodes: 1000 }),
  'cluster-lists': async () => (await import('./cluster-lists.ts')).benchClusterLists(),
  beside: async () => (await import('./beside.ts')).benchBeside({ nodes: 1000 }),
  'cluster-5000': async () => (await import('./cluster.ts')).benchCluster({ nodes: 5000 }),
};

/** From source and from dist/ alike: npm runs a script in the package's folder. */
const PAGE = 'docs/benchmarks.md';
/** Minutes each, and gigabytes. */
const ON_REQUEST = ['cluster', 'cluster-lists', 'cluster-5000', 'beside'];

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const known = Object.keys(BENCHES);
  const { values, positionals } = readArguments(argv);
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    process.stderr.write(`no bench ${unknown.join(', ')}: there are ${known.join(', ')}\n`);
    return 2;
  }
  const names = positionals.length > 0 ? positionals : known.filter((name) => !ON_REQUEST.includes(name));
  const figures: Figure[] = [];
  for (const name of names) {
    process.stderr.write(`bench ${name}\n`);
    try {
      figures.push(...(await BENCHES[name]!()));
    } catch (err) {
      if (!(err instanceof CannotRun)) throw err;
      process.stderr.write(`bench ${name} can't run: ${err.message}\n`);
      return 1;
    }
  }
  process.stdout.write(`\n${figureTable(figures).join('\n')}\n\n`);
  for (const { bench, figure, value, unit, bound, floor } of figures) {
    process.stdout.write(`${JSON.stringify({ bench, figure, value, unit, bound, floor })}\n`);
  }
  if (values.write) writePage(figures, names);
  return 0;
}

function readArguments(argv: readonly string[]) {
  return parseArgs({ args: [...argv], options: { write: { type: 'boolean' } }, allowPositionals: true });
}

function writePage(figures: readonly Figure[], names: readonly string[]): void {
  const setting = {
    command: `npm run bench -- ${names.join(' ')} --write`,
    node: process.version,
    kernel: release(),
    cpu: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    commit: commit(),
    date: new Date().toISOString().slice(0, 10),
  };
  const before = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '';
  writeFileSync(PAGE, benchmarksPage(figures, setting, before));
  process.stderr.write(`wrote ${PAGE}\n`);
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
