import { ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import { afterEach, expect, it, vi } from 'vitest';
import { BATCH_BINARY_V1, BATCH_PATH } from '../../agent/protocol/batch.ts';
import { encodeBatch } from '../../agent/protocol/codec.ts';
import { silentLogger } from '../../agent/runtime/logger.ts';
import { createAggregatorMetrics } from '../metrics.ts';
import { createClusterPki } from '../standalone/pki.ts';
import { batch, container, containerIdentity, id, MIB, NODE_IDENTITY, pod, testStore, usageRow, WALL_MS } from '../store/store.test-support.ts'; // prettier-ignore
import { createPushServer } from './push-server.ts';

const MAIN = id('a1');

afterEach(() => vi.restoreAllMocks());

it('a push is answered when what its shortage sets in motion is on its way', async () => {
  const pki = await createClusterPki(Date.now());
  const { store } = testStore();
  store.upsertPod(pod('web', [container('main', MAIN)]));
  const order: string[] = [];
  const server = createPushServer({
    tls: pki.serving,
    agents: { identify: () => ({ kind: 'agent', node: 'n1' }) },
    store,
    log: silentLogger,
    clock: () => 0,
    wallMs: () => WALL_MS,
    metrics: createAggregatorMetrics({ counts: () => store.counts(), clockSkews: () => store.clockSkews() }),
    // As the resizer does it: some promises on, a request is written.
    onShortage: () => {
      void (async () => {
        for (let step = 0; step < 20; step++) await Promise.resolve();
        order.push('patch');
      })();
      return true;
    },
    onEarlyShortage: () => undefined,
    onObserved: () => undefined,
    fencing: () => 1,
  });
  // oxlint-disable-next-line typescript/unbound-method -- called on its own response below
  const { writeHead } = ServerResponse.prototype;
  vi.spyOn(ServerResponse.prototype, 'writeHead').mockImplementation(function (
    this: ServerResponse,
    ...given: unknown[]
  ) {
    order.push('answer');
    return Reflect.apply(writeHead, this, given) as ServerResponse;
  });
  const port = await server.listen('127.0.0.1', 0);
  const agent = new Agent({ ca: pki.ca });
  const shortage = { ref: 1, resource: 'memory', kind: 'limit-approach', raisedBootMs: 0, secondsToHarm: 1, need: MIB, limit: 2 * MIB, rate: MIB } as const; // prettier-ignore
  const given = batch({
    identities: [NODE_IDENTITY, containerIdentity(1, MAIN)],
    rows: [usageRow(1)],
    shortages: [shortage],
  });
  await new Promise<void>((resolve, reject) => {
    const headers = { 'content-type': BATCH_BINARY_V1 };
    const sent = request({ host: '127.0.0.1', port, path: BATCH_PATH, method: 'POST', agent, headers }, (answer) => {
      answer.resume().on('end', resolve);
    });
    sent.on('error', reject).end(encodeBatch(given, BATCH_BINARY_V1));
  });
  expect(order).toEqual(['patch', 'answer']);
  agent.destroy();
  await server.close();
});
