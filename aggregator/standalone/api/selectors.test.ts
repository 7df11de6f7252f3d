import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from './objects.ts';
import { parseFieldSelector, parseLabelSelector } from './selectors.ts';
import { Refusal } from './status.ts';

function labelled(labels: Record<string, string>): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'n', uid: '', resourceVersion: '', creationTimestamp: '', labels },
  };
}

describe('parseLabelSelector', () => {
  it.each([
    ['', true],
    ['app=web', true],
    ['app==web,tier!=db', true],
    ['app!=web', false],
    ['missing!=x', true],
    ['app in (web, api)', true],
    ['app notin (web)', false],
    ['missing notin (web)', true],
    ['app', true],
    ['!app', false],
    ['! missing', true],
    ['app in (web),app notin (api),tier', true],
  ])('%j gives %j', (text, matches) => {
    expect(parseLabelSelector(text)(labelled({ app: 'web', tier: 'front' }))).toBe(matches);
  });

  it.each(['=', 'a=b=c', 'a in b', 'a in (b', '!a=b', ',', 'a=b,'])('refuses %j with 400', (text) => {
    expect(() => parseLabelSelector(text)).toThrow(Refusal);
  });

  it('gives a matcher or a refusal for any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(['matcher', 'refusal']).toContain(outcomeOf(text));
      }),
    );
  });
});

function outcomeOf(text: string): string {
  try {
    return typeof parseLabelSelector(text)(labelled({})) === 'boolean' ? 'matcher' : 'no matcher';
  } catch (error) {
    return error instanceof Refusal ? 'refusal' : String(error);
  }
}

describe('parseFieldSelector', () => {
  it('selects by name and namespace, and refuses fields that the resource lacks', () => {
    expect(parseFieldSelector('pods', 'metadata.name=p,metadata.namespace!=x')(labelled({}))).toBe(true);
    expect(() => parseFieldSelector('nodes', 'spec.nodeName=a')).toThrow('field label not supported: spec.nodeName');
    expect(() => parseFieldSelector('nodes', 'nonsense')).toThrow('invalid selector');
  });
});
