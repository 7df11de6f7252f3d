// docs/flags.md is written from the flag tables of the three command lines: HEADROOM_WRITE_DOCS=1 npx vitest run test/flags-doc
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { AGENT_FLAGS } from '../agent/flags.ts';
import type { FlagTable } from '../agent/runtime/flag-table.ts';
import { AGGREGATOR_FLAGS } from '../aggregator/flags.ts';
import { STANDALONE_FLAGS } from '../aggregator/standalone/flags.ts';

const DOCUMENT = new URL('../docs/flags.md', import.meta.url);

function section(title: string, table: FlagTable): string {
  const rows = Object.entries(table).map(([name, flag]) => {
    const type = flag.oneOf ? flag.oneOf.map((value) => `\`${value}\``).join(' ') : flag.type;
    return `| \`--${name}\` | ${type} | ${flag.default === undefined ? '' : `\`${flag.default}\``} | ${flag.help} |`;
  });
  return [`## ${title}`, '', '| flag | type | default | meaning |', '| --- | --- | --- | --- |', ...rows, ''].join(
    '\n',
  );
}

function document(): string {
  return [
    '# Flags',
    '',
    'Durations are written like `500ms`, `15s`, `1m`. `strings` flags may be repeated or take a comma-separated list.',
    '',
    section('Agent: `agent/main`', AGENT_FLAGS),
    section('Aggregator: `aggregator/main`', AGGREGATOR_FLAGS),
    section('Cluster of one: `npm start -- …`', STANDALONE_FLAGS),
  ].join('\n');
}

it('documents every flag as its table says', () => {
  if (process.env['HEADROOM_WRITE_DOCS'] === '1') writeFileSync(DOCUMENT, document());
  expect(readFileSync(DOCUMENT, 'utf8')).toBe(document());
});
