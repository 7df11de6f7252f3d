// Refusals: meta/v1 Status with the reasons and texts of apimachinery (api/errors) and k8s.io/apiserver.

export const METRICS_GROUP = 'metrics.k8s.io';

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly causes?: readonly { readonly reason: string; readonly message: string; readonly field?: string }[];
  readonly retryAfterSeconds?: number;
}

/** What a request ends with when it gets no object; the server writes it as a Status. */
export interface Refusal {
  readonly kind: 'refusal';
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: StatusDetails;
}

export function statusBody({ code, reason, message, details }: Refusal): object {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason === '' ? {} : { reason }),
    ...(details ? { details } : {}),
    code,
  };
}

function refusal(code: number, reason: string, message: string, details?: StatusDetails): Refusal {
  return { kind: 'refusal', code, reason, message, ...(details ? { details } : {}) };
}

export const unauthorized = refusal(401, 'Unauthorized', 'Unauthorized');

export const noSuchPath = refusal(404, 'NotFound', 'the server could not find the requested resource', {});

export const methodNotAllowed = refusal(
  405,
  'MethodNotAllowed',
  'the server does not allow this method on the requested resource',
  {},
);

export const tooManyRequests = refusal(429, 'TooManyRequests', 'Too many requests, please try again later.', {
  retryAfterSeconds: 1,
});

export function watchNotSupported(resource: string): Refusal {
  return refusal(
    405,
    'MethodNotAllowed',
    `watch is not supported on resources of kind "${resource}.${METRICS_GROUP}"`,
    { group: METRICS_GROUP, kind: resource },
  );
}

export function badRequest(message: string): Refusal {
  return refusal(400, 'BadRequest', message);
}

export function notAcceptable(message: string): Refusal {
  return refusal(406, 'NotAcceptable', message);
}

/** None of the types that a path has is accepted, whatever the object. */
export function notProduced(types: readonly string[]): Refusal {
  const message = `406: Not Acceptable\n\nAvailable representations: ${types.join(', ')}`;
  return refusal(406, 'NotAcceptable', message, {});
}

/** A type is accepted, but not in the form that is asked for with it. */
export function notNegotiable(types: readonly string[]): Refusal {
  return notAcceptable(`only the following media types are accepted: ${types.join(', ')}`);
}

/** No such object, as the lister of the core resource says it: `kind` is "node" for nodes and "pods" for pods. */
export function objectNotFound(kind: string, name: string): Refusal {
  return refusal(404, 'NotFound', `${kind} "${name}" not found`, { name, kind });
}

/** The object is there and its metrics are not. */
export function metricsNotFound(kind: 'nodemetrics' | 'podmetrics', name: string): Refusal {
  return refusal(404, 'NotFound', `${kind}.${METRICS_GROUP} "${name}" not found`, {
    name,
    group: METRICS_GROUP,
    kind,
  });
}

export interface OptionProblem {
  readonly field: string;
  readonly reason: 'FieldValueForbidden' | 'FieldValueNotSupported';
  readonly message: string;
}

export function invalidListOptions(problems: readonly OptionProblem[]): Refusal {
  const texts = problems.map(({ field, message }) => `${field}: ${message}`);
  const all = texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`;
  return refusal(422, 'Invalid', `ListOptions.meta.k8s.io "" is invalid: ${all}`, {
    group: 'meta.k8s.io',
    kind: 'ListOptions',
    causes: problems.map(({ field, reason, message }) => ({ reason, message, field })),
  });
}

/** A bug: the cause is in the log and not in the answer. */
export const internalError = refusal(500, 'InternalError', 'Internal error occurred: see the log of the aggregator', {
  causes: [{ reason: '', message: 'see the log of the aggregator' }],
});
