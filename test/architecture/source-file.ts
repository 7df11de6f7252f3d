// Source files as the architecture rules see them: a path, lines, and what they import.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

export interface Import {
  /** Path from the repository's root (agent/cgroup/layout.ts), or the package's name with its subpath. */
  readonly target: string;
  readonly local: boolean;
  /** `import type`: gone at run time. */
  readonly typeOnly: boolean;
}

export interface SourceFile {
  /** From the repository's root, with slashes. */
  readonly path: string;
  readonly lines: number;
  /** Without comments. */
  readonly code: string;
  readonly imports: readonly Import[];
}

/** @param path from the repository's root */
export function sourceFile(path: string, text: string): SourceFile {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
  return { path, lines: text.trimEnd().split('\n').length, code, imports: importsOf(path, code) };
}

/** All TypeScript files below the folders, tests too. @param root the repository */
export function sourceFiles(root: string, folders: readonly string[]): readonly SourceFile[] {
  return folders.flatMap((folder) =>
    filesBelow(join(root, folder))
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
      .map((file) => sourceFile(relative(root, file), readFileSync(file, 'utf8'))),
  );
}

export function isTest(file: SourceFile): boolean {
  return /\.test(-support)?\.ts$/.test(file.path) || file.path.startsWith('test/');
}

const STATIC = /^\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\bfrom\s+)?'([^']+)'/gm;
/** `import('x')`, also where it names a type. */
const DYNAMIC = /\bimport\(\s*'([^']+)'\s*[),]/g;

function importsOf(path: string, code: string): readonly Import[] {
  return [
    ...[...code.matchAll(STATIC)].map((match) => resolved(path, match[2]!, match[1] !== undefined)),
    ...[...code.matchAll(DYNAMIC)].map((match) => resolved(path, match[1]!, false)),
  ];
}

function resolved(from: string, specifier: string, typeOnly: boolean): Import {
  const local = specifier.startsWith('.');
  return { target: local ? normalize(join(dirname(from), specifier)) : specifier, local, typeOnly };
}

function filesBelow(folder: string): readonly string[] {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return entries
    .filter((entry) => entry.name !== 'node_modules')
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)]));
}
