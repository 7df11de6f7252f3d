// Answers that are no objects: meta/v1 Status, with the reasons and texts kube-apiserver uses (apimachinery api/errors).
import type { ResourceType } from './resources.ts';

export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Readonly<Record<string, string>>;
  readonly status: 'Failure' | 'Success';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: {
    readonly name?: string;
    readonly group?: string;
    readonly kind?: string;
    readonly uid?: string;
    readonly causes?: readonly StatusCause[];
  };
  readonly code: number;
}

/** A request that ends here: thrown by handlers, written as a Status by the server. */
export class Refusal extends Error {
  readonly status: Status;

  constructor(code: number, reason: string, message: string, details?: NonNullable<Status['details']>) {
    super(message);
    this.name = 'Refusal';
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      ...(details ? { details } : {}),
      code,
    };
  }
}

function about(type: ResourceType, name: string): { name: string; kind: string; group?: string } {
  return { name, ...(type.group === '' ? {} : { group: type.group }), kind: type.resource };
}

export function notFound(type: ResourceType, name: string): Refusal {
  return new Refusal(404, 'NotFound', `${type.resource} "${name}" not found`, about(type, name));
}

export function noSuchPath(): Refusal {
  return new Refusal(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function methodNotAllowed(): Refusal {
  return new Refusal(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

export function unauthorized(): Refusal {
  return new Refusal(401, 'Unauthorized', 'Unauthorized');
}

export function badRequest(message: string): Refusal {
  return new Refusal(400, 'BadRequest', message);
}

export function alreadyExists(type: ResourceType, name: string): Refusal {
  return new Refusal(409, 'AlreadyExists', `${type.resource} "${name}" already exists`, about(type, name));
}

export function conflict(type: ResourceType, name: string, why: string): Refusal {
  return new Refusal(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${type.resource} "${name}": ${why}`,
    about(type, name),
  );
}

export function forbidden(type: ResourceType, name: string, why: string, causes?: readonly StatusCause[]): Refusal {
  return new Refusal(403, 'Forbidden', `${type.resource} "${name}" is forbidden: ${why}`, {
    ...about(type, name),
    ...(causes ? { causes } : {}),
  });
}

export function unsupportedMediaType(accepted: readonly string[]): Refusal {
  return new Refusal(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
}

/** The resourceVersion is older than the history kept: the client must list again. */
export function expired(asked: number, oldest: number): Refusal {
  return new Refusal(410, 'Expired', `too old resource version: ${asked} (${oldest})`);
}

/** One thing wrong with a field, as field.Error of apimachinery prints it. */
export interface FieldError {
  readonly field: string;
  readonly kind: 'Forbidden' | 'Invalid value' | 'Required value';
  readonly detail: string;
  /** The offending value, for 'Invalid value'. */
  readonly value?: string;
}

const CAUSE_REASON = {
  Forbidden: 'FieldValueForbidden',
  'Invalid value': 'FieldValueInvalid',
  'Required value': 'FieldValueRequired',
} as const;

export function invalid(type: ResourceType, name: string, errors: readonly FieldError[]): Refusal {
  const causes = errors.map((error) => ({
    reason: CAUSE_REASON[error.kind],
    message:
      error.value === undefined ? `${error.kind}: ${error.detail}` : `${error.kind}: "${error.value}": ${error.detail}`,
    field: error.field,
  }));
  const lines = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const text = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`;
  return new Refusal(422, 'Invalid', `${type.kind} "${name}" is invalid: ${text}`, {
    name,
    ...(type.group === '' ? {} : { group: type.group }),
    kind: type.kind,
    causes,
  });
}

/** A patch that can't be applied, a failed JSON patch `test` among them: kube-apiserver hides the cause in the text. */
export function unprocessablePatch(why: string): Refusal {
  return new Refusal(422, 'Invalid', 'the server rejected our request due to an error in our request', {
    causes: [{ reason: 'UnexpectedServerResponse', message: why }],
  });
}
