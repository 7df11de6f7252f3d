// Every object of test/fixtures/metrics-api/items.json is written byte for byte as k8s.io/metrics' own encoders wrote it.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { fakeItemSource, usageOf } from '../../test/fakes/item-source.ts';
import { objectJson, objectProtobuf } from './item-text.ts';
import { NODES, PODS } from './resource.ts';

interface Recorded {
  readonly name: string;
  readonly namespace?: string;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly atUnixMs: number;
  readonly windowUs: number;
  readonly containers: readonly {
    readonly name: string;
    readonly cpuNanos: number;
    readonly memoryBytes: number;
    readonly swapBytes?: number;
  }[];
  readonly json: string;
  /** Base64. */
  readonly protobuf: string;
}

const recorded = JSON.parse(
  readFileSync(new URL('../../test/fixtures/metrics-api/items.json', import.meta.url), 'utf8'),
) as readonly Recorded[];

it.each(recorded.map((one) => [one.name.slice(0, 20), one] as const))('%s', (_name, one) => {
  const { name, namespace, containers, atUnixMs, windowUs } = one;
  const usage = {
    ...usageOf(atUnixMs, windowUs, ...containers.map((c) => [c.cpuNanos, c.memoryBytes] as const)),
    swapBytes: Float64Array.from(containers, (c) => c.swapBytes ?? NaN),
  };
  const labels = one.labels ?? {};
  const item =
    namespace === undefined
      ? fakeItemSource([], [{ name, labels, usage }]).nodeItem(name)!
      : fakeItemSource([{ namespace, name, labels, usage, containers: containers.map((c) => c.name) }]).podItem(
          namespace,
          name,
        )!;
  const resource = namespace === undefined ? NODES : PODS;
  expect(`${objectJson(item, resource, 'v1')!.toString()}\n`).toBe(one.json);
  expect(objectProtobuf(item, resource, 'v1')!.toString('base64')).toBe(one.protobuf);
});
