import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkFields } from './check-fields.ts';
import { Refusal } from './status.ts';

const EVENT = { kind: 'Event', metadata: {}, involvedObject: { kind: 'Pod', name: 'p' } };

describe('checkFields', () => {
  it.each<[string, Parameters<typeof checkFields>[0], string]>([
    ['labels that are no object', { metadata: { labels: 5 } }, 'metadata.labels: must be an object of strings'],
    ['a label that is no text', { metadata: { labels: { a: 5 } } }, 'metadata.labels[a]: must be a string'],
    ['an annotation that is no text', { metadata: { annotations: { a: {} } } }, 'metadata.annotations[a]: must be'],
    ['an event of nothing', { kind: 'Event', metadata: {} }, 'involvedObject: an object is required'],
    ['an event of a list', { ...EVENT, involvedObject: [] } as never, 'involvedObject: an object is required'],
    ['a message that is no text', { ...EVENT, message: 7 } as never, 'message: must be a string'],
    ['a count that is none', { ...EVENT, count: 'x' } as never, 'count: must be an integer'],
  ])('refuses %s', (_what, object, message) => {
    expect(() => checkFields(object)).toThrow(message);
  });

  it('takes what kubectl and the aggregator write', () => {
    const written = { ...EVENT, message: 'm', count: 2, eventTime: null, source: { component: 'headroom' } } as never;
    expect(() => checkFields({ metadata: { labels: { a: 'b' }, annotations: null } })).not.toThrow();
    expect(() => checkFields(written)).not.toThrow();
  });

  it('answers anything with a refusal or nothing', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (labels, involvedObject) => {
        try {
          checkFields({ kind: 'Event', metadata: { labels }, involvedObject } as never);
        } catch (error) {
          expect(error).toBeInstanceOf(Refusal);
        }
      }),
    );
  });
});
