// Fifty containers a second for five minutes under the agent: on the running kernel, and in the small machine, where each also has a
// memory.events to watch. HEADROOM_CHURN_SECONDS makes it shorter or longer.
import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openHierarchy } from '../../../agent/cgroup/hierarchy.ts';
import { churn } from '../guest/churn.ts';
import type { ChurnResult } from '../guest/churn.ts';
import { guestResults } from './guest-results.ts';

const PER_S = 50;
const SECONDS = Number(process.env['HEADROOM_CHURN_SECONDS'] ?? 300);
/** What the garbage collector and the allocator may keep of the second half: less than 420 bytes a container. */
const MOST_GROWN_MIB = 3;
const AGENT = join(import.meta.dirname, '../../../dist/agent/main.js');
const ROOT = join(openHierarchy('/sys/fs/cgroup').root, `headroom-churn-${process.pid}`);

afterEach(() => removeTree(ROOT));

function removeTree(directory: string): void {
  if (!existsSync(directory)) return;
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(join(directory, entry.name));
  rmdirSync(directory);
}

/** What is not as it has to be, by name; nothing: all is well. */
function leftBehind({ before, half, after, containers, foundAfterMs, exit }: ChurnResult): readonly string[] {
  const wrong: Readonly<Record<string, boolean>> = {
    'too few containers': containers < PER_S * SECONDS,
    rows: after.rows !== before.rows,
    descriptors: after.descriptors > before.descriptors,
    'inotify watches': after.watches > before.watches,
    memory: after.anonMib - half.anonMib >= MOST_GROWN_MIB,
    // The maps have room for 4,096 cgroups: entries that stayed would have filled them, and the agent with them.
    // Told are those of the whole machine: a storm of somebody else's may cost some of them (`npm run bench -- native` has the losses).
    'events of births and deaths': after.lifeSent - before.lifeSent < 4 * containers,
    'the last container': foundAfterMs >= 2000,
    exit: exit !== 0,
  };
  return Object.keys(wrong).filter((name) => wrong[name]);
}

describe('churn of 50 containers a second leaves no descriptor, map entry, inotify watch or memory behind', () => {
  it('on the running kernel', async () => {
    const say = (text: string): void => void process.stderr.write(`churn: ${text}\n`);
    expect(leftBehind(await churn({ root: ROOT, agent: AGENT, perS: PER_S, seconds: SECONDS, say }))).toEqual([]);
  });

  it('in the small machine', async () => {
    // The agent once made this kernel crash by what it asked of cgroups that were going (docs/adr/0010-native-addon.md).
    const results = await guestResults(`churn-${SECONDS}`, (SECONDS + 240) * 1000, { onlyOnce: true });
    expect(leftBehind(results.get('churn') as ChurnResult)).toEqual([]);
  });
});
