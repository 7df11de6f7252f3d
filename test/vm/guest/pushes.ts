// An aggregator that takes every push and remembers the shortages: when the agent judged them, and when they were here.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BATCH_BINARY_V1 } from '../../../agent/protocol/batch.ts';
import { decodeBatch } from '../../../agent/protocol/codec.ts';
import { encodeReply } from '../../../agent/protocol/push-reply.ts';

export interface Pushed {
  readonly kind: string;
  readonly resource: string;
  readonly raisedBootMs: number;
  readonly receivedBootMs: number;
}

export interface PushReceiver {
  readonly url: string;
  /** Of one container, in order. */
  shortages(containerId: string): readonly Pushed[];
  close(): void;
}

export async function receivePushes(bootTimeMs: () => number): Promise<PushReceiver> {
  const containers = new Map<number, string>();
  const shortages = new Map<string, Pushed[]>();
  const take = (body: Buffer, receivedBootMs: number): void => {
    const decoded = decodeBatch(body, BATCH_BINARY_V1);
    if (decoded.kind !== 'batch') throw new Error(`a push was refused: ${JSON.stringify(decoded)}`);
    for (const { ref, containerId } of decoded.batch.identities) containers.set(ref, containerId);
    for (const { ref, kind, resource, raisedBootMs } of decoded.batch.shortages) {
      const id = containers.get(ref) ?? '';
      shortages.set(id, [...(shortages.get(id) ?? []), { kind, resource, raisedBootMs, receivedBootMs }]);
    }
  };
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      take(Buffer.concat(chunks), bootTimeMs());
      response.end(encodeReply({ accepted: 0, names: [], directives: [] }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    shortages: (containerId) => shortages.get(containerId) ?? [],
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
