// /proc/sys/kernel/random/boot_id: a uuid made anew at each boot (Documentation/admin-guide/sysctl/kernel.rst, "random").
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @throws Error naming the file when it can't be read or holds no uuid: without it, batches of two boots can't be told apart */
export function readBootId(procRoot: string): string {
  const file = join(procRoot, 'sys/kernel/random/boot_id');
  const text = readFileSync(file, 'latin1').trim();
  if (!UUID.test(text)) throw new Error(`${file} holds no uuid`);
  return text;
}
