import { InputError, NotFoundError } from '#model/errors.ts';
import type { Secrets } from '#ports/secrets.ts';
import { GitHubAppSecret } from './environment.ts';

/** The GitHub App's secret. @throws NotFoundError, InputError with what to do; never with the secret's content */
export async function loadGitHubApp(secrets: Secrets, id: string): Promise<GitHubAppSecret> {
  const text = await secrets.get(id);
  if (text === undefined) throw new NotFoundError(`there is no secret ${id}; create it with the GitHub App's settings (docs/configure.md)`);
  const parsed = GitHubAppSecret.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => issue.path.join('.') || 'the whole').join(', ');
  throw new InputError(`the secret ${id} has the wrong shape in: ${fields}; docs/configure.md shows it`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
