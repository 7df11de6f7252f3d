import { execFileSync, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { isBuiltin } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { AGENT_NODE_FLAGS } from '../../agent/flags.ts';
import { AGGREGATOR_ENVIRONMENT, AGGREGATOR_NODE_FLAGS } from '../../aggregator/flags.ts';
import { POD_UID, UNIFIED_ROOT } from '../fixtures/cgroup/recorded.ts';
import { find, render } from './rendered-manifests.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const ROLES = ['agent', 'aggregator'] as const;
type Role = (typeof ROLES)[number];

interface Image {
  readonly name: string;
  readonly version: string;
  readonly entrypoint: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  readonly user: string;
  readonly workingDir: string;
}

/** A stage of the Dockerfile: each instruction's arguments, in order. */
type Stage = Readonly<Record<string, readonly string[]>>;

let out: string;
const running: ChildProcess[] = [];

beforeAll(() => {
  out = mkdtempSync(join(tmpdir(), 'headroom-image-'));
  execFileSync(process.execPath, ['.ci/image.mjs', '--out', out], { cwd: ROOT });
});

afterAll(() => rmSync(out, { recursive: true }));

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

function imageOf(role: Role): Image {
  return JSON.parse(readFileSync(join(out, role, 'image.json'), 'utf8')) as Image;
}

/** The entry point with this Node for the image's and the root file system where it was made. */
function commandOf(role: Role): [string, ...string[]] {
  const [, ...args] = imageOf(role).entrypoint;
  return [process.execPath, ...args.map((arg) => (arg.startsWith('/') ? join(out, role, 'rootfs', arg) : arg))];
}

/** The bundle's files: main.mjs and what it imports, and those that are loaded later. */
function partsOf(role: Role): { readonly atStart: readonly string[]; readonly onRequest: readonly string[] } {
  const bin = join(out, role, 'rootfs/headroom/bin');
  const names = new Set(['main.mjs']);
  const textOf = (name: string): string => readFileSync(join(bin, name), 'utf8');
  for (const name of names)
    for (const [, other] of textOf(name).matchAll(/\bfrom\s*"\.\/([^"]+\.mjs)"/g)) names.add(other!);
  const later = readdirSync(bin).filter((name) => name.endsWith('.mjs') && !names.has(name));
  return { atStart: [...names].map(textOf), onRequest: later.map(textOf) };
}

function run(role: Role, ...args: readonly string[]): string {
  const [command, ...entry] = commandOf(role);
  return execFileSync(command, [...entry, ...args], { encoding: 'utf8', cwd: tmpdir() });
}

function stages(): ReadonlyMap<string, Stage> {
  const found = new Map<string, Record<string, string[]>>();
  let stage: Record<string, string[]> = {};
  for (const line of readFileSync(join(ROOT, 'Dockerfile'), 'utf8').split('\n')) {
    const [, instruction, rest = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (instruction === undefined) continue;
    if (instruction === 'FROM') found.set(/ AS (\w+)$/.exec(rest)?.[1] ?? rest, (stage = {}));
    (stage[instruction] ??= []).push(rest);
  }
  return found;
}

describe('the images', () => {
  it.each(ROLES)('the %s starts from its files and prints its flags', (role) => {
    expect(run(role, '--help')).toMatch(/^Headroom [^\n]+\n\n {2}--[a-z-]+ \(/);
  });

  it('have the version of package.json', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(ROLES.map((role) => imageOf(role).version)).toEqual([version, version]);
    expect(run('aggregator', '--version')).toBe(`${version}\n`);
  });

  it('run the agent on a node’s cgroup tree', async () => {
    const [command, ...entry] = commandOf('agent');
    const loopback = ['--listen=127.0.0.1:0', '--debug-listen=127.0.0.1:0'];
    const args = ['--node-name=n1', `--cgroup-root=${UNIFIED_ROOT}`, ...loopback];
    const child = spawn(command, [...entry, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    running.push(child);
    const { health, debug } = await listeningPorts(child);
    const containers = await (await fetch(`http://127.0.0.1:${health}/containers`)).text();
    expect(containers).toContain(POD_UID);
    expect((await fetch(`http://127.0.0.1:${health}/metrics`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${health}/hardware`)).status).toBe(200);
    const page = await (await fetch(`http://127.0.0.1:${debug}/page.js`)).text();
    expect(page === readFileSync(join(out, 'agent/rootfs/headroom/bin/page/page.js'), 'utf8')).toBe(true);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  it.each([
    ['what asks the machine of the agent', 'agent', 'dmidecode'],
    ['@kubernetes/client-node of the aggregator', 'aggregator', 'kubernetes-client-javascript'],
    ['what signs certificates of the aggregator', 'aggregator', 'X509CertificateGenerator'],
  ] as const)('load %s when somebody asks, and not before', (_, role, word) => {
    const { atStart, onRequest } = partsOf(role);
    expect(onRequest.filter((text) => text.includes(word))).not.toEqual([]);
    expect(atStart.filter((text) => text.includes(word))).toEqual([]);
  });

  it.each(ROLES)('the %s imports nothing of Node’s modules, which would load all that they may ever need', (role) => {
    const { atStart, onRequest } = partsOf(role);
    const named = [...atStart, ...onRequest].flatMap((text) => [...text.matchAll(/\b(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map(([, name]) => name!)); // prettier-ignore
    const imported = named.filter((name) => isBuiltin(name));
    expect(imported).toEqual([]);
  });

  it('the aggregator loads what an unusual kubeconfig and what certificates need', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      request.pipe(response.writeHead(request.method === 'POST' ? 201 : 404, { 'content-type': 'application/json' }));
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    try {
      const kubeconfig = join(out, 'exec.yaml');
      writeFileSync(
        kubeconfig,
        execKubeconfig(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'from-exec'),
      );
      const [command, ...entry] = commandOf('aggregator');
      const args = [`--kubeconfig=${kubeconfig}`, '--secure-port=0', '--push-port=0'];
      running.push(spawn(command, [...entry, ...args], { stdio: ['ignore', 'ignore', 'inherit'] }));
      const wrote = 'POST /api/v1/namespaces/headroom-system/secrets Bearer from-exec';
      await vi.waitFor(() => expect(asked).toContain(wrote), { timeout: 20_000 });
    } finally {
      for (const child of running.splice(0)) child.kill('SIGKILL');
      server.close();
      server.closeAllConnections();
    }
  });

  it('the aggregator asks V8 for its collector', () => {
    const tell = join(out, 'tell.cjs');
    writeFileSync(tell, "process.on('exit', () => require('node:fs').writeSync(1, typeof globalThis.gc));");
    const [command, ...entry] = commandOf('aggregator');
    const { stdout, status } = spawnSync(command, ['--require', tell, ...entry, '--kubeconfig=/nowhere'], { encoding: 'utf8' }); // prettier-ignore
    expect([status, stdout.endsWith('function')]).toEqual([2, true]);
  });

  it('give the agent the flags of Node that it is measured with', () => {
    expect(imageOf('agent').entrypoint).toEqual(['/nodejs/bin/node', ...AGENT_NODE_FLAGS, '/headroom/bin/main.mjs']);
  });

  it('give the aggregator the flags and the environment that it is measured with', () => {
    const { entrypoint, environment } = imageOf('aggregator');
    expect(entrypoint).toEqual(['/nodejs/bin/node', ...AGGREGATOR_NODE_FLAGS, '/headroom/bin/main.mjs']);
    expect(environment).toEqual(AGGREGATOR_ENVIRONMENT);
  });

  it.each(ROLES)('the %s brings nothing but its files, its version and the licences of what is in it', (role) => {
    const home = join(out, role, 'rootfs/headroom');
    expect(readdirSync(join(out, role, 'rootfs'))).toEqual(['headroom']);
    const expected = ['LICENSE', 'THIRD-PARTY-LICENSES.txt', 'bin', 'package.json'];
    expect(readdirSync(home).filter((name) => name !== 'build' && name !== 'node_modules')).toEqual(expected);
    const parts = readdirSync(join(home, 'bin')).filter((name) => name.endsWith('.mjs'));
    expect(readdirSync(join(home, 'bin')).filter((name) => !parts.includes(name))).toEqual(
      role === 'agent' ? ['page'] : [],
    );
    const code = parts.map((name) => readFileSync(join(home, 'bin', name), 'utf8'));
    expect(code.join('')).not.toContain(ROOT);
    const licences = readFileSync(join(home, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    expect(licences).toMatch(/^pino \d+\.\d+\.\d+ \(MIT\)$/m);
    expect(/^@kubernetes\/client-node /m.test(licences)).toBe(role === 'aggregator');
    expect(existsSync(join(out, role, 'main.mjs.map'))).toBe(true);
  });
});

/** In YAML, its user's token from a command. */
function execKubeconfig(server: string, token: string): string {
  const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token } };
  return `apiVersion: v1
kind: Config
current-context: c
contexts: [{ name: c, context: { cluster: k, user: u, namespace: headroom-system } }]
clusters: [{ name: k, cluster: { server: ${server}, insecure-skip-tls-verify: true } }]
users:
  - name: u
    user:
      exec:
        apiVersion: client.authentication.k8s.io/v1
        interactiveMode: Never
        command: ${process.execPath}
        args: [-e, 'process.stdout.write(${JSON.stringify(JSON.stringify(credential))})']
`;
}

interface Ports {
  readonly health: number;
  readonly debug: number;
}

/** From `{"msg":"listening","ports":{…}}`. */
async function listeningPorts(child: ChildProcess): Promise<Ports> {
  if (child.stdout === null) throw new Error('its output is not piped');
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as { msg: string; ports?: Ports };
    if (said.msg === 'listening' && said.ports) return said.ports;
  }
  throw new Error('the agent ended before it listened');
}

describe('the Dockerfile', () => {
  it.each(ROLES)('states of the %s what the script made', (role) => {
    const stage = stages().get(role) ?? {};
    const { entrypoint, environment, user, workingDir } = imageOf(role);
    expect(JSON.parse(stage['ENTRYPOINT']?.[0] ?? '')).toEqual(entrypoint);
    const variables = (stage['ENV'] ?? []).flatMap((line) => line.split(' ').map((one) => one.split('=')));
    expect(Object.fromEntries(variables)).toEqual(environment);
    expect(stage['USER']).toEqual([user]);
    expect(stage['WORKDIR']).toEqual([workingDir]);
    expect(stage['COPY']).toEqual([`--from=build /out/${role}/rootfs/ /`]);
    expect(stage['RUN']).toBeUndefined();
  });

  it('makes them by the same script, from the lock file, on the Node and the Debian that they run on', () => {
    const build = stages().get('build') ?? {};
    expect(build['RUN']).toEqual([
      'npm ci --no-audit --no-fund',
      'npm run --if-present build:native',
      'node .ci/image.mjs --out /out',
    ]);
    expect(build['FROM']).toEqual(['node:24-bookworm AS build']);
    for (const role of ROLES) {
      expect(stages().get(role)?.['FROM']).toEqual([`gcr.io/distroless/nodejs24-debian12:nonroot AS ${role}`]);
    }
  });

  it('names the user that the pods run as', async () => {
    const manifests = await render('base');
    for (const role of ROLES) {
      const kind = role === 'agent' ? 'DaemonSet' : 'Deployment';
      const pod = find(manifests, kind, `headroom-${role}`).spec.template.spec;
      const { runAsUser, runAsGroup } = pod['securityContext'] as { runAsUser: number; runAsGroup: number };
      expect(`${runAsUser}:${runAsGroup}`).toBe(imageOf(role).user);
      expect(pod.containers[0].image).toBe(`${imageOf(role).name}:${imageOf(role).version}`);
    }
  });
});
