// `npm run build:bpf`: compiles each program of this folder and writes it to generated/ as a light skeleton.
// `npm run check:bpf` (--check): are the committed headers those of these sources? By the sources' hash anywhere; where the same clang
// and bpftool are installed, byte for byte. Committed, so that the addon builds without either.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const here = import.meta.dirname ?? new URL('.', import.meta.url).pathname;
const generated = join(here, 'generated');
const INSTALL = 'apt-get install clang llvm bpftool libbpf-dev';

const programs = readdirSync(here)
  .filter((name) => name.endsWith('.bpf.c'))
  .map((name) => name.slice(0, -'.bpf.c'.length));

process.exitCode = process.argv.includes('--check') ? check() : build();

function build() {
  const { tools, missing } = installed();
  if (missing) return fail(`${missing} is not installed: ${INSTALL}`);
  for (const name of programs) {
    const header = skeleton(name, tools);
    if (header === undefined) return 1;
    writeFileSync(headerPath(name), header);
    process.stdout.write(`${name}: ${header.length} bytes\n`);
  }
  for (const path of strangers()) {
    rmSync(path);
    process.stdout.write(`removed ${path}\n`);
  }
  return 0;
}

function check() {
  const { tools } = installed();
  const wrong = [
    ...programs.flatMap((name) => problem(name, tools) ?? []),
    ...strangers().map((path) => `${path} has no source`),
  ];
  for (const each of wrong) process.stderr.write(`${each}\n`);
  if (wrong.length > 0) return fail('the committed headers are not those of the sources: npm run build:bpf');
  process.stdout.write(`${programs.length} headers match their sources\n`);
  return 0;
}

/** What is wrong with a program's committed header; undefined: nothing. */
function problem(name, tools) {
  if (!existsSync(headerPath(name))) return `${name} has no header`;
  const committed = readFileSync(headerPath(name), 'utf8');
  const [, hash, by] = /^\/\/ sources sha256:(\w+), (.*)\n/.exec(committed) ?? [];
  if (hash !== sourceHash(name)) return `${name} changed since its header was made`;
  if (by !== tools) {
    process.stdout.write(
      `${name}: made by ${by}, here is ${tools ?? 'no compiler'}: not compiled again, its sources' hash is right\n`,
    );
    return undefined;
  }
  return skeleton(name, tools) === committed ? undefined : `${name} compiles to something else`;
}

/** @returns the header's text; undefined: said why not */
function skeleton(name, tools) {
  const work = mkdtempSync(join(tmpdir(), 'headroom-bpf-'));
  try {
    const object = join(work, `${name}.o`);
    const machine = spawnSync('cc', ['-print-multiarch'], { encoding: 'utf8' }).stdout?.trim() ?? '';
    // Relative paths and a nameless directory: the same bytes on every machine.
    const options = '-target bpf -mcpu=v3 -O2 -g -fdebug-compilation-dir=. -Wall -Wextra -Werror -Wno-unused-parameter';
    const files = ['-idirafter', `/usr/include/${machine}`, '-c', `${name}.bpf.c`, '-o', object];
    const compiled = run('clang', [...options.split(' '), ...files]);
    const made = compiled && run('bpftool', ['gen', 'skeleton', '-L', object, 'name', name]);
    return made && `// sources sha256:${sourceHash(name)}, ${tools}\n${made}`;
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** A command's output; ' ' when it had none, undefined when it failed. */
function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: here, encoding: 'utf8' });
  if (!error && status === 0) return stdout === '' ? ' ' : stdout;
  process.stderr.write(`${command} ${args.join(' ')}\n${error ? error.message : stderr}\n`);
  return undefined;
}

/** Of the program and of every header of this folder that it includes, directly or not. */
function sourceHash(name) {
  const hash = createHash('sha256');
  const seen = new Set();
  const add = (file) => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(join(here, file), 'utf8');
    hash.update(`${file}\0${text}\0`);
    for (const [, included] of text.matchAll(/^#include "(.*)"$/gm)) add(included);
  };
  add(`${name}.bpf.c`);
  return hash.digest('hex');
}

/** The tools and their versions, as they are written into each header; or the first that is missing. */
function installed() {
  const versions = [];
  for (const [tool, option] of [
    ['clang', '--version'],
    ['bpftool', 'version'],
  ]) {
    const { status, stdout } = spawnSync(tool, [option], { encoding: 'utf8' });
    if (status !== 0) return { missing: tool };
    versions.push(`${tool} ${/v?\d+\.\d+\.\d+/.exec(stdout)?.[0]}`);
  }
  return existsSync('/usr/include/bpf/bpf_helpers.h') ? { tools: versions.join(', ') } : { missing: 'libbpf-dev' };
}

/** Headers of programs that are no more. */
function strangers() {
  return readdirSync(generated)
    .filter((file) => !programs.includes(file.slice(0, -'.lskel.h'.length)))
    .map((file) => join(generated, file));
}

function headerPath(name) {
  return join(generated, `${name}.lskel.h`);
}

function fail(text) {
  process.stderr.write(`${text}\n`);
  return 1;
}
