import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accessAttributes } from './access-attributes.ts';
import { resourcePath } from './path.ts';

function attributes(method: string, url: string): string {
  const [path = '', query] = url.split('?', 2);
  const asked = {
    method,
    path,
    query: query === undefined ? undefined : new URLSearchParams(query),
    target: resourcePath(path),
  };
  const found = accessAttributes(asked);
  if (found.kind === 'path') return `${found.verb} ${found.path}`;
  const { verb, group, version, resource, subresource, namespace, name } = found;
  return [verb, `${group}/${version}`, `${resource}${subresource && `/${subresource}`}`, namespace, name]
    .join(' ')
    .trim();
}

const V1 = '/apis/metrics.k8s.io/v1';

describe('accessAttributes', () => {
  it.each([
    ['GET', `${V1}/nodes`, 'list metrics.k8s.io/v1 nodes'],
    ['GET', `${V1}/nodes/n1`, 'get metrics.k8s.io/v1 nodes  n1'],
    ['GET', `${V1}/pods`, 'list metrics.k8s.io/v1 pods'],
    ['GET', `${V1}/namespaces/a/pods`, 'list metrics.k8s.io/v1 pods a'],
    ['GET', `/apis/metrics.k8s.io/v1beta1/namespaces/a/pods/p`, 'get metrics.k8s.io/v1beta1 pods a p'],
    ['GET', `${V1}/namespaces/a%20b/pods`, 'list metrics.k8s.io/v1 pods a b'],
    ['GET', `${V1}/pods?watch=true`, 'watch metrics.k8s.io/v1 pods'],
    ['GET', `${V1}/pods?watch=0`, 'list metrics.k8s.io/v1 pods'],
    ['GET', `${V1}/nodes?fieldSelector=metadata.name%3Dn1`, 'list metrics.k8s.io/v1 nodes  n1'],
    ['GET', `${V1}/nodes?fieldSelector=metadata.name!%3Dn1`, 'list metrics.k8s.io/v1 nodes'],
    ['GET', `${V1}/nodes?fieldSelector=metadata.name%3D..`, 'list metrics.k8s.io/v1 nodes'],
    ['GET', `${V1}/nodes?fieldSelector=metadata.name%3Da%5C%2Cb`, 'list metrics.k8s.io/v1 nodes'],
    ['HEAD', `${V1}/nodes/n1`, 'get metrics.k8s.io/v1 nodes  n1'],
    ['POST', `${V1}/nodes`, 'create metrics.k8s.io/v1 nodes'],
    ['PUT', `${V1}/nodes/n1`, 'update metrics.k8s.io/v1 nodes  n1'],
    ['PATCH', `${V1}/nodes/n1`, 'patch metrics.k8s.io/v1 nodes  n1'],
    ['DELETE', `${V1}/nodes/n1`, 'delete metrics.k8s.io/v1 nodes  n1'],
    ['DELETE', `${V1}/nodes`, 'deletecollection metrics.k8s.io/v1 nodes'],
    ['BREW', `${V1}/nodes`, ' metrics.k8s.io/v1 nodes'.trim()],
    ['GET', `${V1}/namespaces/a/pods/p/status`, 'get metrics.k8s.io/v1 pods/status a p'],
    ['GET', `${V1}/namespaces/a/status`, 'get metrics.k8s.io/v1 namespaces/status a a'],
    ['GET', '/apis/apps/v1/deployments', 'list apps/v1 deployments'],
    ['GET', '/api/v1/pods', 'list /v1 pods'],
    ['GET', V1, `get ${V1}`],
    ['GET', '/apis', 'get /apis'],
    ['GET', '/metrics', 'get /metrics'],
    ['GET', '/%6detrics', 'get /metrics'],
    ['GET', '/%zz', 'get /%zz'],
    ['POST', '/metrics', 'post /metrics'],
    ['GET', '/openapi/v3/apis/metrics.k8s.io/v1', 'get /openapi/v3/apis/metrics.k8s.io/v1'],
  ])('%s %s is: %s', (method, url, expected) => {
    expect(attributes(method, url)).toBe(expected);
  });

  it('speaks of exactly what is served, however the path is written', () => {
    const segment = fc.oneof(
      fc.constantFrom(
        'nodes',
        'pods',
        'namespaces',
        'status',
        'a',
        '',
        '.',
        '..',
        '%2F',
        'a%2Fpods',
        '%6eodes',
        '%zz',
        'v1',
      ),
      fc.string({ maxLength: 4 }).map((text) => encodeURIComponent(text)),
    );
    const segments = fc.array(segment, { maxLength: 6 });
    fc.assert(
      fc.property(segments, (given) => {
        const path = `${V1}/${given.join('/')}`;
        const target = resourcePath(path);
        const found = accessAttributes({ method: 'GET', path, query: undefined, target });
        if (!target) return;
        const { namespace = '', name = '' } = target;
        const verb = name === '' ? 'list' : 'get';
        expect(found).toMatchObject({ kind: 'resource', verb, resource: target.resource.resource, namespace, name });
        expect(found).toMatchObject({ group: 'metrics.k8s.io', version: 'v1', subresource: '' });
      }),
    );
  });
});
