import { describe, expect, it } from 'vitest';
import { benchmarksPage, figureTable } from './bench/page.ts';

const figures = [
  { bench: 'api', figure: 'one pod', value: 0.2041, unit: 'ms', bound: 0.25, floor: 0.17 },
  { bench: 'api', figure: 'list of 30,000 pods', value: 61, unit: 'ms', bound: 40 },
  { bench: 'codec', figure: 'push', value: 25_895, unit: 'bytes' },
];

describe('the table of figures', () => {
  it('shows each figure with its bound, its floor and their ratio, and what is over its bound', () => {
    expect(figureTable(figures)).toEqual([
      '| figure                   |  value | unit  |     bound | floor | × floor |',
      '| ------------------------ | -----: | ----- | --------: | ----: | ------: |',
      '| api: one pod             |  0.204 | ms    |      0.25 |  0.17 |    1.20 |',
      '| api: list of 30,000 pods |     61 | ms    | 40 (over) |       |         |',
      '| codec: push              | 25,895 | bytes |           |       |         |',
    ]);
  });

  it('leaves the tables of benches that were not measured now', () => {
    const setting = { command: 'old', node: 'v20.0.0', kernel: '6.1', cpu: 'x', commit: 'abc', date: '2026-11-23' };
    const before = benchmarksPage(figures, setting);
    const api = [{ bench: 'api', figure: 'one pod', value: 0.1, unit: 'ms' }];
    const page = benchmarksPage(api, { ...setting, command: 'new' }, before);
    expect(page.match(/^## .*|^Made by `\w+`|^\| (?:one pod|push) .*/gm)).toEqual([
      '## api',
      'Made by `new`',
      '| one pod |   0.1 | ms   |       |       |         |',
      '## codec',
      'Made by `old`',
      '| push   | 25,895 | bytes |       |       |         |',
    ]);
    expect(benchmarksPage([], setting, page)).toBe(page);
  });

  it('says on the page how it was made, with a table a bench', () => {
    const page = benchmarksPage(figures, {
      command: 'npm run bench -- api codec --write',
      node: 'v20.0.0',
      kernel: '6.1',
      cpu: '2 × x',
      commit: 'abc',
      date: '2026-11-23',
    });
    expect(page).toContain('`npm run bench -- api codec --write` on 2026-11-23 at commit abc: Node v20.0.0, Linux 6.1');
    expect(page.match(/^## .*/gm)).toEqual(['## api', '## codec']);
  });
});
