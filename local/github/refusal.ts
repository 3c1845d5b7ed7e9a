/** An answer that refuses a request, in GitHub's words and shape. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly errors: readonly unknown[];

  constructor(status: number, message: string, errors: readonly unknown[] = []) {
    super(message);
    this.status = status;
    this.errors = errors;
  }
}

/** 422 as GitHub gives it for a field. */
export function invalid(message: string, errors: readonly unknown[] = []): Refusal {
  return new Refusal(422, message, errors);
}

export function notFound(): Refusal {
  return new Refusal(404, 'Not Found');
}
