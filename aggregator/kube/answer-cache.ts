// Answers that are remembered for a time that each says itself, at most so many of them, the least recently used going first.
// Those who ask the same while it is being asked share one question.

export interface AnswerCacheOptions<Question, Answer> {
  readonly ask: (question: Question) => Promise<Answer>;
  /** How long an answer counts, ms; 0: it is for those who asked already. */
  readonly keepMs: (answer: Answer) => number;
  readonly mostKept: number;
  /** Monotonic, ms. */
  readonly clock: () => number;
}

interface Kept<Answer> {
  readonly answer: Answer;
  readonly untilMs: number;
}

export class AnswerCache<Question, Answer extends object> {
  readonly #options: AnswerCacheOptions<Question, Answer>;
  /** In the order of their last use. */
  readonly #kept = new Map<string, Kept<Answer>>();
  readonly #asked = new Map<string, Promise<Answer>>();

  constructor(options: AnswerCacheOptions<Question, Answer>) {
    this.#options = options;
  }

  get size(): number {
    return this.#kept.size;
  }

  /**
   * @param key tells this question from every other one
   * @returns at once what is remembered. A question that fails is remembered by nobody.
   */
  answer(key: string, question: Question): Answer | Promise<Answer> {
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      this.#kept.delete(key);
      if (this.#options.clock() < kept.untilMs) {
        this.#kept.set(key, kept);
        return kept.answer;
      }
    }
    const asked = this.#asked.get(key);
    if (asked !== undefined) return asked;
    const answer = this.#ask(key, question);
    this.#asked.set(key, answer);
    return answer;
  }

  async #ask(key: string, question: Question): Promise<Answer> {
    const { ask, keepMs, mostKept, clock } = this.#options;
    try {
      const answer = await ask(question);
      const lifeMs = keepMs(answer);
      if (lifeMs > 0) {
        this.#kept.set(key, { answer, untilMs: clock() + lifeMs });
        if (this.#kept.size > mostKept) this.#dropOldest();
      }
      return answer;
    } finally {
      this.#asked.delete(key);
    }
  }

  #dropOldest(): void {
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest);
      return;
    }
  }
}
