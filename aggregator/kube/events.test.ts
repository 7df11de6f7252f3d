import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../agent/runtime/logger.ts';
import { POD } from '../../test/fixtures/kube/pods.ts';
import type { WriteAnswer } from './client.ts';
import { EventRecorder } from './events.ts';
import type { PodEvent } from './events.ts';

const EVENT: PodEvent = { pod: POD, container: 'app', type: 'Normal', reason: 'HeadroomResize', message: 'raised' };

function recorder(answer: WriteAnswer = { kind: 'written' }): {
  events: EventRecorder;
  written: Record<string, unknown>[];
  clock: { nowMs: number; wallMs: number };
} {
  const written: Record<string, unknown>[] = [];
  const clock = { nowMs: 0, wallMs: Date.UTC(2026, 10, 23, 12, 0, 0, 500) };
  const events = new EventRecorder({
    kube: {
      createEvent: (_namespace, event) => {
        written.push(event as Record<string, unknown>);
        return Promise.resolve(answer);
      },
    },
    clock: { bootTimeMs: () => clock.nowMs, wallTimeMs: () => clock.wallMs },
    log: silentLogger,
    instance: 'aggregator-0',
  });
  return { events, written, clock };
}

/** Lets the queue run dry: each write takes a few turns. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 2000; turn += 1) await Promise.resolve();
}

describe('the event recorder', () => {
  it('writes an Event of the pod and its container', async () => {
    const { events, written } = recorder();
    events.record(EVENT);
    await settle();
    expect(written).toEqual([
      {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: expect.stringMatching(/^web-0\.[0-9a-f]{16}$/) as string, namespace: 'shop' },
        involvedObject: {
          apiVersion: 'v1',
          kind: 'Pod',
          namespace: 'shop',
          name: 'web-0',
          uid: 'u1',
          fieldPath: 'spec.containers{app}',
        },
        type: 'Normal',
        reason: 'HeadroomResize',
        message: 'raised',
        source: { component: 'headroom', host: 'n1' },
        reportingComponent: 'headroom.dev/aggregator',
        reportingInstance: 'aggregator-0',
        firstTimestamp: '2026-11-23T12:00:00Z',
        lastTimestamp: '2026-11-23T12:00:00Z',
        count: 1,
      },
    ]);
  });

  it('says the same once in ten minutes', async () => {
    const { events, written, clock } = recorder();
    events.record(EVENT);
    events.record(EVENT);
    events.record({ ...EVENT, message: 'raised again' });
    clock.nowMs = 10 * 60_000;
    events.record(EVENT);
    events.record({ ...EVENT, reason: 'HeadroomResizeSkipped', message: '1', sameAs: 'x' });
    events.record({ ...EVENT, reason: 'HeadroomResizeSkipped', message: '2', sameAs: 'x' });
    await settle();
    expect(written.map(({ message }) => message)).toEqual(['raised', 'raised again', 'raised', '1']);
    expect(events.dropped).toBe(0);
  });

  it('says the same by the same name, whichever replica says it, until ten minutes are over', async () => {
    const nameOf = async (event: PodEvent, wallMs: number): Promise<string> => {
      const { events, written, clock } = recorder();
      clock.wallMs = wallMs;
      events.record(event);
      await settle();
      return (written[0]!['metadata'] as { name: string }).name;
    };
    const atMs = Date.UTC(2026, 10, 23, 12, 0, 0);
    const refused: PodEvent = { ...EVENT, reason: 'HeadroomResizeRefused', message: 'to 96Mi', sameAs: 'too much' };
    const name = await nameOf(refused, atMs);
    expect(await nameOf({ ...refused, message: 'to 128Mi' }, atMs + 590_000)).toBe(name);
    const others = [
      await nameOf(refused, atMs + 600_000),
      await nameOf({ ...refused, sameAs: 'too little' }, atMs),
      await nameOf({ ...refused, container: 'other' }, atMs),
      await nameOf({ ...refused, reason: 'HeadroomResizeFailed' }, atMs),
      await nameOf({ ...refused, pod: { ...POD, uid: 'u2' } }, atMs),
    ];
    expect(new Set([name, ...others]).size).toBe(6);
  });

  it('bounds the events of one pod, without taking from another', async () => {
    const { events, written } = recorder();
    for (let at = 0; at < 100; at += 1) events.record({ ...EVENT, message: `noise ${at}` });
    events.record({ ...EVENT, pod: { ...POD, uid: 'u2' }, message: 'quiet' });
    await settle();
    expect(written).toHaveLength(21);
    expect(written.at(-1)?.['message']).toBe('quiet');
    expect(events.dropped).toBe(80);
  });

  it('bounds the events of all pods', async () => {
    const { events, written } = recorder();
    for (let at = 0; at < 500; at += 1) events.record({ ...EVENT, pod: { ...POD, uid: `u${at}` } });
    await settle();
    expect(written).toHaveLength(100);
    expect(events.dropped).toBe(400);
  });

  it('cuts a message and a name to what the API server takes', async () => {
    const { events, written } = recorder();
    events.record({ ...EVENT, pod: { ...POD, name: `${'a'.repeat(229)}-b` }, message: 'x'.repeat(2000) });
    await settle();
    expect(String(written[0]?.['message'])).toHaveLength(1024);
    expect(written[0]).toMatchObject({ metadata: { name: expect.stringMatching(/^a{229}\.[0-9a-f]{16}$/) as string } });
  });

  it('counts what the API server did not take, and says it again only where it may be taken then', async () => {
    for (const passing of [false, true]) {
      const { events, written } = recorder({ kind: 'error', reason: 'HTTP 403', passing });
      events.record(EVENT);
      await settle();
      events.record(EVENT);
      await settle();
      expect([events.dropped, written.length]).toEqual(passing ? [2, 2] : [1, 1]);
      await events.close();
    }
  });
});
