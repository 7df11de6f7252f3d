import { describe, expect, it } from 'vitest';
import type { Pod } from './api/objects.ts';
import { OBSERVED_ONLY } from './api/objects.ts';
import { screenText } from './view-text.ts';

function pod(name: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'demo', uid: name, resourceVersion: '1', creationTimestamp: '' },
    spec: { containers: [{ name: 'main', image: '', resources: { limits: { cpu: '200m', memory: '128Mi' } } }] },
    status: { phase: 'Running', containerStatuses: [] },
  };
}

const screen = {
  head: ['export KUBECONFIG=/x'],
  nodes: [{ metadata: { name: 'n1' }, usage: { cpu: '1500000u', memory: '2097152Ki' } }],
  usage: [
    {
      metadata: { name: 'leak', namespace: 'demo' },
      containers: [{ name: 'main', usage: { cpu: '59123456n', memory: '65536Ki' } }],
    },
  ],
  pods: [pod('idle'), pod('leak')],
  events: [],
};

describe('screenText', () => {
  it('shows the node, each pod with use and limit, and the pod that uses most first', () => {
    const text = screenText(screen, 120, 40);
    expect(text).toContain('node n1: 1500m cpu, 2048Mi memory');
    expect(text).toMatch(/demo\/leak +60m +200m +64Mi +128Mi +0\ndemo\/idle +- +200m +- +128Mi/);
  });

  it('stays within the terminal', () => {
    const many = { ...screen, pods: Array.from({ length: 100 }, (_, at) => pod(`p${at}`)) };
    const lines = screenText(many, 40, 24).split('\n');
    expect(lines.length).toBeLessThanOrEqual(24);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(40);
  });

  it('shows every figure on 80 columns, and cuts the name', () => {
    const name = 'a-service-with-a-very-long-name-and-a-hash-7d9f8b6c5-x2x4z';
    const lines = screenText({ ...screen, pods: [pod(name)] }, 80, 24).split('\n');
    expect(lines.find((line) => line.includes('RESTARTS'))).toMatch(/LIMIT +MEMORY +LIMIT +RESTARTS$/);
    expect(lines.find((line) => line.startsWith('demo/a-service'))).toMatch(/… +- +200m +- +128Mi +0$/);
  });

  it('tells a resize whole, on as many lines as it takes', () => {
    const legs =
      'needs 36.1 MiB of 128 MiB, growing 9.7 MiB/s; received 19 ms, decided 23 ms, accepted 184 ms, confirmed 261 ms';
    const event = `3s    demo/leak HeadroomResize: ${legs}`;
    const lines = screenText({ ...screen, events: [event, event] }, 60, 24).split('\n');
    const told = lines.slice(lines.indexOf('LAST RESIZES') + 1);
    expect(told.length).toBeGreaterThan(4);
    expect(Math.max(...told.map((line) => line.length))).toBeLessThanOrEqual(60);
    expect(told.map((line) => line.trim()).join(' ')).toBe(`${event} ${event}`);
  });

  it('shows what can be resized before what is only observed', () => {
    const observed = pod('big');
    const metadata = { ...observed.metadata, annotations: { [OBSERVED_ONLY]: 'true' } };
    const usage = [{ ...screen.usage[0]!, metadata: { name: 'big', namespace: 'demo' } }];
    const text = screenText({ ...screen, usage, pods: [{ ...observed, metadata }, pod('leak')] }, 80, 24);
    expect(text.indexOf('demo/leak')).toBeLessThan(text.indexOf('demo/big'));
  });
});
