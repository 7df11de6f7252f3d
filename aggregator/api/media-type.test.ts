import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { mediaRanges } from './media-type.ts';
import { acceptedForm } from './resource-form.ts';

const KUBECTL_GET =
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';

it.each([
  [undefined, { kind: 'object' }],
  ['*/*', { kind: 'object' }],
  ['application/json', { kind: 'object' }],
  [KUBECTL_GET, { kind: 'table', version: 'v1' }],
  ['application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', { kind: 'partial_list', version: 'v1' }],
  ['application/json;as=PartialObjectMetadata;v=v1beta1;g=meta.k8s.io', { kind: 'partial', version: 'v1beta1' }],
  ['application/json;as=Nonsense;v=v1;g=meta.k8s.io, application/json;q=0.5', { kind: 'object' }],
  ['application/json;q=0.1, application/json;as=Table;v=v1;g=meta.k8s.io', { kind: 'table', version: 'v1' }],
  ['application/json;as=Table;v=v2;g=meta.k8s.io', undefined],
  ['application/json;as=constructor;v=v1;g=meta.k8s.io', undefined],
  ['application/xml', undefined],
  ['application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io', undefined],
])('%s is answered with %o', (accept, form) => {
  expect(acceptedForm(accept)?.form).toEqual(form);
});

it.each([
  [undefined, 'json'],
  ['', 'json'],
  ['*/*', 'json'],
  ['application/vnd.kubernetes.protobuf, */*', 'protobuf'],
  ['application/json, application/vnd.kubernetes.protobuf', 'json'],
  ['application/json;q=0.1, application/vnd.kubernetes.protobuf;q=0.2', 'protobuf'],
  ['*/*, application/yaml;q=0.3', 'yaml'],
  ['application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io, application/yaml', 'yaml'],
])('%s is answered in %s', (accept, media) => {
  expect(acceptedForm(accept)?.media).toBe(media);
});

it('reads any header', () => {
  fc.assert(
    fc.property(fc.string(), (accept) => {
      for (const { type, subtype, quality } of mediaRanges(accept)) {
        expect([type.includes('/'), subtype.includes('/'), Number.isFinite(quality)]).toEqual([false, false, true]);
      }
    }),
  );
});
