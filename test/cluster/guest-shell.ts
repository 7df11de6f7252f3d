// Commands in the guest, through the shell that its init listens with; only the run's own network reaches it.
import { connect } from 'node:net';
import { lineCutter } from '../vm/guest-lines.ts';
import { NODE_ADDRESS } from './network.ts';

const SHELL_PORT = 2222;
const COMMAND_MS = 30_000;

/** In a command: the process id of the agent, whose command line names its node; grep's own must not match. */
export const AGENT_PID = '$(grep -s -l -e [-]-node-name= /proc/[0-9]*/cmdline | head -n 1 | cut -d / -f 3)';

export interface Ran {
  readonly code: number;
  readonly output: string;
}

/** Both outputs. @throws Error when the guest does not answer in time */
export function runInGuest(command: string, timeoutMs: number = COMMAND_MS): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const socket = connect(SHELL_PORT, NODE_ADDRESS);
    let output = '';
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`the guest did not answer: ${command}`)));
    socket.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    socket.once('error', reject);
    socket.once('close', () => {
      const end = /@ended (\d+)\n$/.exec(output);
      if (end) resolve({ code: Number(end[1]), output: output.slice(0, end.index) });
      else reject(new Error(`the guest's shell broke off after: ${output.slice(-200)}`));
    });
    socket.write(`{ ${command}\n} < /dev/null 2>&1; echo "@ended $?"; exit\n`);
  });
}

/** Its output. @throws Error with it when the command fails */
export async function inGuest(command: string, timeoutMs?: number): Promise<string> {
  const { code, output } = await runInGuest(command, timeoutMs);
  if (code !== 0) throw new Error(`in the guest ${command} failed (${code}): ${output}`);
  return output;
}

/** Runs until it is closed; a line as it comes. */
export function followInGuest(command: string, onLine: (line: string) => void): { close(): void } {
  const socket = connect(SHELL_PORT, NODE_ADDRESS);
  // Closed by us, or with the guest: whoever waits for a line notices.
  socket.on('error', () => undefined);
  socket.setEncoding('utf8').on('data', lineCutter(onLine));
  socket.write(`exec ${command}\n`);
  return { close: () => socket.destroy() };
}
