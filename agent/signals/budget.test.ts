import { expect, it } from 'vitest';
import { createBudget } from './budget.ts';

it('a budget gives so many a second, and anew in the next', () => {
  const take = createBudget(3);
  expect([0, 10, 20, 30, 999].map(take)).toEqual([true, true, true, false, false]);
  expect([1000, 1001, 1002, 1003].map(take)).toEqual([true, true, true, false]);
});

it('a budget is not lost for ever when the clock goes back', () => {
  const take = createBudget(1);
  expect([5000, 5001, 100, 101].map(take)).toEqual([true, false, true, false]);
});
