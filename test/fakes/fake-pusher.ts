// A pusher of a node as big as wanted, against an aggregator that answers as told; time passes as told.
import type { Batch } from '../../agent/protocol/batch.ts';
import { decodeBatch } from '../../agent/protocol/codec.ts';
import { encodePushError, encodeReply } from '../../agent/protocol/push-reply.ts';
import type { PushErrorCode } from '../../agent/protocol/reply.ts';
import type { Shortage } from '../../agent/protocol/shortage.ts';
import type { PostOutcome } from '../../agent/push/post.ts';
import { Pusher } from '../../agent/push/pusher.ts';
import type { PushFigures } from '../../agent/push/pusher.ts';
import { CodedError } from '../../agent/runtime/coded-error.ts';
import { silentLogger } from '../../agent/runtime/logger.ts';
import { Roster } from '../../agent/store/roster.ts';
import { fakeCgroup, fakeTime } from './fake-node.ts';

export const SECOND = 1000;
export const INTERVAL_MS = 5 * SECOND;

export interface Received {
  readonly atMs: number;
  readonly batch: Batch;
  readonly headers: Readonly<Record<string, string>>;
}

export type Respond = (received: Received) => PostOutcome | Promise<PostOutcome>;

export const taken: Respond = ({ batch }) => ({
  kind: 'answered',
  status: 200,
  body: encodeReply({ accepted: batch.sequence, names: [], directives: [] }),
});

export function refuse(status: number, code: PushErrorCode, accepts: readonly string[] = []): PostOutcome {
  return { kind: 'answered', status, body: encodePushError({ code, message: code, accepts }) };
}

/** A node of `containers` and its pusher, against an aggregator that answers as told. */
export function pusherOf(containers: number, phaseMs = SECOND) {
  const time = fakeTime();
  const roster = new Roster({
    clock: time.clock,
    log: silentLogger,
    cpus: 2,
    open: () => fakeCgroup().files,
  });
  const add = (path: string): void => {
    const found = { kind: 'container', podUid: 'p', containerId: 'c', qos: '', startWallMs: NaN } as const;
    roster.add({ ...found, path }, false);
  };
  for (let index = 0; index < containers; index++) add(`c${index}`);
  const received: Received[] = [];
  const figures: PushFigures[] = [];
  const aggregator = { respond: taken, inFlight: 0, mostInFlight: 0, connections: 0, isFree: false, token: 'secret' };
  const pusher = new Pusher({
    tallySlot: roster.openTallySlot() ?? NaN,
    address: '10.0.0.1',
    url: 'https://aggregator:4444',
    connect: () => {
      aggregator.connections++;
      return {
        post: async (_, headers, body) => {
          const decoded = decodeBatch(body, headers['content-type'] ?? '');
          if (decoded.kind !== 'batch') throw new Error(decoded.message);
          const one = { atMs: time.timers.monotonicMs(), batch: decoded.batch, headers };
          received.push(one);
          aggregator.mostInFlight = Math.max(aggregator.mostInFlight, ++aggregator.inFlight);
          const outcome = await aggregator.respond(one);
          aggregator.inFlight--;
          return outcome;
        },
        get isFree() {
          return aggregator.isFree;
        },
        close: () => {},
      };
    },
    token: {
      read: () => {
        if (aggregator.token === '') throw new CodedError('token_file', 'the token file is empty');
        return aggregator.token;
      },
    },
    node: { node: 'n1', agentVersion: '0', bootId: 'b5a0c8a2-6a3c-4c4e-9a3e-0e0e5a1b2c3d', epoch: 1 },
    roster,
    clock: time.clock,
    timers: time.timers,
    log: silentLogger,
    intervalMs: INTERVAL_MS,
    phaseMs,
    windowMs: 15 * SECOND,
    random: () => 0.5,
    onPushed: (one) => figures.push(one),
  });
  /** Time passes in steps small enough for the promises in between. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 100) {
      time.advance(Math.min(100, left));
      await settled();
    }
  };
  const burn = (seconds = 1): void => {
    for (let second = 0; second < seconds; second++) {
      for (const row of roster.rows()) row.tallies[0]?.noteCpu(100, SECOND, true);
    }
  };
  /** Keeps the answer to the first push until what is returned is called. */
  const holdFirst = (): (() => void) => {
    let release: () => void = () => undefined;
    aggregator.respond = (one) =>
      received.length === 1 ? new Promise((resolve) => (release = () => resolve(taken(one)))) : taken(one);
    return () => release();
  };
  return { time, roster, add, received, figures, aggregator, pusher, pass, burn, holdFirst };
}

export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

export function shortageOf(ref: number, raisedBootMs: number): Shortage {
  const numbers = { raisedBootMs, secondsToHarm: 5, need: 1, limit: 2, rate: 3 };
  return { ref, resource: 'memory', kind: 'limit-approach', ...numbers };
}
