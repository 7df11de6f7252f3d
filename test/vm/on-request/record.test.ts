// Records the logs that agent/shortage/recorded.test.ts replays: containers in need, and containers that only look so, in the small machine.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Recording } from '../guest/record.ts';
import { guestResults } from './guest-results.ts';

const FOLDER = join(import.meta.dirname, '../../fixtures/signals');

it('records each case, with readings ten times a second and the signals in between', async () => {
  const results = (await guestResults('record', 240_000)) as ReadonlyMap<string, Recording>;
  expect([...results.keys()]).toEqual(['leak', 'burst', 'reader', 'thrash', 'throttle', 'neighbour']);
  mkdirSync(FOLDER, { recursive: true });
  for (const [name, recording] of results) {
    expect(recording.readings.length).toBeGreaterThan(20);
    writeFileSync(join(FOLDER, `${name}.json`), logText(recording));
  }
});

/** One line a reading and a signal. */
function logText({ readings, signals, ...head }: Recording): string {
  const lines = (values: readonly unknown[]): string => values.map((each) => `\n  ${JSON.stringify(each)}`).join(',');
  return `${JSON.stringify(head, null, 1).slice(0, -2)},\n "readings": [${lines(readings)}\n ],\n "signals": [${lines(signals)}\n ]\n}\n`;
}
