// The guest's voice: stdout is the second serial port, one JSON object a line (../guest-lines.ts).
import { readFileSync } from 'node:fs';
import type { GuestLine } from '../guest-lines.ts';

export function progress(text: string): void {
  say({ kind: 'progress', uptimeS: Number.parseFloat(readFileSync('/proc/uptime', 'latin1')), text });
}

export function result(name: string, value: unknown): void {
  say({ kind: 'result', name, value });
}

export function log(from: string, text: string): void {
  say({ kind: 'log', from, text });
}

export function say(line: GuestLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
