// What may be a label's key and value. Contract: apimachinery/pkg/util/validation IsQualifiedName and IsValidLabelValue.

const NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const PREFIX = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const MAX_NAME = 63;
const MAX_PREFIX = 253;
const NAME_RULE =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** @returns why it can't be a key */
export function labelKeyProblem(key: string): string | undefined {
  const slash = key.lastIndexOf('/');
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  const name = key.slice(slash + 1);
  if (name.length > MAX_NAME) return invalidKey(key, `name part must be no more than ${MAX_NAME} characters`);
  if (!NAME.test(name)) return invalidKey(key, `name part ${NAME_RULE}`);
  if (prefix === undefined) return undefined;
  if (prefix.length > MAX_PREFIX) return invalidKey(key, `prefix part must be no more than ${MAX_PREFIX} characters`);
  return PREFIX.test(prefix) ? undefined : invalidKey(key, 'prefix part must be a lowercase RFC 1123 subdomain');
}

function invalidKey(key: string, rule: string): string {
  return `key: Invalid value: ${JSON.stringify(key)}: ${rule}`;
}

/** @returns why it can't be a value of `key` */
export function labelValueProblem(key: string, value: string): string | undefined {
  if (value.length > MAX_NAME) return invalidValue(key, value, `must be no more than ${MAX_NAME} characters`);
  return value === '' || NAME.test(value) ? undefined : invalidValue(key, value, VALUE_RULE);
}

function invalidValue(key: string, value: string, rule: string): string {
  return `values[0][${key}]: Invalid value: ${JSON.stringify(value)}: ${rule}`;
}
