import { expect, it } from 'vitest';
import { acceptedForm } from './media-type.ts';

const KUBECTL_GET =
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';

it.each([
  [undefined, { kind: 'object' }],
  ['*/*', { kind: 'object' }],
  ['application/json', { kind: 'object' }],
  ['application/vnd.kubernetes.protobuf, */*', { kind: 'object' }],
  ['application/vnd.kubernetes.protobuf,application/json', { kind: 'object' }],
  [KUBECTL_GET, { kind: 'table', version: 'v1' }],
  ['application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', { kind: 'partial_list', version: 'v1' }],
  ['application/json;as=PartialObjectMetadata;v=v1beta1;g=meta.k8s.io', { kind: 'partial', version: 'v1beta1' }],
  ['application/json;as=Nonsense;v=v1;g=meta.k8s.io, application/json;q=0.5', { kind: 'object' }],
  ['application/json;q=0.1, application/json;as=Table;v=v1;g=meta.k8s.io', { kind: 'table', version: 'v1' }],
  ['application/json;as=Table;v=v2;g=meta.k8s.io', undefined],
  ['application/json;as=constructor;v=v1;g=meta.k8s.io', undefined],
  ['application/yaml', undefined],
  ['application/json;q=0', undefined],
])('%s is answered with %o', (accept, form) => {
  expect(acceptedForm(accept)).toEqual(form);
});
