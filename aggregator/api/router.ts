// Which handler answers a request, once it is known that the request may be answered.
// Contract: k8s.io/apiserver's order: path (404), method (405), Accept (406), then what the handler says.
import type { IncomingMessage } from 'node:http';
import type { Admit } from './access.ts';
import type { Answer } from './answer.ts';
import { refusalAnswer } from './answer.ts';
import type { DocumentSources } from './documents.ts';
import { documentOf } from './documents.ts';
import { get } from './get.ts';
import { takesGzip } from './gzip.ts';
import { list } from './list.ts';
import type { ApiContext } from './list.ts';
import { ALL_TYPES, isProduced } from './media-type.ts';
import { LIST_TYPES } from './openapi-operations.ts';
import { resourcePath } from './path.ts';
import type { ResourcePath } from './path.ts';
import { wantsPretty } from './pretty.ts';
import { acceptedForm } from './resource-form.ts';
import type { Refusal } from './status.ts';
import { METRICS_GROUP, methodNotAllowed, noSuchPath, notNegotiable, notProduced } from './status.ts';

export interface RouterOptions extends ApiContext, DocumentSources {
  readonly admit: Admit;
}

interface Request {
  readonly path: string;
  readonly query: URLSearchParams | undefined;
  readonly message: IncomingMessage;
  readonly pretty: boolean;
}

export async function route(message: IncomingMessage, options: RouterOptions): Promise<Answer> {
  const { path, query } = splitUrl(message.url ?? '/');
  const pretty = wantsPretty(query, message.headers['user-agent']);
  const answer = await handle({ path, query, message, pretty }, options);
  return answer.kind === 'refusal' ? refusalAnswer(answer, message.headers.accept, pretty) : answer;
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
  const target = resourcePath(path);
  const refused = await options.admit(message, { method: message.method ?? '', path, query, target });
  if (refused) return refused;
  if (target) return message.method === 'GET' ? resource(request, options, target) : methodNotAllowed;
  const isUnknownHere = path.startsWith(`/apis/${METRICS_GROUP}/`);
  const answer = await documentOf(request, options);
  return isUnknownHere && answer.code === 404 ? noSuchPath : answer;
}

async function resource(
  { query, message, pretty }: Request,
  options: RouterOptions,
  path: ResourcePath,
): Promise<Answer | Refusal> {
  const { accept } = message.headers;
  const types = path.name === undefined ? LIST_TYPES : ALL_TYPES;
  if (!isProduced(accept, types)) return notProduced(types);
  const accepted = acceptedForm(accept);
  if (!accepted) return notNegotiable(ALL_TYPES);
  const request = {
    path,
    query,
    accepted,
    pretty: pretty || accepted.pretty,
    takesGzip: takesGzip(message.headers['accept-encoding']),
  };
  return path.name === undefined ? list(options, request) : get(options, request, path.name);
}
