import { createServer } from 'node:http';

/** A GitHub on which every pull request is closed: a check that looks at one ends at once. */
export async function startClosedGitHub(): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, answer) => {
    request.resume();
    const body = answerOf(request.url ?? '');
    answer.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' });
    answer.end(JSON.stringify(body ?? { message: 'Not Found' }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answerOf(url: string): unknown {
  if (/\/app\/installations\/\d+\/access_tokens$/.test(url))
    return { token: 'ghs_bench', expires_at: new Date(Date.now() + 3_600_000).toISOString(), permissions: {}, repository_selection: 'all' };
  const [, repository, number] = /\/repos\/([^/]+\/[^/]+)\/pulls\/(\d+)$/.exec(url) ?? [];
  if (repository === undefined) return undefined;
  const repo = { full_name: repository };
  return {
    number: Number(number),
    title: 'A change',
    state: 'closed',
    user: { login: 'operator' },
    base: { ref: 'dev', sha: '2'.repeat(40), repo },
    head: { ref: 'change', sha: '1'.repeat(40), repo },
    mergeable: null,
  };
}
