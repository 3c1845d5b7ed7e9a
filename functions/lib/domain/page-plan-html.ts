import { keys } from './names.ts';
import { PAGE_STYLE } from './page-style.ts';
import { html } from './page-template.ts';
import { cutText } from './plan-text.ts';

/**
 * Most characters of a plan that are shown. A function answers at most 6 MiB; escaped, and then as JSON, a character takes up to
 * 6 bytes.
 */
const SHOWN = 900_000;

/** A plan as it lies in S3: its Markdown as plain text, since it quotes files of whoever proposed the change. */
export function planPageHtml(hash: string, text: string): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Plan ${hash.slice(0, 12)}</title>
<style>${{ html: PAGE_STYLE }}</style>
</head>
<body>
<header><h1><a href="/">Fleet</a></h1><span>plan <code>${keys.plan(hash)}</code></span></header>
<main><pre>${cutText(text, SHOWN, `${keys.plan(hash)} in the hub's bucket`)}</pre></main>
</body>
</html>
`;
  return page.html;
}
