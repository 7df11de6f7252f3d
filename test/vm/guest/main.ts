// The guest's only program: runs the scenario named on its command line (churn-300: of 300 seconds) and says how it ended.
import { CGROUP_ROOT } from './cgroup.ts';
import { churn } from './churn.ts';
import { cost } from './cost.ts';
import { demo } from './demo.ts';
import { latency } from './latency.ts';
import { leaks } from './leaks.ts';
import { machine } from './machine.ts';
import { numbers } from './numbers.ts';
import { psiRace } from './psi-race.ts';
import { record } from './record.ts';
import { progress, result, say } from './say.ts';
import { signals } from './signals.ts';

const AGENT = '/headroom/dist/agent/main.js';
const SCENARIOS: Readonly<Record<string, (amount: number) => Promise<void>>> = {
  machine,
  numbers,
  demo,
  signals,
  record,
  leaks,
  latency,
  cost,
  'pod-removal': (seconds) => psiRace(seconds, false),
  'psi-race': (seconds) => psiRace(seconds, true),
  churn: async (seconds) =>
    result('churn', await churn({ root: CGROUP_ROOT, agent: AGENT, perS: 50, seconds, say: progress })),
};

const [, name = '', amount = ''] = /^(.*?)(?:-(\d+))?$/.exec(process.argv[2] ?? '') ?? [];
try {
  const scenario = SCENARIOS[name];
  if (scenario === undefined) throw new Error(`no scenario ${name}: there are ${Object.keys(SCENARIOS).join(', ')}`);
  await scenario(Number(amount));
} catch (error) {
  say({ kind: 'failed', error: (error as Error).stack ?? String(error) });
}
say({ kind: 'end' });
// A child that outlived its scenario must not keep the guest up.
process.exit(0);
