// The guest's only program: runs the scenario named on its command line and says how it ended.
import { demo } from './demo.ts';
import { leaks } from './leaks.ts';
import { machine } from './machine.ts';
import { numbers } from './numbers.ts';
import { record } from './record.ts';
import { say } from './say.ts';
import { signals } from './signals.ts';

const SCENARIOS: Readonly<Record<string, () => Promise<void>>> = { machine, numbers, demo, signals, record, leaks };

const name = process.argv[2] ?? '';
try {
  const scenario = SCENARIOS[name];
  if (scenario === undefined) throw new Error(`no scenario ${name}: there are ${Object.keys(SCENARIOS).join(', ')}`);
  await scenario();
} catch (error) {
  say({ kind: 'failed', error: (error as Error).stack ?? String(error) });
}
say({ kind: 'end' });
// A child that outlived its scenario must not keep the guest up.
process.exit(0);
