import { afterEach, describe, expect, it } from 'vitest';
import type { ChangesOptions } from './changes.ts';
import { Changes } from './changes.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function changes(options: Partial<ChangesOptions> = {}) {
  const seen: string[] = [];
  let nowMs = 0;
  opened = new Changes({
    look: ({ directory, name }) => {
      seen.push(`${directory}/${name}`);
      nowMs += 0.2;
    },
    onOverflow: () => seen.push('everything'),
    nowMs: () => nowMs,
    ...options,
  });
  return { changes: opened, seen };
}

let opened: Changes;
afterEach(() => opened.close());

describe('what inotify tells', () => {
  it('is looked at in a later turn, in the order in which it came', async () => {
    const { changes: noted, seen } = changes();
    noted.note('/a', 'b');
    noted.note('/a/b', 'c');
    expect(seen).toEqual([]);
    await turn();
    expect(seen).toEqual(['/a/b', '/a/b/c']);
  });

  it('is looked at once where it was told twice, in the place of the last time', async () => {
    const { changes: noted, seen } = changes();
    for (const name of ['pod', 'other', 'pod']) noted.note('/a', name);
    await turn();
    expect(seen).toEqual(['/a/other', '/a/pod']);
  });

  it('lets others have a turn after half a millisecond', async () => {
    const { changes: noted, seen } = changes();
    for (let number = 0; number < 7; number++) noted.note('/a', String(number));
    const counts: number[] = [];
    for (let turns = 0; turns < 3; turns++) {
      await turn();
      counts.push(seen.length);
    }
    expect(counts).toEqual([3, 6, 7]);
    expect(noted.waiting).toBe(0);
  });

  it('has everything looked at, once, when more came than is kept', async () => {
    const { changes: noted, seen } = changes({ mostChanges: 2 });
    for (const name of ['a', 'b', 'c', 'd', 'b']) noted.note('/x', name);
    await turn();
    expect(seen).toEqual(['/x/a', '/x/b', 'everything']);
    noted.note('/x', 'e');
    await turn();
    expect(seen.slice(3)).toEqual(['/x/e']);
  });

  it('is forgotten at the end', async () => {
    const { changes: noted, seen } = changes();
    noted.note('/a', 'b');
    noted.close();
    await turn();
    expect(seen).toEqual([]);
  });
});
