// A JSON string. Names and labels of API objects never need escapes: the common case is one scan and a concatenation.

const PLAIN = /^[ !#-[\]-~]*$/;

export function jsonString(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}
