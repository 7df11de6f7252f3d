// JSON values as YAML, as sigs.k8s.io/yaml writes them: keys sorted, lists not indented, strings plain where no reader could
// take them for anything else.

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Without a line end. `indent` is that of the following lines. */
export function yamlText(value: Json, indent = ''): string {
  if (typeof value === 'string') return yamlString(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (isList(value)) return value.length === 0 ? '[]' : yamlItems(value, indent);
  const keys = Object.keys(value).sort();
  return keys.length === 0 ? '{}' : keys.map((key) => yamlEntry(key, value[key]!, indent)).join(`\n${indent}`);
}

/** The items of a list, one below the other. */
export function yamlItems(items: readonly Json[], indent = ''): string {
  return items.map((item) => `- ${yamlText(item, `${indent}  `)}`).join(`\n${indent}`);
}

function yamlEntry(key: string, value: Json, indent: string): string {
  const name = yamlString(key);
  if (typeof value !== 'object' || value === null) return `${name}: ${yamlText(value)}`;
  if (isList(value)) return value.length === 0 ? `${name}: []` : `${name}:\n${indent}${yamlItems(value, indent)}`;
  const deeper = `${indent}  `;
  return Object.keys(value).length === 0 ? `${name}: {}` : `${name}:\n${deeper}${yamlText(value, deeper)}`;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** YAML 1.1, which is what Go's reader goes by: yes, on and 1:30 are no strings there. */
const WORDS = /^(?:~|null|true|false|yes|no|on|off|y|n|<<|=|[-+]?\.inf|\.nan)$/i;
const NUMBER =
  /^[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[\da-f_]+|\d[\d_]*(?:\.[\d_]*)?(?:e[-+]?\d+)?|\.\d[\d_]*(?:e[-+]?\d+)?|\d[\d_]*(?::[0-5]?\d)+(?:\.\d*)?)$/i;
const INSTANT = /^\d{4}-\d{1,2}-\d{1,2}(?:[Tt\s].*)?$/;
/** What means something at the start of a scalar. */
const STARTS = /^(?:[-?:](?:\s|$)|[#,[\]{}&*!|>'"%@`\s]|---|\.\.\.)/;
const INSIDE = /:(?:\s|$)|\s#|\s$/;
const PRINTABLE = /^[\x20-\x7e]*$/;

function yamlString(text: string): string {
  if (text === '' || WORDS.test(text) || NUMBER.test(text) || INSTANT.test(text)) return JSON.stringify(text);
  if (!PRINTABLE.test(text)) return JSON.stringify(text);
  return STARTS.test(text) || INSIDE.test(text) ? `'${text.replaceAll("'", "''")}'` : text;
}
