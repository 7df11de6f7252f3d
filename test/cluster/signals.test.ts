// Case (f): what the agent hears of the kernel by what it may do: with the ebpf component every hook; with plain rights notifications of
// memory.events (leak.test.ts); where it may have no notifications, the counters alone (disturbances.test.ts, once it was started anew).
// The pod that is resized meanwhile stays: uninstall.test.ts looks at what becomes of its limit.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SeenCluster } from './cluster.ts';
import { AGENT_PID, inGuest } from './guest-shell.ts';
import {
  debugOfAgent,
  expectHelped,
  heard,
  helped,
  HELPED_LAST,
  HOOKS,
  killed,
  missing,
  throttled,
} from './hearing.ts';
import type { Installed } from './installed.ts';
import { openInstalled } from './installed.ts';

/** What a leak that is killed, a throttled and a stalling container make them say. */
const HEARD_BY_HOOKS = ['memory-alarm', 'oom-begin', 'oom-victim', 'throttle', 'memory-events'];

let installed: Installed | undefined;
let cluster: SeenCluster;

beforeAll(async () => {
  installed = await openInstalled({
    after: [killed('killed-ebpf'), throttled, helped(HELPED_LAST)],
    components: ['resize', 'ebpf'],
    stays: [HELPED_LAST],
  });
  ({ cluster } = installed);
});

afterAll(() => installed?.close());

describe('the agent', () => {
  it('hears every hook with the ebpf component, within its memory limit', async () => {
    const debug = await debugOfAgent(cluster);
    let passed = false;
    try {
      const lacking = await missing(debug);
      // Not psi_triggers: the node's kernel may be one that can crash of them (agent/signals/psi-triggers.ts).
      expect([...HOOKS, 'memory_events'].filter((name) => lacking.has(name))).toEqual([]);
      await heard(debug, HEARD_BY_HOOKS);
      await expectHelped(cluster, HELPED_LAST);
      // A path in /proc/<pid>/cgroup is the whole machine's here: the shell is in the first namespace.
      const agent = await inGuest(`cat /sys/fs/cgroup$(cut -d : -f 3 /proc/${AGENT_PID}/cgroup)/memory.events`);
      expect(agent).toMatch(/^oom_kill 0$/m);
      passed = true;
    } finally {
      debug.close();
      await cluster.kubectlOk(
        'delete',
        'pod',
        'killed-ebpf',
        'throttled',
        ...(passed ? [] : [HELPED_LAST]),
        '--wait=false',
      );
    }
  }, 400_000);
});
