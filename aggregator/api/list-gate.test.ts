import { expect, it } from 'vitest';
import { createListGate } from './list-gate.ts';

it('lets in as many as it may, and another one when one has left', () => {
  const gate = createListGate(2);
  const leave = gate.enter()!;
  expect(gate.enter()).toBeDefined();
  expect(gate.enter()).toBeUndefined();
  leave();
  leave(); // leaving twice frees one place
  expect(gate.enter()).toBeDefined();
  expect(gate.enter()).toBeUndefined();
});
