// Which handler answers a request. Health is open to anyone; all else asks for an identity, which is all that is asked for yet.
import type { IncomingMessage } from 'node:http';
import type { Health, HealthPath } from '../health.ts';
import { readVersion } from '../version.ts';
import type { Answer } from './answer.ts';
import { JSON_TYPE, jsonAnswer, refusalAnswer, textAnswer } from './answer.ts';
import { discovery } from './discovery.ts';
import { get } from './get.ts';
import type { Identify } from './identity.ts';
import { list } from './list.ts';
import type { ApiContext } from './list.ts';
import { acceptedForm } from './media-type.ts';
import { resourcePath } from './path.ts';
import type { ResourcePath } from './path.ts';
import { pretty, wantsPretty } from './pretty.ts';
import type { Refusal } from './status.ts';
import { METRICS_GROUP, methodNotAllowed, noSuchPath, notAcceptable, unauthorized } from './status.ts';

export interface MetricsText {
  readonly contentType: string;
  readonly body: string;
}

export interface RouterOptions extends ApiContext {
  readonly identify: Identify;
  readonly health: Health;
  readonly metricsText: () => Promise<MetricsText>;
}

interface Request {
  readonly path: string;
  readonly query: URLSearchParams | undefined;
  readonly message: IncomingMessage;
}

const HEALTH_PATHS: readonly string[] = ['/healthz', '/livez', '/readyz'];
const PATHS = [
  '/apis',
  `/apis/${METRICS_GROUP}`,
  `/apis/${METRICS_GROUP}/v1`,
  `/apis/${METRICS_GROUP}/v1beta1`,
  ...HEALTH_PATHS,
  '/metrics',
  '/version',
];

export async function route(message: IncomingMessage, options: RouterOptions): Promise<Answer> {
  const request = { ...splitUrl(message.url ?? '/'), message };
  const answer = await handle(request, options);
  const plain = answer.kind === 'refusal' ? refusalAnswer(answer) : answer;
  if (!wantsPretty(request.query, message.headers['user-agent'])) return plain;
  try {
    return pretty(plain);
  } catch (error) {
    plain.done?.();
    throw error;
  }
}

function splitUrl(url: string): { readonly path: string; readonly query: URLSearchParams | undefined } {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  return {
    path: path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path,
    query: mark < 0 ? undefined : new URLSearchParams(url.slice(mark + 1)),
  };
}

async function handle(request: Request, options: RouterOptions): Promise<Answer | Refusal> {
  const { path, query, message } = request;
  const reads = message.method === 'GET' || message.method === 'HEAD';
  if (HEALTH_PATHS.includes(path)) {
    if (!reads) return methodNotAllowed;
    const { code, body } = options.health.answer(path as HealthPath, query ?? new URLSearchParams());
    return textAnswer(code, body);
  }
  if (!options.identify(message)) return unauthorized;
  const target = resourcePath(path);
  if (target) return message.method === 'GET' ? resource(request, options, target) : methodNotAllowed;
  const known = await document(request, options);
  if (known) return reads ? known : methodNotAllowed;
  if (path.startsWith(`/apis/${METRICS_GROUP}/`)) return noSuchPath;
  return jsonAnswer(path === '/' || path === '/index.html' ? 200 : 404, { paths: PATHS });
}

async function resource(
  { query, message }: Request,
  options: RouterOptions,
  path: ResourcePath,
): Promise<Answer | Refusal> {
  const form = acceptedForm(message.headers.accept);
  if (!form) return notAcceptable(`only the following media types are accepted: ${JSON_TYPE}`);
  const request = { path, query, form };
  return path.name === undefined ? list(options, request) : get(options, request, path.name);
}

async function document({ path, message }: Request, options: RouterOptions): Promise<Answer | Refusal | undefined> {
  if (path === '/metrics') {
    const { contentType, body } = await options.metricsText();
    return textAnswer(200, body, contentType);
  }
  if (path === '/version') return jsonAnswer(200, VERSION);
  const [, root, check, more] = path.split('/', 4);
  if (check !== undefined && more === undefined && HEALTH_PATHS.includes(`/${root}`)) {
    const answer = options.health.answerCheck(`/${root}` as HealthPath, check);
    return answer && textAnswer(answer.code, answer.body);
  }
  return discovery(path, message.headers.accept);
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
