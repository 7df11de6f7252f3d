import { describe, expect, it } from 'vitest';
import { parseResourcePath } from './resources.ts';

describe('parseResourcePath', () => {
  it.each([
    ['/api/v1/pods', { type: { kind: 'Pod' } }],
    ['/api/v1/namespaces/a/pods', { namespace: 'a', type: { kind: 'Pod' } }],
    ['/api/v1/namespaces/a/pods/b/resize', { namespace: 'a', name: 'b', subresource: 'resize' }],
    ['/api/v1/namespaces/a', { name: 'a', type: { kind: 'Namespace' } }],
    ['/api/v1/namespaces/a/status', { name: 'a', subresource: 'status' }],
    ['/api/v1/nodes/a/', { name: 'a' }],
  ])('reads %s', (path, expected) => {
    expect(parseResourcePath(path)).toMatchObject(expected);
  });

  it.each([
    '/api/v1/pods/b',
    '/api/v1/namespaces/a/nodes',
    '/api/v1/namespaces/a/pods/b/exec',
    '/api/v1/namespaces/a/pods/b/constructor',
    '/api/v1/nodes/a/b/c',
    '/api/v1',
    '/api/v2/pods',
    '/api/v1//pods',
    '/%',
  ])('knows nothing at %s', (path) => {
    expect(parseResourcePath(path)).toBeUndefined();
  });
});
