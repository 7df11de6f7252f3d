// Figures as text: a Markdown table that also reads well on a terminal, and docs/benchmarks.md made of one table a bench.
import type { Figure } from './figure.ts';

export interface Setting {
  readonly command: string;
  readonly node: string;
  readonly kernel: string;
  readonly cpu: string;
  readonly commit: string;
  readonly date: string;
}

const HEAD = ['figure', 'value', 'unit', 'bound', 'floor', '× floor'] as const;

/** Lines of a Markdown table with columns of one width, the bench's name before each figure. */
export function figureTable(figures: readonly Figure[], named = true): readonly string[] {
  const rows = figures.map((each) => [
    named ? `${each.bench}: ${each.figure}` : each.figure,
    numberText(each.value),
    each.unit,
    each.bound === undefined ? '' : `${numberText(each.bound)}${each.value <= each.bound ? '' : ' (over)'}`,
    each.floor === undefined ? '' : numberText(each.floor),
    each.floor === undefined || each.floor === 0 ? '' : (each.value / each.floor).toFixed(2),
  ]);
  const widths = HEAD.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 || column === 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column === 0 || column === 2 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(HEAD), line(rule), ...rows.map(line)];
}

const INTRODUCTION = [
  '# Benchmarks',
  '',
  'A bound is what the figure has to stay within. A floor is what the machine itself took in the same run for the least work that',
  'could do (a C program, a bare request, a plain copy): compare ratios, not absolute times, between machines.',
].join('\n');

/**
 * docs/benchmarks.md: a table a bench, with where and how it was measured.
 * @param before the page as it is: benches that were not measured now stay
 */
export function benchmarksPage(figures: readonly Figure[], setting: Setting, before = ''): string {
  const sections = sectionsOf(before);
  for (const bench of new Set(figures.map((each) => each.bench))) {
    sections.set(
      bench,
      sectionText(
        figures.filter((each) => each.bench === bench),
        setting,
      ),
    );
  }
  const benches = [...sections].map(([bench, text]) => `## ${bench}\n\n${text}`);
  return `${[INTRODUCTION, ...benches].join('\n\n')}\n`;
}

function sectionText(figures: readonly Figure[], { command, date, commit, node, kernel, cpu }: Setting): string {
  return [
    `Made by \`${command}\` on ${date} at commit ${commit}: Node ${node}, Linux ${kernel}, ${cpu}.`,
    '',
    ...figureTable(figures, false),
  ].join('\n');
}

/** By bench, in their order. */
function sectionsOf(page: string): Map<string, string> {
  const [, ...sections] = page.split(/^## /m);
  return new Map(
    sections.map((section) => {
      const [bench = '', ...text] = section.split('\n');
      return [bench, text.join('\n').trim()];
    }),
  );
}

/** Three significant digits, whole numbers from 1,000 on with separators. */
function numberText(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}
