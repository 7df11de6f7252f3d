// What is served besides the resources: health, discovery, OpenAPI, the version, the process's own metrics, the list of paths.
import type { IncomingMessage } from 'node:http';
import type { Health, HealthPath } from '../health.ts';
import { readVersion } from '../version.ts';
import type { Answer } from './answer.ts';
import { rawJsonAnswer, textAnswer } from './answer.ts';
import { discovery, DISCOVERY_PATHS } from './discovery.ts';
import { isProduced, MEDIA_TYPES } from './media-type.ts';
import { OPENAPI_PATHS, openApi } from './openapi.ts';
import type { Refusal } from './status.ts';
import { methodNotAllowed, notProduced } from './status.ts';

export interface MetricsText {
  readonly contentType: string;
  readonly body: string;
}

export interface DocumentSources {
  readonly health: Health;
  readonly metricsText: () => Promise<MetricsText>;
  /** Why nodes, pods and autoscalers have no metrics: JSON. */
  readonly missing: (query: URLSearchParams) => object;
}

export interface DocumentRequest {
  readonly path: string;
  readonly query: URLSearchParams | undefined;
  readonly message: IncomingMessage;
  readonly pretty: boolean;
}

const HEALTH_PATHS: readonly HealthPath[] = ['/healthz', '/livez', '/readyz'];
const NO_QUERY = new URLSearchParams();
const VERSION_TYPES = [MEDIA_TYPES.json];

/** Of a path that is no resource; unknown ones get the list of paths too, with 404. */
export async function documentOf(request: DocumentRequest, sources: DocumentSources): Promise<Answer | Refusal> {
  const { path, message } = request;
  const { accept } = message.headers;
  const health = healthAnswer(request, sources.health);
  if (health) return health;
  if (path === '/metrics') {
    const { contentType, body } = await sources.metricsText();
    return textAnswer(200, body, contentType);
  }
  if (path === '/debug/missing') {
    return message.method === 'GET' ? rawJsonAnswer(200, sources.missing(request.query ?? NO_QUERY)) : methodNotAllowed;
  }
  const ifNoneMatch = message.headers['if-none-match'];
  const hash = request.query?.get('hash') ?? undefined;
  const described = openApi(path, { accept, ifNoneMatch, hash, wallMs: Date.now() });
  if (described) return described;
  const routed = path === '/version' || DISCOVERY_PATHS.includes(path);
  if (routed && message.method !== 'GET') return methodNotAllowed;
  if (path === '/version')
    return isProduced(accept, VERSION_TYPES) ? rawJsonAnswer(200, VERSION) : notProduced(VERSION_TYPES);
  const discovered = discovery(path, { accept, ifNoneMatch, pretty: request.pretty });
  if (discovered) return discovered;
  const isRoot = path === '/' || path === '/index.html';
  return rawJsonAnswer(isRoot ? 200 : 404, { paths: pathsOf(sources.health) });
}

function healthAnswer({ path, query }: DocumentRequest, health: Health): Answer | undefined {
  const root = HEALTH_PATHS.find((one) => path === one || path.startsWith(`${one}/`));
  if (root === undefined) return undefined;
  const answer =
    path === root
      ? health.answer(root, query ?? new URLSearchParams())
      : health.answerCheck(root, path.slice(root.length + 1));
  return answer && textAnswer(answer.code, answer.body);
}

function pathsOf(health: Health): readonly string[] {
  const checks = HEALTH_PATHS.flatMap((path) => [path, ...health.checksOf(path).map((name) => `${path}/${name}`)]);
  return [...DISCOVERY_PATHS, ...checks, '/debug/missing', '/metrics', ...OPENAPI_PATHS, '/version'].sort();
}

const VERSION = versionDocument(readVersion());

/** version.Info of k8s.io/apimachinery. */
function versionDocument(version: string): object {
  const [major, minor] = version.split('.');
  return {
    major,
    minor,
    gitVersion: `v${version}`,
    gitCommit: '',
    gitTreeState: '',
    buildDate: '',
    goVersion: '',
    compiler: `node ${process.version}`,
    platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  };
}
