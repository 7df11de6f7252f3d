// One sample line of the Prometheus text format 0.0.4: name{label="value",…} value [timestamp in ms].
// Total: a line that is none is undefined, and costs nobody else anything.

export interface ExposedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Never negative, never NaN or infinite: no series that is read here can be. */
  readonly value: number;
  /** Unix ms on the clock of the node; NaN: the line has none. */
  readonly atMs: number;
}

/** Longer lines are no samples: three labels of 253 characters each come nowhere near. */
const MAX_LINE = 4096;
const MAX_LABELS = 16;

const NAME = /[ \t]*([a-zA-Z_:][\w:]*)[ \t]*(\{?)/y;
const LABEL = /[ \t]*([a-zA-Z_]\w*)[ \t]*=[ \t]*"([^"\\]*(?:\\.[^"\\]*)*)"[ \t]*(,?)/y;
const CLOSE = /[ \t]*\}/y;
const VALUE = /[ \t]*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?:[ \t]+(\d+))?[ \t\r]*$/y;
const NO_LABELS = Object.freeze({});

export function readExposition(line: string): ExposedSample | undefined {
  if (line.length > MAX_LINE) return undefined;
  const head = matchAt(NAME, line, 0);
  if (head === null) return undefined;
  let offset = NAME.lastIndex;
  let labels: Readonly<Record<string, string>> = NO_LABELS;
  if (head[2] === '{') {
    const read = readLabels(line, offset);
    if (read === undefined) return undefined;
    ({ labels, offset } = read);
  }
  const tail = matchAt(VALUE, line, offset);
  const value = Number(tail?.[1]);
  const atMs = tail?.[2] === undefined ? NaN : Number(tail[2]);
  // A zero time is Go's "no time" gone through a conversion: as wrong as a negative one.
  if (!(value >= 0 && value < Infinity) || atMs === 0 || atMs > Number.MAX_SAFE_INTEGER) return undefined;
  return { name: head[1]!, labels, value, atMs };
}

function readLabels(
  line: string,
  from: number,
): { readonly labels: Readonly<Record<string, string>>; readonly offset: number } | undefined {
  const labels: Record<string, string> = Object.create(null) as Record<string, string>;
  let offset = from;
  for (let count = 0; count <= MAX_LABELS; count++) {
    if (matchAt(CLOSE, line, offset) !== null) return { labels, offset: CLOSE.lastIndex };
    const label = matchAt(LABEL, line, offset);
    if (label === null) return undefined;
    labels[label[1]!] = unescaped(label[2]!);
    offset = LABEL.lastIndex;
    if (label[3] !== ',' && matchAt(CLOSE, line, offset) === null) return undefined;
  }
  return undefined;
}

/** `\\`, `\"` and `\n`; any other backslash stands for itself. */
function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replaceAll(/\\([\\"n])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
}

function matchAt(sticky: RegExp, line: string, offset: number): RegExpExecArray | null {
  sticky.lastIndex = offset;
  return sticky.exec(line);
}
