import type { RepositoryRef } from '#model/primitives.ts';

/**
 * Web address of a repository, from that of the API: github.com's, or that of a GitHub Enterprise Server, whose API lies
 * under /api/v3. null for any other, so that no link is guessed.
 */
export function repositoryUrl(apiUrl: string | undefined, { owner, name }: RepositoryRef): string | null {
  if (apiUrl === undefined || !URL.canParse(apiUrl)) return null;
  const { protocol, origin, host, pathname } = new URL(apiUrl);
  if (protocol !== 'https:' && protocol !== 'http:') return null;
  const path = `/${encodeURIComponent(owner)}/${encodeURIComponent(name)}`;
  if (host === 'api.github.com') return `https://github.com${path}`;
  return pathname.replace(/\/$/, '') === '/api/v3' ? `${origin}${path}` : null;
}
