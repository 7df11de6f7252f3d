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

export function invalidListOption(field: string, message: string): Refusal {
  const cause = `Forbidden: ${message}`;
  return refusal(422, 'Invalid', `ListOptions.meta.k8s.io "" is invalid: ${field}: ${cause}`, {
    group: 'meta.k8s.io',
    kind: 'ListOptions',
    causes: [{ reason: 'FieldValueForbidden', message: cause, field }],
  });
}

/** A bug: the cause is in the log and not in the answer. */
export const internalError = refusal(500, 'InternalError', 'Internal error occurred: see the log of the aggregator', {
  causes: [{ reason: '', message: 'see the log of the aggregator' }],
});
