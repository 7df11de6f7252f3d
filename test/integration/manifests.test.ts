import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { readAgentFlags } from '../../agent/flags.ts';
import { parseFlags } from '../../agent/runtime/flag-table.ts';
import { AGGREGATOR_FLAGS as OWN_FLAGS } from '../../aggregator/flags.ts';
import { KUBELET_FLAGS } from '../../aggregator/intake/kubelet/flags.ts';
import { SERVING_SECRET } from '../../aggregator/serving/own-certificate.ts';
import { PUSH_SERVICE, servingNames } from '../../aggregator/serving/serving-names.ts';
import { API_SERVICES, CA_CONFIG_MAP, METRICS_SERVICE } from '../../aggregator/serving/trust-bundle.ts';
import { find, render, renderOwn, rightsOf } from './rendered-manifests.ts';
import type { Container, Manifest, PodTemplate } from './rendered-manifests.ts';

const MIB = 1024 * 1024;
const NAMESPACE = 'headroom-system';
const AGGREGATOR_FLAGS = { ...KUBELET_FLAGS, ...OWN_FLAGS };
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

let release: readonly Manifest[];
let beside: readonly Manifest[];
let resizing: readonly Manifest[];
let listening: readonly Manifest[];

beforeAll(async () => {
  release = await render('overlays/release');
  beside = await render('overlays/beside');
  resizing = await renderOwn('resources: [DEPLOY/overlays/release]\ncomponents: [DEPLOY/components/resize]\n');
  listening = await renderOwn('resources: [DEPLOY/overlays/release]\ncomponents: [DEPLOY/components/ebpf]\n');
});

function template(manifests: readonly Manifest[], role: 'agent' | 'aggregator'): PodTemplate {
  return find(manifests, role === 'agent' ? 'DaemonSet' : 'Deployment', `headroom-${role}`).spec.template;
}

function containerOf(manifests: readonly Manifest[], role: 'agent' | 'aggregator'): Container {
  const { containers } = template(manifests, role).spec;
  expect(containers).toHaveLength(1);
  return containers[0];
}

/** The command line as the kubelet would give it, with $(VAR) put in. */
function argsOf(container: Container): string[] {
  const given: Record<string, string> = { NODE_NAME: 'node-1', POD_IP: '10.1.2.3' };
  const names = (container.env ?? []).map(({ name }) => name);
  return container.args.map((arg) =>
    arg.replace(/\$\((\w+)\)/g, (_, name: string) => {
      expect(names).toContain(name);
      return given[name] ?? '';
    }),
  );
}

const ROLES = ['agent', 'aggregator'] as const;

describe('what is rendered', () => {
  it('is in the namespace that it makes, except the right to read how the front proxy proves itself', () => {
    find(release, 'Namespace', NAMESPACE);
    const elsewhere = release.filter(
      ({ metadata }) => metadata.namespace !== undefined && metadata.namespace !== NAMESPACE,
    );
    expect(elsewhere.map(({ kind, metadata }) => `${kind} ${metadata.name} ${metadata.namespace}`)).toEqual([
      'RoleBinding headroom:auth-reader kube-system',
    ]);
  });

  it('registers the API for both versions in overlays/release and not at all in overlays/beside', () => {
    const registered = (manifests: readonly Manifest[]): string[] =>
      manifests.filter(({ kind }) => kind === 'APIService').map(({ metadata }) => metadata.name);
    expect(registered(release).toSorted()).toEqual([...API_SERVICES]);
    expect(registered(beside)).toEqual([]);
    const kept = new Set(beside.map(({ kind, metadata }) => `${kind} ${metadata.name}`));
    const added = release.map(({ kind, metadata }) => `${kind} ${metadata.name}`).filter((each) => !kept.has(each));
    expect(added.toSorted()).toEqual([
      ...API_SERVICES.map((name) => `APIService ${name}`),
      'ClusterRole headroom:aggregated-metrics-reader',
      'ClusterRole headroom:ca-bundle',
      'ClusterRoleBinding headroom:ca-bundle',
    ]);
  });

  it('lets kube-apiserver reach the API by a Service whose certificate it verifies, and prefer v1', () => {
    const priorities = API_SERVICES.map((name) => {
      const { spec } = find(release, 'APIService', name);
      expect(spec).toMatchObject({
        insecureSkipTLSVerify: false,
        service: { name: METRICS_SERVICE, namespace: NAMESPACE, port: 443 },
      });
      return spec['versionPriority'] as number;
    });
    expect(priorities[0]).toBeGreaterThan(priorities[1] ?? 0);
    expect(servingNames(NAMESPACE)).toContain(`${METRICS_SERVICE}.${NAMESPACE}.svc`);
  });

  it('ships the objects of the certificate empty, because the aggregator may not create them', () => {
    expect(find(release, 'Secret', SERVING_SECRET)).not.toHaveProperty('data');
    expect(find(release, 'ConfigMap', CA_CONFIG_MAP)).not.toHaveProperty('data');
  });
});

describe('rights', () => {
  const READ = [
    'get, list, watch nodes',
    'get, list, watch pods',
    'get nodes/metrics',
    'get, list, watch horizontalpodautoscalers',
    ...['deployments', 'replicasets', 'statefulsets', 'replicationcontrollers'].map((kind) => `get ${kind}/scale`),
    'create events',
    'get apiservices/v1.metrics.k8s.io',
    'get apiservices/v1beta1.metrics.k8s.io',
    '(system:auth-delegator)',
    '(extension-apiserver-authentication-reader) in kube-system',
    'get, patch secrets/headroom-serving-cert in headroom-system',
    'get, patch configmaps/headroom-ca in headroom-system',
    'get, update leases/headroom-aggregator in headroom-system',
    'create leases in headroom-system',
  ];
  const BUNDLE = ['patch apiservices/v1.metrics.k8s.io', 'patch apiservices/v1beta1.metrics.k8s.io'];

  it('of the aggregator are exactly these, and to patch the registration only where it is registered', () => {
    expect(rightsOf(beside, 'headroom-aggregator').toSorted()).toEqual(READ.toSorted());
    expect(rightsOf(release, 'headroom-aggregator').toSorted()).toEqual([...READ, ...BUNDLE].toSorted());
  });

  it('to patch pods come with the resize component alone, with the flag that uses them', () => {
    const added = rightsOf(resizing, 'headroom-aggregator').filter((each) => ![...READ, ...BUNDLE].includes(each));
    expect(added).toEqual(['patch pods/resize']);
    const { args } = containerOf(resizing, 'aggregator');
    expect(args).toEqual([...containerOf(release, 'aggregator').args, '--resize=on']);
  });

  it('hold no wildcard and name what may be written', () => {
    const rules = resizing.flatMap((each) => each.rules ?? []);
    expect(rules.length).toBeGreaterThan(5);
    for (const { apiGroups, resources, verbs, resourceNames } of rules) {
      expect([...apiGroups, ...resources, ...verbs].join()).not.toContain('*');
      const writes = verbs.filter((verb) => !['get', 'list', 'watch', 'create'].includes(verb));
      if (writes.length > 0 && resources.join() !== 'pods/resize') expect(resourceNames).toBeDefined();
      if (resources.includes('secrets') || resources.includes('configmaps')) expect(resourceNames).toHaveLength(1);
    }
  });

  it('of the agent are none, and it gets no token of the API server’s', () => {
    expect(rightsOf(resizing, 'headroom-agent')).toEqual([]);
    expect(find(release, 'ServiceAccount', 'headroom-agent')['automountServiceAccountToken']).toBe(false);
    expect(template(release, 'agent').spec['automountServiceAccountToken']).toBe(false);
  });

  it('are told by docs/install.md, right for right', () => {
    const text = readFileSync(new URL('../../docs/install.md', import.meta.url), 'utf8');
    const told = [...text.matchAll(/^\| `([^`]+)` +\| (base|metrics-api|resize) +\|/gm)].map(([, right]) => right);
    expect(told.map(String).toSorted()).toEqual(rightsOf(resizing, 'headroom-aggregator').toSorted());
  });
});

describe('pods', () => {
  it.each(ROLES)('of the %s probe ports that they have', (role) => {
    const container = containerOf(release, role);
    const ports = container.ports.map(({ name }) => name);
    const probes = Object.entries(container).filter(([field]) => field.endsWith('Probe'));
    expect(probes.map(([field]) => field)).toEqual(expect.arrayContaining(['livenessProbe', 'readinessProbe']));
    for (const [, probe] of probes) expect(ports).toContain((probe as Container['livenessProbe']).httpGet.port);
  });

  it('listen where their ports say', () => {
    const portOf = (container: Container, name: string): number | undefined =>
      container.ports.find((each) => each.name === name)?.containerPort;
    const agent = containerOf(release, 'agent');
    const aggregator = containerOf(release, 'aggregator');
    expect(readAgentFlags(argsOf(agent)).listen).toEqual({ host: '10.1.2.3', port: portOf(agent, 'health') });
    const flags = parseFlags(AGGREGATOR_FLAGS, argsOf(aggregator));
    // A port that is forwarded ends at the pod's loopback.
    expect(flags['bind-address']).toBe('0.0.0.0');
    expect(flags['secure-port']).toBe(portOf(aggregator, 'https'));
    expect(flags['push-port']).toBe(portOf(aggregator, 'push'));
    expect(parseFlags(AGGREGATOR_FLAGS, argsOf(containerOf(resizing, 'aggregator'))).resize).toBe('on');
  });

  it.each(ROLES)('of the %s run the version of package.json, by the image’s own entry point', (role) => {
    const { image, command } = containerOf(release, role);
    expect(image).toBe(`headroom-${role}:${version}`);
    expect(command).toBeUndefined();
  });

  it.each(ROLES)('of the %s are not root, have no capability and write nothing', (role) => {
    const { spec } = template(release, role);
    expect(spec['securityContext']).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(spec.containers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    for (const shared of ['hostNetwork', 'hostPID', 'hostIPC']) expect(spec[shared]).toBeUndefined();
    const mounted = (spec.volumes ?? []).flatMap(({ hostPath }) => (hostPath ? [hostPath] : []));
    expect(mounted).toEqual(role === 'agent' ? [{ path: '/sys/fs/cgroup', type: 'Directory' }] : []);
    for (const { readOnly } of spec.containers[0].volumeMounts ?? []) expect(readOnly).toBe(true);
  });

  it('of the agent are root with the capabilities that eBPF and PSI triggers need with the ebpf component alone, and with no more', () => {
    const { spec } = template(listening, 'agent');
    expect(spec['securityContext']).toEqual({
      runAsNonRoot: false,
      runAsUser: 0,
      runAsGroup: 0,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(spec.containers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['BPF', 'PERFMON', 'SYS_RESOURCE'] },
    });
    for (const shared of ['hostNetwork', 'hostPID', 'hostIPC']) expect(spec[shared]).toBeUndefined();
    expect(spec.volumes).toEqual(template(release, 'agent').spec.volumes);
    const writable = (spec.containers[0].volumeMounts ?? []).filter(({ readOnly }) => readOnly !== true);
    expect(writable).toEqual([{ name: 'cgroup', mountPath: '/host/sys/fs/cgroup', readOnly: false }]);
    expect(spec.containers[0].args).toEqual(containerOf(release, 'agent').args);
    expect(rightsOf(listening, 'headroom-agent')).toEqual([]);
    expect(template(listening, 'aggregator')).toEqual(template(release, 'aggregator'));
  });

  it('of the agent go on every node, before others and in at most 128 Mi', () => {
    const { spec } = template(release, 'agent');
    expect(spec['tolerations']).toEqual([{ operator: 'Exists' }]);
    expect(spec['priorityClassName']).toBe('system-node-critical');
    const { limits } = spec.containers[0].resources;
    expect(bytesOf(limits['memory'] ?? '')).toBeLessThanOrEqual(128 * MIB);
    expect(limits).not.toHaveProperty('cpu');
  });

  it('of the agent find every file of their command line in a volume', () => {
    const { spec } = template(release, 'agent');
    const flags = readAgentFlags(argsOf(spec.containers[0]));
    const mounts = new Map((spec.containers[0].volumeMounts ?? []).map(({ name, mountPath }) => [mountPath, name]));
    const volume = (path: string): unknown => spec.volumes?.find(({ name }) => name === mounts.get(path));
    expect(volume(flags['cgroup-root'])).toMatchObject({ hostPath: { path: '/sys/fs/cgroup' } });
    expect(flags['aggregator-ca-file']).toBe('/etc/headroom/ca/ca.crt');
    expect(volume('/etc/headroom/ca')).toMatchObject({
      configMap: { name: CA_CONFIG_MAP, items: [{ key: 'ca.crt', path: 'ca.crt' }], optional: true },
    });
    expect(flags['token-file']).toBe('/var/run/secrets/headroom/token');
    expect(volume('/var/run/secrets/headroom')).toMatchObject({
      projected: { sources: [{ serviceAccountToken: { audience: 'headroom', path: 'token' } }] },
    });
  });

  it('of the agent push to the Service that the certificate names', () => {
    const flags = readAgentFlags(argsOf(containerOf(release, 'agent')));
    const host = `${PUSH_SERVICE}.${NAMESPACE}.svc`;
    expect(flags.aggregator).toEqual([`https://${host}:4444`]);
    expect(flags['aggregator-server-name']).toBe(host);
    expect(servingNames(NAMESPACE)).toContain(host);
  });

  it('of the aggregator stay one up while a node is drained or a version rolled out', () => {
    const { spec } = find(release, 'Deployment', 'headroom-aggregator');
    expect(spec['replicas']).toBe(2);
    expect(spec['strategy']).toMatchObject({ rollingUpdate: { maxUnavailable: 0 } });
    expect(find(release, 'PodDisruptionBudget', 'headroom-aggregator').spec['maxUnavailable']).toBe(1);
  });
});

function bytesOf(quantity: string): number {
  const [, amount, unit] = /^(\d+)(Mi|Gi)$/.exec(quantity) ?? [];
  return amount === undefined ? Infinity : Number(amount) * (unit === 'Gi' ? 1024 * MIB : MIB);
}

describe('selectors', () => {
  /** Every `matchLabels` and Service selector below. */
  function selectorsIn(value: unknown): Record<string, string>[] {
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([key, inner]) =>
      key === 'matchLabels' ? [inner as Record<string, string>] : selectorsIn(inner),
    );
  }

  it('choose the pods of one role each', () => {
    const pods = ROLES.map((role) => template(release, role).metadata.labels);
    const selecting = release.filter(({ kind }) =>
      ['Service', 'DaemonSet', 'Deployment', 'PodDisruptionBudget', 'NetworkPolicy'].includes(kind),
    );
    expect(selecting).toHaveLength(7);
    for (const { kind, spec } of selecting) {
      const selectors = kind === 'Service' ? [spec['selector'] as Record<string, string>] : selectorsIn(spec);
      expect(selectors.length).toBeGreaterThan(0);
      for (const selector of selectors) {
        if ('headroom.dev/scrapes-metrics' in selector) continue; // namespaces of whoever scrapes
        const chosen = pods.filter((labels) => Object.entries(selector).every(([key, value]) => labels[key] === value));
        expect(chosen).toHaveLength(1);
      }
    }
  });

  it('of Services and policies lead to ports that exist', () => {
    const ports = containerOf(release, 'aggregator').ports.map(({ name }) => name);
    const services = [METRICS_SERVICE, PUSH_SERVICE].map((name) => find(release, 'Service', name).spec);
    const targets = services.map((spec) =>
      (spec['ports'] as { targetPort: string }[]).map(({ targetPort }) => targetPort),
    );
    expect(targets).toEqual([['https'], ['push']]);
    expect(ports).toEqual(expect.arrayContaining(['https', 'push']));
  });

  it('of the push Service take replicas in that are not ready, by their own addresses', () => {
    const { spec } = find(release, 'Service', PUSH_SERVICE);
    expect(spec).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true });
    expect(find(release, 'Service', METRICS_SERVICE).spec['publishNotReadyAddresses']).toBeUndefined();
  });
});
