// What the endpoint's JSON twins say, as far as the page reads it, and how it asks.
import type { NodeAnswer } from '../node-view.ts';
import type { DebugRow } from '../routes.ts';
import type { Series } from '../series.ts';
import type { SignalEntry } from '../signal-log.ts';

export type { DebugRow, NodeAnswer, Series, SignalEntry };

export interface RowsAnswer {
  readonly bootTimeMs: number;
  readonly wallTimeMs: number;
  readonly rows: readonly DebugRow[];
}

/** @throws when nobody answers, or not with 200 */
export async function ask<T>(path: string): Promise<T> {
  const response = await fetch(path, { cache: 'no-store' });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${(await response.text()).trim()}`);
  return (await response.json()) as T;
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as querySelector does
export function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element ${id}`);
  return found as T;
}

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  text: string,
  attributes: Readonly<Record<string, string>> = {},
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
